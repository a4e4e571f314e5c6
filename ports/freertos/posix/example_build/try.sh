#!/bin/sh
# SPDX-License-Identifier: MIT
#
# try.sh TREE DIRECTORY [PREEMPTIONS] - build in DIRECTORY, with the
# FreeRTOS-Kernel tree TREE and this port, the demo and the trial, and run them
# on each backend that there is. Nothing of TREE is copied or changed. With
# PREEMPTIONS the trial preempts tasks so often and does nothing else, with
# 20,000 ticks a second: a million takes some minutes.
#
# Wants a compiler, and libmodiso where pkg-config finds it.

set -eu

if [ $# -lt 2 ] || [ $# -gt 3 ] ||
	[ ! -f "$1/portable/Common/mpu_wrappers_v2.c" ]; then
	echo 'usage: try.sh FREERTOS-KERNEL-TREE DIRECTORY [PREEMPTIONS]' >&2
	exit 2
fi
here=$(cd "$(dirname "$0")" && pwd)
tree=$(cd "$1" && pwd)
mkdir -p "$2"
cd "$2"

: "${CC:=cc}"
flags="-std=gnu11 -O2 -g -pthread -D_GNU_SOURCE -fno-stack-protector \
	-I$here -I$here/.. \
	-I$tree/include $(pkg-config --cflags libmodiso)"
soak=${3:+-DconfigTICK_RATE_HZ=20000}
objects=

# compile OPTIONS FILE... - the wrappers keep handles in 32 bits, so kernel
# files are compiled without warnings.
compile() {
	options=$1
	shift
	for file in "$@"; do
		object=$(basename "$file").o
		# shellcheck disable=SC2086 # several words each
		$CC $flags $soak $options -c "$file" -o "$object"
		objects="$objects $object"
	done
}

compile -w "$tree/tasks.c" "$tree/queue.c" "$tree/list.c" "$tree/timers.c" \
	"$tree/event_groups.c" "$tree/stream_buffer.c" \
	"$tree/portable/MemMang/heap_4.c" \
	"$tree/portable/Common/mpu_wrappers_v2.c"
compile '-Wall -Wextra' "$here/../port.c" "$here/../restricted.c" \
	"$here/../constants.c" "$here/../syscalls.S"
# Not bound when they are first called: a restricted task may not write there.
for program in demo trial; do
	# shellcheck disable=SC2046,SC2086 # several words each
	$CC $flags $soak -Wall -Wextra -Wl,-z,now -o $program "$here/$program.c" \
		$objects \
		$(pkg-config --libs libmodiso)
done

backends=mprotect
grep -qw ospke /proc/cpuinfo && backends='pkey mprotect'
for backend in $backends; do
	[ $# -eq 3 ] || MODISO_BACKEND=$backend ./demo
	# shellcheck disable=SC2086 # none, or a number
	MODISO_BACKEND=$backend ./trial ${3-}
done
