#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mkinitramfs.sh OUTPUT JOBS - make the file system of the virtual machine.
#
# Standard input is a list of files and directories, one to a line: the path
# here, a tab, the path there without a slash in front, "init" for one. To these
# come busybox for a shell and its tools, the shared libraries that any of them
# needs, and JOBS as /jobs.
#
# A program that libtool has wrapped in a script is taken from .libs/.
#
# The archive is not compressed: an emulated CPU takes ten times as long to unpack
# it as QEMU to read it.

set -eu

output=$1
jobs=$2
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

die() {
	echo "mkinitramfs.sh: $*" >&2
	exit 1
}

busybox=$(command -v busybox) ||
	die "busybox is missing: install the Debian package busybox-static"

# The directories with uninstalled libraries that libtool's scripts name.
library_path=${LD_LIBRARY_PATH-}

# libraries FILE - print the path of each that it needs, its loader too.
libraries() {
	LD_LIBRARY_PATH=$library_path ldd "$1" 2>/dev/null |
		sed -n 's/^.*=> \(\/.*\) (0x.*/\1/p; s/^[[:space:]]*\(\/.*\) (0x.*/\1/p'
}

# All of them where the C library is here, and so where its loader looks first.
loader_dir=$(libraries "$(command -v cpio)" | sed -n 's,/libc\.so\.6$,,p')
[ -n "$loader_dir" ] || die "cpio is not linked with a shared C library"
library_dir=$root$loader_dir

add_libraries() {
	libraries "$1" | while read -r library; do
		case $library in
		*/ld-linux*) to=$root/lib64/${library##*/} ;;
		*) to=$library_dir/${library##*/} ;;
		esac
		[ -e "$to" ] || ln -s "$library" "$to"
	done
}

add() {
	from=$1
	mkdir -p "$root/$(dirname "$2")"
	if [ -d "$from" ]; then
		cp -RL "$from" "$root/$2"
		return
	fi
	real=$(dirname "$1")/.libs/$(basename "$1")
	if [ -f "$real" ] && grep -q 'temporary wrapper script' "$1"; then
		from=$real
		library_path=$(sed -n \
			's/^ *LD_LIBRARY_PATH="\([^"$]*\).*/\1/p' "$1" |
			head -n 1)$library_path
	fi
	case $from in
	/*) ln -sf "$from" "$root/$2" ;;
	*) ln -sf "$PWD/$from" "$root/$2" ;;
	esac
	add_libraries "$from"
}

for dir in bin dev etc lib64 proc sys t tmp; do
	mkdir -p "$root/$dir"
done
mkdir -p "$library_dir"
echo 'root:x:0:0:root:/:/bin/sh' >"$root/etc/passwd"
echo 'nobody:x:65534:65534:nobody:/:/bin/sh' >>"$root/etc/passwd"
printf 'root:x:0:\nnogroup:x:65534:\n' >"$root/etc/group"
cp "$jobs" "$root/jobs"
add "$busybox" bin/busybox
tab=$(printf '\t')
while IFS=$tab read -r here there; do
	add "$here" "$there"
done
# The C library loads this one by itself, when a thread is cancelled or ends.
unwinder=$loader_dir/libgcc_s.so.1
[ ! -e "$unwinder" ] || ln -sf "$unwinder" "$library_dir/"

# Files are links to those here; cpio follows them.
(cd "$root" && find . | LC_ALL=C sort |
	cpio -o -L -H newc -R 0:0 --quiet) >"$output"
