/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/arguments.h and modiso/libc.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/arguments.h"
#include "core/caller.h"
#include "core/check.h"
#include "core/cstring.h"
#include "core/frames.h"
#include "core/runtime.h"

#include <string.h>

uintptr_t modiso_argument_word(struct modiso_arguments *arguments)
{
	uint64_t word;

	if (mdi_argument_word(arguments, &word) != 0)
		mdi_caller_end(MODISO_FAULT_ACCESS, arguments->bad);
	return word;
}

double modiso_argument_number(struct modiso_arguments *arguments)
{
	double number;

	if (mdi_argument_number(arguments, &number) != 0)
		mdi_caller_end(MODISO_FAULT_ACCESS, arguments->bad);
	return number;
}

static int check_format(const void *format, const char *to, size_t size)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (mdi_frames_module() == NULL)
		return mdi_fail(MODISO_ERR_STATE,
				"this thread is in no service of a module");
	if (format == NULL || (to == NULL && size != 0))
		return mdi_null_argument(format == NULL ? "format" : "to");
	return 0;
}

static int format_to(struct modiso_arguments *arguments, const char *format,
		     char *to, size_t size, size_t *length)
{
	struct mdi_sink sink = {.host = to, .size = size};
	int result = mdi_arguments_format(arguments, (uintptr_t)format, &sink);

	if (result == 0 && length != NULL)
		*length = sink.length;
	return result;
}

int modiso_arguments_format(struct modiso_arguments *arguments,
			    const char *format, char *to, size_t size,
			    size_t *length)
{
	int result = check_format(format, to, size);

	if (result == 0 && arguments == NULL)
		result = mdi_null_argument("arguments");
	return result != 0 ? result :
			     format_to(arguments, format, to, size, length);
}

int modiso_arguments_vformat(const void *list, const char *format, char *to,
			     size_t size, size_t *length)
{
	struct modiso_arguments arguments;
	int result = check_format(format, to, size);

	if (result == 0 && list == NULL)
		result = mdi_null_argument("list");
	if (result == 0)
		result = mdi_arguments_list(&arguments, mdi_frames_module(),
					    (uintptr_t)list);
	return result != 0 ? result :
			     format_to(&arguments, format, to, size, length);
}

modiso_fn modiso_libc_function(const char *name, uint32_t *flags)
{
	const struct mdi_libc_function *each;

	if (name == NULL || flags == NULL)
		return NULL;
	for (size_t i = 0; (each = mdi_libc_at(i)) != NULL; i++) {
		if (strcmp(each->name, name) != 0)
			continue;
		*flags = each->flags;
		return each->function;
	}
	return NULL;
}

const char *modiso_libc_name(size_t number)
{
	const struct mdi_libc_function *each = mdi_libc_at(number);

	return each != NULL ? each->name : NULL;
}
