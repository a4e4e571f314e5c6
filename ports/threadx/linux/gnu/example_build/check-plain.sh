#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-plain.sh TREE EDITED [PORT] - without modules, EDITED's kernel is TREE's: what
# edit-port.sh did to it disappears in the preprocessor. Line numbers are in the
# code of the kernel's debug log; they are made 0 in both.

set -eu

port=ports/${3:-linux/gnu}
before=$1/$port
after=$2/$port
files=0

# plain TREE FILE - FILE as the compiler sees it
plain() {
	(cd "$1" && "${CC:-cc}" -w -E -P -D__LINE__=0 -D_GNU_SOURCE \
		-DTX_LINUX_DEBUG_ENABLE -DTX_WIN32_DEBUG_ENABLE -Icommon/inc \
		"-I$port/inc" "$port/src/$2")
}

for file in "$before"/src/*.c; do
	name=${file##*/}
	if [ "$(plain "$1" "$name")" != "$(plain "$2" "$name")" ]; then
		echo "check-plain.sh: $after/src/$name is another one" \
			"without modules, too" >&2
		exit 1
	fi
	files=$((files + 1))
done
[ "$files" -gt 0 ]
echo "plain kernel: $files files of $port, unchanged without modules"
