/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/signal.h. */
#include <modiso.h>

#include "core/front.h"
#include "core/runtime.h"

int modiso_signal_adopt(void)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_front_now->adopt();
	mdi_runtime_unlock();
	return result;
}
