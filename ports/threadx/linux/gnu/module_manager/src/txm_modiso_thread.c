/* SPDX-License-Identifier: MIT */
/*
 * Threads of modules, as the kernel port sees them: where they enter the module,
 * and how they end. README says from where in the kernel port
 * the other functions are called.
 *
 * A thread that another one terminates was frozen at any instruction, or waits
 * for its run semaphore. It is told to go on, and ends by itself. It is
 * not the current thread then, and must not ask the kernel who it is. How it
 * goes depends on where it is:
 *
 *	in_kernel    it looks at module_ending before it enters the module or
 *	             goes back there, and at each interrupt lock
 *	otherwise    libmodiso takes it out of its module; where it has not
 *	             come to the gate yet, or is behind it, it is not let in
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_thread.h"
#include "txm_module.h"
#include <txm_host.h>

#include <stdio.h>
#include <stdlib.h>

static __thread TX_THREAD *self; /* NULL: no thread of a module */

/* The kernel has no way to tell of it. */
static void must(int result, const char *function)
{
	if (result == 0)
		return;
	fprintf(stderr, "txm: %s: %s\n", function, modiso_last_error_text());
	abort();
}

/* A thread's first words, when it has been scheduled or is to go. */
void _txm_modiso_thread_begin(TX_THREAD *thread_ptr)
{
	if (thread_ptr->tx_thread_module_instance_ptr != TX_NULL)
		self = thread_ptr;
	if (thread_ptr->tx_thread_module_ending)
		_txm_modiso_thread_leave();
}

VOID _txm_modiso_thread_run(ULONG id)
{
	TXM_MODULE_INSTANCE *module_instance =
		self->tx_thread_module_instance_ptr;
	uintptr_t args[2] = {(uintptr_t)self,
			     (uintptr_t)self->tx_thread_module_entry_info_ptr};
	int result;

	(VOID)id;
	result = txm_host_attach(self);
	if (result == 0) {
		/* Who ends it sees this, or it sees that it is to end. */
		self->tx_thread_module_in_kernel = TX_FALSE;
		if (!self->tx_thread_module_ending)
			result = modiso_gate_call(
				module_instance->txm_module_instance_gate, args,
				2, NULL);
		self->tx_thread_module_in_kernel = TX_TRUE;
	}
	if (self->tx_thread_module_ending)
		_txm_modiso_thread_leave();
	if (result != 0 && result != MODISO_ERR_FAULT)
		fprintf(stderr, "txm: module %s: a thread cannot run: %s\n",
			module_instance->txm_module_instance_name,
			modiso_last_error_text());
	if (result != 0)
		_txm_module_manager_memory_fault_handler();
}

/* The timer has frozen a thread: others run. */
void _txm_modiso_thread_frozen(TX_THREAD *thread_ptr)
{
	if (thread_ptr->tx_thread_module_modiso != TX_NULL)
		must(modiso_thread_preempt(thread_ptr->tx_thread_module_modiso),
		     "modiso_thread_preempt");
}

/* Before it is told to go on. */
void _txm_modiso_thread_goes_on(TX_THREAD *thread_ptr)
{
	if (thread_ptr->tx_thread_module_modiso != TX_NULL)
		must(modiso_thread_resume(thread_ptr->tx_thread_module_modiso),
		     "modiso_thread_resume");
}

/*
 * The calling thread was terminated and is to end its pthread. From within a
 * service: out of the module first, and here again behind the gate call.
 */
void _txm_modiso_thread_leave(void)
{
	if (self != TX_NULL) {
		self->tx_thread_module_ending = TX_TRUE;
		if (self->tx_thread_module_modiso != TX_NULL)
			(void)!modiso_thread_abandon(
				self->tx_thread_module_modiso, NULL, NULL);
		self->tx_thread_module_ended = TX_TRUE;
	}
	txm_host_exit();
}

/*
 * Ticks go on, but no other thread is scheduled. Without an interrupt lock, at
 * which a calling thread that was terminated itself would go: it ends the other
 * one before.
 */
static void hold_schedule(UINT by)
{
	txm_host_lock();
	_tx_thread_preempt_disable += by;
	txm_host_unlock();
}

/* It is there, and has not left by itself. */
static void wake(TX_THREAD *thread_ptr)
{
	if (!txm_host_is_frozen(thread_ptr)) {
		txm_host_wake(thread_ptr);
		return;
	}
	if (!thread_ptr->tx_thread_module_in_kernel)
		must(modiso_thread_abandon(thread_ptr->tx_thread_module_modiso,
					   NULL, NULL),
		     "modiso_thread_abandon");
	txm_host_resume(thread_ptr);
}

/*
 * A module's thread that was terminated or is complete goes, wherever it is:
 * frozen, or waiting for its run semaphore. Returns 0 for any other thread,
 * which the kernel port cancels as it always did.
 *
 * Until it is out of the kernel it may touch regions, in a request that it was
 * in the middle of; so no module runs meanwhile.
 */
int _txm_modiso_thread_end(TX_THREAD *thread_ptr)
{
	UINT gone = TX_FALSE;

	if (thread_ptr->tx_thread_module_instance_ptr == TX_NULL)
		return 0;
	hold_schedule(1);
	thread_ptr->tx_thread_module_ending = TX_TRUE;
	if (!thread_ptr->tx_thread_module_ended)
		wake(thread_ptr);
	while (!thread_ptr->tx_thread_module_ended && !gone)
		gone = txm_host_is_gone(thread_ptr);
	hold_schedule((UINT)-1);
	if (!gone)
		txm_host_join(thread_ptr);
	thread_ptr->tx_thread_module_modiso = TX_NULL;
	_tx_thread_system_preempt_check();
	return 1;
}
