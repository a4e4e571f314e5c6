/* SPDX-License-Identifier: MIT */
/*
 * code/state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_CODE_STATE_H
#define MDI_CODE_STATE_H

#include "base/state.h"
#include "os/lock.h"

/* gdb's: a list of ELF files in memory. */
struct mdi_jit_entry {
	struct mdi_jit_entry *next, *prev;
	const void *file;
	uint64_t size;
};

struct mdi_jit_descriptor {
	uint32_t version;
	uint32_t action;
	struct mdi_jit_entry *relevant;
	struct mdi_jit_entry *first;
};

extern struct mdi_code_state {
	/* First: it has a name of its own, by which gdb finds it. */
	struct mdi_jit_descriptor jit;
	struct mdi_lock jit_lock; /* of the list; inside the library's lock */
	struct modiso_image *images; /* guarded by the library's lock */
} MDI_STATE mdi_code_state;

#endif /* MDI_CODE_STATE_H */
