/* SPDX-License-Identifier: MIT */
#include "code/scan_names.h"

#include <stdlib.h>

/* Larger tables are not read: 4 MiB of sections, 96 MiB of symbols. */
#define SECTIONS_MAX 65536u
#define SYMBOLS_MAX  (4u << 20)

/* A table of the file in memory; NULL when it is not there or too large. */
static void *read_table(const struct mdi_scan_source *source, uint64_t offset,
			uint64_t count, size_t entry, uint64_t most)
{
	void *table;

	if (count == 0 || count > most ||
	    !mdi_scan_source_has(source, offset, count * entry))
		return NULL;
	table = malloc((size_t)count * entry);
	if (table != NULL && mdi_scan_source_read(source, offset, table,
						  (size_t)count * entry) != 0) {
		free(table);
		table = NULL;
	}
	return table;
}

static Elf64_Shdr *read_sections(const struct mdi_scan_source *source,
				 const Elf64_Ehdr *header, size_t *count)
{
	if (header->e_shentsize != sizeof(Elf64_Shdr))
		return NULL;
	*count = header->e_shnum;
	return read_table(source, header->e_shoff, *count, sizeof(Elf64_Shdr),
			  SECTIONS_MAX);
}

static bool is_code(const Elf64_Shdr *section)
{
	return (section->sh_flags & SHF_ALLOC) &&
	       section->sh_type != SHT_NOBITS && section->sh_size > 0;
}

static bool make_spans(struct mdi_scan_spans *spans, size_t count,
		       const Elf64_Shdr *strings)
{
	spans->names = strings->sh_offset;
	spans->names_size = strings->sh_size;
	spans->spans = calloc(count, sizeof(spans->spans[0]));
	return spans->spans != NULL;
}

static void name_sections(const struct mdi_scan_source *source,
			  struct mdi_scan_spans *spans,
			  const Elf64_Shdr *sections, size_t count,
			  size_t strings)
{
	if (strings >= count ||
	    !mdi_scan_source_has(source, sections[strings].sh_offset,
				 sections[strings].sh_size) ||
	    !make_spans(spans, count, &sections[strings]))
		return;
	for (size_t i = 1; i < count; i++)
		if (is_code(&sections[i]))
			spans->spans[spans->count++] = (struct mdi_scan_span){
				.start = sections[i].sh_addr,
				.size = sections[i].sh_size,
				.name = sections[i].sh_name,
			};
	mdi_scan_spans_sort(spans);
}

static bool is_place(const Elf64_Sym *symbol)
{
	switch (ELF64_ST_TYPE(symbol->st_info)) {
	case STT_NOTYPE:
	case STT_OBJECT:
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return symbol->st_shndx != SHN_UNDEF &&
		       symbol->st_shndx != SHN_ABS && symbol->st_name != 0;
	default:
		return false;
	}
}

static void name_symbols(const struct mdi_scan_source *source,
			 struct mdi_scan_spans *spans,
			 const Elf64_Shdr *sections, size_t count,
			 const Elf64_Shdr *table)
{
	uint64_t entries = table->sh_size / sizeof(Elf64_Sym);
	const Elf64_Shdr *strings;
	Elf64_Sym *symbols;

	if (table->sh_link >= count)
		return;
	strings = &sections[table->sh_link];
	if (!mdi_scan_source_has(source, strings->sh_offset, strings->sh_size))
		return;
	symbols = read_table(source, table->sh_offset, entries,
			     sizeof(*symbols), SYMBOLS_MAX);
	if (symbols != NULL && make_spans(spans, (size_t)entries, strings)) {
		for (size_t i = 0; i < entries; i++)
			if (is_place(&symbols[i]))
				spans->spans[spans->count++] =
					(struct mdi_scan_span){
						.start = symbols[i].st_value,
						.size = symbols[i].st_size,
						.name = symbols[i].st_name,
					};
		mdi_scan_spans_sort(spans);
	}
	free(symbols);
}

/* The full table where it was not stripped, else what is exported. */
static const Elf64_Shdr *symbol_table(const Elf64_Shdr *sections, size_t count)
{
	const Elf64_Shdr *found = NULL;

	for (size_t i = 1; i < count; i++) {
		if (sections[i].sh_type == SHT_SYMTAB)
			return &sections[i];
		if (sections[i].sh_type == SHT_DYNSYM)
			found = &sections[i];
	}
	return found;
}

static void load(struct mdi_scan_names *names,
		 const struct mdi_scan_source *source, const Elf64_Ehdr *header)
{
	size_t count;
	Elf64_Shdr *sections = read_sections(source, header, &count);
	const Elf64_Shdr *table;

	if (sections == NULL)
		return;
	name_sections(source, &names->sections, sections, count,
		      header->e_shstrndx);
	table = symbol_table(sections, count);
	if (table != NULL)
		name_symbols(source, &names->symbols, sections, count, table);
	free(sections);
}

struct mdi_scan_name mdi_scan_names_find(struct mdi_scan_names *names,
					 const struct mdi_scan_source *source,
					 const Elf64_Ehdr *header,
					 uint64_t address)
{
	const struct mdi_scan_span *section, *symbol;
	struct mdi_scan_name name = { 0 };

	if (!names->loaded)
		load(names, source, header);
	names->loaded = true;
	section = mdi_scan_spans_find(&names->sections, address);
	name.section = mdi_scan_spans_name(&names->sections, source, section);
	symbol = mdi_scan_spans_find(&names->symbols, address);
	/* A label without a size does not reach out of its section. */
	if (symbol == NULL ||
	    (symbol->size == 0 &&
	     (section == NULL || symbol->start < section->start)))
		return name;
	name.symbol = mdi_scan_spans_name(&names->symbols, source, symbol);
	if (name.symbol != NULL)
		name.symbol_offset = address - symbol->start;
	return name;
}

void mdi_scan_names_fini(struct mdi_scan_names *names)
{
	free(names->sections.spans);
	free(names->symbols.spans);
}
