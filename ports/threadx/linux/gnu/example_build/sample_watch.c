/* SPDX-License-Identifier: MIT */
/*
 * sample_watch.c - looks on while ThreadX's own module sample runs, and says
 * what came of it. On hardware this is done with a debugger.
 *
 * The sample starts its module twice. The first time the word that the module's
 * thread 2 writes is memory that the module was given. The second time it is
 * not: thread 2 is terminated, the application is told, the others run on.
 */
#include "tx_api.h"
#include "txm_module.h"

#include <modiso.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define TICK    10
#define LONGEST 6000 /* ticks: then something does not go on */
#define SEEN    10
#define AFTER   100 /* ticks that are looked at behind the fault */

extern TXM_MODULE_INSTANCE my_module; /* of the sample */
extern ULONG memory_faults;
extern TXM_MODULE_MANAGER_MEMORY_FAULT_INFO
	_txm_module_manager_memory_fault_info;
extern TX_THREAD *_tx_thread_created_ptr;
extern ULONG _tx_thread_created_count;

/* How often each of the module's threads has run, in this start. */
static struct seen {
	CHAR name[32];
	ULONG runs;
} seen[SEEN];
static unsigned threads, wrong;

static VOID note(const TX_THREAD *thread)
{
	unsigned i;

	for (i = 0; i < threads; i++) {
		if (strcmp(seen[i].name, thread->tx_thread_name) == 0)
			break;
	}
	if (i == SEEN)
		return;
	if (i == threads) {
		strncpy(seen[i].name, thread->tx_thread_name,
			sizeof(seen[i].name) - 1);
		threads++;
	}
	seen[i].runs = thread->tx_thread_run_count;
}

static VOID look(VOID)
{
	const TX_THREAD *thread = _tx_thread_created_ptr;
	ULONG i;

	for (i = 0; i < _tx_thread_created_count; i++) {
		if (strncmp(thread->tx_thread_name, "module thread ", 14) == 0)
			note(thread);
		thread = thread->tx_thread_created_next;
	}
}

static VOID must(const char *what, UINT is)
{
	printf("%s  %s\n", is ? "yes" : "NO ", what);
	wrong += !is;
}

static VOID all_ran(ULONG least)
{
	unsigned i, ran = 0;

	for (i = 0; i < threads; i++) {
		printf("     %s ran %u times\n", seen[i].name,
		       (unsigned)seen[i].runs);
		ran += seen[i].runs >= least;
	}
	must("each of its eight threads has run", threads == 8 && ran == 8);
	memset(seen, 0, sizeof(seen));
	threads = 0;
}

/* Linked with --wrap: what the sample calls comes by here. */
extern UINT __real__txm_module_manager_start(TXM_MODULE_INSTANCE *instance);
extern UINT __real__txm_module_manager_stop(TXM_MODULE_INSTANCE *instance);
UINT __wrap__txm_module_manager_start(TXM_MODULE_INSTANCE *instance);
UINT __wrap__txm_module_manager_stop(TXM_MODULE_INSTANCE *instance);

static volatile unsigned starts;

UINT __wrap__txm_module_manager_start(TXM_MODULE_INSTANCE *instance)
{
	UINT status = __real__txm_module_manager_start(instance);

	must("the module is started", status == TX_SUCCESS);
	starts++;
	return status;
}

/* Once, before the module's threads are deleted. */
UINT __wrap__txm_module_manager_stop(TXM_MODULE_INSTANCE *instance)
{
	look();
	must("its first start: no fault", memory_faults == 0);
	all_ran(2);
	return __real__txm_module_manager_stop(instance);
}

static VOID second_start(VOID)
{
	const TXM_MODULE_MANAGER_MEMORY_FAULT_INFO *info =
		&_txm_module_manager_memory_fault_info;
	const TX_THREAD *thread;
	ULONG i;

	for (i = 0; i < LONGEST && memory_faults == 0; i += TICK)
		tx_thread_sleep(TICK);
	for (i = 0; i < AFTER; i += TICK) {
		look();
		tx_thread_sleep(TICK);
	}
	thread = info->txm_module_manager_memory_fault_info_thread_ptr;
	must("its second start: one fault, and the application is told",
	     memory_faults == 1 && thread != TX_NULL);
	if (thread == TX_NULL)
		return;
	must("of thread 2, which is terminated",
	     strcmp(thread->tx_thread_name, "module thread 2") == 0 &&
		     thread->tx_thread_state == TX_TERMINATED);
	must("at 0x20010000",
	     info->txm_module_manager_memory_fault_info_address ==
		     (VOID *)0x20010000);
	all_ran(1);
}

static VOID watch_entry(ULONG input)
{
	ULONG i;

	(VOID) input;
	for (i = 0; i < LONGEST && starts < 2; i += TICK)
		tx_thread_sleep(TICK);
	must("it is started again", starts == 2);
	second_start();
	printf("%s: ThreadX's module sample: %s\n",
	       modiso_backend_current() == MODISO_BACKEND_PKEY ? "pkey"
							       : "mprotect",
	       wrong == 0 ? "all as on hardware" : "not as on hardware");
	fflush(stdout);
	_exit(wrong != 0);
}

/* The sample's own one comes first. */
extern VOID __real_tx_application_define(VOID *unused);
VOID __wrap_tx_application_define(VOID *unused);

VOID __wrap_tx_application_define(VOID *unused)
{
	static TX_THREAD thread;
	static UCHAR stack[4096];

	__real_tx_application_define(unused);
	tx_thread_create(&thread, "watch", watch_entry, 0, stack, sizeof(stack),
			 0, 0, TX_NO_TIME_SLICE, TX_AUTO_START);
}
