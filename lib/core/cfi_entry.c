/* SPDX-License-Identifier: MIT */
/* Which entry of a file's call-frame information an instruction has. */
#include "core/cfi.h"

#include "arch/arch.h"
#include "core/range.h"

/* The table of .eh_frame_hdr: pairs of distances from there, by address. */
#define TABLE_ENCODING 0x3b

/* An address of the table; false: it cannot be read. */
static bool table_at(const struct mdi_cfi *cfi, uintptr_t at,
		     uintptr_t *address)
{
	int32_t distance;

	if (mdi_copy(&distance, (const void *)at, sizeof(distance)) != 0)
		return false;
	*address = cfi->header + (uintptr_t)(intptr_t)distance;
	return true;
}

/* Of the last function that begins at @pc or below; 0: there is none. */
static uintptr_t search(const struct mdi_cfi *cfi, uintptr_t table,
			uintptr_t count, uintptr_t pc)
{
	uintptr_t low = 0, middle, found;

	while (low < count) {
		middle = low + (count - low) / 2;
		if (!table_at(cfi, table + 8 * middle, &found))
			return 0;
		if (found <= pc)
			low = middle + 1;
		else
			count = middle;
	}
	if (low == 0 || !table_at(cfi, table + 8 * (low - 1) + 4, &found))
		return 0;
	return found;
}

static uintptr_t look_up(const struct mdi_cfi *cfi, uintptr_t pc)
{
	struct mdi_range_side outer;
	struct mdi_cfi_bytes bytes;
	uint8_t frames, counts, tables;
	uintptr_t count, found;

	mdi_cfi_bytes(&bytes, cfi, cfi->header, cfi->end);
	if (mdi_cfi_byte(&bytes) != 1)
		return 0;
	frames = mdi_cfi_byte(&bytes);
	counts = mdi_cfi_byte(&bytes);
	tables = mdi_cfi_byte(&bytes);
	(void)mdi_cfi_pointer(&bytes, frames, cfi->header);
	count = mdi_cfi_pointer(&bytes, counts, cfi->header);
	/* All of the table lies in the file's pages. */
	if (bytes.bad || tables != TABLE_ENCODING ||
	    count > (cfi->end - bytes.at) / 8)
		return 0;
	outer = mdi_range_watch(cfi->base, cfi->end - cfi->base);
	found = search(cfi, bytes.at, count, pc);
	mdi_range_unwatch(outer);
	return found;
}

/*
 * No function has an entry as long as that, and a host that waits for the walk
 * of a module's stack would run all of it for each frame.
 */
#define ENTRY_MAX (256u << 10)

/* The bytes of one entry behind its length. */
static bool open_entry(const struct mdi_cfi *cfi, uintptr_t at,
		       struct mdi_cfi_bytes *bytes)
{
	uint64_t length;

	mdi_cfi_bytes(bytes, cfi, at, cfi->end);
	length = mdi_cfi_number(bytes, 4);
	if (bytes->bad || length == 0 || length > ENTRY_MAX ||
	    length > bytes->end - bytes->at)
		return false;
	bytes->end = bytes->at + length;
	return true;
}

/* What the letters of a common entry stand for; others are not known. */
static bool read_augmentation(struct mdi_cfi_bytes *bytes, const char *letters,
			      struct mdi_cfi_entry *entry)
{
	uintptr_t end;
	uint64_t length;

	entry->augmented = letters[0] == 'z';
	if (letters[0] == '\0')
		return true;
	if (!entry->augmented)
		return false;
	length = mdi_cfi_uleb(bytes);
	if (bytes->bad || length > bytes->end - bytes->at)
		return false;
	end = bytes->at + length;
	for (letters++; *letters != '\0'; letters++) {
		if (*letters == 'R')
			entry->encoding = mdi_cfi_byte(bytes);
		else if (*letters == 'P')
			(void)mdi_cfi_pointer(bytes, mdi_cfi_byte(bytes), 0);
		else if (*letters == 'L')
			(void)mdi_cfi_byte(bytes);
		else if (*letters == 'S')
			entry->signal_frame = true;
		else
			return false;
	}
	bytes->at = end;
	return !bytes->bad;
}

static bool read_common(const struct mdi_cfi *cfi, uintptr_t at,
			struct mdi_cfi_entry *entry)
{
	struct mdi_cfi_bytes *bytes = &entry->common;
	char letters[8];
	size_t count = 0;
	uint8_t version;

	if (!open_entry(cfi, at, bytes) || mdi_cfi_number(bytes, 4) != 0)
		return false;
	version = mdi_cfi_byte(bytes);
	if (version != 1 && version != 3)
		return false;
	do {
		if (count == sizeof(letters))
			return false;
		letters[count] = (char)mdi_cfi_byte(bytes);
	} while (letters[count++] != '\0');
	entry->code_unit = mdi_cfi_uleb(bytes);
	entry->data_unit = mdi_cfi_sleb(bytes);
	if ((version == 1 ? mdi_cfi_byte(bytes) : mdi_cfi_uleb(bytes)) !=
	    MDI_CFI_PC)
		return false;
	if (!read_augmentation(bytes, letters, entry))
		return false;
	return !bytes->bad;
}

enum mdi_cfi_result mdi_cfi_find(const struct mdi_cfi *cfi, uintptr_t pc,
				 struct mdi_cfi_entry *entry)
{
	struct mdi_cfi_bytes *bytes = &entry->own;
	uintptr_t at = look_up(cfi, pc), here;
	uint64_t distance;

	entry->encoding = 0;
	entry->signal_frame = false;
	if (at == 0)
		return MDI_CFI_NONE;
	if (!open_entry(cfi, at, bytes))
		return MDI_CFI_DAMAGED;
	here = bytes->at;
	distance = mdi_cfi_number(bytes, 4);
	if (distance == 0 || !read_common(cfi, here - distance, entry))
		return MDI_CFI_DAMAGED;
	entry->start = mdi_cfi_pointer(bytes, entry->encoding, 0);
	entry->length = mdi_cfi_pointer(bytes, entry->encoding & 0x0f, 0);
	if (entry->augmented)
		mdi_cfi_skip(bytes, mdi_cfi_uleb(bytes));
	if (bytes->bad)
		return MDI_CFI_DAMAGED;
	return pc - entry->start < entry->length ? MDI_CFI_CALLER
						 : MDI_CFI_NONE;
}
