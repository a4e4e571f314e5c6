#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-coroutines.sh - 1,000 models on one, two and eight threads: the one that
# is wrong is stopped, all others have their results.

set -u
. "$top_srcdir/tests/dist/tap.sh"

coroutines=$top_builddir/examples/coroutines/coroutines
backend=$top_builddir/examples/backend

for kind in mprotect pkey; do
	for threads in 1 2 8; do
		text="$kind, threads: $threads"
		if [ $kind = pkey ] && ! "$backend" require | grep -q ^running
		then
			skip "$text" "no protection keys here"
			continue
		fi
		if MODISO_BACKEND=$kind "$coroutines" $threads \
			>"$scratch/out" 2>&1 &&
		   grep -q '^999 of 1000 models are right, 8996 events' \
			"$scratch/out" &&
		   grep -q '^model 617: .* faulted' "$scratch/out"
		then
			ok "$text"
		else
			not_ok "$text" <"$scratch/out"
		fi
	done
done

finish
