/* SPDX-License-Identifier: MIT */
#include "os/maps.h"

#include "os/windows/windows.h"

#include <errno.h>
#include <stdio.h>

#define WRITABLE                                                   \
	(PAGE_READWRITE | PAGE_WRITECOPY | PAGE_EXECUTE_READWRITE | \
	 PAGE_EXECUTE_WRITECOPY)
#define EXECUTABLE                                                     \
	(PAGE_EXECUTE | PAGE_EXECUTE_READ | PAGE_EXECUTE_READWRITE | \
	 PAGE_EXECUTE_WRITECOPY)

/* A part of an allocation with one state and one protection. */
static bool query(uintptr_t address, struct mdi_mapping *map,
		  MEMORY_BASIC_INFORMATION *piece)
{
	DWORD how;

	if (VirtualQuery((void *)address, piece, sizeof(*piece)) == 0)
		return false;
	how = piece->State == MEM_COMMIT && !(piece->Protect & PAGE_GUARD) ?
		      piece->Protect & 0xff :
		      PAGE_NOACCESS;
	*map = (struct mdi_mapping){
		.base = (uintptr_t)piece->BaseAddress,
		.end = (uintptr_t)piece->BaseAddress + piece->RegionSize,
		.read = !(how & (PAGE_NOACCESS | PAGE_EXECUTE)),
		.write = (how & WRITABLE) != 0,
		.exec = (how & EXECUTABLE) != 0,
		.shared = piece->Type == MEM_MAPPED,
		.key = -1,
		/* Of a file, or of a section: each view is one of its own. */
		.inode = piece->Type == MEM_PRIVATE ?
				 0 :
				 (uintptr_t)piece->AllocationBase,
	};
	return true;
}

int mdi_maps_walk(bool (*visit)(const struct mdi_mapping *map, void *arg),
		  void *arg)
{
	MEMORY_BASIC_INFORMATION piece;
	struct mdi_mapping map;
	uintptr_t at = 0;

	while (query(at, &map, &piece)) {
		/* What is reserved is there for nobody yet. */
		if (piece.State == MEM_COMMIT && !visit(&map, arg))
			break;
		at = map.end;
	}
	return 0;
}

static void name_of(const MEMORY_BASIC_INFORMATION *piece, char *name,
		    size_t size)
{
	name[0] = '\0';
	if (piece->Type == MEM_IMAGE &&
	    GetModuleFileNameA((HMODULE)piece->AllocationBase, name,
			       (DWORD)size) == 0)
		name[0] = '\0';
}

int mdi_maps_walk_code(uint32_t pid,
		       bool (*visit)(const struct mdi_mapping *map,
				     const char *name, void *arg),
		       void *arg)
{
	MEMORY_BASIC_INFORMATION piece;
	struct mdi_mapping map;
	char name[MAX_PATH];
	uintptr_t at = 0;

	if (pid != 0) {
		errno = ENOSYS;
		return -1;
	}
	while (query(at, &map, &piece)) {
		name_of(&piece, name, sizeof(name));
		if (map.exec && !visit(&map, name, arg))
			break;
		at = map.end;
	}
	return 0;
}

/* Of another process: not here. */
int mdi_maps_open_memory(uint32_t pid)
{
	(void)pid;
	errno = ENOSYS;
	return -1;
}

int mdi_maps_read(int memory, uintptr_t at, void *to, size_t length)
{
	(void)memory;
	(void)at;
	(void)to;
	(void)length;
	errno = ENOSYS;
	return -1;
}

void mdi_maps_close_memory(int memory)
{
	(void)memory;
}

bool mdi_maps_file(uintptr_t address, char *name, size_t size,
		   uintptr_t *offset)
{
	MEMORY_BASIC_INFORMATION piece;
	struct mdi_mapping map;

	if (!query(address, &map, &piece) || piece.State == MEM_FREE)
		return false;
	name_of(&piece, name, size);
	*offset = address - (uintptr_t)piece.AllocationBase;
	return name[0] != '\0';
}

bool mdi_maps_object(uintptr_t address, char *path, size_t size)
{
	struct mdi_mapping map;

	return mdi_maps_name(address, &map, path, size);
}

bool mdi_maps_name(uintptr_t address, struct mdi_mapping *map, char *name,
		   size_t size)
{
	MEMORY_BASIC_INFORMATION piece;

	if (!query(address, map, &piece) || piece.State == MEM_FREE)
		return false;
	name_of(&piece, name, size);
	return true;
}

bool mdi_maps_together(uintptr_t a, uintptr_t b)
{
	MEMORY_BASIC_INFORMATION first, second;
	struct mdi_mapping one, other;

	return query(a, &one, &first) && query(b, &other, &second) &&
	       one.write && other.write &&
	       first.AllocationBase == second.AllocationBase;
}
