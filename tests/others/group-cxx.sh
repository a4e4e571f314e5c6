# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-cxx.sh - a host in C++.

if have "C++" g++ test -n "$CXX"; then
	cxx() {
		# shellcheck disable=SC2086
		$CXX -std=c++17 -O1 -g -Wall -Wextra -Werror -pthread \
			-I"$top_srcdir/include" -I"$top_builddir/include" \
			-o "$scratch/cxx" "$here/cxx.cc" -L"$library" -lmodiso \
			-Wl,-rpath,"$library"
	}
	expect_command "C++: a program is built" cxx
	expect "C++: threads and exceptions" "$scratch/cxx"
fi
