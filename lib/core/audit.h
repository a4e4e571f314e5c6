/* SPDX-License-Identifier: MIT */
/*
 * core/audit.h - what the library believes: compared with the kernel, printed.
 *
 * The library's lock is held in both.
 */
#ifndef MDI_CORE_AUDIT_H
#define MDI_CORE_AUDIT_H

#include <modiso/audit.h>

/* 0, MODISO_ERR_NOMEM or _OS. */
int mdi_audit(struct modiso_audit_finding *findings, size_t room,
	      size_t *count);

/* Into memory: a stream may be the program's own, and call the library. */
void mdi_inventory_print(FILE *out);
void mdi_inventory_print_json(FILE *out);
void mdi_inventory_print_dot(FILE *out);

#endif /* MDI_CORE_AUDIT_H */
