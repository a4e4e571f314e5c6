/* SPDX-License-Identifier: MIT */
/*
 * os/file.h - files as memory: what a snapshot is kept in, what is shared.
 *
 * Functions that return int return 0 (or a descriptor), or -1 with errno.
 */
#ifndef MDI_OS_FILE_H
#define MDI_OS_FILE_H

#include "base/common.h"

struct mdi_file {
	bool regular; /* else a directory, a pipe, a device ... */
	bool huge;    /* of hugetlbfs */
	bool readable, writable; /* through this descriptor, seals counted */
	bool write_sealed; /* a shared mapping must not even look writable */
	uint64_t length;
	uint64_t page_size; /* what the file system maps at once */
};

/*
 * What is it? NULL, or the call that failed, with errno: EBADF, nothing that is
 * open.
 */
const char *mdi_file_inspect(int fd, struct mdi_file *file);

/* Named shared memory (shm_overview(7)) that exists. The caller closes it. */
int mdi_file_open_shm(const char *name, bool writable);

/* The same file once more, for reading. The caller closes it. */
int mdi_file_reopen(int fd);

/* It does not become shorter any more. */
int mdi_file_keep_length(int fd);

/*
 * A file of zeros without a name. EFBIG when RLIMIT_FSIZE is below @length:
 * the kernel would send a signal. The caller closes it.
 */
int mdi_file_create(const char *name, uint64_t length);

/*
 * The same with a path, for this user alone to read and write. What was there
 * is gone, but for a symbolic link, which is ELOOP.
 */
int mdi_file_create_named(const char *path, uint64_t length);

/*
 * Copy whole pages to @offset; those of zeros stay holes. *any becomes true
 * when there was another one, and is left alone otherwise.
 */
int mdi_file_save(int fd, uint64_t offset, const void *base, size_t length,
		  bool *any);

/* Nobody changes its bytes or its size any more. */
int mdi_file_freeze(int fd);

void mdi_file_close(int fd);

/*
 * Pages of a file, somewhere; nobody can touch them yet. Private: what is
 * written stays here, and mdi_mem_discard() drops it. NULL with errno.
 */
void *mdi_file_map_aside(size_t length, int fd, uint64_t offset, bool shared);

/*
 * Pages take the place of those at @base, with the protection and the key that
 * they have. On failure the old pages are still there, and the new ones gone.
 */
int mdi_file_move(void *aside, void *base, size_t length);

/* Both in one. NULL, or the call that has failed, with errno. */
const char *mdi_file_map(void *base, size_t length, int fd, uint64_t offset,
			 bool shared);

/*
 * Do shared pages of a file lie where the system puts them, and not in a
 * reservation? Then they come by this, open, and go by mdi_mem_decommit().
 * NULL: *@call has failed, with errno.
 */
bool mdi_file_apart(void);
char *mdi_file_map_apart(size_t length, int fd, uint64_t offset, bool writable,
			 const char **call);

/*
 * The same, private, and to be read and executed from the first moment on. The
 * file is one that nobody changes.
 */
const char *mdi_file_map_code(void *base, size_t length, int fd);

/*
 * Private pages of a file, readable and writable, anywhere: for mdi_mem_move().
 * NULL and errno.
 */
void *mdi_file_map_away(size_t length, int fd, uint64_t offset);

#endif /* MDI_OS_FILE_H */
