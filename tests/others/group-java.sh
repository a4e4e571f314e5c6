# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-java.sh - a Java program with modules, through JNI.

if have "Java" default-jdk-headless test -n "$JAVAC"; then
	java_home=$(dirname "$(dirname "$(readlink -f "$(command -v \
		"$JAVAC")")")")
	if "$JAVAC" -d "$scratch" "$here/Others.java" \
		>"$scratch/output" 2>&1 &&
		host java_others -shared -fPIC -I"$java_home/include" \
			-I"$java_home/include/linux" -o \
			"$scratch/libjava_others.so" >>"$scratch/output" 2>&1; then
		expect "Java: null checks, overflows, collections, 4 threads" \
			"$java_home/bin/java" -Xmx256m -XX:-UsePerfData \
			-XX:ErrorFile="$scratch/hs_err.log" -cp "$scratch" Others \
			"$scratch/libjava_others.so"
	else
		not_ok "Java: the program is built" <"$scratch/output"
	fi
fi
