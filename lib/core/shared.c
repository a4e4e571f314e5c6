/* SPDX-License-Identifier: MIT */
/* Is this file fit to be a region, and which part of it? */
#include "core/region.h"

#include "base/error.h"
#include "os/file.h"

#include <errno.h>

static int check_kind(const struct mdi_file *file, int fd, uint32_t access)
{
	if (!file->regular)
		return mdi_fail(MODISO_ERR_INVAL,
				"descriptor %d is not of a regular file, a "
				"memfd or shared memory",
				fd);
	if (file->huge)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"descriptor %d is of hugetlbfs, with pages of "
				"%llu bytes; keys and permissions need their "
				"own granularity",
				fd, (unsigned long long)file->page_size);
	if (!file->readable)
		return mdi_fail(MODISO_ERR_ACCESS,
				"descriptor %d is open for writing alone", fd);
	if (access & MODISO_WRITE && !file->writable)
		return mdi_fail(MODISO_ERR_ACCESS,
				"descriptor %d is open for reading alone, or "
				"its file is sealed against writing",
				fd);
	return 0;
}

static int check_part(const struct mdi_file *file, uint64_t offset,
		      size_t *length)
{
	if (!mdi_page_aligned((uintptr_t)offset))
		return mdi_fail(MODISO_ERR_INVAL,
				"offset %#llx is no multiple of the page size",
				(unsigned long long)offset);
	if (offset >= file->length)
		return mdi_fail(MODISO_ERR_INVAL,
				"offset %llu is not in a file of %llu bytes",
				(unsigned long long)offset,
				(unsigned long long)file->length);
	if (*length == 0)
		*length = file->length - offset;
	if (*length > file->length - offset)
		return mdi_fail(MODISO_ERR_INVAL,
				"%zu bytes at offset %llu reach beyond the end "
				"of a file of %llu bytes",
				*length, (unsigned long long)offset,
				(unsigned long long)file->length);
	/* A length of a file is below 2^63: this cannot wrap. */
	if (!mdi_page_round(*length, length))
		return mdi_fail(MODISO_ERR_INVAL, "the length wraps");
	return 0;
}

static int inspect(int fd, uint32_t access, struct mdi_file *file)
{
	const char *call = mdi_file_inspect(fd, file);

	if (call != NULL && errno != EBADF)
		return mdi_fail_os(call, "descriptor %d", fd);
	if (call != NULL)
		return mdi_fail(MODISO_ERR_INVAL,
				"descriptor %d is not open, or for its path "
				"alone",
				fd);
	return check_kind(file, fd, access);
}

/*
 * A file that is sealed against writing is mapped through a descriptor for
 * reading: before Linux 6.7 any other shared mapping of it was refused.
 */
static int map(struct modiso_module *owner, int fd, const struct mdi_file *file,
	       uint64_t offset, size_t length, uint32_t access, uint32_t flags,
	       const char *name, struct modiso_region **out)
{
	int again, result;

	if (!file->write_sealed)
		return mdi_region_create_shared(owner, fd, offset, length,
						!file->writable, access, flags,
						name, out);
	again = mdi_file_reopen(fd);
	if (again < 0)
		return mdi_fail_os("open", "a sealed file, for reading");
	result = mdi_region_create_shared(owner, again, offset, length, true,
					  access, flags, name, out);
	mdi_file_close(again);
	return result;
}

int mdi_region_map(struct modiso_module *owner, int fd, uint64_t offset,
		   size_t length, uint32_t access, uint32_t flags,
		   const char *name, struct modiso_region **out)
{
	struct mdi_file file;
	size_t part = length;
	int saved = errno, result;

	result = inspect(fd, access, &file);
	if (result == 0)
		result = check_part(&file, offset, &part);
	if (result == 0 && flags & MODISO_REGION_NOSHRINK) {
		if (mdi_file_keep_length(fd) != 0)
			result = mdi_fail(MODISO_ERR_NOTSUP,
					  "the file of descriptor %d cannot be "
					  "sealed: it is no memfd made with "
					  "MFD_ALLOW_SEALING, or is not open "
					  "for writing",
					  fd);
		/* It may have become shorter just before. */
		part = length;
		if (result == 0)
			result = inspect(fd, access, &file);
		if (result == 0)
			result = check_part(&file, offset, &part);
	}
	if (result == 0)
		result = map(owner, fd, &file, offset, part, access, flags,
			     name, out);
	if (result != MODISO_ERR_OS)
		errno = saved;
	return result;
}

static int not_opened(const char *shm)
{
	switch (errno) {
	case ENOENT:
		return mdi_fail(MODISO_ERR_NOENT,
				"there is no shared memory %s", shm);
	case EACCES:
	case EPERM:
		return mdi_fail(MODISO_ERR_ACCESS,
				"the permissions of shared memory %s do not "
				"allow it",
				shm);
	case EINVAL:
	case ENAMETOOLONG:
	case ELOOP:
		return mdi_fail(MODISO_ERR_INVAL,
				"%s is no name of shared memory", shm);
	default:
		return mdi_fail_os("shm_open", "%s", shm);
	}
}

int mdi_region_map_named(struct modiso_module *owner, const char *shm,
			 uint64_t offset, size_t length, uint32_t access,
			 uint32_t flags, const char *name,
			 struct modiso_region **out)
{
	bool writable = access & MODISO_WRITE ||
			flags & MODISO_REGION_NOSHRINK;
	int saved = errno, result, fd;

	fd = mdi_file_open_shm(shm, writable);
	if (fd < 0) {
		result = not_opened(shm);
	} else {
		result = mdi_region_map(owner, fd, offset, length, access,
					flags, name, out);
		mdi_file_close(fd);
	}
	if (result != MODISO_ERR_OS)
		errno = saved;
	return result;
}
