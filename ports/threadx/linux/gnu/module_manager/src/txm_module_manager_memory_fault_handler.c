/* SPDX-License-Identifier: MIT */
/*
 * A module's thread has faulted: its call is over, this is host code on its own
 * stack. It acts as an interrupt would, because a thread of the simulation that
 * terminates itself never returns, and the callback is to be told after that.
 */
#define TX_SOURCE_CODE
#define TX_MODULE_MANAGER_FAULT
#include "tx_api.h"
#include "tx_thread.h"
#include "txm_module.h"
#include "txm_modiso.h"

#include <stdio.h>
#include <string.h>

extern VOID (*_txm_module_manager_fault_notify)(TX_THREAD *,
						TXM_MODULE_INSTANCE *);
TXM_MODULE_MANAGER_FAULT_INFO

UINT _txm_modiso_fault_report = TX_TRUE;
static struct modiso_fault record;

/*
 * What the module may have changed since the thread was created is copied. A
 * module's first threads have names of the manager's.
 */
static const char *name_of(const TX_THREAD *thread_ptr, char *to, size_t size)
{
	const TXM_MODULE_INSTANCE *of =
		thread_ptr->tx_thread_module_instance_ptr;
	struct modiso_module *module = of->txm_module_instance_modiso;
	const char *name = thread_ptr->tx_thread_name;
	size_t length;

	if (name == NULL)
		return "";
	if (modiso_range_check(module, name, 1, MODISO_READ) != 0)
		return name;
	if (modiso_strnlen(module, name, size, &length) != 0 ||
	    modiso_copy_in(module, to, name, length) != 0)
		return "?";
	to[length] = 0;
	return to;
}

/* For who sits at the workstation, before the application goes on. */
static void report(const TX_THREAD *thread_ptr)
{
	char name[64];

	fprintf(stderr, "txm: thread \"%s\" is terminated:\n",
		name_of(thread_ptr, name, sizeof(name)));
	(void)!modiso_fault_print(&record, stderr);
	_txm_modiso_symbols_line(thread_ptr->tx_thread_module_instance_ptr,
				(const VOID *)record.pc);
}

VOID _txm_module_manager_memory_fault_handler(VOID)
{
	TXM_MODULE_MANAGER_MEMORY_FAULT_INFO *info =
		&_txm_module_manager_memory_fault_info;
	TX_THREAD *thread_ptr;
	TX_INTERRUPT_SAVE_AREA

	/* A thread that was terminated meanwhile goes here. */
	TX_DISABLE
	thread_ptr = _tx_thread_current_ptr;
	_tx_thread_system_state++;
	TX_RESTORE
	/* From here on it is not frozen: no other one writes what follows. */
	memset(info, 0, sizeof(*info));
	info->txm_module_manager_memory_fault_info_thread_ptr = thread_ptr;
	record.struct_size = sizeof(record);
	if (modiso_fault_last(&record) == 0) {
		info->txm_module_manager_memory_fault_info_code_location =
			(VOID *)record.pc;
		info->txm_module_manager_memory_fault_info_address =
			(VOID *)record.address;
		info->txm_module_manager_memory_fault_info_record = &record;
		if (_txm_modiso_fault_report)
			report(thread_ptr);
	}
	_tx_thread_terminate(thread_ptr);
	if (_txm_module_manager_fault_notify != TX_NULL)
		_txm_module_manager_fault_notify(
			thread_ptr, thread_ptr->tx_thread_module_instance_ptr);
	/* No tick comes in between; system_return() lets go of the lock. */
	TX_DISABLE
	_tx_thread_system_state--;
	_tx_thread_system_return();
}
