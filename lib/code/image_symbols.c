/* SPDX-License-Identifier: MIT */
#include "code/image_symbols.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

_Static_assert(sizeof(struct mdi_symbol) == sizeof(Elf64_Sym),
	       "a function takes the place of its symbol");

/* --- the table of all symbols --- */

static bool is_table(const struct mdi_scan_source *source,
		     const Elf64_Shdr *section, uint32_t type)
{
	return section->sh_type == type &&
	       mdi_scan_source_has(source, section->sh_offset,
				   section->sh_size);
}

/* A name that has no end ends with the table, which a zero follows. */
static bool find_table(const struct mdi_scan_source *source,
		       const Elf64_Shdr *sections, size_t count,
		       struct mdi_symbol_table *table)
{
	for (size_t i = 0; i < count; i++) {
		const Elf64_Shdr *symbols = &sections[i], *strings;

		if (!is_table(source, symbols, SHT_SYMTAB) ||
		    symbols->sh_link >= count)
			continue;
		strings = &sections[symbols->sh_link];
		if (!is_table(source, strings, SHT_STRTAB))
			continue;
		table->symbols = symbols->sh_offset;
		table->symbol_count = symbols->sh_size / sizeof(Elf64_Sym);
		table->strings = strings->sh_offset;
		table->string_size = strings->sh_size;
		return true;
	}
	return false;
}

/* For reports. It may be damaged, or not there: then the dynamic one. */
static void choose_table(const struct mdi_elf *elf,
			 const struct mdi_scan_source *source,
			 struct mdi_symbol_table *table)
{
	const Elf64_Ehdr *header = &elf->header;
	size_t size = header->e_shnum * sizeof(Elf64_Shdr);
	Elf64_Shdr *sections;

	*table = (struct mdi_symbol_table){0};
	if (size == 0 || header->e_shentsize != sizeof(Elf64_Shdr) ||
	    !mdi_scan_source_has(source, header->e_shoff, size))
		return;
	sections = malloc(size);
	if (sections != NULL &&
	    mdi_scan_source_read(source, header->e_shoff, sections, size) == 0)
		(void)find_table(source, sections, header->e_shnum, table);
	free(sections);
}

int mdi_symbols_measure(const struct mdi_elf *elf,
			const struct mdi_scan_source *source,
			struct mdi_symbol_table *table,
			struct mdi_symbols *symbols)
{
	size_t count = elf->symbol_count;

	choose_table(elf, source, table);
	*symbols = (struct mdi_symbols){
		.export_count = count,
		.function_count =
			table->symbol_count != 0 ? table->symbol_count : count,
		.function_strings =
			table->symbol_count != 0 ? table->string_size + 1 : 0,
		.raw = true,
	};
	/* A zero behind each table. */
	symbols->string_size =
		symbols->function_strings + elf->strings.length + 1;
	if (symbols->string_size > UINT32_MAX)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s has %zu bytes of names", elf->name,
				symbols->string_size);
	symbols->size = (symbols->function_count + symbols->export_count) *
				sizeof(struct mdi_symbol) +
			symbols->string_size;
	return 0;
}

/* A symbol that others may bind to; NULL: it is none. */
static const char *export_in(const struct mdi_elf *elf, size_t i,
			     Elf64_Sym *symbol)
{
	const char *name;
	bool old;

	(void)mdi_elf_version(elf, i, &old);
	if (!mdi_elf_symbol(elf, i, symbol) || old ||
	    symbol->st_shndx == SHN_UNDEF ||
	    symbol->st_shndx == SHN_ABS ||
	    ELF64_ST_BIND(symbol->st_info) == STB_LOCAL ||
	    ELF64_ST_TYPE(symbol->st_info) == STT_TLS ||
	    mdi_elf_segment(elf, symbol->st_value, 0) == NULL)
		return NULL;
	name = mdi_elf_string(elf, symbol->st_name);
	return name != NULL && *name != '\0' ? name : NULL;
}

static void add_exports(const struct mdi_elf *elf, struct mdi_symbols *symbols)
{
	uint32_t strings = (uint32_t)symbols->function_strings;
	size_t n = 0;
	Elf64_Sym symbol;

	for (size_t i = 0; i < symbols->export_count; i++)
		if (export_in(elf, i, &symbol) != NULL)
			symbols->exports[n++] = (struct mdi_symbol){
				.vaddr = symbol.st_value,
				.size = symbol.st_size,
				.name = strings + symbol.st_name,
				.resolver = ELF64_ST_TYPE(symbol.st_info) ==
					    STT_GNU_IFUNC,
			};
	symbols->export_count = n;
}

