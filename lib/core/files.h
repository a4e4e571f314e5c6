/* SPDX-License-Identifier: MIT */
/*
 * core/files.h - files below a directory that a module's C library may read
 * (core/libc.h).
 *
 * A module has numbers of its own for what it has opened, from 3 on, and no
 * descriptor of the process has a name there. Nobody locks: a number is a word
 * that is changed as one, and who uses a file holds it open meanwhile.
 */
#ifndef MDI_CORE_FILES_H
#define MDI_CORE_FILES_H

#include "core/module.h"

#include <modiso/syscall.h>

struct mdi_files {
	int directory;
	uint32_t count;
	uint64_t file[]; /* descriptor << 32, FILE_NAMED, who holds it; 0 */
};

/*
 * Nobody is inside of the module. The library's lock is held. @directory: NULL:
 * none. 0, MODISO_ERR_OS, _NOTSUP or _NOMEM.
 */
int mdi_files_set(struct modiso_module *module, const char *directory,
		  uint32_t count);
void mdi_files_free(struct modiso_module *module);

/* As the kernel answers; false: it is no call for this. AS-Safe. */
bool mdi_files_serve(const struct modiso_syscall *call, intptr_t *result);

#endif /* MDI_CORE_FILES_H */
