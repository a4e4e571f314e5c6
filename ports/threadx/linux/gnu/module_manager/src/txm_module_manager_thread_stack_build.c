/* SPDX-License-Identifier: MIT */
/*
 * A module's thread is a thread of the kernel port whose entry enters the
 * module. Its user stack is libmodiso's; of the stack that the manager named
 * the entry information is used, which lies at its top.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_thread.h"
#include "txm_module.h"
#include "txm_modiso.h"

VOID _txm_module_manager_thread_stack_build(
	TX_THREAD *thread_ptr,
	VOID (*shell_function)(TX_THREAD *, TXM_MODULE_INSTANCE *))
{
	(VOID)shell_function; /* the gate's entry */
	thread_ptr->tx_thread_entry = _txm_modiso_thread_run;
	thread_ptr->tx_thread_module_modiso = TX_NULL;
	thread_ptr->tx_thread_module_in_kernel = TX_TRUE;
	thread_ptr->tx_thread_module_ending = TX_FALSE;
	thread_ptr->tx_thread_module_ended = TX_FALSE;
	_tx_thread_stack_build(thread_ptr, TX_NULL);
}
