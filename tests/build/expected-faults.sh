#!/bin/sh
# SPDX-License-Identifier: MIT
#
# expected-faults.sh - <modiso/test.h>: tests that prove that a stray write
# faults, for Check and for GoogleTest, pass when it does and fail when it does
# not; the examples of modiso-testing(7) are among them.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

unset MODISO_BACKEND MODISO_OPTIONS
LD_LIBRARY_PATH=$top_builddir/lib/.libs
export LD_LIBRARY_PATH
page=$top_srcdir/doc/man/man7/modiso-testing.7

# example NAME - a program of the manual page: what follows .\" example NAME
example() {
	sed -n "/^\.\\\\\" example $1\$/,/^\.EE/p" "$page" | grep -v '^\.' |
		sed 's/\\e/\\/g; s/\\-/-/g'
}

# compile COMPILER FILE NAME LIBRARIES
compile() {
	compiler=$1 file=$2 name=$3
	shift 3
	# shellcheck disable=SC2086 # words
	expect_command "${file##*/} compiles without a warning" \
		$compiler -Wall -Wextra -Wconversion -Wshadow -Werror \
		-I"$top_srcdir/include" -I"$top_builddir/include" \
		-o "$scratch/$name" "$file" -L"$top_builddir/lib/.libs" \
		-lmodiso "$@"
}

# runs NAME STATUS TEXT [PATTERN]
runs() {
	"$scratch/$1" >"$scratch/output" 2>&1
	status=$?
	[ -n "${4:-}" ] || echo >>"$scratch/output"
	if [ "$status" -eq "$2" ] && grep -qE -- "${4:-}" "$scratch/output"; then
		ok "$3"
	else
		echo "status $status" >>"$scratch/output"
		not_ok "$3" <"$scratch/output"
	fi
}

example c >"$scratch/plain.c"
compile "$CC" "$scratch/plain.c" plain
runs plain 0 "the page's program proves that the stray write faults"

# The same with a module that does nothing wrong, and with another place.
sed 's/\*address = 1;/(void)address;/' "$scratch/plain.c" >"$scratch/none.c"
compile "$CC" "$scratch/none.c" none
runs none 1 "without the write it says so" \
	'^expected a fault \(access\), and there were 0$'
sed 's/secret, 100)/secret, 99)/' "$scratch/plain.c" >"$scratch/place.c"
compile "$CC" "$scratch/place.c" place
runs place 1 "another place is another fault" \
	'^expected a fault \(access\) at offset 99 .* at offset 100$'
sed 's/MODISO_FAULT_ACCESS/MODISO_FAULT_STACK/' "$scratch/plain.c" \
	>"$scratch/kind.c"
compile "$CC" "$scratch/kind.c" kind
runs kind 1 "and so is another kind" \
	'^expected a fault \(stack\), and module "?buggy"? faulted \(access\)'

if $PKG_CONFIG --exists check; then
	example check >"$scratch/check.c"
	# shellcheck disable=SC2046 # words
	compile "$CC" "$scratch/check.c" check $($PKG_CONFIG --libs check)
	runs check 0 "with Check: gate and scope" '100%: Checks: 2, Failures: 0'
	sed 's/\*address = 1;/(void)address;/' "$scratch/check.c" \
		>"$scratch/check_none.c"
	# shellcheck disable=SC2046 # words
	compile "$CC" "$scratch/check_none.c" check_none \
		$($PKG_CONFIG --libs check)
	runs check_none 1 "where nothing faults both tests fail" \
		'0%: Checks: 2, Failures: 2'
else
	skip "with Check" "it is not installed"
fi

if [ -n "${CXX:-}" ] && $PKG_CONFIG --exists gtest_main; then
	example gtest >"$scratch/gtest.cc"
	# shellcheck disable=SC2046 # words
	compile "$CXX -std=c++17" "$scratch/gtest.cc" gtest \
		$($PKG_CONFIG --libs gtest_main)
	runs gtest 0 "with GoogleTest: expect, assert and scope" \
		'PASSED.* 3 tests'
	sed 's/\*address = 1;/(void)address;/' "$scratch/gtest.cc" \
		>"$scratch/gtest_none.cc"
	# shellcheck disable=SC2046 # words
	compile "$CXX -std=c++17" "$scratch/gtest_none.cc" gtest_none \
		$($PKG_CONFIG --libs gtest_main)
	runs gtest_none 1 "where nothing faults all three fail" \
		'3 FAILED TESTS'
else
	skip "with GoogleTest" "it is not installed"
fi

finish
