# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-tsan.sh - a program with ThreadSanitizer, beside a library without.

mkdir -p "$scratch/tsan"
if expect_command "ThreadSanitizer: the program is built" host threads \
	-fsanitize=thread -o "$scratch/tsan/threads"; then
	# Where addresses are as random as they can be it does not start.
	setarch -R true 2>/dev/null && fixed='setarch -R' || fixed=
	for what in '' spawn; do
		# shellcheck disable=SC2086 # none, or words
		expect "ThreadSanitizer warns of nothing${what:+: $what}" env \
			TSAN_OPTIONS=halt_on_error=1 $fixed \
			"$scratch/tsan/threads" $what
	done
fi
