/* SPDX-License-Identifier: MIT */
/*
 * core/runtime.h - the life of the library, and its lock.
 */
#ifndef MDI_CORE_RUNTIME_H
#define MDI_CORE_RUNTIME_H

#include <modiso/init.h>

#include "backend/backend.h"
#include "core/state.h"
#include "os/critical.h"
#include "os/lock.h"

/*
 * What a layer can change: base/state.h. A list of them ends with a NULL, and
 * goes on in the list @more, if that is not NULL.
 */
struct mdi_front;
struct mdi_layer {
	void *state;
	size_t size;
	enum mdi_own how;
	/* In the child of a fork; or NULL. */
	void (*after_fork)(void);
	const struct mdi_layer *more;
};

/* The next one; its state is NULL when there is none. */
static inline const struct mdi_layer *
mdi_layer_next(const struct mdi_layer *layer)
{
	layer++;
	return layer->state == NULL && layer->more != NULL ? layer->more :
							     layer;
}

int mdi_runtime_start(const struct modiso_options *options,
		      const struct mdi_layer *layers,
		      const struct mdi_front *front);
int mdi_runtime_stop(void);

/*
 * In programs with ThreadSanitizer; NULL in all others. It sees what the
 * library's calls of memset(3) and the like do, and not that there is a lock.
 */
void __tsan_acquire(void *address) __attribute__((weak));
void __tsan_release(void *address) __attribute__((weak));

/*
 * The library's lock: modules, regions, gates, services, stacks, the list of
 * threads. The keeper's lock nests inside it. No module code and no callback
 * runs while it is held.
 */
static inline void mdi_runtime_lock(void)
{
	mdi_critical_begin();
	mdi_lock(&mdi_core_state.runtime.lock);
	if (__tsan_acquire != NULL)
		__tsan_acquire(&mdi_core_state.runtime.lock);
}

/* Without waiting; false: somebody has it. */
static inline bool mdi_runtime_try_lock(void)
{
	mdi_critical_begin();
	if (mdi_try_lock(&mdi_core_state.runtime.lock)) {
		if (__tsan_acquire != NULL)
			__tsan_acquire(&mdi_core_state.runtime.lock);
		return true;
	}
	mdi_critical_end();
	return false;
}

static inline void mdi_runtime_unlock(void)
{
	if (__tsan_release != NULL)
		__tsan_release(&mdi_core_state.runtime.lock);
	mdi_unlock(&mdi_core_state.runtime.lock);
	mdi_critical_end();
}

/*
 * What every public function begins with: 0, or MODISO_ERR_STATE before init
 * and inside of a module. Touches nothing that a module may not touch.
 */
int mdi_runtime_check(void);

/* Does a range touch the library's own memory? The lock is held. */
bool mdi_runtime_overlaps(uintptr_t base, uintptr_t end);
/* Does a layer of it hold what modules must never touch? */
bool mdi_runtime_keeps(uintptr_t base, uintptr_t end);

#endif /* MDI_CORE_RUNTIME_H */
