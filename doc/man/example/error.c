/* SPDX-License-Identifier: MIT */
/* What a refusal looks like: the code, and the sentence behind it. */
#include <modiso.h>
#include <stdio.h>

int main(void)
{
	struct modiso_options options = { .struct_size = sizeof(options) };
	int result;

	options.require = MODISO_CAP_PER_THREAD | MODISO_CAP_UNLIMITED;
	result = modiso_init(&options);
	if (result == 0)
		return modiso_fini() != 0;
	printf("%s (%s): %s\n", modiso_error_name(result),
	       modiso_strerror(result), modiso_last_error_text());
	return result == MODISO_ERR_NOTSUP ? 0 : 1;
}
