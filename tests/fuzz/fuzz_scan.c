/* SPDX-License-Identifier: MIT */
/*
 * The scanner on bytes and on an ELF file, for libFuzzer: it reads nothing
 * outside of them, how they are cut into pieces changes nothing, and the ways
 * to skip what is harmless agree. The first two bytes choose the cuts.
 */
#include "code/scan.h"
#include "arch/x86_64/forbidden_skip.h"
#include "arch/cpu.h"

#include <modiso.h>

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

/* Order and content of all places, in a number. */
struct trace {
	uint64_t sum, count;
};

static int note(const struct mdi_scan_place *place, void *arg)
{
	struct trace *trace = arg;

	if (place->length < 2 || place->length > sizeof(place->bytes))
		abort();
	trace->sum = trace->sum * 31 + place->kind + place->position * 1021;
	trace->count++;
	return 0;
}

static int note_hit(const struct modiso_scan_hit *hit, void *arg)
{
	uint64_t *count = arg;

	if ((hit->section != NULL && strlen(hit->section) > 127) ||
	    (hit->symbol != NULL && strlen(hit->symbol) > 127))
		abort();
	return ++*count == 1000;
}

/* All pairs, in their order, however the first of them lies in a register. */
static void compare_ways(const uint8_t *bytes, size_t length, uint32_t kinds)
{
	for (size_t first = 0; first < 32 && first < length; first++)
		for (size_t at = first, pair; at < length; at = pair + 1) {
			pair = mdi_scan_skip_plain(bytes, length, at, kinds);
			if (mdi_scan_skip_sse2(bytes, length, at, kinds) !=
			    pair)
				abort();
			if (mdi_cpu()->avx2 &&
			    mdi_scan_skip_avx2(bytes, length, at, kinds) !=
				    pair)
				abort();
		}
}

/* Each piece in memory of its own, so that a sanitizer sees its ends. */
static struct trace scan(const uint8_t *bytes, size_t length, size_t first,
			 size_t step)
{
	struct trace trace = { 0, 0 };
	struct mdi_scan scan;
	size_t part = first;
	uint8_t *piece;

	mdi_scan_start(&scan, MODISO_SCAN_ALL, note, &trace);
	for (; length > 0; bytes += part, length -= part, part = step) {
		if (part > length)
			part = length;
		piece = malloc(part);
		if (piece == NULL)
			abort();
		memcpy(piece, bytes, part);
		compare_ways(piece, part, MODISO_SCAN_ALL);
		compare_ways(piece, part, MODISO_SCAN_PKRU);
		mdi_scan_feed(&scan, piece, part);
		free(piece);
	}
	return trace;
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct modiso_scan_info info = { .struct_size = sizeof(info) };
	struct trace whole, cut;
	uint64_t hits = 0;
	size_t first, step;
	int result;

	if (length < 2)
		return 0;
	first = bytes[0] + 1u;
	step = bytes[1] + 1u;
	bytes += 2;
	length -= 2;
	whole = scan(bytes, length, length, length);
	cut = scan(bytes, length, first, step);
	if (whole.sum != cut.sum || whole.count != cut.count)
		abort();
	result = modiso_scan_elf(bytes, length, MODISO_SCAN_ALL, note_hit,
				 &hits, &info);
	if ((result == MODISO_ERR_GADGET) != (hits > 0) &&
	    result != MODISO_ERR_FORMAT)
		abort();
	return 0;
}
