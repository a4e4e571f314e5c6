#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-files.sh - every file says under which licence it is, and is whole; no
# line of code is too wide.

set -u
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

if [ ! -e "$top_srcdir/.git" ] || ! command -v git >/dev/null; then
	skip_all "not a git work tree: no list of files"
fi

cd "$top_srcdir" || exit 1
git ls-files >"$scratch/files" || exit 1
sort "$scratch/files" >"$scratch/files.sorted"
expect_command "there are files" test -s "$scratch/files"

while read -r file; do
	# A package's licence is in debian/copyright.
	case $file in
	debian/*) continue ;;
	esac
	[ -f "$file" ] || continue
	head -n 5 "$file" | grep -q 'SPDX-License-Identifier: MIT' ||
		echo "$file"
done <"$scratch/files" >"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"each has SPDX-License-Identifier in its first five lines"

# What is made from sources is made from them each time.
git grep -lI '' >"$scratch/text"
sort "$scratch/text" | comm -13 - "$scratch/files.sorted" >"$scratch/binary"
expect_empty "$scratch/binary" "none is binary"

# Seven of these at the start of a line; spelled so that this is none.
git grep -nE '^(<{7}|>{7}) ' >"$scratch/marks"
expect_empty "$scratch/marks" "no merge has left its marks"

# A sentence that the program prints may stay in one piece; the port keeps
# ThreadX's ways.
git ls-files '*.c' '*.h' '*.S' '*.hpp' | grep -v '^ports/' >"$scratch/sources"
while read -r file; do
	[ -f "$file" ] || continue
	expand "$file" | awk -v file="$file" \
		'length > 80 && !/"/ { print file ":" FNR ": " length " columns" }'
done <"$scratch/sources" >"$scratch/wide"
expect_empty "$scratch/wide" "no line of C or assembly has more than 80 columns"

# What is longer has two nouns.
git ls-files 'lib/*.c' 'tests/*.c' | while read -r file; do
	[ -f "$file" ] || continue
	case $file in lib/*) most=500 ;; *) most=600 ;; esac
	awk -v file="$file" -v most=$most \
		'END { if (NR > most) print file ": " NR " lines" }' "$file"
done >"$scratch/long"
expect_empty "$scratch/long" \
	"no C file of lib/ has more than 500 lines, none of tests/ than 600"

finish
