/* SPDX-License-Identifier: MIT */
/*
 * os/code.h - code of the process is changed while it may run.
 */
#ifndef MDI_OS_CODE_H
#define MDI_OS_CODE_H

#include "base/common.h"

/*
 * These bytes of private code become others, in one step: new pages take the
 * place of those that hold them. No page is writable and executable meanwhile,
 * and nobody can change the new ones, a file in memory that is sealed. A thread
 * that runs there finds all of the old bytes or all of the new. NULL, or the
 * call that has failed, with errno; then nothing has changed.
 */
const char *mdi_code_change(uintptr_t at, const void *bytes, size_t length);

/*
 * A page of zeros that can be read, less than 1 GiB from @at. NULL with errno.
 */
void *mdi_code_near(uintptr_t at);

/*
 * The kernel refuses every change of these mappings from now on: mseal(2). No
 * bytes: could it be done? 0, or -1 and errno.
 */
int mdi_code_seal(void *base, size_t length);

/*
 * How many objects the dynamic linker has loaded and unloaded. Takes its lock.
 */
uint64_t mdi_code_loads(void);

#endif /* MDI_OS_CODE_H */
