# SPDX-License-Identifier: MIT
#
# results.awk - what the virtual machine's second serial port says, as TAP.
#
# Set no_skip=1 to turn skips into failures. The first input is the list of
# jobs, one "KIND LABEL" to a line; the second what init.c writes. Anything
# that does not follow init.c's protocol to the end is a failed case.

function result(good, text) {
	print (good ? "ok " : "not ok ") ++count " - " text
	fflush()
	if (!good)
		failures++
}

function finish(text) {
	sub(/^exit /, "exit status ", text)
	sub(/^signal /, "killed by signal ", text)
	return text
}

FNR == NR {
	jobs++
	kind[jobs] = $1
	sub(/^[^ ]* /, "")
	label[jobs] = $0
	next
}

{ gsub(/[\r\000]/, "") }

/^@linux / {
	print "# Linux " $2 ", " $3
	fflush()
	next
}

/^@begin / {
	job = $2
	planned = -1
	ran = bad = 0
	next
}

/^@took / && $2 == job {
	print "# " label[job] " took " $3 " s"
	next
}

/^@end / && $2 == job {
	ended[job] = 1
	text = $0
	sub(/^@end [0-9]+ /, "", text)
	if (kind[job] == "status")
		result(text == "exit 0", label[job] \
			(text == "exit 0" ? "" : ": " finish(text)))
	else if (planned != ran)
		result(0, label[job] ": " (planned < 0 ? "no plan" : \
			"ran " ran " of " planned) ", " finish(text))
	else if (text != "exit 0" && !bad)
		result(0, label[job] ": " finish(text))
	job = 0
	next
}

/^@done / {
	done = 1
	next
}

/^@alive/ { next }

/^\| / { sub(/^\| /, "") }

!job {
	print "# ? " $0
	next
}

kind[job] == "status" {
	print "# " $0
	fflush()
	next
}

/^1\.\.0/ {
	planned = 0
	sub(/^1\.\.0( # SKIP)?/, "")
	result(!no_skip, label[job] (no_skip ? ": skipped:" : " # SKIP") $0)
	next
}

/^1\.\.[0-9]+$/ {
	planned = substr($0, 4) + 0
	next
}

/^(not )?ok [0-9]/ {
	ran++
	good = $1 == "ok"
	sub(/^(not )?ok [0-9]+( - )?/, "")
	if (good && no_skip && / # SKIP/) {
		good = 0
		sub(/ # SKIP/, ": skipped:")
	}
	if (!good)
		bad++
	result(good, label[job] ": " $0)
	next
}

{
	print ($0 ~ /^#/ ? "" : "# ") $0
	fflush()
}

END {
	for (i = 1; i <= jobs; i++)
		if (!ended[i])
			result(0, label[i] ": the machine stopped " \
				(i == job ? "during" : "before") " this test")
	if (!done && jobs && ended[jobs])
		result(0, "the machine did not shut down in order")
	print "1.." count + 0
	exit failures > 0
}
