/* SPDX-License-Identifier: MIT */
/*
 * base/state.h - what this layer can change.
 *
 * All writable data of the library lies in one structure for each layer,
 * lib/LAYER/state.h, aligned to a page and as long as whole pages: so it
 * can carry a key, and nothing else of the program is closed with it, wherever
 * a linker puts it. The parts are named after the files that own them. Before
 * modiso_init() and after modiso_fini() it is ordinary memory; in between no
 * module has rights to it. What modules must read is in mdi_open
 * (backend/backend.h).
 */
#ifndef MDI_BASE_STATE_H
#define MDI_BASE_STATE_H

#include <modiso/error.h>

#include "base/common.h"

#define MDI_STATE __attribute__((aligned(4096)))

struct mdi_error_state {
	/* Writes the sentence of mdi_fail_later(). */
	const char *(*later)(char *text, size_t size);
};

struct mdi_misuse_state {
	modiso_misuse_fn handler;
	void *arg;
};

extern struct mdi_base_state {
	struct mdi_error_state error;
	struct mdi_misuse_state misuse;
} MDI_STATE mdi_base_state;

#endif /* MDI_BASE_STATE_H */
