/* SPDX-License-Identifier: MIT */
/*
 * os/lock.h - a lock of a few instructions; its failure is a mistake, not a
 * result.
 */
#ifndef MDI_OS_LOCK_H
#define MDI_OS_LOCK_H

#include "base/common.h"

/* All zero: free. */
struct mdi_lock {
	uint32_t word; /* 1: taken; 2: taken, and somebody waits */
};

void mdi_lock_wait(struct mdi_lock *lock);
/* @was: what the lock was when it was given up. */
void mdi_lock_wake(struct mdi_lock *lock, uint32_t was);

static inline void mdi_lock(struct mdi_lock *lock)
{
	uint32_t seen = 0;

	if (!__atomic_compare_exchange_n(&lock->word, &seen, 1, false,
					 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		mdi_lock_wait(lock);
}

static inline void mdi_unlock(struct mdi_lock *lock)
{
	uint32_t was = __atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE);

	if (was != 1)
		mdi_lock_wake(lock, was);
}

#endif /* MDI_OS_LOCK_H */
