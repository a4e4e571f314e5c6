#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-hostile.sh - the table of hostile modules in SECURITY is what the tests
# prove: every line of the list once, every case in the sources and run, and
# nothing held that no case holds.

set -u
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

map=$top_srcdir/tests/hostile.map

# How many lines each chapter of the list has.
chapters="A22 B23 C23 D29 E12 F14 G11 H10"

for chapter in $chapters; do
	letter=${chapter%"${chapter#?}"}
	seq -f "$letter%g" "${chapter#?}"
done | sort >"$scratch/list"
sed -n 's/^\([A-H][0-9]*\) .*|.*/\1/p' "$map" | sort >"$scratch/ids"
diff "$scratch/list" "$scratch/ids" >"$scratch/complaints"
expect_empty "$scratch/complaints" "every line of the list, once"

# Form, and what each answer needs to stand on.
awk '
function complain(what) {
	print id ": " what
}
function finish(   i) {
	if (id == "")
		return
	for (i = 1; i <= 3; i++) {
		if (answer[i] !~ /^(held|no|none|n\/a)$/)
			complain("no answer: " answer[i])
		if (answer[i] == "held" && !cases)
			complain("held by no test")
		if (answer[i] != "held" && !reasons)
			complain(answer[i] " without a reason")
		if (answer[i] == "none" && mark == "")
			complain("not promised, without a mark")
		if (answer[i] == "no" && mark != "")
			complain("marked: it is not promised")
	}
}
/^[A-H][0-9]+ .*\|/ {
	finish()
	if (split($0, part, / *\| */) != 3)
		complain("not three parts: " $0)
	id = $1
	mark = part[1]
	sub(/^[A-H][0-9]+ ?/, "", mark)
	if (mark !~ /^[KGHD]?$/)
		complain("no mark: " mark)
	if (split(part[2], answer, " ") != 3)
		complain("not three answers")
	cases = reasons = 0
	next
}
/^= / { cases = NF - 1; next }
/^- / { reasons = 1; next }
!/^#/ && !/^$/ { complain("what is this: " $0) }
END { finish() }
' "$map" >"$scratch/complaints"
expect_empty "$scratch/complaints" "every answer has its test or its reason"

# A case is defined in its program, and handed to Check.
sed -n 's/^= //p' "$map" | tr ' ' '\n' | sort -u >"$scratch/cases"
while IFS=: read -r program name; do
	set -- "$top_srcdir"/tests/*/"$program".c
	if [ ! -f "$1" ]; then
		echo "$program:$name: no such program"
	elif ! grep -q "^START_TEST($name)" "$1"; then
		echo "$program:$name: no such case"
	elif ! tr -d '\n\t ' <"$1" | grep -q "[a-z],$name[,)]"; then
		echo "$program:$name: a case that is not run"
	fi
	grep -Eq "[/	 ](unit|contract|live|nopku|support)/$program( |\.c|\$)" \
		"$top_srcdir/tests/Makefile.am" ||
		echo "$program: not on a list in tests/Makefile.am"
done <"$scratch/cases" >"$scratch/complaints"
expect_empty "$scratch/complaints" "every case is there, and is run"

sed -n '/HOSTILE TABLE: BEGIN/,/HOSTILE TABLE: END/p' \
	"$top_srcdir/SECURITY" | sed '1d;2d;$d' | sed '$d' >"$scratch/written"
sh "$top_srcdir/tests/dist/hostile-table.sh" >"$scratch/table"
diff "$scratch/table" "$scratch/written" >"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"SECURITY has that table (dist/hostile-table.sh --write)"

finish
