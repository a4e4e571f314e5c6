/* SPDX-License-Identifier: MIT */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "txm_module.h"

VOID (*_txm_module_manager_fault_notify)(TX_THREAD *, TXM_MODULE_INSTANCE *);

/* Who is told of a module's fault, after its thread was terminated. */
UINT _txm_module_manager_memory_fault_notify(
	VOID (*notify_function)(TX_THREAD *, TXM_MODULE_INSTANCE *))
{
	_txm_module_manager_fault_notify = notify_function;
	return TX_SUCCESS;
}
