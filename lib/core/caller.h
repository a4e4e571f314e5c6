/* SPDX-License-Identifier: MIT */
/*
 * core/caller.h - what the library's own services touch for the module that
 * calls them.
 *
 * A module may touch its regions, what it was granted, and, by its confinement,
 * memory that is in no region; of the library's own memory nothing, though a
 * GUARD module can read some of it. What lies in no region may not be there at
 * all, which a copy finds out (core/range.h).
 */
#ifndef MDI_CORE_CALLER_H
#define MDI_CORE_CALLER_H

#include "core/module.h"

/* Bytes from @address on that @module may touch, at most @length. */
size_t mdi_caller_reach(const struct modiso_module *module, uintptr_t address,
			size_t length, uint32_t access);

/*
 * Copies; 0, or MODISO_ERR_ACCESS or _FAULT with the sentence, and *bad is the
 * byte. @module NULL: host code calls, and answers for its pointers.
 */
int mdi_caller_try_read(const struct modiso_module *module, void *to,
			uintptr_t from, size_t length, uintptr_t *bad);
int mdi_caller_try_write(const struct modiso_module *module, uintptr_t to,
			 const void *from, size_t length, uintptr_t *bad);

/* The same of the thread's calling module, whose call ends where they fail. */
void mdi_caller_read(void *to, uintptr_t from, size_t length);
void mdi_caller_write(uintptr_t to, const void *from, size_t length);
/* As many bytes as can be read, at least one; @length of them at most. */
size_t mdi_caller_read_some(void *to, uintptr_t from, size_t length);
MDI_NORETURN void mdi_caller_end(uint32_t kind, uintptr_t detail);

#endif /* MDI_CORE_CALLER_H */
