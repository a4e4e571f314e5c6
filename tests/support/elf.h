/* SPDX-License-Identifier: MIT */
/*
 * support/elf.h - a small valid ELF image, made by hand, to be spoilt.
 *
 * Segments: what describes the image (read), code (read, execute), constants
 * (read), data (read, write). The file's offsets are the addresses.
 */
#ifndef TESTS_SUPPORT_ELF_H
#define TESTS_SUPPORT_ELF_H

#include <elf.h>
#include <stddef.h>
#include <stdint.h>

/* Bytes of each; the code has at least ELF_CODE_MIN, the data ELF_DATA_MIN. */
struct elf_shape {
	size_t code, rodata, data, bss;
};
#define ELF_CODE_MIN ((size_t)32)
#define ELF_DATA_MIN ((size_t)512)

enum elf_load { ELF_META, ELF_CODE, ELF_RODATA, ELF_DATA };
enum { ELF_DYNAMIC = 4, ELF_STACK, ELF_RELRO, ELF_SPARE, ELF_HEADERS };

/* Functions of the code, which are exported, and what the data begins with. */
enum elf_symbol {
	ELF_NONE,
	ELF_IMPORT,   /* "import", undefined */
	ELF_IDENTITY, /* "identity": returns its argument */
	ELF_LOAD1,    /* "load1": the byte at its argument */
	ELF_STORE1,   /* "store1": stores its second argument's low byte */
	ELF_CALL,     /* "call": calls "import" with its own arguments */
	ELF_WORDS,    /* "words": the data behind the dynamic section */
	ELF_SYMBOLS
};

/* Words at "words". */
enum {
	ELF_WORD_GOT,  /* relocation 0: GLOB_DAT of "import" */
	ELF_WORD_SELF, /* relocation 1: RELATIVE, its own address */
	ELF_WORD_SPARE,
	ELF_WORD_INIT, /* relocation 2: 64 of "identity"; the init array */
	ELF_WORDS_COUNT
};
#define ELF_RELOCATIONS 3
#define ELF_TAGS        20

struct elf_image {
	size_t length;
	unsigned char *bytes; /* malloc()ed; the rest points into it */
	Elf64_Ehdr *header;
	Elf64_Phdr *program; /* ELF_HEADERS of them */
	Elf64_Sym *symbol;
	Elf64_Rela *rela;
	uint32_t *hash;
	char *strings;
	Elf64_Dyn *dynamic; /* ELF_TAGS of them, DT_NULL at the end */
};

void elf_make(struct elf_image *image, const struct elf_shape *shape);
void elf_free(struct elf_image *image);

/* The tag of this kind; a new one when there is none. */
Elf64_Dyn *elf_tag(struct elf_image *image, int64_t tag);

#endif /* TESTS_SUPPORT_ELF_H */
