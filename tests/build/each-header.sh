#!/bin/sh
# SPDX-License-Identifier: MIT
#
# each-header.sh - every public header compiles alone, twice in a row, as C11
# and as C++11, without a warning; and is on the list of installed files.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

headers=$(cd "$top_srcdir/include" && find . -name '*.h' -o -name '*.h.in' |
	sed 's,^\./,,; s,\.in$,,' | sort)

for header in $headers; do
	printf '#include <%s>\n#include <%s>\nint mdi_nothing;\n' \
		"$header" "$header" >"$scratch/alone.c"
	# shellcheck disable=SC2086 # CC may hold options
	expect_command "<$header> alone as C11" \
		$CC -std=c11 -Wall -Wextra -Werror -pedantic -fsyntax-only \
		-I"$top_srcdir/include" -I"$top_builddir/include" \
		"$scratch/alone.c"
	if [ -z "$CXX" ]; then
		skip "<$header> alone as C++11" "no C++ compiler"
		continue
	fi
	cp "$scratch/alone.c" "$scratch/alone.cc"
	# shellcheck disable=SC2086
	expect_command "<$header> alone as C++11" \
		$CXX -std=c++11 -Wall -Wextra -Werror -pedantic -fsyntax-only \
		-I"$top_srcdir/include" -I"$top_builddir/include" \
		"$scratch/alone.cc"
done

hpp=$(cd "$top_srcdir/include" && find . -name '*.hpp' | sed 's,^\./,,')
for header in $headers $hpp; do
	grep -qE "^[[:space:]]*$header( |\$)" "$top_srcdir/include/Makefile.am" ||
		echo "$header"
done >"$scratch/complaints"
expect_empty "$scratch/complaints" "include/Makefile.am lists every header"

for header in $headers; do
	[ "$header" = modiso.h ] || [ "$header" = modiso/test.h ] ||
		[ "$header" = modiso/bind.h ] ||
		grep -q "^#include <$header>" "$top_srcdir/include/modiso.h" ||
		echo "$header"
done >"$scratch/complaints"
expect_empty "$scratch/complaints" "<modiso.h> includes every header but those for tests and for bindings"

finish
