#!/bin/sh
# SPDX-License-Identifier: MIT
#
# run-test.sh PROGRAM [ARGUMENT...] - run one test program, print its TAP.
#
# What "make check" and the virtual machine put around every test program:
#
#  - A contract or regression test runs on the mprotect backend and then, where protection
#    keys are usable, on pkey; the two results become one, each case marked
#    with its backend. MODISO_TEST_BACKEND picks a single one.
#  - "# skip-next REASON", which test_skip() prints, turns the result that
#    follows into a skip.
#  - A missing case, and an exit status that no failed case explains, become
#    failed cases of their own. One that hangs is ended by patience.c, which
#    MODISO_TEST_PATIENCE names.

set -u

case $1 in
*contract/* | *regress/*) backends=${MODISO_TEST_BACKEND:-"mprotect pkey"} ;;
*) backends=any ;;
esac

for backend in $backends; do
	[ "$backend" = any ] || export MODISO_TEST_BACKEND="$backend"
	echo "# run-test begin $backend"
	"${MODISO_TEST_PATIENCE:-patience}" -t "$@" </dev/null
	echo "# run-test end $?"
done | awk -v backends="$backends" '
function result(word, text) {
	print word " " ++count " - " mark text
	fflush()
}
/^# run-test begin / {
	mark = $4 == "any" ? "" : "[" $4 "] "
	planned = -1
	ran = failed = 0
	skip_next = ""
	next
}
/^# run-test end / {
	if (planned < 0)
		result("not ok", "ended without a plan, exit status " $4)
	else if (planned != ran)
		result("not ok", "ran " ran " of " planned \
			" test cases, exit status " $4)
	else if ($4 != 0 && !failed)
		result("not ok", "exit status " $4)
	# Do not wait for what a stopped program has left running.
	if (++ended == split(backends, unused, " "))
		exit
	next
}
/^# skip-next / {
	skip_next = " # SKIP " substr($0, 13)
	next
}
/^1\.\.0 # SKIP/ {
	planned = 0
	skipped = $0
	next
}
/^1\.\.[0-9]+/ {
	planned = substr($1, 4) + 0
	next
}
/^(not )?ok [0-9]/ {
	ran++
	word = $1 == "not" ? "not ok" : "ok"
	if (word == "not ok") {
		failed++
		skip_next = ""
	}
	# From Check: "ok 1 - <path of source>:<case>:<test>: Passed"
	sub(/^(not )?ok [0-9]+( - )?/, "")
	sub(/^[^ :]*\.[chS]:/, "")
	sub(/: Passed$/, "")
	result(word, $0 skip_next)
	skip_next = ""
	next
}
{
	print
	fflush()
}
END {
	# A contract test that ran on mprotect has run, pkey or not.
	if (!count && skipped) {
		print skipped
	} else {
		if (sub(/^1\.\.0 # SKIP /, "", skipped))
			print "# not run: " skipped
		print "1.." count + 0
	}
}'
