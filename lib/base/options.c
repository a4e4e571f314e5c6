/* SPDX-License-Identifier: MIT */
#include "base/options.h"

#include "base/error.h"

#include <string.h>

int mdi_null_argument(const char *what)
{
	return mdi_fail(MODISO_ERR_INVAL, "%s is NULL", what);
}

int mdi_options_take(const void *options, uint32_t struct_size, void *known,
		     size_t known_size, const char *name)
{
	const unsigned char *bytes = options;

	/* The structures of version 0.1 are the smallest that there are. */
	if (struct_size < known_size)
		return mdi_fail(MODISO_ERR_INVAL,
				"%s.struct_size is %u; set it to sizeof",
				name, struct_size);
	for (size_t i = known_size; i < struct_size; i++)
		if (bytes[i] != 0)
			return mdi_fail(MODISO_ERR_INVAL,
					"%s asks for something that this "
					"version does not know (byte %zu)",
					name, i);
	memcpy(known, options, known_size);
	return 0;
}

int mdi_options_flags(uint32_t flags, uint32_t known, const char *what)
{
	if (flags & ~known)
		return mdi_fail(MODISO_ERR_INVAL, "%s has unknown bits: %#x",
				what, flags & ~known);
	return 0;
}
