/* SPDX-License-Identifier: MIT */
/*
 * core/stale.h - a handle was used after it was destroyed: whose mistake it is.
 */
#ifndef MDI_CORE_STALE_H
#define MDI_CORE_STALE_H

#include "base/common.h"

/*
 * Ends the process by mdi_misuse(), with a line that names the handle, the
 * function of the library that was handed it, and the code that called that.
 * @noun:  "module".
 * @name:  as in the handle's memory; NULL: it has none.
 * @mark:  what stands in the place of its mark. Not 0: the memory is another
 *         object's by now, and so is the name.
 * @ended: the function that ends such a handle, "modiso_module_destroy()".
 *
 * Not AS-Safe: it looks up symbols.
 */
MDI_NORETURN void mdi_stale(const char *noun, const char *name, uint32_t mark,
			    const char *ended);

/* The same where the call is known: of @function, in front of @pc. */
MDI_NORETURN void mdi_stale_call(const char *noun, const char *name,
				 uint32_t mark, const char *ended,
				 const char *function, uintptr_t pc);

#endif /* MDI_CORE_STALE_H */
