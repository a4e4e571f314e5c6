/* SPDX-License-Identifier: MIT */
/*
 * Everything of the loader that reads an image's bytes and maps nothing: the
 * parser, relocations on a private copy, the tables of names, the copy for
 * debuggers. For libFuzzer; check_image_fuzz runs the seeds without
 * it.
 */
#include "support/parse.h"

#include "code/image_debug.h"
#include "code/image_reloc.h"
#include "code/image_symbols.h"

#include <modiso/region.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* With others, or alone: @scope is NULL. */
static void relocate(const struct mdi_elf *elf, char *pages,
		     const struct mdi_scope *scope)
{
	struct mdi_bindings bindings;
	struct mdi_reloc reloc = {
		.elf = elf,
		.bindings = &bindings,
		.scope = scope,
		.bias = 0x7f0000000000,
		.pages = pages,
		.watched = mdi_elf_tables(elf),
	};

	if (mdi_bindings_init(&bindings, NULL, 0) != 0)
		return;
	(void)mdi_relocate(&reloc);
	for (size_t i = 0; i < reloc.late_count; i++)
		memset(reloc.pages + (reloc.late[i].target - elf->low), 0, 8);
	free(reloc.late);
	mdi_bindings_fini(&bindings);
}

/* As two images of one load, each a library of the other. */
static void bind_to_itself(const struct mdi_elf *elf, char *pages)
{
	static struct mdi_scope scope;
	struct mdi_elf other = *elf;
	const char *name;
	size_t at = 0;
	int result;

	while (mdi_elf_next_needed(elf, &at, &name))
		if (name != NULL && strlen(name) > elf->strings.length)
			abort();
	if (elf->tls.is)
		mdi_elf_place_tls(&other, elf->tls.below);
	scope.count = 0;
	result = mdi_scope_add(&scope, elf, 0x7f0000000000);
	if (result == 0)
		result = mdi_scope_add(&scope, &other, 0x7e0000000000);
	if (result == 0)
		(void)mdi_scope_has_version(&scope.member[1], "LOW_2");
	if (result == 0)
		relocate(elf, pages, &scope);
	mdi_scope_fini(&scope);
}

/* What each thread would begin with. */
static void copy_tls(const struct mdi_elf *elf)
{
	size_t below = elf->tls.below;
	unsigned char *block;

	if (!elf->tls.is)
		return;
	block = malloc(below + 1);
	if (elf->tls.file_size != 0)
		memcpy(block, mdi_elf_at(elf, elf->tls.vaddr - elf->low),
		       elf->tls.file_size);
	memset(block + elf->tls.file_size, 0, below - elf->tls.file_size);
	free(block);
}

static void name(const struct mdi_elf *elf,
		 const struct mdi_scan_source *source)
{
	const struct mdi_symbol *symbol;
	struct mdi_symbol_table table;
	struct mdi_symbols symbols;
	char text[40];
	void *block;

	if (mdi_symbols_measure(elf, source, &table, &symbols) != 0)
		return;
	block = malloc(symbols.size);
	memset(block, 'x', symbols.size);
	if (mdi_symbols_fill(elf, source, &table, &symbols, block) == 0)
		(void)mdi_symbols_find(&symbols, "identity");
	symbol = mdi_symbols_at(&symbols, 0x1008);
	for (size_t i = 0; i < symbols.function_count; i++)
		mdi_symbols_print(&symbols, &symbols.functions[i], text,
				  sizeof(text));
	if (symbol != NULL)
		mdi_symbols_print(&symbols, symbol, text, sizeof(text));
	free(block);
}

static void show(const uint8_t *bytes, size_t length)
{
	char *copy = malloc(length);

	if (length != 0)
		memcpy(copy, bytes, length);
	(void)mdi_image_debug_move(copy, length, 0x7f0000000000);
	free(copy);
}

/* A first segment that is only read, in memory of its own: all as before. */
static void parse_aside(const struct mdi_scan_source *source, bool ignore,
			int wanted)
{
	struct mdi_elf elf;
	char *pages;
	int result;

	if (mdi_elf_headers(&elf, source) != 0 || elf.span > PARSE_SPAN_MAX ||
	    elf.segment_count == 1 || elf.segment[0].access != MODISO_READ)
		return;
	elf.aside_length = elf.segment[0].vaddr - elf.low + elf.segment[0].size;
	elf.aside = calloc(1, elf.aside_length);
	pages = calloc(1, elf.span);
	result = mdi_elf_segments(&elf, source, pages);
	if (result == 0)
		result = mdi_elf_contents(&elf, ignore);
	if (result != wanted)
		abort();
	if (result == 0) {
		relocate(&elf, pages, NULL);
		bind_to_itself(&elf, pages);
		copy_tls(&elf);
		name(&elf, source);
	}
	free(elf.aside);
	free(pages);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct mdi_scan_source source = parse_source(bytes, length);
	struct mdi_elf elf;
	char *pages;
	int result;

	/* Of flat images too, which nobody parses. */
	show(bytes, length);
	/* Twice: libraries that it needs must not hide what comes after. */
	for (int ignore = 0; ignore < 2; ignore++) {
		result = parse_image(&elf, &source, ignore, &pages);
		if (result == 0 && pages != NULL) {
			relocate(&elf, pages, NULL);
			bind_to_itself(&elf, pages);
			copy_tls(&elf);
			name(&elf, &source);
		}
		free(pages);
		parse_aside(&source, ignore, result);
		if (result == 0)
			break;
	}
	return 0;
}
