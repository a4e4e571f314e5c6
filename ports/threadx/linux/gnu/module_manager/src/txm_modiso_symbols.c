/* SPDX-License-Identifier: MIT */
/*
 * Names for fault reports. A flat image has none, but it keeps the build id of
 * the ELF file that it was made from, and that file is looked for among those
 * that the developer names. It is the developer's own file, so it is checked as
 * far as reading it needs, and no further.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "txm_module.h"
#include <txm_host.h>

#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* An ELF file in memory. */
struct elf {
	const unsigned char *bytes;
	size_t size;
	const Elf64_Ehdr *header;
	const Elf64_Shdr *sections;
};

/* All of it; 0: it cannot be read. */
static int read_file(const char *path, size_t length, struct elf *elf)
{
	char name[4096];
	unsigned char *bytes = NULL;
	long size = 0;
	FILE *file;

	if (length == 0 || length >= sizeof(name))
		return 0;
	memcpy(name, path, length);
	name[length] = 0;
	file = fopen(name, "rb");
	if (file == NULL)
		return 0;
	if (fseek(file, 0, SEEK_END) == 0)
		size = ftell(file);
	if (size > 0 && fseek(file, 0, SEEK_SET) == 0)
		bytes = malloc((size_t)size);
	if (bytes != NULL && fread(bytes, 1, (size_t)size, file) != (size_t)size) {
		free(bytes);
		bytes = NULL;
	}
	fclose(file);
	elf->bytes = bytes;
	elf->size = (size_t)size;
	return bytes != NULL;
}

static int holds(const struct elf *elf, uint64_t offset, uint64_t length)
{
	return offset <= elf->size && length <= elf->size - offset;
}

static int has_sections(struct elf *elf)
{
	const Elf64_Ehdr *header = (const Elf64_Ehdr *)elf->bytes;

	if (elf->size < sizeof(*header) ||
	    memcmp(header->e_ident, ELFMAG, SELFMAG) != 0 ||
	    header->e_ident[EI_CLASS] != ELFCLASS64 ||
	    header->e_shentsize != sizeof(Elf64_Shdr) ||
	    header->e_shoff % sizeof(uint64_t) != 0 ||
	    !holds(elf, header->e_shoff,
		   (uint64_t)header->e_shnum * sizeof(Elf64_Shdr)))
		return 0;
	elf->header = header;
	elf->sections = (const Elf64_Shdr *)(elf->bytes + header->e_shoff);
	return 1;
}

/* The preamble's words 19 and 20 say where the note begins and ends. */
static int has_build_id(const struct elf *elf,
			const TXM_MODULE_PREAMBLE *preamble)
{
	ULONG at = preamble->txm_module_preamble_reserved_3;
	ULONG end = preamble->txm_module_preamble_reserved_4, length;
	unsigned i;

	if (at >= end || end > preamble->txm_module_preamble_code_size)
		return 0;
	length = end - at;
	for (i = 0; i < elf->header->e_shnum; i++) {
		const Elf64_Shdr *section = &elf->sections[i];

		if (section->sh_type == SHT_NOTE &&
		    section->sh_size == length &&
		    holds(elf, section->sh_offset, length) &&
		    memcmp(elf->bytes + section->sh_offset,
			   (const UCHAR *)preamble + at, length) == 0)
			return 1;
	}
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct modiso_flat_symbol *)a)->name,
		      ((const struct modiso_flat_symbol *)b)->name);
}

/* Static functions of two files can have one name: the first one has it. */
static size_t without_twins(struct modiso_flat_symbol *functions, size_t count)
{
	size_t i, kept = 0;

	qsort(functions, count, sizeof(*functions), by_name);
	for (i = 0; i < count; i++) {
		if (kept == 0 ||
		    by_name(&functions[kept - 1], &functions[i]) != 0)
			functions[kept++] = functions[i];
	}
	return kept;
}

