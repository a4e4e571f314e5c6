/* SPDX-License-Identifier: MIT */
/* Nobody changes the program's code any more. */
#include <modiso.h>
#include <stdio.h>

int main(void)
{
	int result;

	if (modiso_init(NULL) != 0)
		return 1;
	result = modiso_code_seal();
	if (result == MODISO_ERR_NOTSUP)
		printf("%s\n", modiso_last_error_text());
	else if (result != 0)
		return 1;
	return modiso_fini() != 0;
}
