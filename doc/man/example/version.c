/* SPDX-License-Identifier: MIT */
#include <modiso.h>
#include <stdio.h>
#include <string.h>

int main(void)
{
	printf("compiled against %s, running with %s\n",
	       MODISO_VERSION_STRING, modiso_version());
	return strcmp(MODISO_VERSION_STRING, modiso_version()) != 0;
}
