/* SPDX-License-Identifier: MIT */
/*
 * Threads of modules, as the Linux port of the kernel sees them: where they
 * enter the module, and how they end. README says from where in the kernel port
 * the other functions are called.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_thread.h"
#include "txm_module.h"
#include "txm_linux.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static __thread TX_THREAD *self;

VOID _txm_linux_thread_run(ULONG id)
{
	TXM_MODULE_INSTANCE *module_instance;
	uintptr_t args[2];
	int result;

	(VOID)id;
	self = _tx_thread_current_ptr;
	module_instance = self->tx_thread_module_instance_ptr;
	args[0] = (uintptr_t)self;
	args[1] = (uintptr_t)self->tx_thread_module_entry_info_ptr;
	result = modiso_thread_self(&self->tx_thread_module_modiso);
	self->tx_thread_module_in_kernel = TX_FALSE;
	if (result == 0)
		result = modiso_gate_call(
			module_instance->txm_module_instance_gate, args, 2,
			NULL);
	self->tx_thread_module_in_kernel = TX_TRUE;
	if (self->tx_thread_module_ending)
		_txm_linux_thread_leave();
	if (result != 0)
		_txm_module_manager_memory_fault_handler();
}

/* The timer has frozen a thread: others run. */
void _txm_linux_thread_frozen(TX_THREAD *thread_ptr)
{
	if (thread_ptr->tx_thread_module_modiso != TX_NULL &&
	    modiso_thread_preempt(thread_ptr->tx_thread_module_modiso) != 0)
		abort();
}

/* Before it is told to go on. */
void _txm_linux_thread_goes_on(TX_THREAD *thread_ptr)
{
	if (thread_ptr->tx_thread_module_modiso != TX_NULL &&
	    modiso_thread_resume(thread_ptr->tx_thread_module_modiso) != 0)
		abort();
}

/*
 * The calling thread was terminated and is to end its pthread. From within a
 * service: out of the module first, and here again behind the gate call.
 */
void _txm_linux_thread_leave(void)
{
	if (self != TX_NULL) {
		self->tx_thread_module_ending = TX_TRUE;
		if (self->tx_thread_module_modiso != TX_NULL)
			(void)!modiso_thread_abandon(
				self->tx_thread_module_modiso, NULL, NULL);
		self->tx_thread_module_ended = TX_TRUE;
	}
	pthread_exit(NULL);
}

/*
 * A module's thread that was terminated or is complete goes, wherever it is:
 * frozen, or waiting for its run semaphore. Returns 0 for any other thread,
 * which the kernel port cancels as it always did.
 */
int _txm_linux_thread_end(TX_THREAD *thread_ptr)
{
	static const struct timespec moment = {0, 1000000};

	if (thread_ptr->tx_thread_module_instance_ptr == TX_NULL)
		return 0;
	thread_ptr->tx_thread_module_ending = TX_TRUE;
	if (thread_ptr->tx_thread_linux_suspension_type) {
		/* In the kernel it goes by itself, at the next interrupt lock */
		if (!thread_ptr->tx_thread_module_in_kernel)
			(void)!modiso_thread_abandon(
				thread_ptr->tx_thread_module_modiso, NULL,
				NULL);
		_txm_linux_thread_goes_on(thread_ptr);
		_tx_linux_thread_resume(thread_ptr->tx_thread_linux_thread_id);
	} else {
		sem_post(&thread_ptr->tx_thread_linux_thread_run_semaphore);
	}
	while (pthread_tryjoin_np(thread_ptr->tx_thread_linux_thread_id,
				  NULL) != 0)
		nanosleep(&moment, NULL);
	thread_ptr->tx_thread_module_modiso = TX_NULL;
	return 1;
}
