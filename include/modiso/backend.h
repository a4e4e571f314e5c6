/* SPDX-License-Identifier: MIT */
/*
 * modiso/backend.h - the mechanisms that can enforce isolation, and which of
 * them this machine has.
 */
#ifndef MODISO_BACKEND_H
#define MODISO_BACKEND_H

#include <modiso/export.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

enum modiso_backend {
	MODISO_BACKEND_AUTO = 0,    /* the strongest that is usable */
	MODISO_BACKEND_PKEY = 1,    /* protection keys: Intel MPK, AMD PKU */
	MODISO_BACKEND_MPROTECT = 2 /* page permissions, one global lock */
};

/*
 * What a backend can promise, as bits. A program that relies on one names it
 * in modiso_options.require and is refused where it is missing.
 */
#define MODISO_CAP_GUARD (1u << 0)      /* confinement GUARD */
#define MODISO_CAP_READONLY (1u << 1)   /* confinement READONLY */
#define MODISO_CAP_SEALED (1u << 2)     /* confinement SEALED */
#define MODISO_CAP_PER_THREAD (1u << 3) /* rights belong to one thread */
#define MODISO_CAP_PARALLEL (1u << 4)   /* modules run at the same time */
#define MODISO_CAP_UNLIMITED (1u << 5)  /* modules are not bounded by keys */
/*
 * exit(), abort(), longjmp(), pthread_create() and the like, called by a GUARD
 * module, are seen (modiso/fault.h). This depends on no backend, but on how the
 * program was linked: with the shared library, in front of the C library. It is
 * missing in a program that is linked statically, and where libmodiso is opened
 * late, by dlopen(3).
 */
#define MODISO_CAP_EXITS (1u << 6)
/*
 * System calls of modules can be stopped (modiso_module_options.syscalls): pkey
 * with three keys, on Linux 5.11 and later, where no filter, emulator or tracer
 * keeps the library from it.
 */
#define MODISO_CAP_SYSCALLS (1u << 7)

/* Bytes of modiso_backend_info.reason, the final zero included. */
#define MODISO_REASON_SIZE 256

/*
 * What one backend is on this machine. The caller sets struct_size to
 * sizeof(struct modiso_backend_info). Fields are only ever added at the end.
 */
struct modiso_backend_info {
	uint32_t struct_size; /* in, bytes */
	uint32_t backend;     /* enum modiso_backend */
	uint32_t usable;      /* 1: modiso_init() can use it here and now */
	uint32_t caps;        /* MODISO_CAP_* bits; 0 when not usable */
	uint32_t keys_total;  /* keys that user space can have, 15 or 0 */
	uint32_t keys_free;   /* of those, not taken by anybody now */
	const char *name;     /* as MODISO_BACKEND spells it */
	/*
	 * When not usable: why, and what to do. When usable: which of the
	 * confinement levels are missing and why; when none is, why system
	 * calls of modules cannot be stopped; "" when they can.
	 */
	char reason[MODISO_REASON_SIZE];
};
#define MODISO_BACKEND_INFO_INIT MODISO_SIZED(modiso_backend_info)

/*
 * modiso_backend_query - can @backend be used here and now?
 * @backend: MODISO_BACKEND_PKEY or MODISO_BACKEND_MPROTECT.
 * @info:    receives the answer; struct_size set by the caller.
 *
 * Asks CPUID (the CPU's flag and the operating system's), then tries one
 * pkey_alloc(2); no vendor and no errno decides alone. This is the function
 * that modiso_init() itself goes by. Works before modiso_init() and after it.
 *
 * Returns 0 whether usable or not, or:
 *   MODISO_ERR_INVAL  @backend is no backend, @info is NULL or its
 *                     struct_size is too small.
 *
 * Cost:   a few system calls; the first call forks one child for a probe.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_backend_query(enum modiso_backend backend,
		     struct modiso_backend_info *info);

/*
 * modiso_backend_current - the backend that modiso_init() chose.
 *
 * Returns MODISO_BACKEND_PKEY or MODISO_BACKEND_MPROTECT, or
 * MODISO_BACKEND_AUTO while the library is not initialised.
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: safe.
 * Since:  0.1
 */
MODISO_API enum modiso_backend modiso_backend_current(void);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_BACKEND_H */
