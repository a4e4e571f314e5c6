/* SPDX-License-Identifier: MIT */
/* configure has not found the header of libseccomp. */
#include "core/call_names.h"

bool mdi_call_names_there(void)
{
	return false;
}

bool mdi_call_name(uint32_t arch, uint32_t number,
		   char name[MDI_CALL_NAME_SIZE])
{
	(void)arch;
	(void)number;
	name[0] = '\0';
	return false;
}

bool mdi_call_number(uint32_t arch, const char *name, uint32_t *number)
{
	(void)arch;
	(void)name;
	(void)number;
	return false;
}
