# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-musl.sh - with another C library configure refuses, and says why.

if have "musl" musl-tools command -v musl-gcc; then
	mkdir -p "$scratch/musl"
	if (cd "$scratch/musl" && "$top_srcdir/configure" -q CC=musl-gcc) \
		>"$scratch/output" 2>&1; then
		echo "configure has accepted it" | not_ok "musl is refused"
	elif grep -q 'error: the C library is not the GNU C library' \
		"$scratch/output"; then
		ok "musl is refused"
	else
		not_ok "musl is refused" <"$scratch/output"
	fi
fi
