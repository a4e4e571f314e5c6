#!/bin/sh
# SPDX-License-Identifier: MIT
#
# patience.sh - what ends a test that hangs, and leaves alone one that does not.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

patience=$MODISO_TEST_PATIENCE

# run TEXT STATUS OPTIONS COMMAND - how it ends, one second between two looks.
run() {
	text=$1
	status=$2
	# shellcheck disable=SC2086 # a list of options
	"$patience" -l 1 $3 sh -c "$4" >"$scratch/out" 2>&1 </dev/null
	got=$?
	if [ "$got" -eq "$status" ]; then
		ok "$text"
	else
		echo "exit status $got, not $status" >>"$scratch/out"
		not_ok "$text" <"$scratch/out"
	fi
}

run "a status comes back" 7 "" 'exit 7'
run "a signal comes back" 134 "" 'kill -ABRT $$'
run "who sleeps and says nothing is ended" 143 "-a 2" 'exec sleep 1000'
run "so is one who is stopped, and asked in vain" 137 "-a 2" \
	'trap "" TERM; kill -STOP $$'
run "who goes round for ever is ended" 143 "-c 1" 'while :; do :; done'
run "who says something now and then is not" 0 "-a 3" \
	'for i in 1 2 3 4 5 6; do sleep 1; echo $i; done'
run "only what hangs is ended, and its parent goes on" 3 "-a 2" \
	'sleep 1000; exit 3'

"$patience" sh -c 'sleep 1000 & echo $!' >"$scratch/pid"
read -r left <"$scratch/pid"
if kill -0 "$left" 2>"$scratch/out"; then
	not_ok "what is left running ends as well" <"$scratch/pid"
else
	ok "what is left running ends as well"
fi

finish
