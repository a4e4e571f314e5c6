#!/bin/sh
# SPDX-License-Identifier: MIT
#
# typed-gates.sh - gates with the type of their entry, in C: with each compiler
# a program with them has no warning and runs, and types that do not pass do not
# compile, each beside one that does.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

LD_LIBRARY_PATH=$top_builddir/lib/.libs
export LD_LIBRARY_PATH
backends=mprotect
if "$top_builddir/tools/modiso-info" --backend pkey --quiet; then
	backends='mprotect pkey'
fi

cat >"$scratch/program.c" <<'END'
#include <modiso.h>
#include <stdbool.h>

enum color { RED, BLUE };
typedef int (*callback)(int);
MODISO_TYPED_GATE(read_gate, int, const char *, size_t);
MODISO_TYPED_GATE(many_gate, double, char, bool, enum color, callback, long,
		  void *, float, double, double, float, float, float, float,
		  float);
MODISO_TYPED_GATE(nothing_gate, void, int *);
MODISO_TYPED_GATE(seven_gate, int, void);
MODISO_TYPED_GATE(words_gate, int, int, int, int, int, int, int, int, double,
		  int, int, int, int, int, int, int, int, const char *);

static int read_at(const char *text, size_t at)
{
	return text[at];
}
static double many(char a, bool b, enum color c, callback d, long e, void *f,
		   float g, double h, double i, float j, float k, float l,
		   float m, float n)
{
	return a + b + (double)c + (d != 0) + (double)e + (f != 0) +
	       (double)g + h + i + (double)(j + k + l + m + n);
}
static void add_one(int *value)
{
	*value += 1;
}
static int words(int a, int b, int c, int d, int e, int f, int g, double h,
		 int i, int j, int k, int l, int m, int n, int o, int p,
		 const char *q)
{
	return a + b + c + d + e + f + g * 10 + (int)h + i + j + k + l + m + n +
	       o + p * 100 + q[2];
}
static int seven(void)
{
	return 7;
}

int main(void)
{
	struct modiso_gate_options options = MODISO_GATE_OPTIONS_INIT;
	struct modiso_module *module;
	struct modiso_region *region;
	struct read_gate reads;
	struct many_gate many_of;
	struct nothing_gate nothing;
	struct seven_gate sevens;
	struct words_gate word_gate;
	const char *secret;
	double number;
	int value;

	options.fault_value = 99;
	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("typed", NULL, &module) != 0 ||
	    modiso_region_create(NULL, 1, MODISO_READ, NULL, &region) != 0)
		return 1;
	if (MODISO_TYPED_GATE_CREATE(module, read_at, &options, &reads) != 0 ||
	    MODISO_TYPED_GATE_CREATE(module, many, NULL, &many_of) != 0 ||
	    MODISO_TYPED_GATE_CREATE(module, add_one, NULL, &nothing) != 0 ||
	    MODISO_TYPED_GATE_CREATE(module, &seven, NULL, &sevens) != 0 ||
	    MODISO_TYPED_GATE_CREATE(module, words, &options, &word_gate) != 0)
		return 2;
	if (MODISO_TYPED_CALL(value = reads.call("abc", 1)) != 0 ||
	    value != 'b')
		return 3;
	if (MODISO_TYPED_CALL(number = many_of.call(1, true, BLUE, NULL, 5,
						    &value, 1, 2, 3, 4, 5, 6,
						    7, 8)) != 0 ||
	    number < 44.5 || number > 45.5)
		return 4;
	if (MODISO_TYPED_CALL(nothing.call(&value)) != 0 || value != 'c')
		return 5;
	secret = modiso_region_base(region);
	if (MODISO_TYPED_CALL(value = reads.call(secret, 0)) !=
		    MODISO_ERR_FAULT ||
	    value != 99)
		return 6;
	/* What was not asked for is not the next call's. */
	if (reads.call(secret, 0) != 99 ||
	    MODISO_TYPED_CALL(value = sevens.call()) != 0 || value != 7)
		return 7;
	if (MODISO_TYPED_GATE_CREATE(NULL, seven, NULL, &sevens) !=
	    MODISO_ERR_INVAL)
		return 8;
	if (MODISO_TYPED_CALL(value = word_gate.call(1, 2, 3, 4, 5, 6, 7, 8.5, 9,
						     10, 11, 12, 13, 14, 15, 16,
						     "abc")) != 0 ||
	    value != 21 + 70 + 8 + 84 + 1600 + 'c')
		return 9;
	if (MODISO_TYPED_GATE_CREATE(module, words, NULL, &word_gate) != 0 ||
	    word_gate.call(1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
			   "abc") != 6 + 10 + 8 + 100 + 'c')
		return 10;
	return modiso_gate_destroy(sevens.gate);
}
END

