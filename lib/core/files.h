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
 * A directory, for mdi_files_set(). That may take as long as its file system
 * likes: the library's lock is not held. 0, MODISO_ERR_OS or _NOTSUP.
 */
int mdi_files_open(const char *path, int *directory);
/*
 * Nobody is inside of the module. The library's lock is held. @directory: the
 * module's if it is taken; -1: none. 0 or MODISO_ERR_NOMEM.
 */
int mdi_files_set(struct modiso_module *module, int directory, uint32_t count);
void mdi_files_free(struct modiso_module *module);

/* As the kernel answers; false: it is no call for this. AS-Safe. */
bool mdi_files_serve(const struct modiso_syscall *call, intptr_t *result);

#endif /* MDI_CORE_FILES_H */
