/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/permissive.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/permit.h"
#include "core/runtime.h"

#include <errno.h>

uint64_t modiso_permitted_count(void)
{
	return __atomic_load_n(&mdi_core_state.permit.accesses,
			       __ATOMIC_RELAXED);
}

static int print(FILE *stream, void (*what)(FILE *out))
{
	int saved = errno, result = mdi_runtime_check();

	if (result == 0 && stream == NULL)
		result = mdi_null_argument("stream");
	if (result != 0)
		return result;
	what(stream);
	if (ferror(stream) || fflush(stream) != 0)
		return mdi_fail_os("fprintf", "places of permissive modules");
	errno = saved;
	return 0;
}

int modiso_permitted_print(FILE *stream)
{
	return print(stream, mdi_permit_print);
}

int modiso_permitted_print_json(FILE *stream)
{
	return print(stream, mdi_permit_print_json);
}