# COMPILER WARNINGS... - what is off for clang is C11 itself and alignment
compile() {
	compiler=$1
	shift
	# shellcheck disable=SC2086 # CC may hold options
	$compiler -std=c11 -Werror -I"$top_srcdir/include" \
		-I"$top_builddir/include" "$@"
}
gcc='-Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow
	-Wlogical-op -Wduplicated-cond -Wcast-qual -Wundef'
clang='-Weverything -Wno-padded -Wno-declaration-after-statement
	-Wno-unknown-warning-option -Wno-unsafe-buffer-usage
	-Wno-pre-c11-compat'

compilers=
for each in gcc clang; do
	! command -v $each >/dev/null || compilers="$compilers $each"
done

# refused TEXT WRONG RIGHT - two pieces of a program
refused() {
	for each in right wrong; do
		echo '#include <modiso.h>'
		echo 'struct pair { int a, b; };'
		echo 'int word(int value); double number(double value);'
		echo 'MODISO_TYPED_GATE(word_gate, int, int);'
		echo 'int use(struct modiso_module *m);'
		[ $each = wrong ] || echo "$3"
		[ $each = right ] || echo "$2"
	done | awk -v right="$scratch/right.c" -v wrong="$scratch/wrong.c" '
		/include/ { file = file == "" ? right : wrong }
		{ print >file }'
	for each in $compilers; do
		if ! compile "$each" -fsyntax-only "$scratch/right.c" \
			>"$scratch/output" 2>&1; then
			not_ok "$each: $1" <"$scratch/output"
		elif compile "$each" -fsyntax-only "$scratch/wrong.c" \
			>"$scratch/output" 2>&1; then
			echo "compiles: $2" | not_ok "$each: $1"
		else
			ok "$each: $1"
		fi
	done
}

# entry TEXT WRONG RIGHT - result and arguments
entry() {
	refused "$1" "MODISO_TYPED_GATE(other_gate, $2);" \
		"MODISO_TYPED_GATE(other_gate, $3);"
}

# inside TEXT WRONG RIGHT - statements
inside() {
	begin='int use(struct modiso_module *m) { struct word_gate gate; int i;'
	refused "$1" "$begin $2 return i; }" "$begin $3 return i; }"
}

for each in $compilers; do
	eval "warnings=\$$each"
	# shellcheck disable=SC2086,SC2154
	expect_command "$each: no warning" \
		compile "$each" $warnings -o "$scratch/program" \
		"$scratch/program.c" -L"$LD_LIBRARY_PATH" -lmodiso
	for backend in $backends; do
		expect_command "$each: runs with $backend" \
			env MODISO_BACKEND=$backend "$scratch/program"
	done
done

entry "no structure by value" 'int, struct pair' 'int, struct pair *'
entry "no long double" 'int, long double' 'int, double'
entry "no 128-bit integer" 'int, __int128' 'int, long'
entry "no complex number" 'int, _Complex double' 'int, double'
sixteen='int, int, int, int, int, int, int, int, int, int, int, int, int, int, int,
	int *'
entry "no seventeenth word" "int, $sixteen, int *" "int, $sixteen, double"
entry "no ninth number" \
	'int, double, double, double, double, float, float, float, float, float' \
	'int, double, double, double, double, float, float, float, float, int'
entry "no variable arguments" 'int, const char *, ...' 'int, const char *'
entry "no structure as the result" 'struct pair, int' 'struct pair *, int'
entry "no long double as the result" 'long double, int' 'double, int'

inside "an entry of another type" \
	'i = MODISO_TYPED_GATE_CREATE(m, number, NULL, &gate);' \
	'i = MODISO_TYPED_GATE_CREATE(m, word, NULL, &gate);'
inside "a number as the entry" \
	'i = MODISO_TYPED_GATE_CREATE(m, 1, NULL, &gate);' \
	'i = MODISO_TYPED_GATE_CREATE(m, &word, NULL, &gate);'
create='i = MODISO_TYPED_GATE_CREATE(m, word, NULL, &gate); if (i) return i;'
inside "an argument too many" \
	"$create i = gate.call(1, 2);" "$create i = gate.call(1);"
inside "an argument of another type" \
	"$create i = gate.call((struct pair){ 1, 2 });" "$create i = gate.call(1);"
inside "a pointer for a number" \
	"$create i = gate.call(\"text\");" "$create i = gate.call(1);"

finish
