/* SPDX-License-Identifier: MIT */
/*
 * code/image_symbols.h - the names of an image: what it exports, and which
 * function an address is in.
 *
 * Few images are ever reported on, so functions are kept as the file has them
 * until somebody asks for one.
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
	size_t string_size, function_strings; /* all; those of functions */
	bool raw;    /* functions are struct Elf64_Sym, of any kind */
	size_t size; /* of the block */
};

/* Where in the file the names of functions are; they may be damaged. */
struct mdi_symbol_table {
	uint64_t symbols, symbol_count; /* 0: the dynamic ones it is */
	uint64_t strings, string_size;
};

/* How much room the names need; 0, or MODISO_ERR_FORMAT. */
int mdi_symbols_measure(const struct mdi_elf *elf,
			const struct mdi_scan_source *source,
			struct mdi_symbol_table *table,
			struct mdi_symbols *symbols);

/*
 * Fill a block of symbols->size bytes. 0, or MODISO_ERR_FORMAT: a name
 * is exported twice; or what reading the source says.
 */
int mdi_symbols_fill(const struct mdi_elf *elf,
		     const struct mdi_scan_source *source,
		     const struct mdi_symbol_table *table,
		     struct mdi_symbols *symbols, void *block);

/* NULL: no such export. */
const struct mdi_symbol *mdi_symbols_find(const struct mdi_symbols *symbols,
					  const char *name);

/*
 * The function that holds an address, as linked; NULL: none is known. Two
 * threads must not ask at once.
 */
const struct mdi_symbol *mdi_symbols_at(struct mdi_symbols *symbols,
					uint64_t vaddr);
/* Functions are sorted, and nothing else is among them. */
void mdi_symbols_prepare(struct mdi_symbols *symbols);

/* The name, printable, as far as it fits. */
void mdi_symbols_print(const struct mdi_symbols *symbols,
		       const struct mdi_symbol *symbol, char *to, size_t size);

/* By name, by address; for whoever fills the block by hand. */
void mdi_symbols_sort(struct mdi_symbols *symbols);
/* The first name that stands twice; NULL: none. Sorted. */
const char *mdi_symbols_duplicate(const struct mdi_symbols *symbols);

#endif /* MDI_CODE_IMAGE_SYMBOLS_H */
