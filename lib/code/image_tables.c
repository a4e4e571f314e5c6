/* SPDX-License-Identifier: MIT */
/*
 * Linkers put what a loader reads in front of the code, in pages of its own.
 * Nothing of it is needed once the image is loaded, and pages with the same
 * protection lie behind the code: they would be a second stretch of it.
 */
#include "code/image_elf.h"

#include <modiso/region.h>

/* The sections of such tables are aligned to no more than this. */
#define ALIGNMENT 8

void mdi_elf_add_table(struct mdi_elf *elf, uint64_t vaddr, uint64_t length)
{
	struct mdi_part part;

	if (elf->table_count == MDI_TABLES_MAX || length == 0 ||
	    !mdi_elf_part(elf, vaddr, length, &part))
		return;
	elf->table[elf->table_count++] = part;
}

static bool all_zeros(const struct mdi_elf *elf, size_t from, size_t to)
{
	while (from < to)
		if (*mdi_elf_at(elf, from++) != 0)
			return false;
	return true;
}

/* Where the table ends that begins here, or right behind; 0: none does. */
static size_t end_of_table(const struct mdi_elf *elf, size_t at)
{
	size_t next = (at + ALIGNMENT - 1) & -(size_t)ALIGNMENT, end = 0;

	for (unsigned i = 0; i < elf->table_count; i++) {
		const struct mdi_part *table = &elf->table[i];

		if (table->offset <= next &&
		    table->offset + table->length > at &&
		    table->offset + table->length > end &&
		    all_zeros(elf, at, table->offset))
			end = table->offset + table->length;
	}
	return end;
}

static bool holds_tables_only(const struct mdi_elf *elf,
			      const struct mdi_segment *segment)
{
	size_t at = segment->vaddr - elf->low, end = at + segment->size;

	if (segment->access != MODISO_READ)
		return false;
	while (at < end) {
		at = end_of_table(elf, at);
		if (at == 0)
			return false;
	}
	return true;
}

const struct mdi_segment *mdi_elf_tables(const struct mdi_elf *elf)
{
	for (unsigned i = 0; i < elf->segment_count; i++)
		if (holds_tables_only(elf, &elf->segment[i]))
			return &elf->segment[i];
	return NULL;
}
