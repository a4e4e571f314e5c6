/* SPDX-License-Identifier: MIT */
#include "code/image_symbols.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* The table of all symbols, for reports. It may be damaged: then no names. */
struct table {
	struct mdi_part symbols, strings;
};

static bool read_section(const struct mdi_elf *elf, const Elf64_Ehdr *header,
			 uint64_t i, Elf64_Shdr *section)
{
	if (i >= header->e_shnum)
		return false;
	memcpy(section, elf->bytes + header->e_shoff + i * sizeof(*section),
	       sizeof(*section));
	return section->sh_type != SHT_NOBITS &&
	       mdi_elf_fits(elf, section->sh_offset, section->sh_size);
}

static bool find_table(const struct mdi_elf *elf, struct table *table)
{
	Elf64_Shdr section, strings;
	Elf64_Ehdr header;

	memcpy(&header, elf->bytes, sizeof(header));
	if (header.e_shentsize != sizeof(section) ||
	    !mdi_elf_fits(elf, header.e_shoff,
			  header.e_shnum * sizeof(section)))
		return false;
	for (unsigned i = 0; i < header.e_shnum; i++) {
		if (!read_section(elf, &header, i, &section) ||
		    section.sh_type != SHT_SYMTAB ||
		    !read_section(elf, &header, section.sh_link, &strings))
			continue;
		table->symbols.offset = section.sh_offset;
		table->symbols.length = section.sh_size;
		table->strings.offset = strings.sh_offset;
		table->strings.length = strings.sh_size;
		return true;
	}
	return false;
}

/* Where names are looked for: all symbols, else the dynamic ones. */
static struct table choose_table(const struct mdi_elf *elf)
{
	struct table table;

	if (find_table(elf, &table))
		return table;
	table.symbols.offset = elf->symbols.offset;
	table.symbols.length = elf->symbol_count * sizeof(Elf64_Sym);
	table.strings = elf->strings;
	return table;
}

static const char *name_in(const struct mdi_elf *elf,
			   const struct mdi_part *strings, uint64_t offset)
{
	const char *text;

	if (offset >= strings->length)
		return NULL;
	text = (const char *)elf->bytes + strings->offset + offset;
	if (*text == '\0' ||
	    memchr(text, '\0', strings->length - offset) == NULL)
		return NULL;
	return text;
}

/* A named function of the image; NULL: something else. */
static const char *function_in(const struct mdi_elf *elf,
			       const struct table *table, size_t i,
			       Elf64_Sym *symbol)
{
	memcpy(symbol, elf->bytes + table->symbols.offset + i * sizeof(*symbol),
	       sizeof(*symbol));
	if ((ELF64_ST_TYPE(symbol->st_info) != STT_FUNC &&
	     ELF64_ST_TYPE(symbol->st_info) != STT_GNU_IFUNC) ||
	    symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS ||
	    !mdi_elf_is_code(elf, symbol->st_value))
		return NULL;
	return name_in(elf, &table->strings, symbol->st_name);
}

/* A symbol that others may bind to; NULL: it is none. */
static const char *export_in(const struct mdi_elf *elf, size_t i,
			     Elf64_Sym *symbol)
{
	if (!mdi_elf_symbol(elf, i, symbol) || symbol->st_shndx == SHN_UNDEF ||
	    symbol->st_shndx == SHN_ABS ||
	    ELF64_ST_BIND(symbol->st_info) == STB_LOCAL ||
	    ELF64_ST_TYPE(symbol->st_info) == STT_TLS ||
	    mdi_elf_segment(elf, symbol->st_value, 0) == NULL)
		return NULL;
	return name_in(elf, &elf->strings, symbol->st_name);
}

int mdi_symbols_measure(const struct mdi_elf *elf, struct mdi_symbols *symbols)
{
	struct table table = choose_table(elf);
	/* A small file can hold much of them: each ends where all others do. */
	size_t bytes = 1, limit = 4 * elf->length;
	const char *name;
	Elf64_Sym symbol;

	*symbols = (struct mdi_symbols){0};
	for (size_t i = 0;
	     bytes <= limit && i < table.symbols.length / sizeof(symbol); i++) {
		name = function_in(elf, &table, i, &symbol);
		if (name == NULL)
			continue;
		symbols->function_count++;
		bytes += strlen(name) + 1;
	}
	for (size_t i = 0; bytes <= limit && i < elf->symbol_count; i++) {
		name = export_in(elf, i, &symbol);
		if (name == NULL)
			continue;
		symbols->export_count++;
		bytes += strlen(name) + 1;
	}
	if (bytes > limit || bytes > UINT32_MAX)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s has names that overlap, to more than "
				"%zu bytes",
				elf->name, limit);
	symbols->size = (symbols->function_count + symbols->export_count) *
				sizeof(struct mdi_symbol) +
			bytes;
	return 0;
}

