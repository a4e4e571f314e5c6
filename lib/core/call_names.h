/* SPDX-License-Identifier: MIT */
/*
 * core/call_names.h - what system calls are called.
 *
 * By libseccomp's tables, which are loaded when somebody wants a name, as libdw
 * is (core/lines.h). Without them, or where they were not there to build with,
 * numbers have no names.
 */
#ifndef MDI_CORE_CALL_NAMES_H
#define MDI_CORE_CALL_NAMES_H

#include "base/common.h"

/* Bytes of a name, the final zero included. */
#define MDI_CALL_NAME_SIZE 48

/* Are there names at all? */
bool mdi_call_names_there(void);

/* False: it has none, and @name is "". */
bool mdi_call_name(uint32_t arch, uint32_t number,
		   char name[MDI_CALL_NAME_SIZE]);
/* False: there is no such call. */
bool mdi_call_number(uint32_t arch, const char *name, uint32_t *number);

#endif /* MDI_CORE_CALL_NAMES_H */
