#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-version.sh - one version number, wherever it is written.

set -u
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

header=$top_builddir/include/modiso/version.h

part() {
	sed -n "s/^m4_define(\[modiso_$1\], *\[\([0-9]*\)\])/\1/p" \
		"$top_srcdir/configure.ac"
}
macro() {
	sed -n "s/^#define MODISO_VERSION_$1 \"*\([0-9.]*\)\"*\$/\1/p" "$header"
}

version=$(part major).$(part minor).$(part patch)

# same TEXT VALUE [EXPECTED]
same() {
	if [ "$2" = "${3-$version}" ]; then
		ok "$1 says ${3-$version}"
	else
		echo "it says \"$2\"" | not_ok "$1 says ${3-$version}"
	fi
}

same "configure" "$PACKAGE_VERSION"
same "version.h" "$(macro STRING)"
same "version.h, in parts," "$(macro MAJOR).$(macro MINOR).$(macro PATCH)"
same "libmodiso.pc" \
	"$(sed -n 's/^Version: //p' "$top_builddir/libmodiso.pc")"
same "the newest node of libmodiso.map" "$(sed -n \
	's/^\(MODISO_[0-9.]*\) {$/\1/p' "$top_srcdir/lib/libmodiso.map" |
	tail -n 1)" "MODISO_$(part major).$(part minor)"
if [ -f "$top_srcdir/NEWS" ]; then
	same "the first release in NEWS" "$(sed -n \
		's/^.*[^0-9.]\([0-9][0-9]*\.[0-9][0-9]*\.[0-9][0-9]*\).*/\1/p' \
		"$top_srcdir/NEWS" | head -n 1)"
else
	skip "NEWS" "there is none yet"
fi

same "the wrap for Meson" "$(sed -n 's/^directory = libmodiso-//p' \
	"$top_srcdir/examples/meson/subprojects/libmodiso.wrap")"
same "libmodiso.spec" \
	"$(sed -n 's/^Version: *//p' "$top_builddir/libmodiso.spec")"

same "the tarball in README" "$(sed -n \
	's/.*rpmbuild -ta libmodiso-\([0-9.]*\)\.tar\.xz.*/\1/p' "$top_srcdir/README")"

# A man page that names a version of the library must name this one.
find "$top_srcdir/doc" -name '*.[1-9]' -exec grep -HE '^\.TH ' {} + 2>/dev/null |
	grep -E 'libmodiso [0-9]' | grep -vF "libmodiso $version" \
		>"$scratch/complaints"
expect_empty "$scratch/complaints" "no man page names another version"

finish
