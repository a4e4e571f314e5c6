/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/code.h. */
#include <modiso.h>

#include "core/runtime.h"
#include "core/seal.h"

int modiso_code_seal(void)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_seal_code();
	mdi_runtime_unlock();
	return result;
}
