/* SPDX-License-Identifier: MIT */
/*
 * os/lock.h - a lock of a few instructions; its failure is a mistake, not a
 * result.
 */
#ifndef MDI_OS_LOCK_H
#define MDI_OS_LOCK_H

#include "base/common.h"
#include "os/here.h"

/*
 * All zero: free. Else the thread pointer of who has it, so that nobody waits
 * for himself, and whether somebody waits.
 */
struct mdi_lock {
	uint64_t word;
};
/* Ends a sentence about a handler that should have been kept until later. */
#define MDI_HOW_TO_INSTALL                                          \
	"install handlers by sigaction(), or call modiso_signal_adopt()" \
	" when another way was taken"

#define MDI_LOCK_WAITED 1u /* a thread pointer is even */

void mdi_lock_wait(struct mdi_lock *lock);
/* @was: what the lock was when it was given up. */
void mdi_lock_wake(struct mdi_lock *lock, uint64_t was);

static inline uint64_t mdi_lock_me(void)
{
	return mdi_self();
}

static inline bool mdi_try_lock(struct mdi_lock *lock)
{
	uint64_t seen = 0;

	return __atomic_compare_exchange_n(&lock->word, &seen, mdi_lock_me(),
					   false, __ATOMIC_ACQUIRE,
					   __ATOMIC_RELAXED);
}

static inline void mdi_lock(struct mdi_lock *lock)
{
	uint64_t seen = 0;

	if (!__atomic_compare_exchange_n(&lock->word, &seen, mdi_lock_me(),
					 false, __ATOMIC_ACQUIRE,
					 __ATOMIC_RELAXED))
		mdi_lock_wait(lock);
}

static inline void mdi_unlock(struct mdi_lock *lock)
{
	uint64_t was = __atomic_exchange_n(&lock->word, 0, __ATOMIC_RELEASE);

	if (was != mdi_lock_me())
		mdi_lock_wake(lock, was);
}

#endif /* MDI_OS_LOCK_H */
