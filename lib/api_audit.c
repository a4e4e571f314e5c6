/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/audit.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/audit.h"
#include "core/runtime.h"

#include <errno.h>
#include <stdlib.h>

int modiso_audit(struct modiso_audit_finding *findings, size_t room,
		 size_t *count)
{
	int saved = errno, result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (count == NULL || (findings == NULL && room != 0))
		return mdi_null_argument(count == NULL ? "count" : "findings");
	mdi_runtime_lock();
	result = mdi_audit(findings, room, count);
	mdi_runtime_unlock();
	if (result != MODISO_ERR_OS)
		errno = saved;
	return result;
}

/* The text is made under the lock, and written without it. */
static int print(FILE *stream, void (*make)(FILE *out))
{
	int saved = errno, result = mdi_runtime_check();
	size_t size = 0;
	char *text = NULL;
	FILE *memory;
	bool whole;

	if (result != 0)
		return result;
	if (stream == NULL)
		return mdi_null_argument("stream");
	memory = open_memstream(&text, &size);
	if (memory == NULL)
		return mdi_fail(MODISO_ERR_NOMEM, "no memory for the report");
	mdi_runtime_lock();
	make(memory);
	mdi_runtime_unlock();
	whole = !ferror(memory);
	whole = fclose(memory) == 0 && whole;
	if (!whole)
		result = mdi_fail(MODISO_ERR_NOMEM, "no memory for the report");
	else if (fwrite(text, 1, size, stream) != size || fflush(stream) != 0)
		result = mdi_fail_os("write", "the report of %zu bytes", size);
	free(text);
	if (result != MODISO_ERR_OS)
		errno = saved;
	return result;
}

int modiso_report(FILE *stream)
{
	return print(stream, mdi_inventory_print);
}

int modiso_report_json(FILE *stream)
{
	return print(stream, mdi_inventory_print_json);
}

int modiso_report_dot(FILE *stream)
{
	return print(stream, mdi_inventory_print_dot);
}
