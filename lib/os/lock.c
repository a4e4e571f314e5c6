/* SPDX-License-Identifier: MIT */
#include "os/lock.h"

#include "os/misuse.h"
#include "os/process.h"

/* What the kernel compares. Little-endian: the mark of who waits is in it. */
static uint32_t *half(struct mdi_lock *lock)
{
	return (uint32_t *)&lock->word;
}

/*
 * @mine: the word of who takes it after having waited. There may be others, so
 * it is marked.
 */
static bool take_or_mark(struct mdi_lock *lock, uint64_t mine, uint64_t *seen)
{
	uint64_t next;

	*seen = __atomic_load_n(&lock->word, __ATOMIC_RELAXED);
	do
		next = *seen == 0 ? mine : *seen | MDI_LOCK_WAITED;
	while (!__atomic_compare_exchange_n(&lock->word, seen, next, false,
					    __ATOMIC_ACQUIRE,
					    __ATOMIC_RELAXED));
	return *seen == 0;
}

void mdi_lock_wait(struct mdi_lock *lock)
{
	uint64_t me = mdi_lock_me(), seen;

	while (!take_or_mark(lock, me | MDI_LOCK_WAITED, &seen)) {
		if ((seen & ~(uint64_t)MDI_LOCK_WAITED) == me)
			mdi_misuse("this thread would wait for a lock of the "
				   "library that it holds: a signal handler "
				   "that the library does not stand in front "
				   "of has interrupted "
				   "it; " MDI_HOW_TO_INSTALL);
		mdi_os_wait(half(lock),
				   (uint32_t)seen | MDI_LOCK_WAITED, 0);
	}
}

void mdi_lock_wake(struct mdi_lock *lock, uint64_t was)
{
	if (was != (mdi_lock_me() | MDI_LOCK_WAITED))
		mdi_misuse(was == 0 ? "a lock of the library is not held" :
				      "a lock of the library is damaged");
	mdi_os_wake(half(lock), 1);
}
