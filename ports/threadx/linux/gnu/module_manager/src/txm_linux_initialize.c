/* SPDX-License-Identifier: MIT */
/*
 * The kernel port starts: so does libmodiso, before the kernel makes its first
 * thread and takes its signals, and the dispatcher becomes a service of it.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "txm_module.h"
#include "txm_linux.h"

#include <stdio.h>
#include <stdlib.h>

ALIGN_TYPE (*_txm_module_manager_dispatcher)
(ULONG, ALIGN_TYPE, ALIGN_TYPE, ALIGN_TYPE);

VOID _txm_linux_initialize(VOID)
{
	const struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
	};
	struct modiso_service *service;
	int result = modiso_init(&options);

	/* The application may have done it, with options of its own. */
	if (result == 0 || result == MODISO_ERR_STATE)
		result = modiso_service_create(
			"ThreadX",
			(modiso_fn)_txm_module_manager_user_mode_entry, NULL,
			&service);
	if (result != 0) {
		fprintf(stderr, "txm: modules cannot be isolated: %s\n",
			modiso_last_error_text());
		exit(EXIT_FAILURE);
	}
	_txm_module_manager_dispatcher =
		(ALIGN_TYPE(*)(ULONG, ALIGN_TYPE, ALIGN_TYPE,
			       ALIGN_TYPE))modiso_service_thunk(service);
}
