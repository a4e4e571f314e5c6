/* SPDX-License-Identifier: MIT */
/*
 * modiso/audit.h - does the kernel see what the library believes?
 *
 * Other code in the process can call mprotect(2), mmap(2) or pkey_mprotect(2)
 * on memory that is a region. The audit compares all regions, and the library's
 * own memory, with /proc/self/smaps. The map prints what the library believes.
 */
#ifndef MODISO_AUDIT_H
#define MODISO_AUDIT_H

#include <modiso/export.h>
#include <modiso/module.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum modiso_audit_kind {
	MODISO_AUDIT_UNMAPPED = 1,   /* a part of a region is not mapped */
	MODISO_AUDIT_RIGHTS = 2,     /* page permissions are others */
	MODISO_AUDIT_KEY = 3,        /* the protection key is another one */
	MODISO_AUDIT_GUARD = 4,      /* the page below a stack is no guard */
	MODISO_AUDIT_STRAY = 5,      /* memory in a module's range, no region */
	MODISO_AUDIT_ALIAS = 6,      /* a shared region's pages, mapped again */
	MODISO_AUDIT_WRITE_EXEC = 7, /* writable and executable, anywhere */
	MODISO_AUDIT_LIBRARY = 8,    /* the library's own memory is open */
	MODISO_AUDIT_URING = 9,  /* an io_uring: a mapping, or a descriptor */
	MODISO_AUDIT_SQPOLL = 10, /* a thread of the kernel's that serves one */
	MODISO_AUDIT_AIO = 11,   /* memory of asynchronous I/O, io_setup(2) */
	MODISO_AUDIT_OPEN = 12   /* in no region, and not closed: see below */
};

/* One difference, or one way around the rights; whole pages. */
struct modiso_audit_finding {
	uint32_t kind;        /* enum modiso_audit_kind */
	int32_t key;          /* as the kernel says; -1: it names none */
	int32_t want_key;     /* as it should be; -1: nothing to compare */
	uint32_t access;      /* MODISO_READ, _WRITE, _EXEC: the kernel's */
	uint32_t want_access; /* as it should be */
	uint32_t number; /* of the descriptor or thread; else 0 */
	uintptr_t base;  /* both 0 for a descriptor or thread */
	size_t length;
	char module_name[MODISO_NAME_SIZE]; /* "" when none owns it */
	char region_name[MODISO_NAME_SIZE]; /* "" when it is in none */
};

/*
 * modiso_audit - compare with the kernel's own list of mappings.
 * @findings: receives up to @room of them, in order of address (aliases, then
 *            descriptors and threads last); NULL when @room is 0.
 * @room:     elements.
 * @count:    receives how many there are, which may be more than @room.
 *
 * Looks at every region's permissions and key, at the guards of stacks, at the
 * rest of each module's address range, at second mappings of shared regions'
 * pages in this process, at the library's memory, and at every mapping of the
 * process for being writable and executable. Rights do not change meanwhile;
 * threads inside of modules run on.
 *
 * What the kernel does for the process by request, not by a system call,
 * bypasses all rights of modules. So rings of io_uring, open or mapped, are
 * told of, the threads by which the kernel serves a ring that it polls (SQPOLL:
 * used without a system call), and memory of asynchronous I/O. Not
 * to be seen are rings in memory of the program's own whose descriptor is
 * closed (IORING_SETUP_NO_MMAP with REGISTERED_FD_ONLY), buffers that a ring
 * has registered, I/O that is under way, and mappings of other processes.
 *
 * Where the host has memory in no region closed to confined modules by page
 * permissions (modiso_options.closed, mprotect), it is told which of it they
 * can write all the same: mappings of the program's own and of malloc(3), the
 * heap and stacks where those were not asked for, stacks of threads that are
 * not attached, and of those that are the pages of their thread-local
 * variables. Not told of is what modiso/init.h says of each program: the data
 * of the C library and of this one.
 *
 * Memory that the program itself maps writable and executable (a JIT compiler
 * of its own, say) is told of as well.
 *
 * Returns 0, also when there are findings, or:
 *   MODISO_ERR_INVAL  @count is NULL, or @findings is NULL and @room is not 0.
 *   MODISO_ERR_NOMEM  no memory for the list of shared regions.
 *   MODISO_ERR_OS     /proc/self/smaps, fd or task cannot be read; errno says
 *                     why.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   reads /proc/self/smaps: some microseconds for each mapping; and of
 *         each descriptor and thread its name.
 * Safety: MT-Safe. AS-Unsafe (takes the library's lock). Fork: safe.
 * Since:  0.1
 */
MODISO_API MODISO_MUST_CHECK int
modiso_audit(struct modiso_audit_finding *findings, size_t room,
	     size_t *count);

/*
 * modiso_audit_kind_name - a kind in words: "page permissions".
 *
 * Returns a static string; for an unknown kind "unknown".
 *
 * Cost:   none.
 * Safety: MT-Safe. AS-Safe. Fork: safe.
 * Since:  0.1
 */
MODISO_API const char *modiso_audit_kind_name(uint32_t kind);

/*
 * modiso_report - print modules, regions, rights and keys, for a person.
 * modiso_report_json - the same as one JSON object on one line.
 * modiso_report_dot - the same as a picture, in the language of Graphviz.
 * @stream: where to.
 *
 * The picture has a frame for each module with its regions in it, an arrow for
 * each right that a module was granted to a region of another one, and a colour
 * for each key. Drawn by "dot -Tsvg FILE" (Debian package graphviz). Of a program
 * that calls none of these, MODISO_OPTIONS=picture=PATH in the environment has
 * it written: see modiso_init().
 *
 * Returns 0, or:
 *   MODISO_ERR_INVAL  @stream is NULL.
 *   MODISO_ERR_NOMEM  no memory for the text.
 *   MODISO_ERR_OS     the stream reports an error; errno says which.
 *   MODISO_ERR_STATE  not initialised, or called from inside a module.
 *
 * Cost:   grows with the number of regions.
 * Safety: MT-Safe. AS-Unsafe. Fork: safe.
 * Since:  0.1
 */
MODISO_API int modiso_report(FILE *stream);
MODISO_API int modiso_report_json(FILE *stream);
MODISO_API int modiso_report_dot(FILE *stream);

#ifdef __cplusplus
}
#endif

#endif /* MODISO_AUDIT_H */
