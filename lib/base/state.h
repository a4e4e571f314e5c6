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
	/* mdi_error_why(); NULL before the library has ever been started. */
	void (*why)(const char *call, int error, char *text, size_t size);
};

enum mdi_format {
	MDI_FORMAT_TEXT = 0,
	MDI_FORMAT_JSON = 1,
	MDI_FORMAT_SARIF = 2,
	MDI_FORMAT_SUMMARY = 3
};

/* MODISO_OPTIONS in the environment, as modiso_init() has found it. */
struct mdi_settings_state {
	bool report;
	bool map; /* with it: what lies around the address */
	bool objdump; /* may be started for a report */
	bool permissive; /* all modules are */
	uint32_t format; /* enum mdi_format */
	char known_sites[256]; /* "": no file */
	char log_path[256]; /* "": standard error */
	char backend[32];   /* "": not said */
	bool record; /* calls are */
	char record_path[256]; /* "": into no file */
	char picture[256]; /* of modules, as a graph; "": none */
};

struct mdi_misuse_state {
	modiso_misuse_fn handler;
	void *arg;
};

extern struct mdi_base_state {
	struct mdi_error_state error;
	struct mdi_misuse_state misuse;
	struct mdi_settings_state settings;
} MDI_STATE mdi_base_state;

#endif /* MDI_BASE_STATE_H */
