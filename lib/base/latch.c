/* SPDX-License-Identifier: MIT */
#include "base/latch.h"

/* Whatever the structure calls it. */
typedef uint64_t __attribute__((may_alias)) word;

static void copy(word *to, const word *from, size_t words)
{
	for (size_t i = 0; i < words; i++)
		__atomic_store_n(&to[i],
				 __atomic_load_n(&from[i], __ATOMIC_RELAXED),
				 __ATOMIC_RELAXED);
}

void mdi_latch_write(void *copies, uint32_t *count, const void *from,
		     size_t words)
{
	uint32_t next = *count + 1;

	/* Behind the last count: a reader of this copy sees that one. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	copy((word *)copies + (next & 1) * words, from, words);
	__atomic_store_n(count, next, __ATOMIC_RELEASE);
}

void mdi_latch_read(const void *copies, const uint32_t *count, void *to,
		    size_t words)
{
	uint32_t was, now;

	do {
		was = __atomic_load_n(count, __ATOMIC_ACQUIRE);
		copy(to, (const word *)copies + (was & 1) * words, words);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		now = __atomic_load_n(count, __ATOMIC_RELAXED);
	} while (now != was);
}
