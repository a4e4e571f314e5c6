/* SPDX-License-Identifier: MIT */
#include "code/scan.h"

#include "base/error.h"

#include <stdio.h>
#include <string.h>

static const char *const kind_names[] = {
	"wrpkru", "xrstor",   "xrstors",  "syscall", "sysenter",
	"int80",  "wrfsbase", "wrgsbase", "rex2",
};

_Static_assert(MODISO_SCAN_ALL == (1u << MDI_COUNT(kind_names)) - 1,
	       "every kind has its name");

const char *modiso_scan_kind_name(uint32_t kind)
{
	for (size_t i = 0; i < MDI_COUNT(kind_names); i++)
		if (kind == 1u << i)
			return kind_names[i];
	return "?";
}

/* --- pieces --- */

void mdi_scan_start(struct mdi_scan *scan, uint32_t kinds, mdi_scan_place_fn fn,
		    void *arg)
{
	*scan = (struct mdi_scan){ .kinds = kinds, .fn = fn, .arg = arg };
}

void mdi_scan_seek(struct mdi_scan *scan, uint64_t position)
{
	scan->position = position;
	scan->kept = 0;
}

/* Report what ends at @from or later; @origin is the position of @bytes. */
static int search(const struct mdi_scan *scan, const uint8_t *bytes,
		  size_t length, size_t from, uint64_t origin)
{
	struct mdi_scan_match match;
	struct mdi_scan_place place;
	int stop;

	while ((from = mdi_scan_next(bytes, length, from, scan->kinds,
				     &match)) != 0) {
		place.kind = match.kind;
		place.length = match.length;
		place.open = false;
		place.position = origin + match.at;
		memset(place.bytes, 0, sizeof(place.bytes));
		memcpy(place.bytes, bytes + match.at, match.length);
		stop = scan->fn(&place, scan->arg);
		if (stop != 0)
			return stop;
	}
	return 0;
}

/* Remember the last bytes of what was fed, this piece included. */
static void keep(struct mdi_scan *scan, const uint8_t *bytes, size_t length)
{
	size_t fresh = length < MDI_SCAN_REACH ? length : MDI_SCAN_REACH;
	size_t old = MDI_SCAN_REACH - fresh;

	if (old > scan->kept)
		old = scan->kept;
	memmove(scan->tail, scan->tail + scan->kept - old, old);
	memcpy(scan->tail + old, bytes + length - fresh, fresh);
	scan->kept = old + fresh;
	scan->position += length;
}

int mdi_scan_feed(struct mdi_scan *scan, const void *piece, size_t length)
{
	const uint8_t *bytes = piece;
	uint8_t joint[2 * MDI_SCAN_REACH];
	size_t head = 0;
	int stop;

	if (length == 0)
		return 0;
	/*
	 * What ends in the first bytes of this piece may have begun in earlier
	 * ones; what ends behind them lies in this piece alone.
	 */
	if (scan->kept > 0) {
		head = length < MDI_SCAN_REACH ? length : MDI_SCAN_REACH;
		memcpy(joint, scan->tail, scan->kept);
		memcpy(joint + scan->kept, bytes, head);
		stop = search(scan, joint, scan->kept + head, scan->kept,
			      scan->position - scan->kept);
		if (stop != 0)
			return stop;
	}
	stop = search(scan, bytes, length, head, scan->position);
	if (stop != 0)
		return stop;
	keep(scan, bytes, length);
	return 0;
}

static int take_first(const struct mdi_scan_place *place, void *arg)
{
	if (arg != NULL)
		*(struct mdi_scan_place *)arg = *place;
	return 1;
}

int mdi_scan_pieces(const struct mdi_scan_piece *pieces, size_t count,
		    uint32_t kinds, struct mdi_scan_place *first)
{
	struct mdi_scan scan;

	mdi_scan_start(&scan, kinds, take_first, first);
	for (size_t i = 0; i < count; i++)
		if (mdi_scan_feed(&scan, pieces[i].bytes, pieces[i].length))
			return MODISO_ERR_GADGET;
	return 0;
}

/* --- memory --- */

void mdi_scan_describe(const struct mdi_scan_place *place, char *text,
		       size_t size)
{
	int used = snprintf(text, size, "%s (",
			    modiso_scan_kind_name(place->kind));

	for (size_t i = 0; i < place->length && used > 0; i++) {
		if ((size_t)used >= size)
			return;
		used += snprintf(text + used, size - (size_t)used, "%s%02x",
				 i ? " " : "", place->bytes[i]);
	}
	if (used > 0 && (size_t)used < size)
		snprintf(text + used, size - (size_t)used, "%s",
			 place->open ? ", its end: the code beside it could "
				       "go on with the rest)"
				     : ")");
}

struct memory_scan {
	const void *base;
	modiso_scan_fn fn;
	void *arg;
	struct mdi_scan_place first;
	uint64_t count;
};

static int memory_place(const struct mdi_scan_place *place, void *arg)
{
	struct memory_scan *memory = arg;
	struct modiso_scan_hit hit = {
		.struct_size = sizeof(hit),
		.kind = place->kind,
		.offset = place->position,
		.address = (uintptr_t)memory->base + place->position,
		.length = place->length,
	};

	if (memory->count++ == 0)
		memory->first = *place;
	if (memory->fn == NULL)
		return 1;
	memcpy(hit.bytes, place->bytes, sizeof(hit.bytes));
	return memory->fn(&hit, memory->arg);
}

int mdi_scan_memory(const void *base, size_t length, uint32_t kinds,
		    modiso_scan_fn fn, void *arg)
{
	struct memory_scan memory = { .base = base, .fn = fn, .arg = arg };
	struct mdi_scan scan;
	char text[80];

	mdi_scan_start(&scan, kinds, memory_place, &memory);
	mdi_scan_feed(&scan, base, length);
	if (memory.count == 0)
		return 0;
	mdi_scan_describe(&memory.first, text, sizeof(text));
	return mdi_fail(MODISO_ERR_GADGET, "%s at %#zx, offset %#zx", text,
			(size_t)base + (size_t)memory.first.position,
			(size_t)memory.first.position);
}
