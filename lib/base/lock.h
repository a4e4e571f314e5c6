/* SPDX-License-Identifier: MIT */
/*
 * base/lock.h - a mutex whose failure is a mistake, not a result.
 */
#ifndef MDI_BASE_LOCK_H
#define MDI_BASE_LOCK_H

#include "base/misuse.h"

#include <pthread.h>

static inline void mdi_lock(pthread_mutex_t *mutex)
{
	if (pthread_mutex_lock(mutex) != 0)
		mdi_misuse("a lock of the library is damaged");
}

static inline void mdi_unlock(pthread_mutex_t *mutex)
{
	if (pthread_mutex_unlock(mutex) != 0)
		mdi_misuse("a lock of the library is not held");
}

#endif /* MDI_BASE_LOCK_H */
