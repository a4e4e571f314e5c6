/* SPDX-License-Identifier: MIT */
#include "core/check.h"

#include "base/error.h"
#include "base/options.h"
#include "core/runtime.h"

#include <string.h>

int mdi_check_module(const struct modiso_module *module)
{
	int result = mdi_runtime_check();

	if (result == 0 && module == NULL)
		return mdi_null_argument("module");
	if (result == 0)
		mdi_mark_module(module);
	return result;
}

int mdi_check_region(const struct modiso_region *region)
{
	int result = mdi_runtime_check();

	if (result == 0 && region == NULL)
		return mdi_null_argument("region");
	if (result == 0)
		mdi_mark_region(region);
	return result;
}

int mdi_check_name(const char *name, const char *what)
{
	size_t length;

	if (name == NULL)
		return mdi_null_argument(what);
	length = strnlen(name, MODISO_NAME_SIZE);
	if (length == 0 || length == MODISO_NAME_SIZE)
		return mdi_fail(MODISO_ERR_INVAL,
				"%s must have 1 to %d bytes", what,
				MODISO_NAME_SIZE - 1);
	return 0;
}

int mdi_check_length(size_t length, size_t *rounded)
{
	if (length != 0 && mdi_page_round(length, rounded))
		return 0;
	return mdi_fail(MODISO_ERR_INVAL,
			"length is %zu: nothing, or it wraps when it is "
			"rounded up to pages",
			length);
}

int mdi_check_access(uint32_t access)
{
	if (access == MODISO_READ || access == (MODISO_READ | MODISO_WRITE) ||
	    access == (MODISO_READ | MODISO_EXEC))
		return 0;
	return mdi_fail(MODISO_ERR_INVAL,
			"access is %#x: it must be read, read and write, or "
			"read and execute",
			access);
}

int mdi_check_data_access(uint32_t access)
{
	if (access == MODISO_READ || access == (MODISO_READ | MODISO_WRITE))
		return 0;
	return mdi_fail(MODISO_ERR_INVAL,
			"access is %#x, not MODISO_READ or MODISO_READ | "
			"MODISO_WRITE",
			access);
}

int mdi_check_call(const struct modiso_gate *gate, const uintptr_t *args,
		   unsigned count, uintptr_t words[MODISO_WORDS_MAX])
{
	unsigned most = MODISO_ARGS_MAX;
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (gate == NULL)
		return mdi_null_argument("gate");
	mdi_mark_gate(gate);
	if (gate->own.words > most)
		most = gate->own.words;
	if (count > most)
		return mdi_fail(MODISO_ERR_INVAL,
				"%u arguments, at most %u pass this gate; "
				"modiso_gate_options.word_args makes one for "
				"up to %d",
				count, most, MODISO_WORDS_MAX);
	if (args == NULL && count != 0)
		return mdi_null_argument("args");
	memset(words, 0, MODISO_WORDS_MAX * sizeof(*words));
	for (unsigned i = 0; i < count; i++)
		words[i] = args[i];
	return 0;
}
