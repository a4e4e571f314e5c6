/* SPDX-License-Identifier: MIT */
#include "os/file.h"

#include "os/linux/sys.h"
#include "os/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#define F_SEAL_FUTURE_WRITE 0x0010
#endif
#define HUGETLBFS_TYPE 0x958458f6

const char *mdi_file_inspect(int fd, struct mdi_file *file)
{
	int flags = fcntl(fd, F_GETFL), seals;
	struct statfs system;
	struct stat status;

	if (flags >= 0 && flags & O_PATH)
		errno = EBADF;
	if (flags < 0 || flags & O_PATH)
		return "fcntl";
	if (fstat(fd, &status) != 0)
		return "fstat";
	if (fstatfs(fd, &system) != 0)
		return "fstatfs";
	seals = fcntl(fd, F_GET_SEALS);
	if (seals < 0)
		seals = 0; /* it can have none */
	*file = (struct mdi_file){
		.regular = S_ISREG(status.st_mode),
		.huge = (unsigned long)system.f_type == HUGETLBFS_TYPE,
		.readable = (flags & O_ACCMODE) != O_WRONLY,
		.writable = (flags & O_ACCMODE) == O_RDWR &&
			    !(seals & (F_SEAL_WRITE | F_SEAL_FUTURE_WRITE)),
		.write_sealed = seals & F_SEAL_WRITE,
		.length = (uint64_t)status.st_size,
		.page_size = (uint64_t)system.f_bsize,
	};
	return NULL;
}

int mdi_file_open_shm(const char *name, bool writable)
{
	return shm_open(name, (writable ? O_RDWR : O_RDONLY) | O_CLOEXEC, 0);
}

int mdi_file_reopen(int fd)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
	return open(path, O_RDONLY | O_CLOEXEC);
}

int mdi_file_keep_length(int fd)
{
	int seals = fcntl(fd, F_GET_SEALS);

	if (seals >= 0 && seals & F_SEAL_SHRINK)
		return 0;
	return fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK);
}

static bool is_too_long(uint64_t length)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_FSIZE, &limit) != 0 || limit.rlim_cur >= length)
		return false;
	errno = EFBIG;
	return true;
}

static int with_length(int fd, uint64_t length)
{
	int saved;

	if (fd < 0)
		return -1;
	if (ftruncate(fd, (off_t)length) != 0) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

int mdi_file_create(const char *name, uint64_t length)
{
	return is_too_long(length) ?
		       -1 :
		       with_length(mdi_sys_memfd_create(name), length);
}

int mdi_file_create_named(const char *path, uint64_t length)
{
	const int flags = O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW;

	return is_too_long(length) ?
		       -1 :
		       with_length(open(path, flags, 0600), length);
}

void mdi_file_close(int fd)
{
	int saved = errno;

	close(fd);
	errno = saved;
}

static bool zeros(const char *page)
{
	static const char zero[MDI_PAGE_SIZE];

	return memcmp(page, zero, MDI_PAGE_SIZE) == 0;
}

static int write_all(int fd, uint64_t offset, const char *from, size_t length)
{
	ssize_t got;

	while (length > 0) {
		got = pwrite(fd, from, length, (off_t)offset);
		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -1;
		from += got;
		offset += (uint64_t)got;
		length -= (size_t)got;
	}
	return 0;
}

int mdi_file_save(int fd, uint64_t offset, const void *base, size_t length,
		  bool *any)
{
	const char *bytes = base;
	size_t at = 0, from;

	while (at < length) {
		if (zeros(bytes + at)) {
			at += MDI_PAGE_SIZE;
			continue;
		}
		from = at;
		do {
			at += MDI_PAGE_SIZE;
		} while (at < length && !zeros(bytes + at));
		if (write_all(fd, offset + from, bytes + from, at - from) != 0)
			return -1;
		*any = true;
	}
	return 0;
}

int mdi_file_freeze(int fd)
{
	return fcntl(fd, F_ADD_SEALS,
		     F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL);
}

/*
 * Elsewhere first: mmap(2) over pages takes them away before it can fail, and
 * another thread's mapping could come to lie in the hole.
 */
void *mdi_file_map_aside(size_t length, int fd, uint64_t offset, bool shared)
{
	void *got = mmap(NULL, length, PROT_NONE,
			 shared ? MAP_SHARED : MAP_PRIVATE, fd, (off_t)offset);

	return got == MAP_FAILED ? NULL : got;
}

int mdi_file_move(void *aside, void *base, size_t length)
{
	int saved;

	if (mdi_mem_move(aside, length, base) == 0)
		return 0;
	saved = errno;
	munmap(aside, length);
	errno = saved;
	return -1;
}

const char *mdi_file_map(void *base, size_t length, int fd, uint64_t offset,
			 bool shared)
{
	void *aside = mdi_file_map_aside(length, fd, offset, shared);

	if (aside == NULL)
		return "mmap";
	return mdi_file_move(aside, base, length) != 0 ? "mremap" : NULL;
}

bool mdi_file_apart(void)
{
	return false;
}

char *mdi_file_map_apart(size_t length, int fd, uint64_t offset, bool writable,
			 const char **call)
{
	(void)length;
	(void)fd;
	(void)offset;
	(void)writable;
	*call = "mmap";
	errno = ENOSYS;
	return NULL;
}

void *mdi_file_map_away(size_t length, int fd, uint64_t offset)
{
	void *got = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
			 (off_t)offset);

	return got == MAP_FAILED ? NULL : got;
}

const char *mdi_file_map_code(void *base, size_t length, int fd)
{
	void *aside = mmap(NULL, length, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd,
			   0);

	if (aside == MAP_FAILED)
		return "mmap";
	return mdi_file_move(aside, base, length) != 0 ? "mremap" : NULL;
}
