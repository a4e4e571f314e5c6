/* SPDX-License-Identifier: MIT */
/*
 * elf.h - what this port reads of a module's ELF file, by the names of the
 * System V ABI: Windows has no such header.
 */
#ifndef TXM_ELF_H
#define TXM_ELF_H

#include <stdint.h>

typedef struct {
	unsigned char e_ident[16];
	uint16_t e_type, e_machine;
	uint32_t e_version;
	uint64_t e_entry, e_phoff, e_shoff;
	uint32_t e_flags;
	uint16_t e_ehsize, e_phentsize, e_phnum, e_shentsize, e_shnum;
	uint16_t e_shstrndx;
} Elf64_Ehdr;

typedef struct {
	uint32_t sh_name, sh_type;
	uint64_t sh_flags, sh_addr, sh_offset, sh_size;
	uint32_t sh_link, sh_info;
	uint64_t sh_addralign, sh_entsize;
} Elf64_Shdr;

typedef struct {
	uint32_t st_name;
	unsigned char st_info, st_other;
	uint16_t st_shndx;
	uint64_t st_value, st_size;
} Elf64_Sym;

typedef struct {
	uint64_t r_offset, r_info;
	int64_t r_addend;
} Elf64_Rela;

#define ELFMAG		    "\177ELF"
#define SELFMAG		    4
#define EI_CLASS	    4
#define ELFCLASS64	    2
#define SHT_SYMTAB	    2
#define SHT_NOTE	    7
#define STT_FUNC	    2
#define ELF64_ST_TYPE(info) ((info) & 15)

#endif /* TXM_ELF_H */
