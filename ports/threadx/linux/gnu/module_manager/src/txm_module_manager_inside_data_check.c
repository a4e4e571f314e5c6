/* SPDX-License-Identifier: MIT */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "txm_module.h"
#include "txm_modiso.h"

/* Could the module have written every byte itself? */
UINT _txm_module_manager_inside_data_check(TXM_MODULE_INSTANCE *module_instance,
					   ALIGN_TYPE obj_ptr,
					   ALIGN_TYPE obj_size)
{
	return modiso_range_check(module_instance->txm_module_instance_modiso,
				  (void *)obj_ptr, obj_size,
				  MODISO_READ | MODISO_WRITE) == 0;
}
