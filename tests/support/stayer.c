/* SPDX-License-Identifier: MIT */
#include "support/stayer.h"

#include "support/proc.h"

#include <sched.h>

static volatile int leave;
static unsigned inside;

MODULE_CODE static uintptr_t stay(uintptr_t value)
{
	__atomic_fetch_add(&inside, 1, __ATOMIC_RELEASE);
	while (!leave)
		sched_yield();
	return value;
}

static void *be_stayer(void *gate)
{
	must_eq(enter(gate, 7), 7);
	must_eq(modiso_fault_count(), 0);
	return NULL;
}

pthread_t stayer_start(struct modiso_module *module)
{
	unsigned before = __atomic_load_n(&inside, __ATOMIC_ACQUIRE);
	pthread_t thread = thread_start(be_stayer, make_gate(module, stay));

	while (__atomic_load_n(&inside, __ATOMIC_ACQUIRE) == before)
		sched_yield();
	return thread;
}

void stayers_leave(void)
{
	leave = 1;
}
