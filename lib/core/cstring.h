/* SPDX-License-Identifier: MIT */
/*
 * core/cstring.h - functions of the C library that module code calls, by way of
 * services, on memory that it could touch itself.
 */
#ifndef MDI_CORE_CSTRING_H
#define MDI_CORE_CSTRING_H

#include <modiso/libc.h>

struct mdi_libc_function {
	const char *name;
	modiso_fn function;
	uint32_t flags; /* of its service */
};

/* By number from 0; NULL: there are no more. */
const struct mdi_libc_function *mdi_libc_at(size_t number);

#endif /* MDI_CORE_CSTRING_H */
