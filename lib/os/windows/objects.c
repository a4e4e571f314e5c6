/* SPDX-License-Identifier: MIT */
#include "os/objects.h"

#include "os/windows/state.h"
#include "os/windows/windows.h"

#include <stdio.h>
#include <string.h>

static const IMAGE_NT_HEADERS *headers_of(const char *base)
{
	const IMAGE_DOS_HEADER *dos = (const void *)base;

	return (const void *)(base + dos->e_lfanew);
}

static HMODULE module_at(uintptr_t address)
{
	HMODULE module = NULL;

	(void)GetModuleHandleExA(
		GET_MODULE_HANDLE_EX_FLAG_FROM_ADDRESS |
			GET_MODULE_HANDLE_EX_FLAG_UNCHANGED_REFCOUNT,
		(const char *)address, &module);
	return module;
}

bool mdi_object_find(uintptr_t address, struct mdi_object *object)
{
	uintptr_t own = (uintptr_t)&mdi_os_state;
	const char *base = (const char *)module_at(address);

	if (base == NULL)
		return false;
	*object = (struct mdi_object){
		.base = (uintptr_t)base,
		.end = (uintptr_t)base +
		       headers_of(base)->OptionalHeader.SizeOfImage,
		.bias = (uintptr_t)base,
		.name = "",
	};
	object->own = own >= object->base && own < object->end;
	return true;
}

/* The system's own tables say how to unwind, and of other registers. */
bool mdi_objects_unwind(void)
{
	return false;
}

bool mdi_object_is_libc(const struct mdi_object *object)
{
	static const char *const names[] = { "msvcrt.dll", "ucrtbase.dll",
					     "ntdll.dll", "kernel32.dll",
					     "kernelbase.dll" };

	for (size_t i = 0; i < MDI_COUNT(names); i++)
		if ((uintptr_t)GetModuleHandleA(names[i]) == object->base)
			return true;
	return false;
}

bool mdi_object_begins(uintptr_t address)
{
	const char *base = (const char *)GetModuleHandleA(NULL);

	return address - (uintptr_t)base -
		       headers_of(base)->OptionalHeader.AddressOfEntryPoint <
	       64;
}

/* What a PE file exports; NULL: nothing. */
static const IMAGE_EXPORT_DIRECTORY *exports_of(const char *base)
{
	const IMAGE_DATA_DIRECTORY *directory =
		&headers_of(base)->OptionalHeader.DataDirectory
			 [IMAGE_DIRECTORY_ENTRY_EXPORT];

	return directory->Size != 0 ?
		       (const void *)(base + directory->VirtualAddress) :
		       NULL;
}

/* A section that is executed: data is exported, too. */
static bool is_code(uintptr_t address)
{
	MEMORY_BASIC_INFORMATION piece;

	return VirtualQuery((void *)address, &piece, sizeof(piece)) != 0 &&
	       (piece.Protect & (PAGE_EXECUTE | PAGE_EXECUTE_READ |
				 PAGE_EXECUTE_READWRITE |
				 PAGE_EXECUTE_WRITECOPY)) != 0;
}

/*
 * A PE file has the names of what it exports alone, and of no function where it
 * ends: the last one that begins before the address.
 */
bool mdi_object_function(uintptr_t address, char *name, size_t size,
			 uintptr_t *begin, size_t *length)
{
	const char *base = (const char *)module_at(address);
	const IMAGE_EXPORT_DIRECTORY *exports =
		base != NULL ? exports_of(base) : NULL;
	const DWORD *names, *functions;
	const WORD *ordinals;
	DWORD at, best = 0, named = 0;

	if (exports == NULL || !is_code(address))
		return false;
	names = (const void *)(base + exports->AddressOfNames);
	functions = (const void *)(base + exports->AddressOfFunctions);
	ordinals = (const void *)(base + exports->AddressOfNameOrdinals);
	for (DWORD i = 0; i < exports->NumberOfNames; i++) {
		at = functions[ordinals[i]];
		if (at <= address - (uintptr_t)base && at > best &&
		    is_code((uintptr_t)base + at)) {
			best = at;
			named = names[i];
		}
	}
	if (best == 0)
		return false;
	snprintf(name, size, "%s", base + named);
	*begin = (uintptr_t)base + best;
	*length = 0; /* the table has none */
	return true;
}

void mdi_object_path(const struct mdi_object *object, char *path, size_t size)
{
	if (GetModuleFileNameA((HMODULE)object->base, path, (DWORD)size) == 0)
		path[0] = '\0';
}

/* For what is closed by protecting the program's data, which is refused. */
void mdi_objects_data(void (*each)(void *arg, uintptr_t base, uintptr_t end,
				   bool hole),
		      void *arg)
{
	(void)each;
	(void)arg;
}

const char *mdi_objects_stay_open(void)
{
	return "this version does not know the program's data on Windows";
}
