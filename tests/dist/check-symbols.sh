#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-symbols.sh - the headers, the linker map, the finished library and the
# bindings of other languages name the same functions.

set -u
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

library=$top_builddir/lib/.libs/libmodiso.so
archive=$top_builddir/lib/.libs/libmodiso.a
map=$top_srcdir/lib/libmodiso.map

# Declarations: comments and directives removed, one statement to a line.
find "$top_srcdir/include" "$top_builddir/include" -name '*.h' -exec cat {} + |
	sed 's,//.*,,; /^[[:space:]]*#/d' | tr '\n' ' ' |
	sed 's,/\*,\n/*,g' | sed 's,^/\*.*\*/,,' | tr '\n' ' ' |
	sed 's/[;{}]/\n/g' | sed -n '/MODISO_API/{
		s/[[:space:]]*(.*//
		s/.*[^a-z0-9_]\(modiso_[a-z0-9_]*\)[[:space:]]*$/\1/p
	}' >"$scratch/declared"
interposed=$top_srcdir/tests/dist/interposed.allow
grep '^[a-zA-Z_]' "$interposed" >>"$scratch/declared"
sort -u "$scratch/declared" >"$scratch/headers"

# The map without its comments: words that end in a semicolon. What the C
# library has too stands in none of its nodes, but is exported.
sed 's/#.*//; s/;/;\n/g' "$map" | tr '[:space:]' '[\n*]' | sed -n 's/^\([a-zA-Z_][a-zA-Z0-9_]*\);$/\1/p' |
	grep -v '^__jit_debug_' >"$scratch/nodes"
{
	cat "$scratch/nodes"
	grep '^[a-zA-Z_]' "$interposed"
} | sort -u >"$scratch/map"

nm -D --defined-only "$library" >"$scratch/nm" || exit 1
# What gdb looks for is in no header.
awk '$2 != "A" && $3 !~ /^__jit_debug_/ { sub(/@.*/, "", $3); print $3 }' \
	"$scratch/nm" |
	sort -u >"$scratch/library"

expect_command "headers declare something" test -s "$scratch/headers"

compare() {
	comm -23 "$scratch/$1" "$scratch/$2" | sed "s/\$/: not in the $2/" \
		>"$scratch/complaints"
	expect_empty "$scratch/complaints" "what the $1 names, the $2 has"
}
compare headers map
compare map headers
compare map library
compare library map

# Their own tests compare the arguments as well, where there are Python and
# cargo; a name that is missing is seen everywhere.
grep '^modiso_' "$scratch/map" >"$scratch/API"
sed -n 's/^    "\(modiso_[a-z0-9_]*\)": (.*/\1/p' \
	"$top_srcdir/bindings/python/modiso/_abi.py" | sort -u >"$scratch/Python"
sed -n 's/^    fn \(modiso_[a-z0-9_]*\)(.*/\1/p' \
	"$top_srcdir/bindings/rust/modiso-sys/src/lib.rs" | sort -u >"$scratch/Rust"
for language in Python Rust; do
	compare API $language
	compare $language API
done

awk '$2 != "A" && $3 !~ /@@MODISO_[0-9]+\.[0-9]+$/ { print $3 }' \
	"$scratch/nm" | grep -vxF -f "$interposed" >"$scratch/complaints"
expect_empty "$scratch/complaints" "every symbol of our own has a version"

# A reference to another version than that would pass it by.
awk '$2 != "A" { print $3 }' "$scratch/nm" | grep '@' | sed 's/@.*//' |
	grep -xF -f "$interposed" >"$scratch/complaints"
expect_empty "$scratch/complaints" "none that the C library has too has one"

# Static linking removes all hiding: what is global must have a prefix. GDB knows
# the first of these names, and <sys/sdt.h> gives the second to static probes.
if [ -f "$archive" ]; then
	nm -g --defined-only "$archive" 2>/dev/null |
		awk 'NF == 3 && $3 !~ /^(modiso_|mdi_|__jit_debug_|_\.stapsdt\.base$)/ { print $3 }' |
			grep -vxF -f "$interposed" >"$scratch/complaints"
	expect_empty "$scratch/complaints" \
		"every global symbol of the archive begins with modiso_ or mdi_"
else
	skip "prefixes in the archive" "built without a static library"
fi

finish
