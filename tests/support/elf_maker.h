/* SPDX-License-Identifier: MIT */
/*
 * support/elf_maker.h - ELF files made of nothing but what a test is about.
 *
 *	0x0000  header, then room for 32 program headers
 *	0x1000  0x5000 bytes for segments, filled with nop
 *	0x6000  section headers, when there are any
 *	0x6800  symbols
 *	0x7000  names
 *	0x8000  the end
 */
#ifndef TESTS_SUPPORT_ELF_MAKER_H
#define TESTS_SUPPORT_ELF_MAKER_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_AT_SECTIONS 0x6000u
#define ELF_AT_SYMBOLS  0x6800u
#define ELF_AT_NAMES    0x7000u
#define ELF_SIZE        0x8000u

struct elf_file {
	uint8_t *bytes; /* page aligned, nothing readable behind the last */
	Elf64_Ehdr *header;
	Elf64_Phdr *programs;
	Elf64_Shdr *sections;
	Elf64_Sym *symbols;
	size_t names, symbol_count;
};

/* A shared object for x86-64 without segments or sections. */
void elf_start(struct elf_file *file);

/* Give the memory back. */
void elf_end(struct elf_file *file);

/* Another PT_LOAD; its memory is as large as it is in the file. */
Elf64_Phdr *elf_segment(struct elf_file *file, uint32_t flags, uint64_t offset,
			uint64_t address, uint64_t size);

/* Another section; offset and address are the same. Adds a table of names. */
Elf64_Shdr *elf_section(struct elf_file *file, const char *name, uint32_t type,
			uint64_t offset, uint64_t size);

/* Another symbol of a table of the given type, SHT_SYMTAB or SHT_DYNSYM. */
Elf64_Sym *elf_symbol(struct elf_file *file, uint32_t table, const char *name,
		      uint64_t address, uint64_t size);

#endif /* TESTS_SUPPORT_ELF_MAKER_H */
