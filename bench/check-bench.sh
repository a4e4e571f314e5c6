#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-bench.sh - the benchmark measures what it says it does, in every form.
# What the numbers are is no question of a test.

set -u
. "$top_srcdir/tests/dist/tap.sh"

bench=$top_builddir/bench/modiso-bench

# run WANTED-STATUS ARGUMENT... - output into $scratch/out and $scratch/err
run() {
	wanted=$1
	shift
	"$bench" "$@" >"$scratch/out" 2>"$scratch/err"
	status=$?
	[ "$status" -eq "$wanted" ] && return
	echo "modiso-bench $* ended with $status, not $wanted" >>"$scratch/err"
	return 1
}

# result TEXT - of the command before: its output if it is not 0
result() {
	if [ $? -eq 0 ]; then
		ok "$1"
	else
		cat "$scratch/out" "$scratch/err" >"$scratch/both"
		not_ok "$1" <"$scratch/both"
	fi
}

# rows - those with numbers; every one of them must be more than 0
rows() {
	awk -F '\t' '/^#/ { next } NF != 8 { exit 1 }
		$1 != "backend" { if ($4 <= 0 || $5 < $4 || $6 < $5) exit 1
			count++ }
		END { exit !count }' "$scratch/out"
}

run 0 --quick && rows && ! grep -q FAILED "$scratch/out"
result "--quick: every row has its numbers"
for row in 'plain call' 'getpid' 'mprotect pair' 'sigsetjmp' 'pipe' 'futex' \
	'gate: thunk' 'gate: modiso_gate_call' 'gate: two modules' \
	'service: called' 'service: a dispatcher' \
	'nested:' 'window:' 'fault:' 'dlopen' 'image: load'; do
	grep -q "	$row" "$scratch/out"
	result "--quick: there is a row: $row"
done
for fact in cpu kernel 'backend pkey' 'backend mprotect' mitigation clock \
	method; do
	grep -q "^# $fact[^:]*: .." "$scratch/out"
	result "the header says: $fact"
done
grep -q '^# ratio: mprotect: gate to another module' "$scratch/out"
result "there are ratios"

run 0 --backend mprotect --rows fault && rows &&
	[ "$(grep -vc '^#' "$scratch/out")" -eq 2 ]
result "--backend and --rows choose"
run 0 --backend none --rows '*getpid*' && rows &&
	! grep -q '^mprotect' "$scratch/out"
result "--backend none: only the comparisons"
run 0 --quick --table --rows plain && grep -q '^  plain call' "$scratch/out" &&
	grep -q '^nanoseconds for each call' "$scratch/out"
result "--table"

run 0 --quick --json && grep -q '"ratios"' "$scratch/out"
result "--json"
if command -v python3 >/dev/null; then
	python3 -c 'import json, sys
for row in json.load(sys.stdin)["rows"]:
    assert "reason" in row or row["median"] >= row["least"] > 0' \
		<"$scratch/out" 2>"$scratch/err"
	result "--json: that is JSON, and every row has its numbers"
else
	skip "--json: that is JSON, and every row has its numbers" "no python3"
fi

run 3 --count-instructions && grep -q 'icount' "$scratch/err"
result "--count-instructions: refused by a clock that counts time"
run 2 --backend sgx && grep -q "found 'sgx'" "$scratch/err"
result "an unknown backend"
run 0 --help && grep -q '^usage:' "$scratch/out"
result "--help"

finish
