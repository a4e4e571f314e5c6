/* SPDX-License-Identifier: MIT */
/* Are protection keys usable here, and if not, why? */
#include <modiso.h>
#include <stdio.h>

int main(void)
{
	struct modiso_backend_info info = { .struct_size = sizeof(info) };

	if (modiso_backend_query(MODISO_BACKEND_PKEY, &info) != 0)
		return 1;
	if (info.usable)
		printf("%u of %u keys are free\n", info.keys_free,
		       info.keys_total);
	else
		printf("no protection keys: %s\n", info.reason);
	return 0;
}