/* The names mostly lie right behind the symbols, here as in the file. */
static int read_table(const struct mdi_scan_source *source,
		      const struct mdi_symbol_table *table,
		      const struct mdi_symbols *symbols)
{
	size_t size = table->symbol_count * sizeof(Elf64_Sym);
	int result;

	if (table->strings == table->symbols + size)
		return mdi_scan_source_read(source, table->symbols,
					    symbols->functions,
					    size + table->string_size);
	result = mdi_scan_source_read(source, table->symbols,
				      symbols->functions, size);
	return result != 0 ? result
			   : mdi_scan_source_read(source, table->strings,
						  symbols->strings,
						  table->string_size);
}

int mdi_symbols_fill(const struct mdi_elf *elf,
		     const struct mdi_scan_source *source,
		     const struct mdi_symbol_table *table,
		     struct mdi_symbols *symbols, void *block)
{
	const char *name;
	int result = 0;

	symbols->exports = block;
	symbols->functions = symbols->exports + symbols->export_count;
	symbols->strings =
		(char *)(symbols->functions + symbols->function_count);
	symbols->strings[symbols->string_size - 1] = '\0';
	if (symbols->function_strings != 0)
		symbols->strings[symbols->function_strings - 1] = '\0';
	if (table->symbol_count != 0)
		result = read_table(source, table, symbols);
	else if (symbols->function_count != 0)
		memcpy(symbols->functions, mdi_elf_at(elf, elf->symbols.offset),
		       symbols->function_count * sizeof(Elf64_Sym));
	if (result != 0)
		return result;
	if (elf->strings.length != 0)
		memcpy(symbols->strings + symbols->function_strings,
		       mdi_elf_at(elf, elf->strings.offset),
		       elf->strings.length);
	add_exports(elf, symbols);
	mdi_symbols_sort(symbols);
	name = mdi_symbols_duplicate(symbols);
	if (name != NULL)
		return mdi_fail(MODISO_ERR_FORMAT, "image %s defines %s twice",
				elf->name, name);
	return 0;
}

/* --- functions, when somebody asks --- */

static bool to_function(const struct mdi_symbols *symbols,
			const Elf64_Sym *symbol, struct mdi_symbol *function)
{
	size_t limit = symbols->function_strings != 0
			       ? symbols->function_strings
			       : symbols->string_size;
	unsigned type = ELF64_ST_TYPE(symbol->st_info);

	if ((type != STT_FUNC && type != STT_GNU_IFUNC) ||
	    symbol->st_shndx == SHN_UNDEF || symbol->st_shndx == SHN_ABS ||
	    symbol->st_name >= limit ||
	    symbols->strings[symbol->st_name] == '\0')
		return false;
	*function = (struct mdi_symbol){
		.vaddr = symbol->st_value,
		.size = symbol->st_size,
		.name = symbol->st_name,
		.resolver = type == STT_GNU_IFUNC,
	};
	return true;
}

static int by_address(const void *a, const void *b)
{
	const struct mdi_symbol *x = a, *y = b;

	if (x->vaddr != y->vaddr)
		return x->vaddr < y->vaddr ? -1 : 1;
	return (x->size > y->size) - (x->size < y->size);
}

static void sort_functions(struct mdi_symbols *symbols)
{
	if (symbols->function_count > 1)
		qsort(symbols->functions, symbols->function_count,
		      sizeof(*symbols->functions), by_address);
}

void mdi_symbols_prepare(struct mdi_symbols *symbols)
{
	struct mdi_symbol function;
	Elf64_Sym symbol;
	size_t n = 0;

	if (!symbols->raw)
		return;
	symbols->raw = false;
	for (size_t i = 0; i < symbols->function_count; i++) {
		memcpy(&symbol, &symbols->functions[i], sizeof(symbol));
		if (to_function(symbols, &symbol, &function))
			symbols->functions[n++] = function;
	}
	symbols->function_count = n;
	sort_functions(symbols);
}

void mdi_symbols_print(const struct mdi_symbols *symbols,
		       const struct mdi_symbol *symbol, char *to, size_t size)
{
	const char *from = symbols->strings + symbol->name;

	for (; size > 1 && *from != '\0'; size--, from++)
		*to++ = *from >= ' ' && *from <= '~' ? *from : '?';
	*to = '\0';
}

/* --- order and search --- */

static int by_name(const void *a, const void *b, void *arg)
{
	const struct mdi_symbols *symbols = arg;
	const struct mdi_symbol *x = a, *y = b;

	return strcmp(symbols->strings + x->name, symbols->strings + y->name);
}

void mdi_symbols_sort(struct mdi_symbols *symbols)
{
	if (symbols->export_count > 1)
		qsort_r(symbols->exports, symbols->export_count,
			sizeof(*symbols->exports), by_name, symbols);
	if (!symbols->raw)
		sort_functions(symbols);
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

const struct mdi_symbol *mdi_symbols_at(struct mdi_symbols *symbols,
					uint64_t vaddr)
{
	const struct mdi_symbol *symbol;
	size_t low = 0, high;

	mdi_symbols_prepare(symbols);
	high = symbols->function_count;

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