/* What goes into reports is printable. */
static uint32_t add_name(struct mdi_symbols *symbols, size_t *used,
			 const char *name, bool printable)
{
	uint32_t at = (uint32_t)*used;
	char *to = symbols->strings + at;

	for (; *name != '\0'; name++, to++) {
		*to = *name;
		if (printable && (*name < ' ' || *name > '~'))
			*to = '?';
	}
	*to = '\0';
	*used = (size_t)(to - symbols->strings) + 1;
	return at;
}

static void add_symbol(struct mdi_symbols *symbols, size_t *used,
		       struct mdi_symbol *to, const Elf64_Sym *from,
		       const char *name, bool printable)
{
	*to = (struct mdi_symbol){
		.vaddr = from->st_value,
		.size = from->st_size,
		.name = add_name(symbols, used, name, printable),
		.resolver = ELF64_ST_TYPE(from->st_info) == STT_GNU_IFUNC,
	};
}

int mdi_symbols_fill(const struct mdi_elf *elf, struct mdi_symbols *symbols,
		     void *block)
{
	struct table table = choose_table(elf);
	size_t n = 0, used = 1;
	const char *name;
	Elf64_Sym symbol;

	symbols->functions = block;
	symbols->exports = symbols->functions + symbols->function_count;
	symbols->strings = (char *)(symbols->exports + symbols->export_count);
	for (size_t i = 0; n < symbols->function_count; i++) {
		name = function_in(elf, &table, i, &symbol);
		if (name != NULL)
			add_symbol(symbols, &used, &symbols->functions[n++],
				   &symbol, name, true);
	}
	n = 0;
	for (size_t i = 0; n < symbols->export_count; i++) {
		name = export_in(elf, i, &symbol);
		if (name != NULL)
			add_symbol(symbols, &used, &symbols->exports[n++],
				   &symbol, name, false);
	}
	mdi_symbols_sort(symbols);
	name = mdi_symbols_duplicate(symbols);
	if (name != NULL)
		return mdi_fail(MODISO_ERR_FORMAT, "image %s defines %s twice",
				elf->name, name);
	return 0;
}

/* --- order and search --- */

static int by_name(const void *a, const void *b, void *arg)
{
	const struct mdi_symbols *symbols = arg;
	const struct mdi_symbol *x = a, *y = b;

	return strcmp(symbols->strings + x->name, symbols->strings + y->name);
}

static int by_address(const void *a, const void *b)
{
	const struct mdi_symbol *x = a, *y = b;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

void mdi_symbols_sort(struct mdi_symbols *symbols)
{
	if (symbols->export_count > 1)
		qsort_r(symbols->exports, symbols->export_count,
			sizeof(*symbols->exports), by_name, symbols);
	if (symbols->function_count > 1)
		qsort(symbols->functions, symbols->function_count,
		      sizeof(*symbols->functions), by_address);
}

const char *mdi_symbols_duplicate(const struct mdi_symbols *symbols)
{
	for (size_t i = 1; i < symbols->export_count; i++) {
		const char *name = symbols->strings + symbols->exports[i].name;

		if (strcmp(name, symbols->strings +
					 symbols->exports[i - 1].name) == 0)
			return name;
	}
	return NULL;
}

const struct mdi_symbol *mdi_symbols_find(const struct mdi_symbols *symbols,
					  const char *name)
{
	size_t low = 0, high = symbols->export_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(name, symbols->strings +
						 symbols->exports[middle].name);

		if (order == 0)
			return &symbols->exports[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const struct mdi_symbol *mdi_symbols_at(const struct mdi_symbols *symbols,
					uint64_t vaddr)
{
	size_t low = 0, high = symbols->function_count;
	const struct mdi_symbol *symbol;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->functions[middle].vaddr <= vaddr)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0)
		return NULL;
	symbol = &symbols->functions[low - 1];
	/* Assembly often leaves the size out: it lasts to the next one. */
	if (symbol->size != 0 && vaddr - symbol->vaddr >= symbol->size)
		return NULL;
	return symbol;
}
