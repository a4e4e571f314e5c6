#!/bin/sh
# SPDX-License-Identifier: MIT
#
# mkman3.sh VERSION EXAMPLES OUT HEADER... - the man pages of section 3.
#
# One page for each public header that declares functions, and for each of its
# other functions a line that leads there. The comments in the headers are the
# text: whatever is to be said of a function is said once.

set -eu

version=$1
examples=$2
out=$3
shift 3
here=$(cd "$(dirname "$0")" && pwd)

mkdir -p "$out"
list=$out/names.tmp
page=$out/page.tmp
trap 'rm -f "$list" "$page"' EXIT

for header in "$@"; do
	noun=$(basename "$header" .h)
	rm -f "$list"
	"${AWK:-awk}" -v version="$version" -v list="$list" \
		-v example="$examples/$noun.c" -f "$here/mkman3.awk" \
		"$header" >"$page"
	[ -s "$list" ] || continue
	first=''
	while read -r name; do
		if [ -z "$first" ]; then
			first=$name
			mv "$page" "$out/$name.3"
		else
			echo ".so man3/$first.3" >"$out/$name.3"
		fi
	done <"$list"
done
