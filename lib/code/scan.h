/* SPDX-License-Identifier: MIT */
/*
 * code/scan.h - forbidden instructions in bytes that come in pieces.
 *
 * The pieces of one scan are adjacent in memory: an instruction that begins in
 * one and ends in the next, or spans several, is found like any other.
 */
#ifndef MDI_CODE_SCAN_H
#define MDI_CODE_SCAN_H

#include "arch/forbidden.h"

struct mdi_scan_place {
	uint32_t kind;     /* one MODISO_SCAN_* bit */
	uint32_t length;   /* of the bytes below */
	uint64_t position; /* of the first one, counted over all pieces */
	uint8_t bytes[MODISO_SCAN_BYTES];
	bool open; /* the bytes are its beginning alone, the last of a piece */
};

/* Returns 0 to go on. */
typedef int (*mdi_scan_place_fn)(const struct mdi_scan_place *place, void *arg);

struct mdi_scan {
	uint32_t kinds;
	mdi_scan_place_fn fn;
	void *arg;
	uint64_t position; /* bytes fed so far */
	size_t kept;
	uint8_t tail[MDI_SCAN_REACH]; /* the last of them */
};

void mdi_scan_start(struct mdi_scan *scan, uint32_t kinds, mdi_scan_place_fn fn,
		    void *arg);

/* Memory that is not adjacent comes next, at this position. */
void mdi_scan_seek(struct mdi_scan *scan, uint64_t position);

/* The next piece; any length. 0, or what the callback returned to stop. */
int mdi_scan_feed(struct mdi_scan *scan, const void *bytes, size_t length);

struct mdi_scan_piece {
	const void *bytes;
	size_t length;
};

/*
 * All at once, for a loader: pieces that will be adjacent in memory, in their
 * order. 0 when clean; else MODISO_ERR_GADGET, with the first place in @first
 * (may be NULL). Sets no sentence: only the caller knows the names.
 */
int mdi_scan_pieces(const struct mdi_scan_piece *pieces, size_t count,
		    uint32_t kinds, struct mdi_scan_place *first);

/*
 * Does a forbidden instruction begin in the last of these bytes, to be ended by
 * what comes to lie behind them? 0 or MODISO_ERR_GADGET, as above.
 */
int mdi_scan_open_end(const void *bytes, size_t length, uint32_t kinds,
		      struct mdi_scan_place *place);

/* modiso_scan_memory() without its checks. */
int mdi_scan_memory(const void *base, size_t length, uint32_t kinds,
		    modiso_scan_fn fn, void *arg);

/* "wrpkru (0f 01 ef)" and so on, for a sentence. */
#define MDI_SCAN_DESCRIBED 160
void mdi_scan_describe(const struct mdi_scan_place *place, char *text,
		       size_t size);

#endif /* MDI_CODE_SCAN_H */
