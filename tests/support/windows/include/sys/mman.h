/* SPDX-License-Identifier: MIT */
/* sys/mman.h - the words that tests ask support/proc.h for memory with. */
#ifndef TESTS_SUPPORT_WINDOWS_MMAN_H
#define TESTS_SUPPORT_WINDOWS_MMAN_H

#include <stddef.h>

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2
#define PROT_EXEC  4

#define MAP_SHARED    0x01
#define MAP_PRIVATE   0x02
#define MAP_FIXED     0x10
#define MAP_ANONYMOUS 0x20
#define MAP_FAILED    ((void *)-1)
#define MFD_CLOEXEC   1u

int mprotect(void *base, size_t length, int prot);
/* Of no file: where nothing is, or anywhere. */
void *mmap(void *base, size_t length, int prot, int flags, int file,
	   long long offset);
/* Pages of one allocation: no longer there, or free where that is all of it. */
int munmap(void *base, size_t length);
static inline int mlock(const void *base, size_t length)
{
	(void)base;
	(void)length;
	return -1;
}
/* Ends the case as skipped. */
int memfd_create(const char *name, unsigned flags);

#endif /* TESTS_SUPPORT_WINDOWS_MMAN_H */
