/* SPDX-License-Identifier: MIT */
/*
 * What each restricted task may read, as the flash memory of a controller: the
 * program's constants, and what the dynamic linker makes read-only before
 * main(), the addresses of functions among it. With page permissions that is
 * never closed. With protection keys everything is closed to a task that is in
 * no region of it, so the pages become regions that each task is granted.
 *
 * A region is memory that the program could write, and pages of a file are not;
 * so a copy takes their place.
 */
#include "port_modiso.h"

#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE   4096u
#define PIECES 4 /* constants, RELRO, and what precedes code in the file */

static struct piece {
	char *base;
	size_t length;
	struct modiso_region *region; /* NULL: open anyway */
} pieces[PIECES];
static unsigned count;

static void add(uintptr_t base, uintptr_t end)
{
	base &= ~(uintptr_t)(PAGE - 1);
	if (base >= end || count == PIECES)
		return;
	pieces[count].base = (char *)base;
	pieces[count++].length = end - base;
}

/* The program comes first; that is all. */
static int look(struct dl_phdr_info *info, size_t size, void *unused)
{
	unsigned i;

	(void)size;
	(void)unused;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t base = info->dlpi_addr + part->p_vaddr;
		uintptr_t end = base + part->p_memsz;

		if (part->p_type == PT_LOAD &&
		    (part->p_flags & (PF_W | PF_X)) == 0)
			add(base, (end + PAGE - 1) & ~(uintptr_t)(PAGE - 1));
		else if (part->p_type == PT_GNU_RELRO)
			add(base, end & ~(uintptr_t)(PAGE - 1));
	}
	return 1;
}

static void must_map(int good, const char *function)
{
	if (good)
		return;
	perror(function);
	abort();
}

/* The one pointer that is set after the linker is done is set in the copy. */
static int set_pointer(char *copy, const struct piece *piece, uintptr_t value)
{
	uintptr_t at = (uintptr_t)&port_system_call - (uintptr_t)piece->base;

	if (at >= piece->length)
		return 0;
	memcpy(copy + at, &value, sizeof(value));
	return 1;
}

static void adopt(struct piece *piece)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.name = "constants",
	};

	if (modiso_backend_current() == MODISO_BACKEND_PKEY)
		port_must(modiso_region_adopt(NULL, piece->base, piece->length,
					      MODISO_READ, &options,
					      &piece->region),
			  "the program's constants");
	else
		must_map(mprotect(piece->base, piece->length, PROT_READ) == 0,
			 "mprotect");
}

void port_constants_start(uintptr_t (*system_call)(uintptr_t, uintptr_t,
						   uintptr_t, uintptr_t,
						   uintptr_t, uintptr_t))
{
	struct piece *piece;
	int is_set = 0;

	(void)dl_iterate_phdr(look, NULL);
	for (piece = pieces; piece < pieces + count; piece++) {
		char *copy = mmap(NULL, piece->length, PROT_READ | PROT_WRITE,
				  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		must_map(copy != MAP_FAILED, "mmap");
		memcpy(copy, piece->base, piece->length);
		is_set |= set_pointer(copy, piece, (uintptr_t)system_call);
		must_map(mremap(copy, piece->length, piece->length,
				MREMAP_MAYMOVE | MREMAP_FIXED,
				piece->base) == piece->base,
			 "mremap");
		adopt(piece);
	}
	if (is_set)
		return;
	fputs("The program has no read-only relocations (-Wl,-z,relro): "
	      "restricted tasks cannot be had.\n",
	      stderr);
	abort();
}

int port_constants_grant(struct modiso_module *module)
{
	const struct piece *piece;
	int result = 0;

	for (piece = pieces; piece < pieces + count && result == 0; piece++)
		if (piece->region != NULL)
			result = modiso_region_grant(piece->region, module,
						     MODISO_READ);
	return result;
}

int port_constants_hold(const void *buffer, size_t length)
{
	const struct piece *piece;

	for (piece = pieces; piece < pieces + count; piece++) {
		size_t at = (uintptr_t)buffer - (uintptr_t)piece->base;

		if (at < piece->length && length <= piece->length - at)
			return 1;
	}
	return 0;
}
