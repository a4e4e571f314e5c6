/* SPDX-License-Identifier: MIT */
#include "support/elf_maker.h"

#include <check.h>
#include <string.h>
#include <sys/mman.h>

#define PAGE 0x1000u

void elf_start(struct elf_file *file)
{
	static const Elf64_Ehdr header = {
		.e_ident = { ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64,
			     ELFDATA2LSB, EV_CURRENT },
		.e_type = ET_DYN,
		.e_machine = EM_X86_64,
		.e_version = EV_CURRENT,
		.e_phoff = sizeof(Elf64_Ehdr),
		.e_ehsize = sizeof(Elf64_Ehdr),
		.e_phentsize = sizeof(Elf64_Phdr),
	};
	void *bytes = mmap(NULL, ELF_SIZE + PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(bytes, MAP_FAILED);
	memset(file, 0, sizeof(*file));
	file->bytes = bytes;
	ck_assert_int_eq(mprotect(file->bytes + ELF_SIZE, PAGE, PROT_NONE), 0);
	memset(file->bytes + PAGE, 0x90, ELF_AT_SECTIONS - PAGE);
	file->header = bytes;
	*file->header = header;
	file->programs = (Elf64_Phdr *)(void *)(file->bytes + sizeof(header));
	file->sections = (Elf64_Shdr *)(void *)(file->bytes + ELF_AT_SECTIONS);
	file->symbols = (Elf64_Sym *)(void *)(file->bytes + ELF_AT_SYMBOLS);
	file->names = 1;
}

void elf_end(struct elf_file *file)
{
	munmap(file->bytes, ELF_SIZE + PAGE);
}

Elf64_Phdr *elf_segment(struct elf_file *file, uint32_t flags, uint64_t offset,
			uint64_t address, uint64_t size)
{
	Elf64_Phdr *program = &file->programs[file->header->e_phnum++];

	*program = (Elf64_Phdr){
		.p_type = PT_LOAD,
		.p_flags = flags,
		.p_offset = offset,
		.p_vaddr = address,
		.p_filesz = size,
		.p_memsz = size,
		.p_align = PAGE,
	};
	return program;
}

static uint32_t add_name(struct elf_file *file, const char *name)
{
	size_t at = file->names;

	file->names += strlen(name) + 1;
	ck_assert_uint_le(file->names, ELF_SIZE - ELF_AT_NAMES);
	memcpy(file->bytes + ELF_AT_NAMES + at, name, strlen(name) + 1);
	return (uint32_t)at;
}

Elf64_Shdr *elf_section(struct elf_file *file, const char *name, uint32_t type,
			uint64_t offset, uint64_t size)
{
	Elf64_Ehdr *header = file->header;

	if (header->e_shnum == 0) {
		header->e_shoff = ELF_AT_SECTIONS;
		header->e_shentsize = sizeof(Elf64_Shdr);
		header->e_shstrndx = 1;
		header->e_shnum = 2;
		memset(file->sections, 0, ELF_AT_SYMBOLS - ELF_AT_SECTIONS);
		file->sections[1] = (Elf64_Shdr){
			.sh_type = SHT_STRTAB,
			.sh_offset = ELF_AT_NAMES,
			.sh_size = ELF_SIZE - ELF_AT_NAMES,
		};
	}
	file->sections[header->e_shnum] = (Elf64_Shdr){
		.sh_name = add_name(file, name),
		.sh_type = type,
		.sh_flags = type == SHT_PROGBITS ? SHF_ALLOC : 0,
		.sh_addr = offset,
		.sh_offset = offset,
		.sh_size = size,
		.sh_link = 1,
	};
	return &file->sections[header->e_shnum++];
}

static Elf64_Shdr *find_table(struct elf_file *file, uint32_t type)
{
	for (size_t i = 2; i < file->header->e_shnum; i++)
		if (file->sections[i].sh_type == type)
			return &file->sections[i];
	file->symbol_count++;
	return elf_section(
		file, type == SHT_SYMTAB ? ".symtab" : ".dynsym", type,
		ELF_AT_SYMBOLS + file->symbol_count * sizeof(Elf64_Sym), 0);
}

Elf64_Sym *elf_symbol(struct elf_file *file, uint32_t table, const char *name,
		      uint64_t address, uint64_t size)
{
	Elf64_Shdr *section = find_table(file, table);
	Elf64_Sym *symbol = &file->symbols[file->symbol_count++];

	section->sh_size += sizeof(*symbol);
	*symbol = (Elf64_Sym){
		.st_name = add_name(file, name),
		.st_info = ELF64_ST_INFO(STB_GLOBAL, STT_FUNC),
		.st_shndx = 1,
		.st_value = address,
		.st_size = size,
	};
	return symbol;
}
