/* SPDX-License-Identifier: MIT */
#include "base/options.h"

#include "base/error.h"

#include <string.h>

int mdi_null_argument(const char *what)
{
	return mdi_fail(MODISO_ERR_INVAL, "%s is NULL", what);
}

static uint32_t size_of(const void *structure)
{
	uint32_t size;

	memcpy(&size, structure, sizeof(size));
	return size;
}

static int check_size(const void *structure, size_t first_size,
		      const char *name)
{
	uint32_t size = size_of(structure);

	if (size >= first_size)
		return 0;
	return mdi_fail(MODISO_ERR_INVAL,
			"%s.struct_size is %u, and no version's was below %zu; "
			"set it to sizeof the structure",
			name, size, first_size);
}

int mdi_options_take(const void *options, size_t first_size, void *known,
		     size_t known_size, const char *name)
{
	const unsigned char *bytes = options;
	uint32_t size;
	int result;

	if (options == NULL)
		return 0;
	result = check_size(options, first_size, name);
	if (result != 0)
		return result;
	size = size_of(options);
	for (size_t i = known_size; i < size; i++)
		if (bytes[i] != 0)
			return mdi_fail(MODISO_ERR_INVAL,
					"%s asks for something that this "
					"version does not know (byte %zu)",
					name, i);
	memcpy(known, options, size < known_size ? size : known_size);
	return 0;
}

int mdi_info_check(const void *info, size_t first_size, const char *name)
{
	if (info == NULL)
		return mdi_null_argument(name);
	return check_size(info, first_size, name);
}

void mdi_info_give(void *info, const void *answer, size_t answer_size)
{
	uint32_t size = size_of(info);
	size_t given = size < answer_size ? size : answer_size;

	memcpy(info, answer, given);
	memset((char *)info + given, 0, size - given);
	memcpy(info, &size, sizeof(size));
}

int mdi_options_flags(uint32_t flags, uint32_t known, const char *what)
{
	if (flags & ~known)
		return mdi_fail(MODISO_ERR_INVAL, "%s has unknown bits: %#x",
				what, flags & ~known);
	return 0;
}
