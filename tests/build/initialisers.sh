#!/bin/sh
# SPDX-License-Identifier: MIT
#
# initialisers.sh - each structure that a program hands over with its size has a
# macro that it begins as, in C and C++; and what ends or prints something may
# be called for itself, without a warning.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

include=$top_srcdir/include/modiso
LD_LIBRARY_PATH=$top_builddir/lib/.libs
export LD_LIBRARY_PATH

# "STRUCTURE MACRO"
sed -n 's/^#define \(MODISO_[A-Z_]*_INIT\) MODISO_SIZED(\(.*\))$/\2 \1/p' \
	"$include"/*.h | sort >"$scratch/macros"
# What the library fills in and hands over itself needs none.
awk '/^struct modiso_[a-z_]* {$/ { name = $2 }
	/^\tuint32_t struct_size;/ && !/set by the library/ { print name }' \
	"$include"/*.h | sort >"$scratch/structures"
cut -d ' ' -f 1 "$scratch/macros" | diff - "$scratch/structures" \
	>"$scratch/complaints"
expect_empty "$scratch/complaints" "each structure with a size has its macro"
expect_command "there are some" test -s "$scratch/macros"

{
	echo '#include <modiso.h>'
	echo '#include <stdio.h>'
	echo '#include <string.h>'
	echo 'void ends(void); void ends(void) {'
	sed -n 's/.*\(modiso_[a-z]*_destroy\)(.*/	\1(NULL);/p' \
		"$include"/*.h | grep -v '^.\*' | sort -u
	sed -n 's/.*\(modiso_permitted_print[a-z_]*\|modiso_report[a-z_]*\)(FILE.*/	\1(stdout);/p' \
		"$include"/*.h | sort -u
	echo '	modiso_fault_print(NULL, stdout);'
	echo '}'
	echo 'int main(void) { int bad = 0; unsigned size;'
	while read -r structure macro; do
		cat <<END
	{
		struct $structure zero, is = $macro;

		memset(&zero, 0, sizeof(zero));
		size = is.struct_size;
		is.struct_size = 0;
		if (size != sizeof(is) || memcmp(&is, &zero, sizeof(is)) != 0) {
			puts("$macro");
			bad = 1;
		}
	}
END
	done <"$scratch/macros"
	echo '	return bad; }'
} >"$scratch/program.c"
cp "$scratch/program.c" "$scratch/program.cc"

# try TEXT COMPILER... FILE
try() {
	tap_what=$1
	shift
	# shellcheck disable=SC2086
	expect_command "$tap_what: no warning" "$@" -Wall -Wextra -Wpedantic \
		-Wconversion -Werror -I"$top_srcdir/include" \
		-I"$top_builddir/include" -o "$scratch/program" \
		-L"$top_builddir/lib/.libs" -lmodiso
	expect_command "$tap_what: all are zero but for the size" \
		"$scratch/program"
}

# shellcheck disable=SC2086 # CC may hold options
try "C11" $CC -std=c11 "$scratch/program.c"
if [ -n "${CXX:-}" ]; then
	# shellcheck disable=SC2086
	try "C++11" $CXX -std=c++11 -Wold-style-cast "$scratch/program.cc"
else
	skip "C++11" "no C++ compiler"
fi

finish
