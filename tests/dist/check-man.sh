#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-man.sh - a page for every exported symbol, pages that a formatter has
# nothing to say about, and examples that compile and run as they are printed.

set -u
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

built=$top_builddir/doc/man
written=$top_srcdir/doc/man
info=$top_builddir/tools/modiso-info

sed -n 's/^	\(modiso_[a-z0-9_]*\);$/\1/p' "$top_srcdir/lib/libmodiso.map" \
	>"$scratch/symbols"
expect_command "the linker map names symbols" test -s "$scratch/symbols"

# A symbol's own page, or the page that its one ".so" line leads to.
while read -r symbol; do
	page=$built/man3/$symbol.3
	if [ ! -s "$page" ]; then
		echo "$symbol: no page; its header's comment could not be read"
		continue
	fi
	target=$(sed -n 's/^\.so \(man3\/.*\)$/\1/p' "$page")
	[ -z "$target" ] || page=$built/$target
	if [ ! -s "$page" ]; then
		echo "$symbol: leads to $target, which is not there"
		continue
	fi
	sed -n '/^\.SH NAME/,/^\.SH SYN/p' "$page" | tr -d '\\,' |
		grep -qx "$symbol *-*" || echo "$symbol: not in NAME of $page"
	sed -n '/^\.SH SYN/,/^\.SH DESC/p' "$page" |
		grep -q "[ *]$symbol(" || echo "$symbol: no prototype in $page"
	grep -q "^\.SS .*$symbol()" "$page" ||
		echo "$symbol: no section of its own in $page"
done <"$scratch/symbols" >"$scratch/complaints"
expect_empty "$scratch/complaints" "every exported symbol has a page"

find "$built/man3" -name '*.3' | while read -r page; do
	grep -qx "$(basename "$page" .3)" "$scratch/symbols" ||
		echo "$page: no such symbol"
done >"$scratch/complaints"
expect_empty "$scratch/complaints" "every page of section 3 is of a symbol"

