/* SPDX-License-Identifier: MIT */
/* stdio.h - streams into memory: there are none, so the case is skipped. */
#ifndef TESTS_SUPPORT_WINDOWS_STDIO_H
#define TESTS_SUPPORT_WINDOWS_STDIO_H

#include_next <stdio.h>

FILE *open_memstream(char **text, size_t *size);
FILE *fmemopen(void *text, size_t size, const char *mode);

#endif /* TESTS_SUPPORT_WINDOWS_STDIO_H */
