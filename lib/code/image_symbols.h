/* SPDX-License-Identifier: MIT */
/*
 * code/image_symbols.h - the names of an image: what it exports, and which
 * function an address is in.
 */
#ifndef MDI_CODE_IMAGE_SYMBOLS_H
#define MDI_CODE_IMAGE_SYMBOLS_H

#include "code/image_elf.h"

struct mdi_symbol {
	uint64_t vaddr; /* as linked */
	uint64_t size;
	uint32_t name;     /* in strings */
	uint32_t resolver; /* 1: the address is found by calling this one */
};

/* One block of memory: exports by name, functions by address, strings. */
struct mdi_symbols {
	struct mdi_symbol *exports, *functions;
	char *strings;
	size_t export_count, function_count;
	size_t size; /* of the block */
};

/* Count; 0, or MODISO_ERR_FORMAT. */
int mdi_symbols_measure(const struct mdi_elf *elf, struct mdi_symbols *symbols);

/*
 * Fill a zeroed block of symbols->size bytes. 0, or MODISO_ERR_FORMAT: a name
 * is exported twice.
 */
int mdi_symbols_fill(const struct mdi_elf *elf, struct mdi_symbols *symbols,
		     void *block);

/* NULL: no such export. */
const struct mdi_symbol *mdi_symbols_find(const struct mdi_symbols *symbols,
					  const char *name);

/* The function that holds an address, as linked; NULL: none is known. */
const struct mdi_symbol *mdi_symbols_at(const struct mdi_symbols *symbols,
					uint64_t vaddr);

/* By name, by address; for whoever fills the block by hand. */
void mdi_symbols_sort(struct mdi_symbols *symbols);
/* The first name that stands twice; NULL: none. Sorted. */
const char *mdi_symbols_duplicate(const struct mdi_symbols *symbols);

#endif /* MDI_CODE_IMAGE_SYMBOLS_H */
