/* SPDX-License-Identifier: MIT */
/*
 * The last step of a load and of an unload, with interrupts off. There is no
 * way to report an error: a module whose data cannot be made its own is left
 * in a state in which it never starts.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_thread.h"
#include "txm_module.h"
#include "txm_modiso.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static VOID move(VOID *function, ALIGN_TYPE by)
{
	ALIGN_TYPE address;

	memcpy(&address, function, sizeof(address));
	if (address != 0)
		address += by;
	memcpy(function, &address, sizeof(address));
}

VOID _txm_module_manager_mm_register_setup(TXM_MODULE_INSTANCE *module_instance)
{
	struct txm_modiso_pending *pending = &_txm_modiso_pending;
	struct modiso_region_options options = {
		.struct_size = sizeof(options), .name = "data and stacks"};
	TXM_MODULE_INSTANCE *to = module_instance;
	ALIGN_TYPE by = (ALIGN_TYPE)pending->start -
			(ALIGN_TYPE)to->txm_module_instance_code_start;

	to->txm_module_instance_modiso = pending->module;
	to->txm_module_instance_image = pending->image;
	to->txm_module_instance_gate = pending->gate;
	memset(pending, 0, sizeof(*pending));
	if (modiso_image_seal(to->txm_module_instance_image) != 0 ||
	    modiso_region_adopt(to->txm_module_instance_modiso,
				to->txm_module_instance_data_start,
				to->txm_module_instance_data_size,
				MODISO_READ | MODISO_WRITE, &options,
				&to->txm_module_instance_data) != 0) {
		fprintf(stderr, "txm: module %s will not start: %s\n",
			to->txm_module_instance_name, modiso_last_error_text());
		/* Beyond any priority that a thread can have. */
		to->txm_module_instance_maximum_priority = TX_MAX_PRIORITIES;
		return;
	}
	/* The code that runs is the image's. */
	move(&to->txm_module_instance_code_start, by);
	move(&to->txm_module_instance_code_end, by);
	move(&to->txm_module_instance_shell_entry_function, by);
	move(&to->txm_module_instance_start_thread_entry, by);
	move(&to->txm_module_instance_stop_thread_entry, by);
	move(&to->txm_module_instance_callback_request_thread_entry, by);
}

/* No thread of the module is left, or the manager would not unload it. */
VOID _txm_module_manager_mm_register_clear(TXM_MODULE_INSTANCE *module_instance)
{
	if (modiso_module_destroy(module_instance->txm_module_instance_modiso) !=
	    0) {
		fprintf(stderr, "txm: module %s will not go: %s\n",
			module_instance->txm_module_instance_name,
			modiso_last_error_text());
		abort(); /* its memory is in the pool again */
	}
	module_instance->txm_module_instance_modiso = NULL;
}
