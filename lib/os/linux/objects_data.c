/* SPDX-License-Identifier: MIT */
#include "os/objects.h"

#include "os/linux/state.h"

#include <link.h>

struct walk {
	void (*each)(void *arg, uintptr_t base, uintptr_t end, bool hole);
	void *arg;
};

static uintptr_t page_down(uintptr_t address)
{
	return address & ~((uintptr_t)MDI_PAGE_SIZE - 1);
}

static uintptr_t page_up(uintptr_t address)
{
	return page_down(address + MDI_PAGE_SIZE - 1);
}

static bool is_data(const ElfW(Phdr) *header)
{
	return header->p_type == PT_LOAD && header->p_flags & PF_W;
}

static bool holds(const struct dl_phdr_info *info, uintptr_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t base = info->dlpi_addr + header->p_vaddr;

		if (is_data(header) && address >= base &&
		    address < base + header->p_memsz)
			return true;
	}
	return false;
}

/* Three words that belong to the dynamic linker, then one for each call. */
static void tell_calls(const struct walk *walk, const struct dl_phdr_info *info,
		       const ElfW(Phdr) *header)
{
	const ElfW(Dyn) *entry =
		(const void *)(info->dlpi_addr + header->p_vaddr);
	uintptr_t table = 0;
	size_t calls = 0;

	for (; entry->d_tag != DT_NULL; entry++) {
		if (entry->d_tag == DT_PLTGOT)
			table = entry->d_un.d_ptr;
		if (entry->d_tag == DT_PLTRELSZ)
			calls = entry->d_un.d_val / sizeof(ElfW(Rela));
	}
	if (table == 0)
		return;
	if (table < info->dlpi_addr)
		table += info->dlpi_addr;
	walk->each(walk->arg, page_down(table),
		   page_up(table + (calls + 3) * sizeof(void *)), true);
}

static int visit(struct dl_phdr_info *info, size_t size, void *arg)
{
	const struct walk *walk = arg;
	bool own = holds(info, (uintptr_t)&mdi_os_state);

	const struct mdi_object object = { .name = info->dlpi_name };

	(void)size;
	if ((own && info->dlpi_name[0] != '\0') || mdi_object_is_libc(&object))
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];
		uintptr_t base = info->dlpi_addr + header->p_vaddr;
		uintptr_t end = base + header->p_memsz;

		if (is_data(header))
			walk->each(walk->arg, page_down(base), page_up(end),
				   false);
		else if (header->p_type == PT_GNU_RELRO)
			walk->each(walk->arg, page_down(base), page_down(end),
				   true);
		else if (header->p_type == PT_DYNAMIC && own)
			tell_calls(walk, info, header);
	}
	return 0;
}

static int look_at_program(struct dl_phdr_info *info, size_t size, void *arg)
{
	bool *interpreted = arg;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++)
		if (info->dlpi_phdr[i].p_type == PT_INTERP)
			*interpreted = true;
	return 1; /* the program is the first one */
}

static bool is_linked(void)
{
	bool interpreted = false;

	dl_iterate_phdr(look_at_program, &interpreted);
	return !interpreted;
}

void mdi_objects_data(void (*each)(void *arg, uintptr_t base, uintptr_t end,
				   bool hole),
		      void *arg)
{
	struct walk walk = { each, arg };

	dl_iterate_phdr(visit, &walk);
}

void mdi_asan_init(void) __asm__("__asan_init") __attribute__((weak));
void mdi_tsan_init(void) __asm__("__tsan_init") __attribute__((weak));
void mdi_msan_init(void) __asm__("__msan_init") __attribute__((weak));

static bool is_sanitized(void)
{
	return mdi_asan_init != NULL || mdi_tsan_init != NULL ||
	       mdi_msan_init != NULL;
}

const char *mdi_objects_stay_open(void)
{
	if (is_linked())
		return "the program is linked statically, and the C library's "
		       "data, which cannot be closed, is among its own";
	if (is_sanitized())
		return "a sanitizer's run-time library is in the program, and "
		       "the library's own code cannot do without its data";
	return NULL;
}
