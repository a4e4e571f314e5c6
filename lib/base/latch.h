/* SPDX-License-Identifier: MIT */
/*
 * base/latch.h - a few words that are changed as one and read without a lock,
 * by signal handlers as well.
 *
 * Two copies and a count. A writer fills the copy that the count does not name,
 * then the count names it. A reader takes the copy that the count names, and
 * another one when the count has changed meanwhile; so it never waits for a
 * writer, which may be what it has interrupted, or have no CPU.
 */
#ifndef MDI_BASE_LATCH_H
#define MDI_BASE_LATCH_H

#include "base/common.h"

/* A structure of whole words, twice, and which of them counts. */
#define MDI_LATCH(type)                                                        \
	struct {                                                               \
		type copy[2];                                                  \
		uint32_t count;                                                \
	}

/* One writer at a time. AS-Safe. */
#define mdi_latch_set(latch, from)                                             \
	mdi_latch_write((latch)->copy, &(latch)->count,                        \
			MDI_LATCHED(latch, from), MDI_LATCH_WORDS(latch))
/* AS-Safe. */
#define mdi_latch_get(latch, to)                                               \
	mdi_latch_read((latch)->copy, &(latch)->count, MDI_LATCHED(latch, to), \
		       MDI_LATCH_WORDS(latch))

/* Was anything ever put into it? It begins with zeros. AS-Safe. */
#define mdi_latch_is_set(latch)                                                \
	(__atomic_load_n(&(latch)->count, __ATOMIC_RELAXED) != 0)

/* The same pointer; the compiler complains if it is to anything else. */
#define MDI_LATCHED(latch, pointer)                                            \
	((pointer) + 0 * sizeof((pointer) == (latch)->copy))
#define MDI_LATCH_WORDS(latch) (sizeof((latch)->copy[0]) / sizeof(uint64_t))

void mdi_latch_write(void *copies, uint32_t *count, const void *from,
		     size_t words);
void mdi_latch_read(const void *copies, const uint32_t *count, void *to,
		    size_t words);

#endif /* MDI_BASE_LATCH_H */
