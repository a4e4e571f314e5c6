/* SPDX-License-Identifier: MIT */
#include "core/notify.h"

static void copy(struct mdi_told *to, const struct mdi_told *from)
{
	__atomic_store_n(&to->filter,
			 __atomic_load_n(&from->filter, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&to->landing,
			 __atomic_load_n(&from->landing, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
	__atomic_store_n(&to->arg,
			 __atomic_load_n(&from->arg, __ATOMIC_RELAXED),
			 __ATOMIC_RELAXED);
}

void mdi_notify_set(struct mdi_notify *notify, const struct mdi_told *told)
{
	uint32_t next = notify->count + 1;

	/* Behind the last count: a reader of this copy sees that one. */
	__atomic_thread_fence(__ATOMIC_RELEASE);
	copy(&notify->copy[next & 1], told);
	__atomic_store_n(&notify->count, next, __ATOMIC_RELEASE);
}

struct mdi_told mdi_notify_get(const struct mdi_notify *notify)
{
	struct mdi_told told;
	uint32_t count, now;

	do {
		count = __atomic_load_n(&notify->count, __ATOMIC_ACQUIRE);
		copy(&told, &notify->copy[count & 1]);
		__atomic_thread_fence(__ATOMIC_ACQUIRE);
		now = __atomic_load_n(&notify->count, __ATOMIC_RELAXED);
	} while (now != count);
	return told;
}
