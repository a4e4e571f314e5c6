/* SPDX-License-Identifier: MIT */
/* The pkey backend of a library that was built with --disable-pkey. */
#include "backend/backend.h"

#include <modiso/error.h>

#include <stdio.h>

static int probe(struct modiso_backend_info *info)
{
	info->usable = 0;
	info->caps = 0;
	info->keys_total = 0;
	info->keys_free = 0;
	snprintf(info->reason, sizeof(info->reason),
		 "this libmodiso was built with --disable-pkey");
	return MODISO_ERR_NOTSUP;
}

/* Never started: nothing but its name and probe is ever used. */
const struct mdi_backend mdi_backend_pkey = {
	.id = MODISO_BACKEND_PKEY,
	.name = "pkey",
	.probe = probe,
};
