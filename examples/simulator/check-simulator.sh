#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-simulator.sh - the simulator's results: the same with every isolation
# and any number of threads; breaches reported and contained; mistakes in a
# scenario named.

set -u
. "$top_srcdir/tests/dist/tap.sh"

simulator=$top_builddir/examples/simulator/simulator
scenarios=$top_srcdir/examples/simulator

# run WANTED-STATUS ARGUMENT...
run() {
	wanted=$1
	shift
	ends_with "$wanted" "$simulator" "$@"
}

digest() {
	sed -n 's/.*digest //p' "$scratch/out"
}

# same SCENARIO ISOLATION THREADS - has the digest of the scenario's first run
same() {
	run 0 --quiet --isolation "$2" --threads "$3" "$scenarios/$1.sim" &&
		grep -q INTACT "$scratch/out" &&
		[ "$(digest)" = "$first" ] && [ ! -s "$scratch/err" ]
	result "$1: the same result with $2, $3 thread(s)"
}

for scenario in clean buggy; do
	run 0 --quiet --isolation mprotect --threads 1 \
		"$scenarios/$scenario.sim"
	result "$scenario: runs"
	first=$(digest)
	same $scenario auto 2
	same $scenario mprotect 2
	same $scenario mprotect 7
	if run 3 --quiet --isolation pkey "$scenarios/$scenario.sim"; then
		skip "$scenario: the same result with pkey" "no protection keys"
	else
		same $scenario pkey 1
		same $scenario pkey 2
		same $scenario pkey 7
	fi
	[ $scenario = buggy ] || same $scenario none 3
done

# A page fault of the host ends in one rt_sigreturn(2). The scenario has 300
# ticks; faults are left for commands that are put into a closed mailbox.
faults='clean: the host works on its tables without page faults'
if strace -o /dev/null true 2>"$scratch/err"; then
	ASAN_OPTIONS="${ASAN_OPTIONS-}:detect_leaks=0" \
		strace -f -e trace=rt_sigreturn -o "$scratch/trace" \
		"$simulator" --quiet --isolation mprotect --threads 1 \
		"$scenarios/clean.sim" >"$scratch/out" 2>"$scratch/err" &&
		[ "$(grep -c rt_sigreturn "$scratch/trace")" -lt 150 ]
	result "$faults"
else
	skip "$faults" "strace (package strace) does not run here"
fi

run 0 "$scenarios/buggy.sim" &&
	grep -q 'FAULT of dma0' "$scratch/out" &&
	grep -q 'dma0 is taken out of service' "$scratch/out" &&
	grep -q 'device table' "$scratch/out" &&
	grep -q 'dma_fill' "$scratch/out" &&
	grep -q 'timer_expire' "$scratch/out" &&
	grep -q 'filter0 is reset' "$scratch/out" &&
	grep -q 'timer0 is taken out of service' "$scratch/out" &&
	grep -q 'refused 1 call(s) of disk0' "$scratch/out" &&
	grep -q 'uart0: received "still here"' "$scratch/out" &&
	grep -q '3 fault(s), 1 call(s) refused' "$scratch/out"
result "buggy: every breach is reported, and life goes on"

run 1 --isolation none --until 140 "$scenarios/buggy.sim" &&
	grep -q "CORRUPTION of the kernel's device table" "$scratch/out" &&
	grep -q 'CORRUPTED: first at tick 120' "$scratch/out"
result "buggy without isolation: the tables are corrupted"

run 1 --isolation none "$scenarios/buggy.sim" &&
	grep -q 'DIED of signal' "$scratch/out"
result "buggy without isolation, to the end: the program dies"

run 0 --json "$scenarios/buggy.sim" &&
	[ "$(wc -l <"$scratch/out")" -eq 4 ] &&
	[ "$(grep -c '^{.*}$' "$scratch/out")" -eq 4 ] &&
	tail -n 1 "$scratch/out" | grep -q '"result":"intact"' &&
	grep -q INTACT "$scratch/err"
result "--json: a line for each fault and one for the result"

if command -v python3 >/dev/null; then
	python3 -c 'import json, sys
for line in sys.stdin: json.loads(line)' <"$scratch/out" 2>"$scratch/err"
	result "--json: that is JSON"
else
	skip "--json: that is JSON" "no python3"
fi

# malformed PLACE LINE... - refused with status 2, and the place is named
malformed() {
	place=$1
	shift
	printf '%s\n' "$@" >"$scratch/bad.sim"
	run 2 "$scratch/bad.sim" &&
		grep -q "^$scratch/bad.sim:$place: expected " "$scratch/err"
	result "malformed: $place: $(printf '%s\n' "$@" | tail -n 1)"
}

head='ticks 10
memory 64k
device a uart irq=1'
malformed 1:1 'tocks 10'
malformed 1:7 'ticks many'
malformed 1:7 'ticks 4294967297'
malformed 1:7 'ticks 0'
malformed 1:10 'ticks 10 10'
malformed 2:10 'ticks 10' 'device a modem irq=1'
malformed 2:14 'ticks 10' 'device a uart'
malformed 2:15 'ticks 10' 'device a uart irk=1'
malformed 2:19 'ticks 10' 'device a uart irq=256'
malformed 4:19 "$head" 'device b uart irq=1'
malformed 4:8 "$head" 'device a uart irq=2'
malformed 4:17 "$head" 'window a 0xff00 0x101 rw'
malformed 4:15 "$head" 'window a 0 16 w'
malformed 4:4 "$head" 'at 11 a input "x"'
malformed 4:6 "$head" 'at 5 b input "x"'
malformed 4:8 "$head" 'at 5 a output "x"'
malformed 4:14 "$head" 'at 5 a input x'
malformed 4:16 "$head" 'at 5 a input "x'
malformed 4:15 "$head" 'at 5 a input "\q"'
malformed 4:8 "$head" 'wire a a'
malformed 3:1 'ticks 10' 'memory 64k'

run 2 "$scratch/missing.sim" && grep -q 'missing.sim: No such' "$scratch/err"
result "a scenario that is not there"
run 2 --threads 0 "$scenarios/clean.sim" && grep -q threads "$scratch/err"
result "an option that makes no sense"
run 0 --help && grep -q '^usage:' "$scratch/out"
result "--help"

finish
