/* SPDX-License-Identifier: MIT */
/* sys/mman.h - memory of no file, and its permissions. */
#ifndef MODISO_TOOLS_MMAN_H
#define MODISO_TOOLS_MMAN_H

#include <stddef.h>
#include <windows.h>

#define PROT_NONE  0
#define PROT_READ  1
#define PROT_WRITE 2

#define MAP_PRIVATE   0x02
#define MAP_ANONYMOUS 0x20
#define MAP_FAILED    ((void *)-1)

static inline DWORD tool_protection(int prot)
{
	return prot == PROT_NONE ? PAGE_NOACCESS :
	       prot == PROT_READ ? PAGE_READONLY :
				   PAGE_READWRITE;
}

static inline void *mmap(void *base, size_t length, int prot, int flags, int fd,
			 long long offset)
{
	void *pages = VirtualAlloc(base, length, MEM_RESERVE | MEM_COMMIT,
				   tool_protection(prot));

	(void)flags;
	(void)fd;
	(void)offset;
	return pages != NULL ? pages : MAP_FAILED;
}

static inline int mprotect(void *base, size_t length, int prot)
{
	DWORD was;

	return VirtualProtect(base, length, tool_protection(prot), &was) ? 0 :
									   -1;
}

static inline int munmap(void *base, size_t length)
{
	(void)length;
	return VirtualFree(base, 0, MEM_RELEASE) ? 0 : -1;
}

#endif /* MODISO_TOOLS_MMAN_H */
