#!/bin/sh
# SPDX-License-Identifier: MIT
#
# hostile-table.sh [--write] - tests/hostile.map as a table for people; with
# --write it goes to its place in SECURITY.

set -eu
top=${top_srcdir:-$(cd "${0%/*}/../.." && pwd)}

table() {
	awk '
	function wrap(head, indent, text,   words, count, line, i) {
		count = split(text, words, " ")
		line = head
		for (i = 1; i <= count; i++) {
			if (length(line) + 1 + length(words[i]) > 79) {
				print line
				line = indent
			}
			line = line " " words[i]
		}
		print line
	}
	BEGIN {
		print "            pkey  pkey  mpro-"
		print "            6.1   6.12  tect  what a module does"
		print "  --------  ----  ----  ----  ------------------"
	}
	/^[A-H][0-9]+ .*\|/ {
		split($0, part, / *\| */)
		split(part[2], answer, " ")
		wrap(sprintf("  %-8s  %-4s  %-4s  %-4s ", part[1], \
			answer[1], answer[2], answer[3]), \
			"                             ", part[3])
	}
	/^= / {
		gsub(/:test_/, ":")
		wrap("       ", "       ", substr($0, 3))
	}
	/^- / {
		wrap("       ", "       ", substr($0, 3))
	}
	' "$top/tests/hostile.map"
}

if [ "${1-}" != --write ]; then
	table
	exit
fi
new=$(mktemp)
trap 'rm -f "$new"' EXIT
{
	sed '/HOSTILE TABLE: BEGIN/q' "$top/SECURITY"
	echo
	table
	echo
	sed -n '/HOSTILE TABLE: END/,$p' "$top/SECURITY"
} >"$new"
cat "$new" >"$top/SECURITY"
