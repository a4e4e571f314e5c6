/* SPDX-License-Identifier: MIT */
/*
 * plain_call.c - a function call, and the loop around it.
 */
#include "bench.h"

/*
 * What a caller does in each round but for the call: a loop, and an argument
 * into the register where calls have it. Counts of instructions are without
 * these, so that a plain call is a call and a return.
 */
int bench_run_empty(uint64_t rounds)
{
	uintptr_t argument;

	while (rounds-- > 0) {
		argument = 1;
		/* Whatever it is behind this, the next round loads it again. */
		__asm__ volatile("" : "+D"(argument));
	}
	return 0;
}

/* Nothing but the return, as the entries in bench_gate.c. */
MODISO_CALL static void __attribute__((noinline))
null_function(uintptr_t argument)
{
	__asm__ volatile("" ::"r"(argument));
}

int bench_run_plain(uint64_t rounds)
{
	void (MODISO_CALL *volatile hidden)(uintptr_t) = null_function;
	void (MODISO_CALL *call)(uintptr_t) = hidden;

	while (rounds-- > 0)
		call(1);
	return 0;
}
