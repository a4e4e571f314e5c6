#!/bin/sh
# SPDX-License-Identifier: MIT
#
# readme.sh - what README tells a reader to type works: its programs compile as
# shown and print what is shown, and what it names is there.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

readme=$top_srcdir/README

# The program: from its first comment to the next line that is not indented.
sed -n '/^	\/\* start\.c /,/^	\$ /{ /^	\$ /d; s/^	//; p }' "$readme" \
	>"$scratch/start.c"
command=$(sed -n 's/^	\$ \(cc -o start .*\)/\1/p' "$readme")
expect_command "README has a program and its command" \
	test -s "$scratch/start.c" -a -n "$command"

# The command as it stands, but for the compiler's name and for where this
# library lies.
command=$(echo "$command" | sed 's/^cc //')
expect_command "the program compiles with that command" \
	env PKG_CONFIG_PATH="$top_builddir" sh -c \
	"cd '$scratch' && $CC -Wall -Wextra -Werror $command"

LD_LIBRARY_PATH=$top_builddir/lib/.libs
export LD_LIBRARY_PATH
# What is printed, without the address and what README has left out.
expected=$(sed -n '/^	\$ \.\/start$/{ n; s/^	//; s/ at 0x.*//; p; }' "$readme")
for backend in mprotect pkey; do
	if ! "$top_builddir/tools/modiso-info" --backend $backend --quiet; then
		skip "it prints what README shows, on $backend" \
			"$backend is not usable here"
		continue
	fi
	MODISO_BACKEND=$backend "$scratch/start" >"$scratch/output" 2>&1
	if grep -qF "$expected at 0x" "$scratch/output"; then
		ok "it prints what README shows, on $backend"
	else
		not_ok "it prints what README shows, on $backend" \
			<"$scratch/output"
	fi
done

# The second program, of a library from its header. check-real.sh has it run, as
# it has a C library for modules.
sed -n '/^	\/\* picture\.cc /,/^	\$ /{ /^	\$ /d; s/^	//; p }' "$readme" \
	>"$scratch/picture.cc"
sed -n '/^	\$ modiso-bind /,/^$/{ s/^	\$ //; p }' "$readme" \
	>"$scratch/bind"
command=$(sed -n 's/^	\$ c++ \(.*-o picture .*\)/\1/p' "$readme")
run=$(sed -n 's/^	\$ \.\/picture //p' "$readme")
MODISO_BIND_PARTS=$top_srcdir/tools/bind
MODISO_RUNTIME=$top_builddir/runtime/libmodiso-module.a
export MODISO_BIND_PARTS MODISO_RUNTIME
libc=$("$top_builddir/tools/modiso-libc" where)
# shellcheck disable=SC2086 # CC may hold options
archive=$($CC -print-file-name=libpng16.a)
(
	cd "$scratch" && PATH=$top_builddir/tools:$PATH sh ./bind
) >"$scratch/output" 2>&1
status=$?
if [ $status -eq 4 ] || [ ! -e "$archive" ] || [ -z "$CXX" ] ||
	[ ! -e "$libc/lib/libc.a" ] || [ ! -e "$run" ]; then
	skip "the second program" \
		"no modiso-libc, python3-clang, libpng-dev, C++ or $run"
elif [ $status -ne 0 ]; then
	not_ok "modiso-bind with the arguments shown" <"$scratch/output"
else
	expect_command "the second program compiles with that command" \
		env PKG_CONFIG_PATH="$top_builddir" sh -c \
		"cd '$scratch' && $CXX -Wall -Wextra -Werror $command"
	expected=$(sed -n '/^	\$ \.\/picture /{ n; s/^	//; p; }' "$readme")
	(cd "$scratch" && ./picture "$run") >"$scratch/output" 2>&1
	if [ "$(cat "$scratch/output")" = "$expected" ]; then
		ok "the second program prints what README shows"
	else
		not_ok "the second program prints what README shows" \
			<"$scratch/output"
	fi
	head -c 900 "$run" >"$scratch/half.png"
	if ! (cd "$scratch" && ./picture half.png) >"$scratch/output" 2>&1 &&
		[ ! -s "$scratch/output" ]; then
		ok "half of a file is an error of the library's"
	else
		not_ok "half of a file is an error of the library's" \
			<"$scratch/output"
	fi
fi

# Files and directories of the clone, make targets, manual pages.
grep -oE '(^|[[:space:]"])(include|lib|tools|examples|bench|tests|doc)/[A-Za-z0-9_/.-]*' \
	"$readme" | sed 's/^[[:space:]"]*//; s/[.,;]*$//' | sort -u |
	while read -r path; do
		[ -e "$top_srcdir/$path" ] || [ -e "$top_builddir/$path" ] ||
			echo "$path"
	done >"$scratch/complaints"
expect_empty "$scratch/complaints" "files that README names are there"

grep -oE '(^	|")make [a-z][a-z-]*' "$readme" | sed 's/.*make //' | sort -u |
	while read -r target; do
		grep -q "^$target:" "$top_builddir/Makefile" || echo "$target"
	done >"$scratch/complaints"
expect_empty "$scratch/complaints" "make targets that README names are there"

grep -oE 'man [137] modiso[a-z_.-]*' "$readme" | sed 's/\.$//' | sort -u |
	while read -r _ section name; do
		[ -e "$top_srcdir/doc/man/man$section/$name.$section" ] ||
			[ -e "$top_srcdir/doc/man/$name.$section" ] ||
			[ -e "$top_builddir/doc/man/man$section/$name.$section" ] ||
			echo "$name($section)"
	done >"$scratch/complaints"
expect_empty "$scratch/complaints" "manual pages that README names are there"

finish
