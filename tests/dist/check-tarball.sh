#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-tarball.sh - what git has is in the tarball: lists in Makefile.am kept
# by hand forget a file sooner or later.

set -u
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

if [ ! -e "$top_srcdir/.git" ] || ! command -v git >/dev/null; then
	skip_all "not a git work tree: no list of files"
fi

# Automake wants the name relative to the build tree.
dist=tarball.$$
trap 'rm -rf "$scratch" "${top_builddir:?}/$dist"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL
expect_command "the directory of a tarball can be made" \
	"${MAKE:-make}" -s -C "$top_builddir" distdir distdir="$dist"

cd "$top_srcdir" || exit 1
git ls-files | while read -r file; do
	# Of use in a clone only.
	case $file in
	.ci/* | .editorconfig | .gitignore | debian/*) continue ;;
	esac
	[ -f "$file" ] || continue
	[ -f "$top_builddir/$dist/$file" ] || echo "$file"
done >"$scratch/complaints"
expect_empty "$scratch/complaints" "every file of the clone is in it"

finish
