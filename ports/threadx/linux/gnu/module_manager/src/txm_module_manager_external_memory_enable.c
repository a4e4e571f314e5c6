/* SPDX-License-Identifier: MIT */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_mutex.h"
#include "tx_thread.h"
#include "txm_module.h"
#include "txm_linux.h"

/* Attributes as the other ports have them: bit 2 says read-only. */
#define READ_ONLY 0x04

static UINT enable(TXM_MODULE_INSTANCE *to, VOID *start, ULONG length,
		   UINT attributes)
{
	ULONG count = to->txm_module_instance_shared_memory_count;
	uint32_t access = attributes & READ_ONLY ? MODISO_READ
						 : MODISO_READ | MODISO_WRITE;

	if (to->txm_module_instance_id != TXM_MODULE_ID)
		return TX_PTR_ERROR;
	if (to->txm_module_instance_state != TXM_MODULE_LOADED)
		return TX_START_ERROR;
	if (!(to->txm_module_instance_property_flags &
	      TXM_MODULE_SHARED_EXTERNAL_MEMORY_ACCESS))
		return TXM_MODULE_INVALID_PROPERTIES;
	if (count == TXM_MODULE_SHARED_ENTRIES)
		return TX_NO_MEMORY;
	switch (modiso_region_adopt(to->txm_module_instance_modiso, start,
				    length, access, TX_NULL,
				    &to->txm_module_instance_shared[count])) {
	case 0:
		to->txm_module_instance_shared_memory_count++;
		return TX_SUCCESS;
	case MODISO_ERR_INVAL:
		return TXM_MODULE_ALIGNMENT_ERROR;
	default:
		return TXM_MODULE_INVALID_MEMORY;
	}
}

/* Whole pages, of one module: libmodiso's regions have one owner. */
UINT _txm_module_manager_external_memory_enable(
	TXM_MODULE_INSTANCE *module_instance, VOID *start_address, ULONG length,
	UINT attributes)
{
	UINT status;

	if (_txm_module_manager_ready != TX_TRUE)
		return TX_NOT_AVAILABLE;
	if (module_instance == TX_NULL)
		return TX_PTR_ERROR;
	_tx_mutex_get(&_txm_module_manager_mutex, TX_WAIT_FOREVER);
	status = enable(module_instance, start_address, length, attributes);
	_tx_mutex_put(&_txm_module_manager_mutex);
	return status;
}
