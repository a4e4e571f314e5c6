/* SPDX-License-Identifier: MIT */
/* Protection keys if they can be had; else whatever enforces, and say so. */
#include <modiso.h>
#include <stdio.h>

int main(void)
{
	struct modiso_options options = { .struct_size = sizeof(options) };

	options.require = MODISO_CAP_PER_THREAD;
	if (modiso_init(&options) != 0) {
		fprintf(stderr, "%s\n", modiso_last_error_text());
		if (modiso_init(NULL) != 0)
			return 1;
	}
	printf("modules %s\n",
	       modiso_backend_current() == MODISO_BACKEND_PKEY ?
		       "run in parallel" : "take turns");
	return modiso_fini() != 0;
}
