/* SPDX-License-Identifier: MIT */
/*
 * profiled.c - a program for a profiler: nearly all of its time is spent in a
 * module, called by a thunk from outer(). Built with frame pointers.
 */
#include "host.h"

#define MODULE __attribute__((noinline, noclone))

static int (*thunk)(unsigned rounds);

static MODULE int in_module(unsigned rounds)
{
	volatile unsigned sum = 0;

	for (unsigned i = 0; i < rounds; i++)
		sum += i;
	return sum != 0;
}

static MODULE int calls_thunk(unsigned rounds)
{
	return thunk(rounds) + 1;
}

static MODULE int outer(unsigned rounds)
{
	return calls_thunk(rounds) + 1;
}

int main(void)
{
	struct modiso_gate *gate;
	int sum = 0;

	start();
	need("gate", modiso_gate_create(the_module, (modiso_fn)in_module, NULL,
					&gate));
	need("thunk", modiso_gate_thunk(gate, (modiso_fn *)(void *)&thunk));
	for (int i = 0; i < 10; i++)
		sum += outer(20000000);
	return sum != 30;
}
