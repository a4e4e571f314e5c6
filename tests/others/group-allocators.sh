# shellcheck shell=sh
# SPDX-License-Identifier: MIT
#
# group-allocators.sh - beside other allocators, and other ways to make
# processes.

expect_command "threads that allocate: the program is built" host threads
expect "threads that allocate, with the C library's malloc" "$scratch/threads"
expect "posix_spawn, vfork and fork beside threads in modules" \
	"$scratch/threads" spawn

# preloaded TEXT PACKAGE LIBRARY
preloaded() {
	found=$(find /usr/lib/x86_64-linux-gnu -name "$3" 2>/dev/null |
		head -n 1)
	have "$1" "$2" test -n "$found" || return 0
	expect "$1" env LD_PRELOAD="$found" "$scratch/threads" spawn
}
preloaded "jemalloc, preloaded" libjemalloc2 libjemalloc.so.2
preloaded "tcmalloc, preloaded" libtcmalloc-minimal4 libtcmalloc_minimal.so.4
preloaded "mimalloc, preloaded" libmimalloc2.0 libmimalloc.so.2
