/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher: a service of libmodiso, the one thing that a module can call.
 * It is on the host's stack with host rights before its first line.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_thread.h"
#include "txm_module.h"
#include "txm_linux.h"

ALIGN_TYPE (*_txm_module_manager_dispatcher)(ULONG, ALIGN_TYPE, ALIGN_TYPE,
					     ALIGN_TYPE);
static struct modiso_service *service;

extern ALIGN_TYPE _txm_module_manager_kernel_dispatch(ULONG kernel_request,
						      ALIGN_TYPE param_0,
						      ALIGN_TYPE param_1,
						      ALIGN_TYPE param_2);

ALIGN_TYPE _txm_module_manager_user_mode_entry(ULONG kernel_request,
					       ALIGN_TYPE param_1,
					       ALIGN_TYPE param_2,
					       ALIGN_TYPE param_3)
{
	TX_THREAD *thread_ptr = _tx_thread_current_ptr;
	ALIGN_TYPE result;

	thread_ptr->tx_thread_module_in_kernel = TX_TRUE;
	result = _txm_module_manager_kernel_dispatch(kernel_request, param_1,
						     param_2, param_3);
	thread_ptr->tx_thread_module_in_kernel = TX_FALSE;
	if (thread_ptr->tx_thread_module_ending)
		_txm_linux_thread_leave();
	return result;
}

/* Once, after modiso_init() with MODISO_EXCLUSION_EXTERNAL. */
UINT _txm_module_manager_port_start(VOID)
{
	if (modiso_service_create(
		    "ThreadX", (modiso_fn)_txm_module_manager_user_mode_entry,
		    NULL, &service) != 0)
		return TX_NOT_AVAILABLE;
	_txm_module_manager_dispatcher =
		(ALIGN_TYPE(*)(ULONG, ALIGN_TYPE, ALIGN_TYPE, ALIGN_TYPE))
			modiso_service_thunk(service);
	return TX_SUCCESS;
}
