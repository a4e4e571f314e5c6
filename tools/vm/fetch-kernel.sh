#!/bin/sh
# SPDX-License-Identifier: MIT
#
# fetch-kernel.sh SERIES - print the path of a Linux SERIES (6.1, 6.12) image.
# fetch-kernel.sh auto   - of any: the newest in /boot that can be read, else as
#                          for a series, of all that there are.
#
# The image is the newest that was fetched before, else it comes out of Debian's
# newest kernel package for cloud machines. The package is downloaded by apt and
# unpacked into a cache; nothing is installed. Who wants a newer kernel than the
# cache has removes that one; to ask apt each time takes as long as the machine
# takes to start.
#
#   MODISO_VM_CACHE  where images are kept, by default libmodiso/ in
#                    $XDG_CACHE_HOME or ~/.cache

set -eu

series=$1
cache=${MODISO_VM_CACHE:-${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/libmodiso}

die() {
	echo "fetch-kernel.sh: $*" >&2
	exit 1
}

# print_newest IMAGE... - those that there are; a pattern that meets none is none
print_newest() {
	for image in "$@"; do
		[ ! -f "$image" ] || [ ! -r "$image" ] || echo "$image"
	done | sort -V | tail -n 1
}

image=
if [ "$series" = auto ]; then
	series=
	image=$(print_newest /boot/vmlinuz-*)
fi
[ -n "$image" ] ||
	image=$(print_newest "$cache/vmlinuz-linux-image-${series:+$series.}"*)
[ -z "$image" ] || { echo "$image" && exit 0; }

for tool in apt-get apt-cache dpkg-deb; do
	command -v "$tool" >/dev/null || die "no kernel image in /boot that can" \
		"be read, and no $tool to fetch Debian's: give one with" \
		"--kernel FILE or in MODISO_VM_KERNEL"
done

# The names of the concrete packages that could be meant, best first: what
# Debian's own meta package depends on, else the newest there is.
candidates() {
	for meta in linux-image-cloud-amd64 "linux-image-$series-cloud-amd64"; do
		apt-cache depends "$meta" 2>/dev/null |
			sed -n 's/^ *Depends: \(linux-image-[0-9].*\)/\1/p'
	done
	apt-cache pkgnames "linux-image-${series:+$series.}" | grep -- '-cloud-amd64$' |
		sort -rV
}

package=$(candidates | grep "^linux-image-${series:-[0-9]*}\." | head -n 1) || true
[ -n "$package" ] ||
	die "apt knows no cloud kernel $series: run apt-get update, or give an" \
		"image with --kernel FILE or in MODISO_VM_KERNEL"

image=$cache/vmlinuz-$package
mkdir -p "$cache"
# A directory of its own, so that two runs at once do no harm.
work=$(mktemp -d "$cache/fetch.XXXXXX")
trap 'rm -rf "$work"' EXIT
echo "fetch-kernel.sh: downloading $package" >&2
(cd "$work" && apt-get -q -o APT::Sandbox::User=root download "$package") \
	>"$work/log" 2>&1 || {
	cat "$work/log" >&2
	die "apt-get download $package failed"
}
dpkg-deb -x "$work"/*.deb "$work/root"
mv "$work"/root/boot/vmlinuz-* "$image"
echo "$image"
