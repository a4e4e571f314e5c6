#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-bench.sh - the benchmark measures what it says it does, in every form.
# What the numbers are is no question of a test.

set -u
. "$top_srcdir/tests/dist/tap.sh"

bench=$top_builddir/bench/modiso-bench

# run WANTED-STATUS ARGUMENT...
run() {
	wanted=$1
	shift
	ends_with "$wanted" "$bench" "$@"
}

# rows - those with numbers; every one of them must be more than 0
rows() {
	awk -F '\t' '/^#/ || NF == 0 { next } NF != 12 { exit 1 }
		$1 != "backend" { if ($4 <= 0 || $10 < 1) exit 1
			for (i = 5; i <= 9; i++) if ($i < $(i - 1)) exit 1
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

run 0 --backend mprotect --seconds 2 --threads 2 --rows threads: && rows &&
	[ "$(grep -c '^mprotect' "$scratch/out")" -eq 2 ] &&
	grep -q 'one module, threads: 2' "$scratch/out"
result "--threads chooses"
run 0 --backend none --seconds 1 --rows getpid --csv &&
	[ "$(awk -F, 'END { print NF, NR }' "$scratch/out")" = '13 2' ]
result "--csv"
run 0 --backend none --seconds 1 --rows getpid --histogram &&
	grep -q '#$' "$scratch/out"
result "--histogram"
run 0 --backend none --seconds 2 --rows pair
grep -q '^modiso-bench: 100 %' "$scratch/err" &&
	[ "$(grep -c '^modiso-bench: ' "$scratch/err")" -le 11 ]
result "how far it is, on standard error, is told in tenths"

# An earlier run in which a call took one nanosecond, and one with a second.
earlier() {
	awk -v ns="$1" 'BEGIN {
		printf "{\"backend\":\"-\",\"row\":\"%s\",\"unit\":\"ns\",",
			"getpid, the bare system call"
		printf "\"least\":%s,\"median\":%s,\"blocks\":[%s", ns, ns, ns
		for (i = 1; i < 20; i++)
			printf ",%s", ns
		print "]}" }' >"$scratch/earlier.json"
}
compare() {
	run "$1" --backend none --seconds 1 --rows getpid \
		--compare "$scratch/earlier.json"
}
earlier 1
compare 4 && grep -q '^# SLOWER .*getpid' "$scratch/out"
result "--compare: slower"
earlier 1000000000
compare 0 && grep -q '^# FASTER .*getpid' "$scratch/out"
result "--compare: faster"
run 0 --backend none --seconds 1 --rows getpid --json
cp "$scratch/out" "$scratch/earlier.json"
sed -i 's/"blocks":.*\]/"blocks":[]/' "$scratch/earlier.json"
compare 0 && grep -q '^# same .*getpid' "$scratch/out"
result "--compare: what is not known to differ is the same"
echo '{}' >"$scratch/earlier.json"
compare 2 && grep -q 'has no row' "$scratch/err"
result "--compare: a file of something else"
rm "$scratch/earlier.json"
compare 2 && grep -q 'No such file' "$scratch/err"
result "--compare: no file"

# What one row needs is not there while others are measured: with page
# permissions a guarded region of the host is closed by each call of a gate.
MODISO_OPTIONS=picture=$scratch/modules run 0 --backend mprotect --quick \
	--rows 'gate: thunk, 1 argument' &&
	cat "$scratch"/modules.*.dot >"$scratch/out" &&
	grep -q 'label="module ' "$scratch/out" &&
	! grep 'label="host' "$scratch/out" >>"$scratch/err"
result "no guarded region but in rows of those"

# ended SIGNAL - a long run that is ended when it has its first samples, as by
# Ctrl-C or timeout(1): the workers get the signal as well.
ended() {
	mkfifo "$scratch/progress"
	setsid "$bench" --backend none --seconds 30 \
		>"$scratch/out" 2>"$scratch/progress" &
	while IFS= read -r line; do
		case $line in *' ns') kill -s "$1" -- "-$!" ;; esac
	done <"$scratch/progress" 2>"$scratch/err"
	wait "$!" && grep -q 'getpid.*round trip.*[0-9]' "$scratch/out"
	set -- $?
	rm "$scratch/progress"
	return "$1"
}
for signal in INT TERM; do
	ended $signal
	result "SIG$signal ends the measuring, and not the report"
done

if command -v gnuplot >/dev/null; then
	run 0 --quick --plot "$scratch/picture.svg" >/dev/null &&
		grep -q '</svg>' "$scratch/picture.svg" &&
		[ ! -s "$scratch/gnuplot" ]
	result "--plot: an SVG"
	# Each leaves other charts empty.
	for rows in getpid fault 'in turn' 'gate: thunk'; do
		run 0 --quick --rows "$rows" --plot "$scratch/few.svg" &&
			grep -q '</svg>' "$scratch/few.svg" &&
			grep -q 'not measured' "$scratch/few.svg" &&
			! grep -iE 'gnuplot|warning|line [0-9]' "$scratch/err"
		result "--plot: an SVG of few rows: $rows"
	done
	run 2 --quick --rows 'dlopen' --plot "$scratch/none.svg" &&
		grep -q 'no chart for the rows' "$scratch/err" &&
		[ ! -e "$scratch/none.svg" ]
	result "--plot of rows that are in no chart"
else
	skip "--plot: an SVG" "no gnuplot: install the package gnuplot-nox"
fi
PATH=/nowhere run 3 --quick --plot "$scratch/none.svg" &&
	grep -q 'Debian package gnuplot-nox' "$scratch/err"
result "--plot without gnuplot: the package is named"

run 3 --count-instructions && grep -q 'icount' "$scratch/err"
result "--count-instructions: refused by a clock that counts time"
run 2 --backend sgx && grep -q "found 'sgx'" "$scratch/err"
result "an unknown backend"
run 2 --rows nonsense && grep -q "no row here has 'nonsense'" "$scratch/err"
result "--rows that name nothing"
run 2 --threads 3 && grep -q "found '3'" "$scratch/err"
result "a number of threads that there is no row for"
run 2 --plot picture.gif && grep -q "found 'picture.gif'" "$scratch/err"
result "a picture of another kind"
run 0 --version && grep -q '^modiso-bench (libmodiso) [0-9.]*$' "$scratch/out"
result "--version"
run 0 -h && grep -q '^usage:' "$scratch/out"
result "-h"
run 0 --help && grep -q '^usage:' "$scratch/out"
result "--help"

finish
