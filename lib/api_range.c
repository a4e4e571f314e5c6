/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/range.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/check.h"
#include "core/range.h"

int modiso_range_check(struct modiso_module *module, const void *address,
		       size_t length, uint32_t access)
{
	int result = mdi_check_module(module);

	if (result == 0)
		result = mdi_check_access(access);
	return result != 0 ? result :
			     mdi_range_check(module, (uintptr_t)address, length,
					     access);
}

int modiso_copy_in(struct modiso_module *module, void *to, const void *from,
		   size_t length)
{
	int result = mdi_check_module(module);

	if (result != 0)
		return result;
	if (to == NULL && length != 0)
		return mdi_null_argument("to");
	result = mdi_range_check(module, (uintptr_t)from, length, MODISO_READ);
	return result != 0 ? result : mdi_range_copy(to, from, length, from);
}

int modiso_copy_out(struct modiso_module *module, void *to, const void *from,
		    size_t length)
{
	int result = mdi_check_module(module);

	if (result != 0)
		return result;
	if (from == NULL && length != 0)
		return mdi_null_argument("from");
	result = mdi_range_check(module, (uintptr_t)to, length,
				 MODISO_READ | MODISO_WRITE);
	return result != 0 ? result : mdi_range_copy(to, from, length, to);
}

int modiso_strnlen(struct modiso_module *module, const char *string, size_t max,
		   size_t *length)
{
	int result = mdi_check_module(module);

	if (result != 0)
		return result;
	if (length == NULL || max == 0)
		return length == NULL ? mdi_null_argument("length")
				      : mdi_fail(MODISO_ERR_INVAL, "max is 0");
	return mdi_range_strnlen(module, string, max, length);
}
