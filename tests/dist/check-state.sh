#!/bin/sh
# SPDX-License-Identifier: MIT
#
# check-state.sh - all that the library can change lies where state.allow says:
# whole pages, so that they can be closed wherever a linker puts them.

set -u
# shellcheck source-path=SCRIPTDIR source=tap.sh
. "${0%/*}/tap.sh"

archive=$top_builddir/lib/.libs/libmodiso.a
library=$top_builddir/lib/.libs/libmodiso.so
rules=$top_srcdir/tests/dist/state.allow

sed '/^#/d; /^$/d' "$rules" >"$scratch/rules"

# Variables: "OBJECT NAME ADDRESS SIZE SECTION", from what nm says in columns.
# One inside of a function has a number behind its name.
variables() {
	nm -A -f sysv --defined-only "$1" 2>/dev/null | awk -F '|' '
	{
		gsub(/ /, "")
		object = $1
		name = $1
		sub(/:[^:]*$/, "", object)
		sub(/.*:/, "", object)
		sub(/.*:/, "", name)
		sub(/\.[0-9]+$/, "", name)
	}
	$7 ~ /^(\.data|\.bss|\.tdata|\.tbss|\*COM\*)/ &&
		$7 !~ /^\.data\.rel\.ro/ && $4 != "SECTION" {
		print object, name, $2, $5, $7
	}'
}

# Sections that can be written and hold something: "OBJECT SECTION SIZE".
sections() {
	readelf -SW "$1" 2>/dev/null | awk '
	/^File: / { object = $0; sub(/.*\(/, "", object); sub(/\)$/, "", object) }
	{ sub(/^ *\[ *[0-9]+\] */, "") }
	$1 ~ /^\./ && $7 ~ /W/ && $5 !~ /^0+$/ &&
		$1 !~ /^\.(data\.rel\.ro|init_array|fini_array)/ {
		print object, $1, $5
	}'
}

if [ -f "$archive" ]; then
	variables "$archive" >"$scratch/variables"
	expect_command "the archive has variables" test -s "$scratch/variables"

	awk 'NR == FNR { known[$1] = $2; next }
	!($2 in known) { print $1 ": " $2 " in " $5 ": put it into state.h" }
	' "$scratch/rules" "$scratch/variables" >"$scratch/complaints"
	expect_empty "$scratch/complaints" "every variable is in state.allow"

	awk 'NR == FNR { there[$2] = 1; next }
	!($1 in there) { print $1 ": there is none of that name" }
	' "$scratch/variables" "$scratch/rules" >"$scratch/complaints"
	expect_empty "$scratch/complaints" "state.allow names nothing else"

	awk 'NR == FNR { class[$1] = $2; next }
	class[$2] != "thread" && ($3 !~ /000$/ || $4 !~ /000$/) {
		print $2 " is not made of whole pages"
	}
	(class[$2] == "thread") != ($5 ~ /^\.t/) {
		print $2 " is in " $5
	}' "$scratch/rules" "$scratch/variables" >"$scratch/complaints"
	expect_empty "$scratch/complaints" "they are whole pages, or thread-local"

	# What has no name: the sizes of names and sections must agree.
	sections "$archive" >"$scratch/sections"
	awk 'function number(hex,    i, value) {
		value = 0
		hex = tolower(hex)
		for (i = 1; i <= length(hex); i++)
			value = value * 16 + \
				index("0123456789abcdef", substr(hex, i, 1)) - 1
		return value
	}
	NR == FNR {
		if (!(($1, $3, $5) in seen))
			named[$1, $5] += number($4)
		seen[$1, $3, $5] = 1
		next
	}
	# Alignment may add to what is thread-local.
	$2 !~ /^\.t/ && named[$1, $2] != number($3) {
		print $1 ": " $2 " has " number($3) " bytes, " \
			named[$1, $2] + 0 " have a name"
	}
	$2 ~ /^\.t/ && !(($1, $2) in named) { print $1 ": " $2 }
	' "$scratch/variables" "$scratch/sections" >"$scratch/complaints"
	expect_empty "$scratch/complaints" "nothing that is written has no name"
else
	skip "what the archive can change" "there is no static library"
fi

# In the shared library the compiler's own come to it: see live_state.c.
variables "$library" | awk 'NR == FNR { known[$1] = $2; next }
	!($2 in known) && $2 !~ /^(__dso_handle|completed|__TMC_END__)$/ {
		print $2 " in " $5
	}' "$scratch/rules" - >"$scratch/complaints"
expect_empty "$scratch/complaints" "the shared library has the same variables"

finish
