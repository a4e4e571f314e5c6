#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-fuzz.sh TREE DIRECTORY - build in DIRECTORY a module that has an input,
# and libFuzzer and AFL++ for it, with the ThreadX tree TREE, which has this
# port. On each backend both must find the mistake of fuzz_module.c, and the
# input must do it again alone.
#
# What is not installed is named, and left out.

set -eu

if [ $# -ne 2 ]; then
	echo 'usage: check-fuzz.sh TREE DIRECTORY' >&2
	exit 2
fi
tree=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"

if ! command -v clang >/dev/null; then
	echo 'fuzzers: left out, no clang'
	exit 0
fi
# The others of the project are not wanted here.
cmake -S "$tree/ports_module/linux/gnu/example_build" -B . -DTREE="$tree" \
	-DCMAKE_C_COMPILER=clang -DCMAKE_BUILD_TYPE=RelWithDebInfo
cmake --build . -j "$(nproc)" --target fuzzers

# finds BACKEND WHO INPUT - the input is a file, and names the mistake
finds() {
	if [ ! -f "$3" ]; then
		tail -n 30 "$2.out" >&2
		echo "fuzzers: $1: $2 has not found the mistake" >&2
		exit 1
	fi
	MODISO_BACKEND=$1 ./fuzz_libfuzzer "$3" >again.out 2>&1 || :
	if ! grep -q 'past the end of region "external memory"' again.out ||
		! grep -q 'in the source: .*fuzz_module.c:' again.out; then
		tail -n 30 again.out >&2
		echo "fuzzers: $1: what $2 has found does not do it again" >&2
		exit 1
	fi
	echo "$1: $2 finds the mistake: $(sed -n \
		's/^  in the source: //p' again.out)"
}

backends=mprotect
grep -qw ospke /proc/cpuinfo && backends='pkey mprotect'
mkdir -p seeds
printf '\007\003\000\001' >seeds/read
printf '\007\020\000\002ab' >seeds/write

for backend in $backends; do
	if [ ! -x fuzz_libfuzzer ]; then
		echo 'fuzzers: left out, clang has no libFuzzer' \
			'(Debian: libclang-rt-14-dev, or of clang'"'"'s version)'
		exit 0
	fi
	rm -f crash-*
	MODISO_BACKEND=$backend ./fuzz_libfuzzer -seed=1 -runs=1000000 \
		>libFuzzer.out 2>&1 || :
	finds "$backend" libFuzzer "$(echo crash-*)"
	if [ ! -x fuzz_afl ] || ! command -v afl-fuzz >/dev/null; then
		echo 'fuzzers: AFL++ is left out, not installed (Debian: afl++)'
		continue
	fi
	rm -rf afl
	MODISO_BACKEND=$backend AFL_SKIP_CPUFREQ=1 AFL_NO_UI=1 \
		AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_AFFINITY=1 \
		AFL_BENCH_UNTIL_CRASH=1 afl-fuzz -s 1 -t 10000 -E 500000 \
		-i seeds -o afl -- ./fuzz_afl >AFL++.out 2>&1 || :
	finds "$backend" AFL++ "$(echo afl/default/crashes/id:*)"
done
