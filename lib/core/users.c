/* SPDX-License-Identifier: MIT */
/*
 * What a backend asks of the list of threads: who uses a module, and that those
 * who do not use it now ask before they do (struct mdi_users). The library's
 * lock is held.
 */
#include "core/thread.h"

#include "core/frames.h"
#include "core/limit.h"
#include "core/state.h"
#include "os/process.h"

#include <errno.h>

static struct mdi_thread_state *const own = &mdi_core_state.thread;

bool mdi_threads_inside(const struct mdi_domain *domain)
{
	for (struct mdi_thread *thread = own->attached; thread != NULL;
	     thread = thread->next)
		if (mdi_frames_into(thread, domain) != 0)
			return true;
	return false;
}

static bool others(void)
{
	return own->attached_count > (mdi_thread_self() != NULL ? 1u : 0u);
}

/*
 * The main thread is no module's, nor is one that calls the library from
 * outside of modules. All are counted first: those that are known can end
 * meanwhile, by exit(2) without a word to the library, and none can come.
 */
static bool foreign_threads(void)
{
	uint32_t all = mdi_os_threads(), known = 0;
	int32_t main_thread = mdi_os_process_id(), caller = mdi_os_thread_id();
	bool is_main_known = false, is_caller_known = caller == main_thread;
	const struct mdi_thread *thread;

	for (thread = own->attached; thread != NULL; thread = thread->next) {
		if (thread->host != thread)
			continue; /* a fiber */
		is_main_known |= thread->tid == main_thread;
		is_caller_known |= thread->tid == caller;
		known += mdi_os_thread_lives(thread->tid);
	}
	known += !is_main_known + !is_caller_known + mdi_limit_threads();
	return all == 0 || all > known;
}

/* Other threads may be reading these: one store each, the caller's barrier. */
MDI_INLINE void withdraw_from(const struct mdi_thread *thread,
			      const struct mdi_domain *domain)
{
	__atomic_store_n(&mdi_thread_link(thread, domain->head.link)->stack, 0,
			 __ATOMIC_RELAXED);
}

/* No lock is taken: a module that comes or goes has no link to this thread. */
void mdi_thread_withdraw(const struct mdi_thread *thread)
{
	for (uint32_t i = 0; i < MDI_MODULES_MAX; i++) {
		uint32_t link = T_LINKS + (i << L_SHIFT);

		if (__atomic_load_n(&mdi_arch_state.domains[i],
				    __ATOMIC_RELAXED) != NULL)
			__atomic_store_n(&mdi_thread_link(thread, link)->stack,
					 0, __ATOMIC_RELAXED);
	}
}

static void withdraw(const struct mdi_domain *domain)
{
	struct mdi_thread *thread;

	for (thread = own->attached; thread != NULL; thread = thread->next)
		withdraw_from(thread, domain);
}

/*
 * A look before the links are withdrawn spares those who are inside a way into
 * the library. The caller goes on elsewhere when the barrier fails.
 */
static MDI_RARE bool quiesce_all(const struct mdi_domain *domain,
		     const struct mdi_domain *also)
{
	int saved = errno;
	bool passed;

	if (mdi_threads_inside(domain))
		return false;
	withdraw(domain);
	withdraw(also);
	passed = !others() || mdi_os_barrier() == 0;
	errno = saved;
	return passed && !mdi_threads_inside(domain);
}

/* Where one thread is attached, in no module, there is nothing to wait for. */
static bool quiesce(const struct mdi_domain *domain,
		    const struct mdi_domain *also)
{
	struct mdi_thread *thread = own->attached;

	if (thread == NULL || thread->next != NULL ||
	    mdi_block != (uintptr_t)mdi_thread_block(thread) ||
	    mdi_frame_top(thread) != NULL)
		return quiesce_all(domain, also);
	withdraw_from(thread, domain);
	withdraw_from(thread, also);
	return true;
}

void mdi_threads_scrub(const struct mdi_domain *domain)
{
	struct mdi_thread *thread;

	for (thread = own->attached; thread != NULL; thread = thread->next)
		__atomic_store_n(&mdi_thread_link(thread,
						  domain->head.link)->scrub,
				 domain->scrub, __ATOMIC_RELAXED);
}

static void renew(const struct mdi_domain *domain)
{
	struct mdi_thread *thread;

	for (thread = own->attached; thread != NULL; thread = thread->next)
		__atomic_store_n(&mdi_thread_link(thread,
						  domain->head.link)->rights,
				 domain->head.rights, __ATOMIC_RELAXED);
}

const struct mdi_users mdi_thread_users = {
	.others = others,
	.inside = mdi_threads_inside,
	.foreign_threads = foreign_threads,
	.withdraw = withdraw,
	.quiesce = quiesce,
	.renew = renew,
};