# Pages with a text of their own.
{
	find "$written" -name '*.[17]' -exec grep -L '^\.so ' {} +
	find "$written" -maxdepth 1 -name '*.3'
	grep -L '^\.so ' "$built"/man3/*.3
} >"$scratch/pages"

while read -r page; do
	for section in NAME SYNOPSIS DESCRIPTION EXAMPLE 'SEE ALSO'; do
		case $page,$section in
		*.7,SYNOPSIS | *.7,EXAMPLE | *.1,EXAMPLE) continue ;;
		esac
		grep -q "^\.SH $section" "$page" || echo "$page: no $section"
	done
done <"$scratch/pages" >"$scratch/complaints"
expect_empty "$scratch/complaints" "every page has its sections"

# Who reads pages may have no headers.
grep -l 'Made from' "$built"/man3/*.3 | while read -r page; do
	sed '/Made from/d; /^\.B #include/d; /^\.SH EXAMPLE/,$d' "$page" |
		grep -n 'modiso/[a-z]*\.h' | sed "s|^|$page: |"
done >"$scratch/complaints"
expect_empty "$scratch/complaints" "pages name pages, and no headers"

# A code that is on a line of its own begins an item, and nothing else does.
grep -l 'Made from' "$built"/man3/*.3 | while read -r page; do
	awk -v page="$page" '
		item && /^\\fBMODISO_/ && (!/^\\fBMODISO_ERR_/ || /,$/) ||
			/^,/ || /@[a-z]/ { print page ": " $0 }
		{ item = $0 == ".TP" }
		/^\.SH EXAMPLE/ { exit }' "$page"
done >"$scratch/complaints"
expect_empty "$scratch/complaints" "lists of codes were read as such"

# modiso(7) is the way in: it names every page.
while read -r page; do
	name=$(basename "$page")
	name=${name%.*}
	[ "$name" = modiso ] ||
		sed 's/\\//g' "$written/man7/modiso.7" | grep -qw -e "$name" ||
		echo "$name"
done <"$scratch/pages" >"$scratch/complaints"
expect_empty "$scratch/complaints" "modiso(7) names every page"

# What a page refers to is there.
while read -r page; do
	sed 's/\\-/-/g; s/\\f.//g' "$page" | tr ' ' '\n' | paste -s -d ' ' |
		grep -oiE 'modiso[a-z0-9_.-]* ?\([137]\)' | tr -d ' ' | sort -u |
		while IFS='()' read -r name section; do
			[ -e "$built/man$section/$name.$section" ] ||
				[ -e "$written/man$section/$name.$section" ] ||
				[ -e "$written/$name.$section" ] ||
				echo "$page: $name($section)"
		done
done <"$scratch/pages" >"$scratch/complaints"
expect_empty "$scratch/complaints" "every page that is referred to is there"

if command -v groff >/dev/null; then
	while read -r page; do
		groff -t -ww -man -Tutf8 -z "$page" 2>&1
	done <"$scratch/pages" >"$scratch/complaints"
	expect_empty "$scratch/complaints" "groff -ww has nothing to say"
else
	skip "groff -ww has nothing to say" "no groff"
fi
if command -v lexgrog >/dev/null; then
	while read -r page; do
		lexgrog "$page" >/dev/null 2>&1 || echo "$page"
	done <"$scratch/pages" >"$scratch/complaints"
	expect_empty "$scratch/complaints" "apropos finds every page"
else
	skip "apropos finds every page" "no lexgrog"
fi

# The options of each tool and of its page.
for tool in "$top_builddir"/tools/modiso-* "$top_builddir/bench/modiso-bench"; do
	[ -x "$tool" ] || continue
	name=$(basename "$tool")
	page=$written/man1/$name.1
	[ -f "$page" ] || { echo "$name has no page" && continue; }
	target=$(sed -n 's/^\.so //p' "$page")
	[ -z "$target" ] || page=$written/$target
	# A word of the help that begins with two dashes, --help itself too.
	{ "$tool" --help && echo ' --help'; } | tr ' [],|' '[\n*]' |
		grep -xE -e '--[a-z-]+' | grep -vxE -e '--(variable|cflags|libs)' |
		sort -u >"$scratch/help"
	sed -n '/^\.SH OPTIONS/,/^\.SH E/p' "$page" | sed 's,\\,,g' |
		sed -n 's/^\.BI* \(--[a-z-]*\).*/\1/p' | sort -u >"$scratch/options"
	diff "$scratch/help" "$scratch/options" |
		sed -n "s/^< \(.*\)/$name: \1 is not on its page/p
			s/^> \(.*\)/$name: \1 is not an option/p"
	grep -q '^\.SH EXIT STATUS' "$page" || echo "$name: no exit status"
	"$tool" --version | grep -qx "$name (libmodiso) $PACKAGE_VERSION" ||
		echo "$name: --version is of another form"
done >"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"every tool has a page, with the options of --help and exit codes"

# example PAGE - the program that a page ends with, as a reader sees it
example() {
	sed -n '/^\.SH EXAMPLE/,/^\.EE/p' "$1" |
		sed '1,/^\.EX/d; /^\.EE/d' |
		sed 's/^\\&//; s/\\-/-/g; s/\\(aq/'\''/g; s/\\(ga/`/g
			s/\\(ha/^/g; s/\\(ti/~/g; s/\\e/\\/g'
}

LD_LIBRARY_PATH=$top_builddir/lib/.libs
export LD_LIBRARY_PATH
flags=$(PKG_CONFIG_PATH=$top_builddir "$PKG_CONFIG" --cflags --libs libmodiso)
backends=mprotect
if "$info" --backend pkey --quiet; then
	backends='mprotect pkey'
fi
grep '\.3$' "$scratch/pages" | while read -r page; do
	grep -q '^\.SH EXAMPLE' "$page" || continue
	name=$(basename "$page" .3)
	compile="$CC -std=gnu11 -x c"
	if [ "$name" = modiso.hpp ]; then
		[ -n "$CXX" ] || continue
		compile="$CXX -std=c++17 -x c++"
	fi
	example "$page" >"$scratch/$name.c"
	# shellcheck disable=SC2086 # CC may hold options, flags are words
	$compile -pthread -Wall -Wextra -Werror -o "$scratch/$name" \
		"$scratch/$name.c" -x none $flags 2>&1 || continue
	for backend in $backends; do
		MODISO_BACKEND=$backend "$scratch/$name" \
			>"$scratch/output" 2>&1 </dev/null ||
			{ echo "$name on $backend: status $?" &&
				cat "$scratch/output"; }
	done
done >"$scratch/complaints"
expect_empty "$scratch/complaints" \
	"the example of every page compiles and runs ($backends)"

finish
