/* SPDX-License-Identifier: MIT */
/*
 * os/maps.h - what the kernel says is mapped.
 */
#ifndef MDI_OS_MAPS_H
#define MDI_OS_MAPS_H

#include "base/common.h"

struct mdi_mapping {
	uintptr_t base, end;
	bool read, write, exec, shared;
	bool stack;   /* grows down, or is the main thread's */
	bool hugetlb;
	bool ring;    /* of an io_uring */
	bool aio;     /* of io_setup(2) */
	int key; /* -1: the kernel names none */
	uint64_t device, inode, offset; /* of a file; inode 0: of none */
};

/*
 * Call @visit for each mapping in /proc/self/smaps, in order of address, until
 * it returns false. 0, or -1 and errno.
 */
int mdi_maps_walk(bool (*visit)(const struct mdi_mapping *map, void *arg),
		  void *arg);

/*
 * The same of /proc/PID/maps, for what can be executed; @name is what the
 * kernel calls it: a path, "[vdso]", or "" for anonymous memory. @pid 0: this
 * process.
 */
int mdi_maps_walk_code(uint32_t pid,
		       bool (*visit)(const struct mdi_mapping *map,
				     const char *name, void *arg),
		       void *arg);

/*
 * All memory of a process, to be read, whatever may be read by itself. A
 * descriptor; mdi_maps_read(): 0 if all @length bytes were there. Else -1 and
 * errno.
 */
int mdi_maps_open_memory(uint32_t pid);
int mdi_maps_read(int memory, uintptr_t at, void *to, size_t length);
void mdi_maps_close_memory(int memory);

/* "file" and the offset of an address in it; false for anonymous memory. */
bool mdi_maps_file(uintptr_t address, char *name, size_t size,
		   uintptr_t *offset);

/*
 * Whose is it: "/usr/lib/libother.so", "[heap]", "" for memory without a name.
 * False: nobody's. AS-Safe.
 */
bool mdi_maps_object(uintptr_t address, char *path, size_t size);

/*
 * The mapping that holds an address, and what the kernel calls it: a path,
 * "[heap]", "[stack]", or "" for anonymous memory. False: nothing is mapped.
 */
bool mdi_maps_name(uintptr_t address, struct mdi_mapping *map, char *name,
		   size_t size);

/* Do both addresses lie in one mapping that is writable? AS-Safe. */
bool mdi_maps_together(uintptr_t a, uintptr_t b);

#endif /* MDI_OS_MAPS_H */
