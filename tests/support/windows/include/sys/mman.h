/* SPDX-License-Identifier: MIT */
/* sys/mman.h - the words that tests ask support/proc.h for memory with. */
#ifndef TESTS_SUPPORT_WINDOWS_MMAN_H
#define TESTS_SUPPORT_WINDOWS_MMAN_H

#include <stddef.h>

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

int mprotect(void *base, size_t length, int prot);

#endif /* TESTS_SUPPORT_WINDOWS_MMAN_H */
