/* SPDX-License-Identifier: MIT */
/*
 * os/beneath.h - files below a directory, to be read, for a C library in a
 * module. Errors are those of system calls, below 0. All but mdi_beneath() is
 * AS-Safe.
 */
#ifndef MDI_OS_BENEATH_H
#define MDI_OS_BENEATH_H

#include "os/calls.h"

enum mdi_file_wish {
	MDI_FILE_NONE, /* it has nothing to do with files */
	MDI_FILE_OPEN,
	MDI_FILE_LOOK, /* at what a path leads to: the call is of its file */
	MDI_FILE_USE,  /* args[0] is a descriptor */
	MDI_FILE_CLOSE
};

/* The call as it is made once @path is a descriptor, args[0]. */
struct mdi_file_call {
	enum mdi_file_wish wish;
	uint32_t number;
	uint32_t flags;
	uintptr_t path;
	uintptr_t args[MDI_CALL_ARGS];
};

/* 0, or an error: it asks for what no file that is read has. */
int mdi_file_call(uint32_t number, const uintptr_t args[MDI_CALL_ARGS],
		  struct mdi_file_call *call);

/* The descriptor of a directory; -ENOSYS: the kernel cannot keep to it. */
int mdi_beneath(const char *directory);
/*
 * A regular file, and none of /proc, or with MDI_FILE_LOOK whatever it is, that
 * is reached from there without leaving it: no ".." and no link leads out.
 */
int mdi_beneath_open(int directory, const char *path,
		     const struct mdi_file_call *call);
void mdi_beneath_close(int descriptor);

#define MDI_BENEATH_PATH 4096 /* bytes of a path with its zero */

#endif /* MDI_OS_BENEATH_H */
