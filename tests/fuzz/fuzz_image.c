/* SPDX-License-Identifier: MIT */
/*
 * Everything of the loader that reads an image's bytes and maps nothing: the
 * parser, relocations on a private copy, the tables of names. For libFuzzer;
 * replay.c runs the corpus without it.
 */
#include "code/image_reloc.h"
#include "code/image_symbols.h"

#include <modiso/region.h>

#include <stdlib.h>
#include <string.h>

#define SPAN_MAX ((size_t)1 << 16)

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void relocate(const struct mdi_elf *elf)
{
	struct mdi_bindings bindings;
	struct mdi_reloc reloc = {
		.elf = elf,
		.bindings = &bindings,
		.bias = 0x7f0000000000,
	};

	if (elf->span > SPAN_MAX || mdi_bindings_init(&bindings, NULL, 0) != 0)
		return;
	reloc.pages = calloc(1, elf->span);
	for (unsigned i = 0; i < elf->segment_count; i++)
		memcpy(reloc.pages + (elf->segment[i].vaddr - elf->low),
		       elf->bytes + elf->segment[i].file_offset,
		       elf->segment[i].file_size);
	(void)mdi_relocate(&reloc);
	for (size_t i = 0; i < reloc.late_count; i++)
		memset(reloc.pages + (reloc.late[i].target - elf->low), 0, 8);
	free(reloc.late);
	free(reloc.pages);
	mdi_bindings_fini(&bindings);
}

static void name(const struct mdi_elf *elf)
{
	struct mdi_symbols symbols;
	void *block;

	if (mdi_symbols_measure(elf, &symbols) != 0)
		return;
	block = calloc(1, symbols.size);
	if (mdi_symbols_fill(elf, &symbols, block) == 0) {
		(void)mdi_symbols_find(&symbols, "identity");
		(void)mdi_symbols_at(&symbols, 0x1008);
	}
	free(block);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct mdi_elf elf;

	/* Twice: libraries that it needs must not hide what comes after. */
	for (int ignore = 0; ignore < 2; ignore++) {
		if (mdi_elf_parse(&elf, bytes, length, "fuzz", ignore) != 0)
			continue;
		relocate(&elf);
		name(&elf);
		break;
	}
	return 0;
}
