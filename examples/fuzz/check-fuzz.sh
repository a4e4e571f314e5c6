#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-fuzz.sh - both fuzzers find the mistake of the example's parser, and
# see it at the module's own instruction.

set -u
# shellcheck source-path=SCRIPTDIR source=../../tests/dist/tap.sh
. "$top_srcdir/tests/dist/tap.sh"

bin=$top_builddir/examples/fuzz
seeds=$scratch/seeds
[ -x "$bin/fuzz-libfuzzer" ] ||
	skip_all "not configured with --enable-fuzzers"
MODISO_FUZZ_MODULE=$bin/parser.so
export MODISO_FUZZ_MODULE
unset MODISO_BACKEND
cd "$scratch" || exit 1
sh "$top_srcdir/examples/fuzz/seeds.sh" seeds

# says FILE PATTERN TEXT
says() {
	if grep -qE -- "$2" "$1"; then
		ok "$3"
	else
		tail -n 30 "$1" | not_ok "$3"
	fi
}

# Inputs without a fault, thousands of them, in one process.
mkdir clean
cp "$seeds"/* clean
timeout 120 "$bin/fuzz-libfuzzer" -runs=0 clean >out 2>&1
expect_command "the seeds do no harm: $?" grep -q 'Done' out
says out 'Loaded 1 modules +\([1-9][0-9]* inline 8-bit counters\)' \
	"libFuzzer sees the module's counters, and no others"

mkdir new
timeout 300 "$bin/fuzz-libfuzzer" -seed=1 -runs=2000000 new "$seeds" \
	>out 2>&1
says out 'instruction 0x[0-9a-f]+, set_colour \+ ' \
	"libFuzzer finds the mistake; the report names the function"
pc=$(sed -n 's/^  instruction \(0x[0-9a-f]*\), .*/\1/p' out | head -n 1)
says out "AddressSanitizer: SEGV .*\\(pc $pc " \
	"the fuzzer sees the module's program counter"
says out 'Test unit written to ./crash-' "and keeps the input"
crash=$(find . -name 'crash-*' | head -n 1)
timeout 60 "$bin/fuzz-libfuzzer" "$crash" >out 2>&1
says out 'set_colour \+ ' "the input does it again, alone"

if ! command -v afl-fuzz >/dev/null; then
	skip "AFL++ finds the mistake" "no afl-fuzz"
	finish
	exit 0
fi
AFL_SKIP_CPUFREQ=1 AFL_I_DONT_CARE_ABOUT_MISSING_CRASHES=1 AFL_NO_UI=1 \
	AFL_NO_AFFINITY=1 AFL_BENCH_UNTIL_CRASH=1 timeout 300 \
	afl-fuzz -s 1 -t 10000 -i "$seeds" -o afl -E 500000 -- \
	"$bin/fuzz-afl" >out 2>&1
crash=$(find afl/default/crashes -name 'id:*' 2>/dev/null | head -n 1)
if [ -n "$crash" ]; then
	ok "AFL++ finds the mistake"
else
	tail -n 30 out | not_ok "AFL++ finds the mistake"
fi
edges=$(sed -n 's/^edges_found *: *//p' afl/default/fuzzer_stats)
expect_command "and its map has the module's places: $edges" \
	test "${edges:-0}" -gt 10
"$bin/fuzz-libfuzzer" "$crash" >out 2>&1
says out 'set_colour \+ ' "it is the same one"

finish
