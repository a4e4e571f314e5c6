/* SPDX-License-Identifier: MIT */
/* The fuzzer's host exports nothing; the rest of the library is left out. */
#include "core/service.h"

modiso_fn mdi_service_thunk(const struct modiso_service *service)
{
	(void)service;
	return NULL;
}
