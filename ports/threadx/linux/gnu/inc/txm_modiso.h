/* SPDX-License-Identifier: MIT */
/*
 * txm_modiso.h - what the files of this port share.
 */
#ifndef TXM_MODISO_H
#define TXM_MODISO_H

#include "txm_module.h"

#include <modiso.h>

struct txm_modiso_pending {
	struct modiso_module *module;
	struct modiso_image *image;
	struct modiso_gate *gate;
	void *start; /* where the image's first byte lies */
};
extern struct txm_modiso_pending _txm_modiso_pending;

VOID _txm_modiso_pending_drop(VOID);

extern char _txm_modiso_open_because[256];

/*
 * The functions of a module, from the ELF file that it was made from: one of
 * those that TXM_MODULE_SYMBOLS in the environment names (colons between them;
 * on Windows semicolons) and that has the image's build id. Without one there are no names.
 */
struct txm_modiso_symbols {
	struct modiso_flat_symbol *functions;
	size_t count;
	void *file; /* in memory; the names are in it */
	size_t size;
	const char *path; /* of the environment, up to the next one or its end */
};
VOID _txm_modiso_symbols_find(const TXM_MODULE_PREAMBLE *preamble,
			     struct txm_modiso_symbols *out);
VOID _txm_modiso_symbols_drop(struct txm_modiso_symbols *symbols);
/* One line for standard error: where in the module's source code_location is. */
VOID _txm_modiso_symbols_line(const TXM_MODULE_INSTANCE *module_instance,
			     const VOID *code_location);

/* The dispatcher's function: a service of libmodiso. */
MODISO_CALL ALIGN_TYPE
_txm_modiso_dispatch(ULONG kernel_request, ALIGN_TYPE param_1,
		     ALIGN_TYPE param_2, ALIGN_TYPE param_3);
/* A module thread's entry, as far as the kernel knows. */
VOID _txm_modiso_thread_run(ULONG id);

/*
 * TX_FALSE: the first word of a request is to be an object and is none, or
 * memory that goes back and that no pool has, or an object is in; its second word is a name that has no
 * end in the module, or a message that is not all there; or its third one leads
 * to fewer further words than the request has.
 */
UINT _txm_modiso_params_fit(TXM_MODULE_INSTANCE *module_instance,
			   ULONG request, ALIGN_TYPE object,
			   ALIGN_TYPE second, ALIGN_TYPE third);

#endif /* TXM_MODISO_H */
