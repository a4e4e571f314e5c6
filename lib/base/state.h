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

#include <pthread.h>
#include <threads.h>

#define MDI_STATE __attribute__((aligned(4096)))

typedef void mdi_end_fn(int status);
typedef void mdi_assert_fn(const char *assertion, const char *file,
			   unsigned line, const char *function);
typedef void mdi_jump_fn(void *env, int value);
typedef int mdi_cancel_fn(pthread_t thread);
typedef int mdi_create_fn(pthread_t *thread, const pthread_attr_t *options,
			  void *(*function)(void *), void *arg);
typedef int mdi_thrd_create_fn(thrd_t *thread, thrd_start_t function,
			       void *arg);

/*
 * The C library's functions that ours stand in front of: interpose_libc.c.
 * Constant once the library is initialised. Modules read it.
 */
extern struct mdi_libc_state {
	mdi_end_fn *end[3];
	void (*abort)(void);
	mdi_assert_fn *assert_fail;
	void (*stack_chk_fail)(void);
	mdi_jump_fn *longjmp, *_longjmp, *siglongjmp, *longjmp_chk;
	mdi_cancel_fn *cancel;
	mdi_create_fn *create;
	mdi_thrd_create_fn *thrd_create;
	bool found;
	bool called; /* what the program calls is this library's */
} MDI_STATE mdi_libc_state;

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
