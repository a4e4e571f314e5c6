/* SPDX-License-Identifier: MIT */
/*
 * soak_module.c - threads that are in the middle of something at any time: two
 * that only compute, and one that only makes requests. One that finds a word or
 * a register changed under it writes to no man's land.
 */
#ifndef TXM_MODULE
#	define TXM_MODULE
#endif
#include "txm_module.h"

#define SPINNERS 2
#define STACK    4096

static UCHAR stacks[SPINNERS + 1][STACK] __attribute__((aligned(16)));
static volatile ULONG count[SPINNERS], twice[SPINNERS];

static VOID wrong(VOID)
{
	*(volatile ULONG *)8 = 1;
}

static VOID spin(ULONG i)
{
	double sum = 0;
	ULONG n;

	for (;;) {
		for (n = 0; n < 1000; n++) {
			count[i]++;
			twice[i] += 2;
			sum += 1;
			if (twice[i] != 2 * count[i])
				wrong();
		}
		if (sum != 1000)
			wrong();
		sum = 0;
	}
}

static VOID request(ULONG unused)
{
	TX_THREAD *const me = tx_thread_identify();

	(VOID) unused;
	for (;;) {
		if (tx_thread_identify() != me)
			wrong();
		tx_thread_relinquish();
	}
}

static VOID make(CHAR *name, VOID (*entry)(ULONG), ULONG i)
{
	TX_THREAD *thread;

	if (txm_module_object_allocate((VOID **)&thread, sizeof(*thread)) !=
		    TX_SUCCESS ||
	    tx_thread_create(thread, name, entry, i, stacks[i], STACK, 20, 20,
			     1, TX_AUTO_START) != TX_SUCCESS)
		wrong();
}

VOID demo_module_start(ULONG id);
VOID demo_module_start(ULONG id)
{
	(VOID) id;
	make("spins 0", spin, 0);
	make("spins 1", spin, 1);
	make("requests", request, 2);
}
