/* SPDX-License-Identifier: MIT */
/*
 * The kernel port starts: so does libmodiso, before the kernel makes its first
 * thread and takes its signals, and the dispatcher becomes a service of it.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "txm_module.h"
#include <txm_host.h>

#include <stdio.h>
#include <stdlib.h>

ALIGN_TYPE (*_txm_module_manager_dispatcher)
(ULONG, ALIGN_TYPE, ALIGN_TYPE, ALIGN_TYPE);

/* Of every module. Less than this only where the application says so. */
UINT _txm_modiso_confinement = TXM_HOST_CONFINEMENT;

/* Why memory in no region cannot be closed here; empty: it is, or is not to be. */
char _txm_modiso_open_because[256];

static int start(VOID)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
		.closed = _txm_modiso_confinement == MODISO_CONFINE_GUARD
				  ? 0
				  : MODISO_CLOSED_DATA,
	};
	int result = modiso_init(&options);

	if (result != MODISO_ERR_NOTSUP || options.closed == 0)
		return result;
	/* The kernel runs all the same; modules are refused. */
	snprintf(_txm_modiso_open_because, sizeof(_txm_modiso_open_because), "%s",
		 modiso_last_error_text());
	options.closed = 0;
	return modiso_init(&options);
}

VOID _txm_modiso_initialize(VOID)
{
	struct modiso_service *service;
	int result;

	txm_host_initialize();
	result = start();
	/* The application may have done it, with options of its own. */
	if (result == 0 || result == MODISO_ERR_STATE)
		result = modiso_service_create(
			"ThreadX",
			(modiso_fn)_txm_modiso_dispatch, NULL,
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
