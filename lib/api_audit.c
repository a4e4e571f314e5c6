/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/audit.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/audit.h"
#include "core/runtime.h"
#include "os/stream.h"

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
	struct mdi_stream made;
	FILE *memory;

	if (result != 0)
		return result;
	if (stream == NULL)
		return mdi_null_argument("stream");
	memory = mdi_stream_open(&made);
	if (memory == NULL)
		return mdi_fail(MODISO_ERR_NOMEM, "no memory for the report");
	mdi_runtime_lock();
	make(memory);
	mdi_runtime_unlock();
	if (!mdi_stream_close(&made, memory))
		result = mdi_fail(MODISO_ERR_NOMEM, "no memory for the report");
	else if (fwrite(made.text, 1, made.size, stream) != made.size ||
		 fflush(stream) != 0)
		result = mdi_fail_os("write", "the report of %zu bytes",
				     made.size);
	free(made.text);
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
