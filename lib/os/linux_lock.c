/* SPDX-License-Identifier: MIT */
#include "os/lock.h"

#include "base/misuse.h"
#include "os/linux_sys.h"

void mdi_lock_wait(struct mdi_lock *lock)
{
	uint32_t seen;

	while ((seen = __atomic_exchange_n(&lock->word, 2, __ATOMIC_ACQUIRE)) !=
	       0) {
		if (seen > 2)
			mdi_misuse("a lock of the library is damaged");
		mdi_sys_futex_wait(&lock->word, 2, 0);
	}
}

void mdi_lock_wake(struct mdi_lock *lock, uint32_t was)
{
	if (was != 2)
		mdi_misuse(was == 0 ? "a lock of the library is not held" :
				      "a lock of the library is damaged");
	mdi_sys_futex_wake(&lock->word, 1);
}
