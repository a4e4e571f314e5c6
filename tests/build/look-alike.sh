#!/bin/sh
# SPDX-License-Identifier: MIT
#
# look-alike.sh - modiso-cc writes other instructions where bytes look like one
# that a module may not have; the functions do the same, and one that is meant
# stays.

set -u
# shellcheck source-path=SCRIPTDIR source=../dist/tap.sh
. "${0%/*}/../dist/tap.sh"

MODISO_RUNTIME=$top_builddir/runtime/libmodiso-module.a
MODISO_RECODE=$top_srcdir/tools/recode.sh
export MODISO_RUNTIME MODISO_RECODE
cc=$top_builddir/tools/modiso-cc
scan=$top_builddir/tools/modiso-scan

cat >"$scratch/alike.h" <<'END'
#define FUNCTIONS(X) \
	X(constant) X(wide) X(compared) X(in_memory) X(moved) X(in_register) \
	X(beside) X(jumped) X(jumped_back)
END
cat >"$scratch/alike.c" <<'END'
#include "alike.h"

#define EXPORT __attribute__((visibility("default")))
typedef unsigned long word;

EXPORT word constant(word a) { return (unsigned)a ^ 0x050f; }
EXPORT word wide(word a) { return a & 0x340f340f; }
EXPORT word compared(word a) { return a > 0x050f ? 3 : 5 * a; }
EXPORT word in_memory(word a)
{
	volatile word b[4] = {0, a, 0, 0};

	__asm__("subq $64, %%rsp\n\tmovq %1, 24(%%rsp)\n\t"
		"addl $0x050f, 24(%%rsp)\n\tmovq 24(%%rsp), %0\n\t"
		"addq $64, %%rsp" : "=r"(a) : "r"(a));
	b[2] |= 0x050f;
	return a + b[1] + b[2];
}
EXPORT word moved(word a)
{
	word b;

	__asm__("movl $0xef010f, %k0" : "=r"(b));
	__asm__("movq $15663375, %0" : "+r"(b));
	return a + b;
}
EXPORT word in_register(word a)
{
	word b;

	__asm__("movl %k1, %%r13d\n\torl $128, %%r13d\n\tmovl %%r13d, %k0"
		: "=r"(b) : "r"(a) : "r13");
	return b;
}
EXPORT word beside(word a)
{
	__asm__("xorb $0xcd, %b0\n\tsubb $1, %b0" : "+d"(a));
	return a;
}
EXPORT word jumped(word a)
{
	word b = 1;

	__asm__("testb $1, %b1\n\tje 1f\n\taddl $1, %k0\n\t"
		".fill 1291, 1, 0x90\n1:" : "+r"(b) : "q"(a));
	return b;
}
/* The distance is -0xfafb: 05 05 ff ff, behind 0f. */
EXPORT word jumped_back(word a)
{
	word b = a & 3;

	__asm__("jmp 2f\n1:\t.fill 64246, 1, 0x90\n2:"
		"\taddl $1, %k0\n\ttestl $3, %k0\n\tjne 1b" : "+r"(b));
	return b;
}
END
cat >"$scratch/both.c" <<'END'
#include "alike.h"

#include <dlfcn.h>
#include <stdio.h>

typedef unsigned long function(unsigned long);

static const char *const names[] = {
#define NAME(name) #name,
	FUNCTIONS(NAME) NULL
};

int main(int argc, char **argv)
{
	void *one = dlopen(argv[1], RTLD_NOW), *two = dlopen(argv[2], RTLD_NOW);
	int differ = argc != 3 || one == NULL || two == NULL;

	if (differ)
		puts(dlerror());
	for (int i = 0; !differ && names[i] != NULL; i++) {
		function *a = (function *)dlsym(one, names[i]);
		function *b = (function *)dlsym(two, names[i]);
		unsigned long word = 0;

		for (int k = 0; k < 100; k++) {
			if (a(word) != b(word))
				differ = printf("%s(%#lx)\n", names[i], word);
			word = word * 6364136223846793005 + 1442695040888963407;
		}
	}
	return differ;
}
END

# make NAME ARGUMENT... - by modiso-cc, and what it says
make() {
	name=$1
	shift
	(cd "$scratch" && "$cc" "$@" -o "$name.so" 2>"$name.said")
}

# shellcheck disable=SC2086 # a list of options
for level in -O0 '-O2 -g'; do
	expect_command "$level: a module as it is" \
		make plain --as-is $level alike.c
	"$scan" "$scratch/plain.so" >"$scratch/output"
	if [ $? -eq 1 ]; then
		ok "$level: has bytes that look forbidden"
	else
		not_ok "$level: has bytes that look forbidden" \
			<"$scratch/output"
	fi
	expect_command "$level: with other instructions" \
		make changed $level alike.c
	expect_command "$level: has none" "$scan" "$scratch/changed.so"
	if grep -q 'alike.c: "orl $128, %r13d" is written "' \
		"$scratch/changed.said"; then
		ok "$level: says what was changed"
	else
		not_ok "$level: says what was changed" <"$scratch/changed.said"
	fi
	(cd "$scratch" && "$cc" $level -c alike.c 2>"$scratch/object.said")
	expect_command "$level: from an object" make object alike.o
	expect_command "$level: the object has none" \
		"$scan" "$scratch/object.so"
	# shellcheck disable=SC2086 # a list
	expect_command "$level: a program with both" \
		$CC -w -o "$scratch/both" "$scratch/both.c" -ldl
	for other in changed object; do
		expect_command "$level: $other: functions do the same" \
			"$scratch/both" "$scratch/plain.so" \
			"$scratch/$other.so"
	done
done

cat >"$scratch/meant.c" <<'END'
__attribute__((visibility("default"))) long meant(long number)
{
	__asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
	return number;
}
END
expect_command "a system call stays" make meant -O2 meant.c
"$scan" "$scratch/meant.so" >"$scratch/output"
if [ $? -eq 1 ] && grep -q '0f 05' "$scratch/output" &&
	grep -q 'refused by modules at READONLY' "$scratch/meant.said"; then
	ok "and is said to be refused"
else
	not_ok "and is said to be refused" <"$scratch/meant.said"
fi

finish
