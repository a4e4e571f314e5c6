/* SPDX-License-Identifier: MIT */
/* Needs the C library, which a module does not have. */
int printf(const char *format, ...);
int talk(void);

__attribute__((visibility("default"))) int talk(void)
{
	return printf("%d\n", 1);
}
