#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fuzzers.sh - the fuzzers can be built, and get through a moment's work.

set -u
# shellcheck source-path=SCRIPTDIR/../dist source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

echo 'int LLVMFuzzerTestOneInput(const char *b, long n) { return *b && n; }' \
	>"$scratch/none.c"
clang -fsanitize=fuzzer,address -o "$scratch/none" "$scratch/none.c" \
	2>/dev/null ||
	skip_all "no clang with libFuzzer (Debian: clang, libclang-rt-14-dev)"
unset MAKEFLAGS MFLAGS MAKELEVEL

cd "$top_builddir/tests" || exit 1
expect_command "fuzzers and seeds are made" "${MAKE:-make}" -s fuzz
for fuzzer in image needed scan; do
	seeds=$fuzzer
	[ "$fuzzer" != needed ] || seeds=image
	expect_command "fuzz-$fuzzer takes its seeds further" \
		"./fuzz-$fuzzer" -seed=1 -runs=3000 "seeds/$seeds"
done
finish
