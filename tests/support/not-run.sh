#!/bin/sh
# SPDX-License-Identifier: MIT
#
# not-run.sh LOG... - one line when "make check" left something out.
#
# The reason is in the logs: it is the library's own, from
# modiso_backend_query(), so this says what a program would be told.

reason=$(sed -n 's/^1\.\.0 # SKIP pkey: //p; s/^# not run: pkey: //p' "$@" \
	2>/dev/null | head -n 1)
[ -z "$reason" ] || echo "not run here: pkey tests ($reason);" \
	"make check-vm runs them in QEMU"
