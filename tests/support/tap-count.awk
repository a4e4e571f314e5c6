# SPDX-License-Identifier: MIT
#
# tap-count.awk - one line for a TAP file, and what failed in it.
#
#   awk -v name=NAME -v seconds=N -f tap-count.awk FILE
#
# Prints "NAME: N passed, N failed, N skipped (N s)". The exit status is 0 when
# there were results and none of them is a failure.

/^not ok / { failed++; failures[failed] = $0 }
/^ok .* # SKIP/ { skipped++; next }
/^1\.\.0 # SKIP/ { skipped++; next }
/^ok / { passed++ }
/^# failed at / { failures[failed + 0] = failures[failed + 0] "\n  " $0 }

END {
	if (!passed && !failed && !skipped)
		failures[++failed] = "not ok - no results at all"
	printf "%s: %d passed, %d failed, %d skipped (%d s)\n", name, passed,
		failed, skipped, seconds
	for (i = 0; i <= failed; i++)
		if (failures[i] != "")
			print "  " failures[i]
	exit failed > 0
}
