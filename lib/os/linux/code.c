/* SPDX-License-Identifier: MIT */
#include "os/code.h"

#include "base/common.h"
#include "os/file.h"

#include <errno.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- changing it --- */

/* The pages as they are, but for these bytes. */
static const char *fill(int fd, uintptr_t page, size_t size, uintptr_t at,
			const void *bytes, size_t length)
{
	bool any = false;

	if (mdi_file_save(fd, 0, (const void *)page, size, &any) != 0)
		return "pwrite";
	errno = ENOSPC; /* of a short write */
	if (pwrite(fd, bytes, length, (off_t)(at - page)) != (ssize_t)length)
		return "pwrite";
	return mdi_file_freeze(fd) != 0 ? "fcntl" : NULL;
}

const char *mdi_code_change(uintptr_t at, const void *bytes, size_t length)
{
	uintptr_t page = at & ~(MDI_PAGE_SIZE - 1);
	uintptr_t end = (at + length - 1) | (MDI_PAGE_SIZE - 1);
	size_t size = end + 1 - page;
	int fd = mdi_file_create("modiso-host-code", size);
	const char *call;

	if (fd < 0)
		return "memfd_create";
	call = fill(fd, page, size, at, bytes, length);
	if (call == NULL)
		call = mdi_file_map_code((void *)page, size, fd);
	mdi_file_close(fd);
	return call;
}

/* --- a place for more of it --- */

#define STEP ((uintptr_t)1 << 20)
#define MOST ((uintptr_t)1 << 30)

/* Older kernels take the address for a hint. */
static void *map_at(uintptr_t at)
{
	void *got = mmap((void *)at, MDI_PAGE_SIZE, PROT_READ,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
			 0);

	if (got == MAP_FAILED)
		return NULL;
	if ((uintptr_t)got == at)
		return got;
	munmap(got, MDI_PAGE_SIZE);
	errno = EEXIST;
	return NULL;
}

void *mdi_code_near(uintptr_t at)
{
	uintptr_t page = at & ~(MDI_PAGE_SIZE - 1);
	void *got = NULL;

	for (uintptr_t d = STEP; got == NULL && d < MOST; d += STEP) {
		if (page > d)
			got = map_at(page - d);
		if (got == NULL)
			got = map_at(page + d);
	}
	return got;
}

/* Linux 6.10; headers may be older. */
#ifndef SYS_mseal
#	define SYS_mseal 462
#endif

int mdi_code_seal(void *base, size_t length)
{
	return (int)syscall(SYS_mseal, base, length, 0ul);
}

/* --- is there more of it? --- */

static int first(struct dl_phdr_info *info, size_t size, void *arg)
{
	uint64_t *loads = arg;

	if (size >= sizeof(*info))
		*loads = info->dlpi_adds + info->dlpi_subs;
	return 1;
}

uint64_t mdi_code_loads(void)
{
	uint64_t loads = 0;

	dl_iterate_phdr(first, &loads);
	return loads;
}
