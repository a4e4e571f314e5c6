/* SPDX-License-Identifier: MIT */
/*
 * The dispatcher: a service of libmodiso, the one thing that a module can call.
 * It is on the host's stack with host rights before its first line.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_thread.h"
#include "txm_module.h"
#include "txm_modiso.h"

TXM_MODULE_MANAGER_REFUSAL_INFO _txm_module_manager_refusal_info;

extern ALIGN_TYPE _txm_module_manager_kernel_dispatch(ULONG kernel_request,
						      ALIGN_TYPE param_0,
						      ALIGN_TYPE param_1,
						      ALIGN_TYPE param_2);

static VOID note_refusal(TX_THREAD *thread_ptr, ULONG request,
			 ALIGN_TYPE param_1, ALIGN_TYPE param_2,
			 ALIGN_TYPE param_3)
{
	TXM_MODULE_MANAGER_REFUSAL_INFO *info =
		&_txm_module_manager_refusal_info;
	TX_INTERRUPT_SAVE_AREA

	TX_DISABLE
	info->txm_module_manager_refusal_info_thread_ptr = thread_ptr;
	info->txm_module_manager_refusal_info_count++;
	info->txm_module_manager_refusal_info_request = request;
	info->txm_module_manager_refusal_info_params[0] = param_1;
	info->txm_module_manager_refusal_info_params[1] = param_2;
	info->txm_module_manager_refusal_info_params[2] = param_3;
	TX_RESTORE
}

/* What ThreadX answers to a pointer that it does not take. */
static UINT is_refusal(ULONG request, ALIGN_TYPE result)
{
	return result == TXM_MODULE_INVALID_MEMORY &&
	       request != TXM_TIME_GET_CALL;
}

MODISO_CALL ALIGN_TYPE
_txm_modiso_dispatch(ULONG kernel_request, ALIGN_TYPE param_1,
		     ALIGN_TYPE param_2, ALIGN_TYPE param_3)
{
	TX_THREAD *thread_ptr = _tx_thread_current_ptr;
	ALIGN_TYPE result = TXM_MODULE_INVALID_MEMORY;

	thread_ptr->tx_thread_module_in_kernel = TX_TRUE;
	if (_txm_modiso_params_fit(thread_ptr->tx_thread_module_instance_ptr,
				  kernel_request, param_1, param_2, param_3))
		result = _txm_module_manager_kernel_dispatch(
			kernel_request, param_1, param_2, param_3);
	if (is_refusal(kernel_request, result))
		note_refusal(thread_ptr, kernel_request, param_1, param_2,
			     param_3);
	thread_ptr->tx_thread_module_in_kernel = TX_FALSE;
	if (thread_ptr->tx_thread_module_ending)
		_txm_modiso_thread_leave();
	return result;
}
