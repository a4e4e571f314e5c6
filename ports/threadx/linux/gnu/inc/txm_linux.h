/* SPDX-License-Identifier: MIT */
/*
 * txm_linux.h - what the files of this port share.
 */
#ifndef TXM_LINUX_H
#define TXM_LINUX_H

#include "txm_module.h"

#include <modiso.h>

struct txm_linux_pending {
	struct modiso_module *module;
	struct modiso_image *image;
	struct modiso_gate *gate;
	void *start; /* where the image's first byte lies */
};
extern struct txm_linux_pending _txm_linux_pending;

VOID _txm_linux_pending_drop(VOID);
/* A module thread's entry, as far as the kernel knows. */
VOID _txm_linux_thread_run(ULONG id);

/*
 * TX_FALSE: the first word of a request is to be an object and is not, or its
 * second word a name and has no end in the module.
 */
UINT _txm_linux_params_fit(const TXM_MODULE_INSTANCE *module_instance,
			   ULONG request, ALIGN_TYPE object, ALIGN_TYPE name);

#endif /* TXM_LINUX_H */
