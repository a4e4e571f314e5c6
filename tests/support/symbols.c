/* SPDX-License-Identifier: MIT */
#include "support/symbols.h"

#include "support/test.h"

#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE_MASK ((uintptr_t)4095)

struct search {
	uintptr_t address;
	struct loaded *found;
};

static int holds(const struct dl_phdr_info *info, uintptr_t address)
{
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];

		if (part->p_type == PT_LOAD &&
		    address - (info->dlpi_addr + part->p_vaddr) < part->p_memsz)
			return 1;
	}
	return 0;
}

static int look(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;
	struct loaded *found = search->found;
	uintptr_t closed = 0;

	(void)size;
	if (!holds(info, search->address))
		return 0;
	strncpy(found->path,
		*info->dlpi_name ? info->dlpi_name : "/proc/self/exe",
		sizeof(found->path) - 1);
	found->bias = info->dlpi_addr;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t base = info->dlpi_addr + part->p_vaddr;

		if (part->p_type == PT_GNU_RELRO)
			closed = (base + part->p_memsz) & ~PAGE_MASK;
		if (part->p_type != PT_LOAD || !(part->p_flags & PF_W))
			continue;
		ck_assert_uint_eq(found->end, 0); /* linkers make one */
		found->begin = base & ~PAGE_MASK;
		found->end = (base + part->p_memsz + PAGE_MASK) & ~PAGE_MASK;
	}
	if (closed > found->begin && closed <= found->end)
		found->begin = closed;
	return 1;
}

struct loaded loaded_from(const void *address)
{
	struct loaded file = { .end = 0 };
	struct search search = { (uintptr_t)address, &file };

	ck_assert_int_eq(dl_iterate_phdr(look, &search), 1);
	ck_assert_uint_lt(file.begin, file.end);
	return file;
}

static const char *map_file(const char *path, size_t *length)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat stat;
	void *base;

	ck_assert_msg(fd >= 0 && !fstat(fd, &stat), "cannot open %s", path);
	*length = (size_t)stat.st_size;
	base = mmap(NULL, *length, PROT_READ, MAP_PRIVATE, fd, 0);
	ck_assert_ptr_ne(base, MAP_FAILED);
	close(fd);
	return base;
}

void each_variable(const struct loaded *file,
		   void (*visit)(const char *name, uintptr_t address,
				 size_t size, void *arg),
		   void *arg)
{
	size_t length, tables = 0;
	const char *base = map_file(file->path, &length);
	const Elf64_Ehdr *header = (const void *)base;
	const Elf64_Shdr *section = (const void *)(base + header->e_shoff);

	for (unsigned i = 0; i < header->e_shnum; i++) {
		const Elf64_Sym *symbol =
			(const void *)(base + section[i].sh_offset);
		const char *names;

		if (section[i].sh_type != SHT_SYMTAB)
			continue;
		tables++;
		names = base + section[section[i].sh_link].sh_offset;
		for (size_t n = section[i].sh_size / sizeof(*symbol); n > 0;
		     n--, symbol++)
			if (ELF64_ST_TYPE(symbol->st_info) == STT_OBJECT &&
			    symbol->st_shndx != SHN_UNDEF)
				visit(names + symbol->st_name,
				      file->bias + symbol->st_value,
				      symbol->st_size, arg);
	}
	ck_assert_msg(tables == 1, "%s was stripped", file->path);
	munmap((void *)(uintptr_t)base, length);
}
