#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mkinitramfs.sh OUTPUT JOBS - make the file system of the virtual machine.
#
# Standard input is a list of files, one "HOST-PATH GUEST-PATH" to a line. To
# these come init, busybox for a shell and its tools, the shared libraries that
# any of them needs, and JOBS as /jobs.
#
# A program that libtool has wrapped in a script is taken from .libs/.

set -eu

output=$1
jobs=$2
here=$(cd "$(dirname "$0")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

busybox=$(command -v busybox) || {
	echo "mkinitramfs.sh: busybox is missing: install the Debian package" \
		"busybox-static" >&2
	exit 1
}

# The directories with uninstalled libraries that libtool's scripts name.
library_path=

add_libraries() {
	LD_LIBRARY_PATH=$library_path ldd "$1" 2>/dev/null |
		sed -n 's/^.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p' |
		while read -r library; do
			case $library in
			*/ld-linux*) to=$root/lib64/${library##*/} ;;
			*) to=$root/lib/x86_64-linux-gnu/${library##*/} ;;
			esac
			[ -e "$to" ] || cp -L "$library" "$to"
		done
}

add() {
	from=$1
	real=$(dirname "$1")/.libs/$(basename "$1")
	if [ -f "$real" ] && grep -q 'temporary wrapper script' "$1"; then
		from=$real
		library_path=$(sed -n \
			's/^ *LD_LIBRARY_PATH="\([^"$]*\).*/\1/p' "$1" |
			head -n 1)$library_path
	fi
	mkdir -p "$root/$(dirname "$2")"
	cp -L "$from" "$root/$2"
	add_libraries "$from"
}

for dir in bin dev etc lib/x86_64-linux-gnu lib64 proc sys t tmp; do
	mkdir -p "$root/$dir"
done
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >>"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
cp "$jobs" "$root/jobs"
for program in "init:$here/init.c" "bin/patience:$here/../support/patience.c"; do
	"${CC:-cc}" -std=gnu11 -D_GNU_SOURCE -O2 -Wall -Wextra -static \
		-o "$root/${program%%:*}" "${program#*:}"
done
add "$busybox" bin/busybox
while read -r host guest; do
	add "$host" "$guest"
done
# The C library loads this one by itself, when a thread is cancelled or ends.
unwinder=$("${CC:-cc}" -print-file-name=libgcc_s.so.1)
[ ! -e "$unwinder" ] || cp -L "$unwinder" "$root/lib/x86_64-linux-gnu/"

(cd "$root" && find . | LC_ALL=C sort |
	cpio -o -H newc -R 0:0 --quiet) | gzip -1 >"$output"