static void take_functions(const struct elf *elf, const Elf64_Shdr *table,
			   const Elf64_Shdr *strings, ULONG code_size,
			   struct txm_modiso_symbols *out)
{
	const Elf64_Sym *symbols =
		(const Elf64_Sym *)(elf->bytes + table->sh_offset);
	const char *names = (const char *)elf->bytes + strings->sh_offset;
	size_t i, count = table->sh_size / sizeof(*symbols);

	out->functions = calloc(count + 1, sizeof(*out->functions));
	if (out->functions == NULL)
		return;
	for (i = 0; i < count; i++) {
		if (ELF64_ST_TYPE(symbols[i].st_info) != STT_FUNC ||
		    symbols[i].st_value >= code_size ||
		    symbols[i].st_name >= strings->sh_size ||
		    names[symbols[i].st_name] == 0)
			continue;
		out->functions[out->count].name = names + symbols[i].st_name;
		out->functions[out->count++].offset = symbols[i].st_value;
	}
	out->count = without_twins(out->functions, out->count);
}

static void read_symbols(const struct elf *elf, ULONG code_size,
			 struct txm_modiso_symbols *out)
{
	const Elf64_Shdr *table, *strings;
	unsigned i;

	for (i = 0; i < elf->header->e_shnum; i++) {
		table = &elf->sections[i];
		if (table->sh_type != SHT_SYMTAB ||
		    table->sh_link >= elf->header->e_shnum)
			continue;
		strings = &elf->sections[table->sh_link];
		if (table->sh_offset % sizeof(uint64_t) == 0 &&
		    holds(elf, table->sh_offset, table->sh_size) &&
		    holds(elf, strings->sh_offset, strings->sh_size) &&
		    strings->sh_size != 0 &&
		    elf->bytes[strings->sh_offset + strings->sh_size - 1] == 0)
			take_functions(elf, table, strings, code_size, out);
		return;
	}
}

VOID _txm_modiso_symbols_find(const TXM_MODULE_PREAMBLE *preamble,
			     struct txm_modiso_symbols *out)
{
	const char *path = getenv("TXM_MODULE_SYMBOLS");
	struct elf elf;

	memset(out, 0, sizeof(*out));
	for (; path != NULL && *path != 0; path += *path == TXM_HOST_PATHS[0]) {
		size_t length = strcspn(path, TXM_HOST_PATHS);

		if (read_file(path, length, &elf)) {
			if (has_sections(&elf) &&
			    has_build_id(&elf, preamble)) {
				out->file = (void *)elf.bytes;
				out->size = elf.size;
				out->path = path;
				read_symbols(
					&elf,
					preamble->txm_module_preamble_code_size,
					out);
				return;
			}
			free((void *)elf.bytes);
		}
		path += length;
	}
}

VOID _txm_modiso_symbols_drop(struct txm_modiso_symbols *symbols)
{
	free(symbols->functions);
	free(symbols->file);
	symbols->functions = NULL;
	symbols->file = NULL;
}

VOID _txm_modiso_symbols_line(const TXM_MODULE_INSTANCE *module_instance,
			     const VOID *code_location)
{
	const UCHAR *start = module_instance->txm_module_instance_code_start;
	const UCHAR *end = module_instance->txm_module_instance_code_end;
	struct txm_modiso_symbols symbols;
	char path[4096], where[32];

	if ((const UCHAR *)code_location < start ||
	    (const UCHAR *)code_location > end)
		return;
	_txm_modiso_symbols_find((const TXM_MODULE_PREAMBLE *)module_instance
					->txm_module_instance_preamble_ptr,
				&symbols);
	if (symbols.path != NULL) {
		snprintf(path, sizeof(path), "%.*s",
			 (int)strcspn(symbols.path, TXM_HOST_PATHS), symbols.path);
		snprintf(where, sizeof(where), "%#llx",
			 (unsigned long long)((const UCHAR *)code_location -
					      start));
		txm_host_say_line(path, where);
	}
	_txm_modiso_symbols_drop(&symbols);
}
