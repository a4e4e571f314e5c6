/* SPDX-License-Identifier: MIT */
/*
 * code/image_elf.h - what an ELF64 image for x86-64 says about itself.
 *
 * Works on a plain buffer and maps nothing. Every number is checked against
 * the buffer before it is used, and against the segments before it is stored:
 * what a struct mdi_elf holds can be relied on.
 */
#ifndef MDI_CODE_IMAGE_ELF_H
#define MDI_CODE_IMAGE_ELF_H

#include "base/common.h"

#include <elf.h>

#define MDI_SEGMENTS_MAX 16

struct mdi_segment {
	uint64_t vaddr; /* as linked */
	uint64_t size;  /* in memory; the rest behind file_size is zero */
	uint64_t file_offset, file_size;
	uint32_t access; /* MODISO_READ | ... */
};

/* Bytes of the file. */
struct mdi_part {
	size_t offset, length;
};

/* Functions to run: the one of DT_INIT or DT_FINI, then an array of pointers */
struct mdi_hooks {
	uint64_t function; /* as linked; 0: none */
	uint64_t array;
	size_t count;
};

struct mdi_elf {
	const unsigned char *bytes;
	size_t length;
	const char *name; /* for sentences */

	struct mdi_segment segment[MDI_SEGMENTS_MAX]; /* by address */
	unsigned segment_count;
	uint64_t low;              /* address of the first page, as linked */
	size_t span;               /* bytes, whole pages */
	uint64_t relro, relro_end; /* whole pages; the same: none */
	uint64_t entry;

	struct mdi_part strings; /* of the dynamic symbols */
	struct mdi_part symbols; /* room for them: an upper bound */
	size_t symbol_count;     /* those that the hash table knows */
	struct mdi_part rela, plt;
	struct mdi_hooks init, fini;
	struct mdi_part abi; /* the tag, without its final zero */
};

/* 0, or MODISO_ERR_FORMAT, _ACCESS or _NOTSUP with the sentence. */
int mdi_elf_parse(struct mdi_elf *elf, const void *bytes, size_t length,
		  const char *name, bool ignore_needed);

/* The dynamic section: image_dynamic.c. */
int mdi_elf_dynamic(struct mdi_elf *elf, const Elf64_Phdr *header,
		    bool ignore_needed);

/* The segment that holds all of a range, as linked; NULL: none does. */
const struct mdi_segment *mdi_elf_segment(const struct mdi_elf *elf,
					  uint64_t vaddr, uint64_t length);

/* Where these bytes are in the file; false: not (all) in one segment's. */
bool mdi_elf_part(const struct mdi_elf *elf, uint64_t vaddr, uint64_t length,
		  struct mdi_part *part);

/* Is there code at this address, as linked? */
bool mdi_elf_is_code(const struct mdi_elf *elf, uint64_t vaddr);

/* A range of the file; false: it leaves the buffer. */
bool mdi_elf_fits(const struct mdi_elf *elf, uint64_t offset, uint64_t length);

/* Symbol @index of the dynamic ones; false: there is no room for it. */
bool mdi_elf_symbol(const struct mdi_elf *elf, uint64_t index,
		    Elf64_Sym *symbol);

/* A name in the dynamic strings; NULL: it runs out of them. */
const char *mdi_elf_string(const struct mdi_elf *elf, uint64_t offset);

#endif /* MDI_CODE_IMAGE_ELF_H */
