/* SPDX-License-Identifier: MIT */
/*
 * The file that gdb sees is a copy of the image whose sections and symbols
 * have the addresses that they have here. gdb relocates nothing of it. So
 * lines, types and variables are in it only if the linker has kept their
 * relocations (--emit-relocs, which modiso-cc adds to -g): then the addresses
 * in the debug sections are moved as well. The copy comes from the image and
 * may be damaged on purpose; here it is checked before it is changed, in gdb
 * it is gdb's business.
 */
#include "code/image_debug.h"

#include <string.h>

static bool in_file(size_t length, uint64_t offset, uint64_t size)
{
	return offset <= length && size <= length - offset;
}

static void move_symbols(char *file, const Elf64_Shdr *section, uintptr_t bias)
{
	Elf64_Sym symbol;

	for (uint64_t at = 0; section->sh_size - at >= sizeof(symbol);
	     at += sizeof(symbol)) {
		char *place = file + section->sh_offset + at;

		memcpy(&symbol, place, sizeof(symbol));
		if (symbol.st_shndx != SHN_UNDEF && symbol.st_shndx != SHN_ABS)
			symbol.st_value += bias;
		memcpy(place, &symbol, sizeof(symbol));
	}
}

/* --- lines, types, variables --- */

/* What moving the debug sections needs: a table of symbols, and of sections. */
struct debug_move {
	char *file;
	size_t length;
	const Elf64_Ehdr *header;
	uintptr_t bias;
	size_t left; /* bytes of tables: where they overlap, one is enough */
};

static bool read_section(const struct debug_move *move, uint64_t i,
			 Elf64_Shdr *section)
{
	if (i >= move->header->e_shnum)
		return false;
	memcpy(section,
	       move->file + move->header->e_shoff + i * sizeof(*section),
	       sizeof(*section));
	return section->sh_type == SHT_NOBITS ||
	       in_file(move->length, section->sh_offset, section->sh_size);
}

/* Is it a symbol of something that is in memory? */
static bool is_loaded(const struct debug_move *move, const Elf64_Shdr *symbols,
		      uint64_t i)
{
	Elf64_Shdr section;
	Elf64_Sym symbol;

	if (i >= symbols->sh_size / sizeof(symbol))
		return false;
	memcpy(&symbol, move->file + symbols->sh_offset + i * sizeof(symbol),
	       sizeof(symbol));
	return symbol.st_shndx != SHN_UNDEF &&
	       symbol.st_shndx < SHN_LORESERVE &&
	       read_section(move, symbol.st_shndx, &section) &&
	       section.sh_flags & SHF_ALLOC;
}

/* The linker has put in what it knew: addresses as linked. */
static void move_words(struct debug_move *move, const Elf64_Shdr *rela,
		       const Elf64_Shdr *symbols, const Elf64_Shdr *target)
{
	Elf64_Rela entry;
	uint64_t word;

	for (uint64_t at = 0; rela->sh_size - at >= sizeof(entry);
	     at += sizeof(entry)) {
		char *place;

		memcpy(&entry, move->file + rela->sh_offset + at,
		       sizeof(entry));
		if (ELF64_R_TYPE(entry.r_info) != R_X86_64_64 ||
		    target->sh_size < sizeof(word) ||
		    entry.r_offset > target->sh_size - sizeof(word) ||
		    !is_loaded(move, symbols, ELF64_R_SYM(entry.r_info)))
			continue;
		place = move->file + target->sh_offset + entry.r_offset;
		memcpy(&word, place, sizeof(word));
		word += move->bias;
		memcpy(place, &word, sizeof(word));
	}
}

/* True: there were relocations, so what these sections say is right. */
static bool move_debug(struct debug_move *move)
{
	Elf64_Shdr rela, target, symbols;
	bool moved = false;

	for (unsigned i = 0; i < move->header->e_shnum; i++) {
		if (!read_section(move, i, &rela) || rela.sh_type != SHT_RELA ||
		    rela.sh_flags & SHF_ALLOC ||
		    !read_section(move, rela.sh_info, &target) ||
		    target.sh_type != SHT_PROGBITS ||
		    target.sh_flags & (SHF_ALLOC | SHF_COMPRESSED) ||
		    !read_section(move, rela.sh_link, &symbols) ||
		    symbols.sh_type != SHT_SYMTAB || rela.sh_size > move->left)
			continue;
		move->left -= rela.sh_size;
		move_words(move, &rela, &symbols, &target);
		moved = true;
	}
	return moved;
}

/* Code, data, symbols and their names stay; the rest is not for gdb. */
static void move_section(struct debug_move *move, Elf64_Shdr *section,
			 bool debug)
{
	bool alloc = section->sh_flags & SHF_ALLOC;
	bool there = section->sh_type == SHT_NOBITS ||
		     in_file(move->length, section->sh_offset,
			     section->sh_size);

	switch (there ? section->sh_type : SHT_NULL) {
	case SHT_SYMTAB:
		if (section->sh_size > move->left)
			break;
		move->left -= section->sh_size;
		move_symbols(move->file, section, move->bias);
		return;
	case SHT_STRTAB:
	case SHT_PROGBITS:
	case SHT_NOBITS:
	case SHT_X86_64_UNWIND:
	case SHT_INIT_ARRAY:
	case SHT_FINI_ARRAY:
		if (alloc) {
			section->sh_addr += move->bias;
			return;
		}
		if (section->sh_type == SHT_STRTAB ||
		    (debug && section->sh_type == SHT_PROGBITS))
			return;
		break;
	default:
		break;
	}
	section->sh_type = SHT_NULL;
	section->sh_flags = 0;
}

bool mdi_image_debug_move(char *file, size_t length, uintptr_t bias)
{
	struct debug_move move;
	Elf64_Ehdr header;
	Elf64_Shdr section;
	bool debug;

	if (length < sizeof(header) || memcmp(file, ELFMAG, SELFMAG) != 0)
		return false; /* a flat image */
	memcpy(&header, file, sizeof(header));
	move = (struct debug_move){file, length, &header, bias, length};
	if (header.e_shnum == 0 || header.e_shentsize != sizeof(section) ||
	    !in_file(length, header.e_shoff, header.e_shnum * sizeof(section)))
		return false;
	debug = move_debug(&move);
	for (unsigned i = 0; i < header.e_shnum; i++) {
		char *place = file + header.e_shoff + i * sizeof(section);

		memcpy(&section, place, sizeof(section));
		move_section(&move, &section, debug);
		memcpy(place, &section, sizeof(section));
	}
	header.e_type = ET_EXEC;
	header.e_phoff = 0;
	header.e_phnum = 0;
	header.e_entry = 0;
	memcpy(file, &header, sizeof(header));
	return true;
}
