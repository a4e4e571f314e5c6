/* SPDX-License-Identifier: MIT */
/*
 * arch/tls.h - what code of images calls to find its thread-local variables.
 *
 * These run in the module, with its rights, on its stack: the thread pointer is
 * the module's own, and the two words at the argument say how far from it a
 * variable is (code/image_reloc.c). So nobody leaves the module for it.
 */
#ifndef MDI_ARCH_TLS_H
#define MDI_ARCH_TLS_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* __tls_get_addr(): the address, of two words. */
void mdi_tls_address(void);
/* Of a TLS descriptor: rax is its address, and becomes the distance. */
void mdi_tls_described(void);

/* Is it the name of such a function? Then *@address is the function's. */
static inline bool mdi_tls_function(const char *name, uintptr_t *address)
{
	if (strcmp(name, "__tls_get_addr") != 0)
		return false;
	*address = (uintptr_t)mdi_tls_address;
	return true;
}

#endif /* MDI_ARCH_TLS_H */
