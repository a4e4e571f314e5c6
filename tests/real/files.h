/* SPDX-License-Identifier: MIT */
/*
 * What a C library in a module may have of the host's files: some can be
 * opened and read, and no other one.
 */
#ifndef TESTS_REAL_FILES_H
#define TESTS_REAL_FILES_H

struct modiso_module;

/* Those below @directory, which ends with a slash and must stay. */
int files_allow(struct modiso_module *module, const char *directory);

#endif /* TESTS_REAL_FILES_H */
