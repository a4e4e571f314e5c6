/* SPDX-License-Identifier: MIT */
/*
 * Page permissions: a domain is open to the whole process or to nobody.
 *
 * In the host's state any number of domains may be open: those that ran last
 * and those that host code touched. Entering one closes all others and the
 * host's guarded regions. What is open stays open until something else must
 * run (lazy), so entering the same module again costs no system call while
 * nothing of the host is guarded.
 *
 * A set, regions that several modules have rights to, is open while one of
 * these runs, as far as that one's rights go.
 *
 * Closing needs no memory: every domain's pages are mappings of their own with
 * unlike neighbours (os/memory.h), so the kernel never has to split one.
 */
#include "backend/backend.h"

#include "backend/keeper.h"
#include "base/error.h"
#include "base/misuse.h"
#include "os/cpu.h"
#include "os/linux_signal.h"
#include "os/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Open domains, the host's not among them; guarded by the keeper. */
static struct mdi_domain *open_list;
static struct mdi_domain *host;

/* Of a domain's pages: as much as their own protection allows. */
#define EVERYTHING (~0u)

static bool keys_off; /* no PKRU that a thread could lose */

/*
 * External exclusion: the thread that entered a module last and has not left
 * it. While it runs there nobody else may run.
 */
static struct mdi_thread *runner;

static void run(struct mdi_thread *thread)
{
	__atomic_store_n(&runner, thread, __ATOMIC_RELAXED);
}

static void stop_running(const struct mdi_thread *thread)
{
	if (__atomic_load_n(&runner, __ATOMIC_RELAXED) == thread)
		run(NULL);
}

/* The part of the runs that lies in the domain's own range, in one piece. */
MDI_INLINE bool own_span(const struct mdi_domain *domain, char **base,
			 size_t *length)
{
	const struct mdi_run *low = NULL, *high = NULL;

	for (size_t i = 0; i < domain->runs.count; i++) {
		if (domain->runs.run[i].outside)
			continue;
		if (low == NULL)
			low = &domain->runs.run[i];
		high = &domain->runs.run[i];
	}
	if (low == NULL)
		return false;
	*base = low->base;
	*length = (size_t)(high->base + high->length - low->base);
	return true;
}

MDI_INLINE int close_part(char *base, size_t length)
{
	if (mdi_mem_protect(base, length, MDI_PROT_NONE) == 0)
		return 0;
	return mdi_fail_os("mprotect", "closing %zu bytes at %p", length,
			   (void *)base);
}

/*
 * Where this fails the domain counts as open, and nothing else may run before
 * it is closed. Its own range cannot fail for want of memory; what was adopted
 * can have been merged with the caller's pages beside it.
 */
MDI_INLINE int close_domain(struct mdi_domain *domain)
{
	char *base;
	size_t length;
	int result = 0;

	domain->whole = false;
	if (own_span(domain, &base, &length))
		result = close_part(base, length);
	for (size_t i = 0; result == 0 && i < domain->runs.count; i++)
		if (domain->runs.run[i].outside)
			result = close_part(domain->runs.run[i].base,
					    domain->runs.run[i].length);
	if (result == 0)
		domain->open = false;
	return result;
}

/* NULL, or the run that would not open; then errno says why. */
MDI_INLINE const struct mdi_run *open_pages(const struct mdi_domain *domain,
					    uint32_t access)
{
	for (size_t i = 0; i < domain->runs.count; i++) {
		const struct mdi_run *run = &domain->runs.run[i];
		int saved;

		if (mdi_mem_protect(run->base, run->length,
				    run->prot & access) == 0)
			continue;
		saved = errno;
		while (!domain->open && i-- > 0)
			if (mdi_mem_protect(domain->runs.run[i].base,
					    domain->runs.run[i].length,
					    MDI_PROT_NONE) != 0)
				mdi_misuse("mprotect(2) would not close a "
					   "module's memory again; going on "
					   "would leave it open");
		errno = saved;
		return run;
	}
	return NULL;
}

MDI_INLINE const struct mdi_run *try_open(struct mdi_domain *domain,
					  uint32_t access)
{
	const struct mdi_run *failed = open_pages(domain, access);

	if (failed != NULL)
		return failed;
	domain->whole = true;
	domain->opened = access;
	if (!domain->open && domain != host) {
		domain->next = open_list;
		open_list = domain;
	}
	domain->open = true;
	return NULL;
}

static int open_as(struct mdi_domain *domain, uint32_t access);

MDI_INLINE int open_domain(struct mdi_domain *domain, uint32_t access)
{
	return domain == NULL ||
			       (domain->whole && domain->opened == access) ?
		       0 :
		       open_as(domain, access);
}

/*
 * For host code that faulted. When the domain counts as open already, another
 * thread was faster, or somebody else has called mprotect(2): say it again.
 */
static int open_as(struct mdi_domain *domain, uint32_t access)
{
	const struct mdi_run *failed;

	if (domain == NULL)
		return 0;
	domain->whole = domain->whole && domain->opened == access;
	failed = try_open(domain, access);
	if (failed == NULL)
		return 0;
	return mdi_fail_os("mprotect", "opening %zu bytes at %p",
			   failed->length, (void *)failed->base);
}

static int open_again(struct mdi_domain *domain)
{
	return open_as(domain, EVERYTHING);
}

/*
 * Leaving a module needs no memory: where there is none to open the host's
 * regions they stay closed, and open when host code touches them.
 */
static void to_host(void)
{
	int saved = errno;

	if (host != NULL && !host->whole)
		(void)try_open(host, EVERYTHING);
	errno = saved;
}

/* Closing a whole range has closed what lies in it of a set as well. */
static void doubt_sets(void)
{
	for (struct mdi_domain *set = open_list; set != NULL; set = set->next)
		if (set->kind == MDI_DOMAIN_SHARED)
			set->whole = false;
}

/* What @module may do with @domain: its own, or a set's. */
static uint32_t rights(const struct mdi_domain *module,
		       const struct mdi_domain *domain)
{
	if (module == domain)
		return EVERYTHING;
	if (domain->kind != MDI_DOMAIN_SHARED)
		return 0;
	for (uint32_t i = 0; i < domain->share_count; i++)
		if (domain->shares[i].module == module)
			return domain->shares[i].access;
	return 0;
}

static int open_sets(const struct mdi_domain *module)
{
	int result = 0;

	for (const struct mdi_share *share = module->shares;
	     share != NULL && result == 0; share = share->next)
		result = open_domain(share->set, share->access);
	return result;
}

static int to_domain(struct mdi_domain *domain)
{
	struct mdi_domain **link = &open_list, *open;
	int result = 0;

	while (result == 0 && (open = *link) != NULL) {
		if (rights(domain, open) != 0) {
			link = &open->next;
			continue;
		}
		result = close_domain(open);
		if (result == 0)
			*link = open->next;
		if (open->kind != MDI_DOMAIN_SHARED)
			doubt_sets();
	}
	if (result == 0 && host != NULL && host->open) {
		result = close_domain(host);
		doubt_sets();
	}
	if (result == 0)
		result = open_domain(domain, EVERYTHING);
	return result != 0 || domain->shares == NULL ? result :
						       open_sets(domain);
}

static const struct mdi_keeper_ops internal_ops = {
	.to_domain = to_domain,
	.to_host = to_host,
	.open = open_again,
};

static const struct mdi_keeper_ops external_ops = {
	.external = true,
	.to_domain = to_domain,
	.to_host = to_host,
	.open = open_again,
};

static int probe(struct modiso_backend_info *info)
{
	info->usable = 1;
	info->caps = MODISO_CAP_GUARD | MODISO_CAP_UNLIMITED;
	info->keys_total = 0;
	info->keys_free = 0;
	snprintf(info->reason, sizeof(info->reason),
		 "READONLY and SEALED need protection keys: page permissions "
		 "are the same for every thread");
	return 0;
}

static int start(const struct modiso_options *options)
{
	bool external = options->exclusion == MODISO_EXCLUSION_EXTERNAL;

	open_list = NULL;
	host = NULL;
	keys_off = !mdi_cpu()->ospke;
	runner = NULL;
	mdi_open.state.signal_key = MDI_NO_KEY;
	mdi_open.state.handlers_leave = external;
	mdi_keeper_start(external ? &external_ops : &internal_ops);
	return 0;
}

static void stop(void)
{
}

static bool inside(void)
{
	struct mdi_thread *thread = mdi_thread_self();

	return thread != NULL && mdi_thread_inside(thread);
}

static int add_domain(void *arg, bool entered)
{
	struct mdi_domain *domain = arg;

	domain->key = MDI_NO_KEY;
	domain->opened = EVERYTHING;
	domain->open = domain->whole =
		!entered && domain->kind != MDI_DOMAIN_SHARED;
	if (domain->kind == MDI_DOMAIN_HOST) {
		host = domain;
	} else if (domain->open) {
		domain->next = open_list;
		open_list = domain;
	}
	return 0;
}

static int domain_init(struct mdi_domain *domain)
{
	return mdi_keeper_locked(add_domain, domain);
}

struct drop {
	struct mdi_domain *domain;
	void *base;
	size_t length;
};

static int drop_domain(void *arg, bool entered)
{
	const struct drop *drop = arg;
	struct mdi_domain *domain = drop->domain, **link;

	(void)entered;
	if (mdi_mem_unmap(drop->base, drop->length) != 0)
		return mdi_fail_os("munmap", "%zu bytes of a module",
				   drop->length);
	if (domain == host)
		host = NULL;
	for (link = &open_list; *link != NULL; link = &(*link)->next) {
		if (*link == domain) {
			*link = domain->next;
			break;
		}
	}
	return 0;
}

static int domain_fini(struct mdi_domain *domain, void *base, size_t length)
{
	struct drop drop = { domain, base, length };

	return mdi_keeper_locked(drop_domain, &drop);
}

struct change {
	struct mdi_domain *domain;
	void *base;
	size_t length;
	uint32_t prot, was;
	struct mdi_runs *runs;
};

/* What pages of the domain with this protection are now. */
static uint32_t prot_now(const struct change *change, uint32_t prot)
{
	if (prot == MDI_WAS_NOBODYS)
		return MDI_PROT_READ | MDI_PROT_WRITE;
	return change->domain->open ? prot & change->domain->opened :
				      MDI_PROT_NONE;
}

static int change_pages(void *arg, bool entered)
{
	const struct change *change = arg;
	int result, saved;

	(void)entered;
	if (mdi_mem_protect(change->base, change->length,
			    prot_now(change, change->prot)) == 0) {
		mdi_runs_swap(&change->domain->runs, change->runs);
		return 0;
	}
	result = mdi_fail_os("mprotect", "%zu bytes at %p", change->length,
			     change->base);
	saved = errno;
	/* The kernel can stop between one mapping and the next. */
	if (change->was != MDI_WAS_FRESH &&
	    mdi_mem_protect(change->base, change->length,
			    prot_now(change, change->was)) != 0)
		mdi_misuse("mprotect(2) stopped half-way and would not put "
			   "back what it had changed; going on could leave "
			   "memory open");
	errno = saved;
	return result;
}

static int protect(struct mdi_domain *domain, void *base, size_t length,
		   uint32_t prot, uint32_t was, struct mdi_runs *runs)
{
	struct change change = { domain, base, length, prot, was, runs };

	if (domain->kind == MDI_DOMAIN_CLOSED)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"closed host regions need protection keys: "
				"with mprotect host code has no rights of its "
				"own that could be taken away");
	return mdi_keeper_locked(change_pages, &change);
}

static int release(struct mdi_domain *domain, void *base, size_t length,
		   uint32_t was, struct mdi_runs *runs)
{
	struct change change = { domain, base, length,
				 MDI_WAS_NOBODYS, was, runs };

	return mdi_keeper_locked(change_pages, &change);
}

static int dress_pages(void *arg, bool entered)
{
	const struct change *change = arg;

	(void)entered;
	if (mdi_mem_protect(change->base, change->length,
			    prot_now(change, change->prot)) != 0)
		return mdi_fail_os("mprotect", "%zu bytes at %p",
				   change->length, change->base);
	return 0;
}

static int dress(struct mdi_domain *domain, void *base, size_t length,
		 uint32_t prot)
{
	struct change change = { domain, base, length, prot, 0, NULL };

	return mdi_keeper_locked(dress_pages, &change);
}

/* In one step with the runs: else pages could be opened that are none. */
static int discard_pages(void *arg, bool entered)
{
	const struct change *change = arg;

	(void)entered;
	if (mdi_mem_decommit(change->base, change->length) != 0)
		return mdi_fail_os("mmap", "closing %zu bytes at %p",
				   change->length, change->base);
	mdi_runs_swap(&change->domain->runs, change->runs);
	return 0;
}

static int discard(struct mdi_domain *domain, void *base, size_t length,
		   struct mdi_runs *runs)
{
	struct change change = { domain, base, length, 0, 0, runs };

	return mdi_keeper_locked(discard_pages, &change);
}

/* The one module that is open; NULL: none, or more than one. */
static const struct mdi_domain *only_open(void)
{
	const struct mdi_domain *domain = open_list, *found = NULL;

	for (; domain != NULL; domain = domain->next) {
		if (domain->kind != MDI_DOMAIN_MODULE)
			continue;
		if (found != NULL)
			return NULL;
		found = domain;
	}
	return found;
}

/*
 * A set that gets its first pages. While a module is inside it alone is open,
 * and so the set must be, if it is that module's. Otherwise it need not be.
 */
static void open_first(struct mdi_domain *set)
{
	const struct mdi_domain *module = only_open();
	uint32_t access = module ? rights(module, set) : 0;

	if (set->kind != MDI_DOMAIN_SHARED || set->open ||
	    set->runs.count != 0 || access == 0)
		return;
	set->open = set->whole = true;
	set->opened = access;
	set->next = open_list;
	open_list = set;
}

static int move_pages(void *arg, bool entered)
{
	const struct mdi_move *move = arg;
	struct change to = { .domain = move->to }, from = { .domain = move->from };
	int result, saved;

	(void)entered;
	open_first(move->to);
	if (mdi_mem_protect(move->base, move->length,
			    prot_now(&to, move->prot)) == 0) {
		mdi_runs_swap(&move->from->runs, move->from_runs);
		mdi_runs_swap(&move->to->runs, move->to_runs);
		return 0;
	}
	result = mdi_fail_os("mprotect", "%zu bytes at %p", move->length,
			     move->base);
	saved = errno;
	if (mdi_mem_protect(move->base, move->length,
			    prot_now(&from, move->prot)) != 0)
		mdi_misuse("mprotect(2) stopped half-way and would not put "
			   "back what it had changed; going on could leave "
			   "memory open");
	errno = saved;
	return result;
}

static int move(const struct mdi_move *move, const struct mdi_users *users)
{
	(void)users;
	return mdi_keeper_locked(move_pages, (void *)(uintptr_t)move);
}

static int retire_set(void *arg, bool entered)
{
	struct mdi_domain *set = arg, **link;

	(void)entered;
	for (link = &open_list; *link != NULL; link = &(*link)->next) {
		if (*link == set) {
			*link = set->next;
			break;
		}
	}
	return 0;
}

/* Without pages nobody has rights to any. */
static bool retire(struct mdi_domain *set, const struct mdi_users *users)
{
	(void)users;
	return mdi_keeper_locked(retire_set, set) == 0;
}

static int protect_own(void *base, size_t length, bool readable)
{
	(void)base;
	(void)length;
	(void)readable;
	return 0;
}

static int unprotect_own(void *base, size_t length)
{
	(void)base;
	(void)length;
	return 0;
}

static int protect_altstack(void *base, size_t length)
{
	(void)base;
	(void)length;
	return 0;
}

/* Rights come with entering. */
static int admit(struct mdi_domain *domain, const struct mdi_users *users)
{
	(void)domain;
	(void)users;
	return 0;
}

struct steady {
	int (*act)(void *arg);
	void *arg;
};

static int steady_locked(void *arg, bool entered)
{
	const struct steady *steady = arg;

	(void)entered;
	return steady->act(steady->arg);
}

static int steady(int (*act)(void *arg), void *arg)
{
	struct steady both = { act, arg };

	return mdi_keeper_locked(steady_locked, &both);
}

static void (*gate(const struct mdi_domain *domain,
		   const struct mdi_gate_shape *shape))(void)
{
	(void)domain;
	return shape->scrub ? mdi_gate_plain_scrub : mdi_gate_plain;
}

static void (*gate_front(void))(void)
{
	return NULL;
}

static int thread_attach(struct mdi_thread *thread)
{
	(void)thread;
	return 0;
}

static void thread_detach(struct mdi_thread *thread)
{
	(void)thread;
}

static struct mdi_domain *entered_domain(const struct mdi_thread *thread)
{
	if (thread == NULL || !mdi_thread_inside(thread))
		return NULL;
	return (struct mdi_domain *)mdi_link_domain(
		mdi_frame_top(thread)->link);
}

static void after_fork(void)
{
	struct mdi_thread *self = mdi_thread_self();
	struct mdi_domain *domain = entered_domain(self);

	run(domain ? self : NULL);
	mdi_keeper_after_fork(domain, self ? self->held : 0);
	if (domain == NULL)
		to_host();
}

/*
 * A window keeps modules out; its own thread steps back from all that it has
 * for the time of a gate call. A signal handler can come while the thread waits
 * for one of the two, so thread->held says how far it is. Signals are kept away
 * in these but where they wait.
 */
static int hold_windows(struct mdi_thread *thread, uint32_t count)
{
	int result;

	while (thread->held < count) {
		result = mdi_keeper_wish(
			MDI_WISH_HOLD,
			(void *)thread->windows[thread->held].domain,
			thread->held > 0);
		if (result != 0)
			return result;
		thread->held++;
	}
	return 0;
}

static void unhold_windows(struct mdi_thread *thread, uint32_t count)
{
	while (thread->held > count) {
		thread->held--;
		mdi_keeper_unhold();
	}
}

static void hold(struct mdi_thread *thread, uint32_t count)
{
	int saved = errno;

	if (count > thread->window_count)
		count = thread->window_count;
	unhold_windows(thread, count);
	/* What cannot be opened now opens when it is touched: it is held. */
	while (hold_windows(thread, count) != 0) {
		(void)mdi_keeper_wish(MDI_WISH_HOLD, NULL, thread->held > 0);
		thread->held++;
	}
	errno = saved;
}

/*
 * A signal handler of the host interrupted a module and needs the host's
 * state: the thread steps out of the module for the handler's time. Another
 * handler must not find the one half done, and wait for its own thread.
 */
static void step_out(struct mdi_thread *thread)
{
	struct mdi_frame *frame = mdi_frame_top(thread);

	if (frame == NULL || frame->service_sp != MDI_INTERRUPTED)
		return;
	mdi_critical_begin();
	frame->service_sp = MDI_INTERRUPTED_LEFT;
	stop_running(thread);
	mdi_keeper_leave();
	hold(thread, thread->window_count);
	mdi_critical_end();
}

/*
 * With external exclusion nobody waits, so a thread that comes while another
 * one is in a module would take the pages away under it, or open to it what is
 * the host's: the host has not kept its word.
 */
static void check_alone(const struct mdi_thread *thread)
{
	const struct mdi_thread *other =
		__atomic_load_n(&runner, __ATOMIC_RELAXED);

	if (mdi_open.state.external && other != NULL && other != thread &&
	    mdi_thread_inside(other))
		mdi_misuse("two threads run at a time: one is in a module, "
			   "another one enters a module or touches a region; "
			   "with MODISO_EXCLUSION_EXTERNAL the host freezes "
			   "the first and calls modiso_thread_preempt()");
}

static int enter(struct mdi_domain *domain, struct mdi_thread *thread)
{
	uint32_t held;
	int result, saved;

	check_alone(thread);
	step_out(thread);
	held = thread->held;
	unhold_windows(thread, 0);
	result = mdi_keeper_wish(MDI_WISH_ENTER, domain, false);
	if (result != 0) {
		saved = errno;
		hold(thread, held);
		errno = saved;
	} else if (mdi_open.state.external) {
		run(thread);
	}
	return result;
}

static void leave(struct mdi_domain *domain, struct mdi_thread *thread)
{
	(void)domain;
	stop_running(thread);
	if (thread->window_count == 0) {
		mdi_keeper_leave();
		return;
	}
	mdi_keeper_leave();
	hold(thread, thread->window_count);
}

static void preempt(struct mdi_thread *thread)
{
	stop_running(thread);
}

/*
 * What a thread that was frozen in a handler finds in its module is seen to at
 * the handler's end (core/handler.c), on that thread. Host code finds the
 * host's regions open.
 */
static int resume_locked(void *arg, bool entered)
{
	const struct mdi_thread *thread = arg;
	int result = 0;

	(void)entered;
	to_host();
	for (uint32_t i = 0; result == 0 && i < thread->window_count; i++)
		result = open_domain((void *)thread->windows[i].domain,
				     EVERYTHING);
	return result;
}

static int resume(struct mdi_thread *thread)
{
	const struct mdi_frame *frame = mdi_frame_top(thread);

	check_alone(thread);
	if (frame != NULL && frame->service_sp == MDI_INTERRUPTED_LEFT)
		return 0;
	if (mdi_thread_inside(thread)) {
		run(thread);
		return mdi_keeper_wish(MDI_WISH_ENTER, entered_domain(thread),
				       false);
	}
	return mdi_keeper_locked(resume_locked, thread);
}

static int window_open(struct mdi_domain *domain, struct mdi_thread *thread,
		       uint32_t prot)
{
	(void)domain;
	(void)prot;
	check_alone(thread);
	step_out(thread);
	return hold_windows(thread, thread->window_count + 1);
}

static void window_close(struct mdi_domain *domain, struct mdi_thread *thread,
			 uint32_t token)
{
	(void)domain;
	(void)token;
	unhold_windows(thread, thread->window_count);
}

/* By the frames of the thread: they say when a handler of the host runs. */
static struct mdi_domain *culprit(struct mdi_thread *thread,
				  ucontext_t *context)
{
	(void)context;
	return entered_domain(thread);
}

/*
 * Host code touched what is closed while a module runs, or because another one
 * ran: wait for the host's state, open it, and let the access be tried again.
 */
static bool host_fault(struct mdi_thread *thread, struct mdi_domain *domain,
		       const siginfo_t *info, ucontext_t *context)
{
	(void)context;
	if (domain == NULL || info->si_signo != SIGSEGV ||
	    info->si_code != SEGV_ACCERR)
		return false;
	check_alone(thread);
	if (thread != NULL)
		step_out(thread);
	if (mdi_keeper_wish(MDI_WISH_TOUCH, domain,
			    thread != NULL && thread->held > 0) != 0)
		mdi_misuse_last("host code touched memory that cannot be "
				"opened");
	return true;
}

static void recover(struct mdi_thread *thread, ucontext_t *context)
{
	(void)thread;
	if (keys_off)
		mdi_context_drop_fpu(context);
}

static void confine(const struct mdi_domain *domain, ucontext_t *context)
{
	(void)domain;
	(void)context;
}

const struct mdi_backend mdi_backend_mprotect = {
	.id = MODISO_BACKEND_MPROTECT,
	.name = "mprotect",
	.probe = probe,
	.start = start,
	.stop = stop,
	.signal_entry = mdi_signal_plain,
	.async_entry = mdi_async_plain,
	.service_thunks = mdi_service_thunks_plain,
	.inside = inside,
	.domain_init = domain_init,
	.domain_fini = domain_fini,
	.protect = protect,
	.release = release,
	.dress = dress,
	.discard = discard,
	.move = move,
	.retire = retire,
	.protect_own = protect_own,
	.unprotect_own = unprotect_own,
	.protect_altstack = protect_altstack,
	.admit = admit,
	.steady = steady,
	.gate = gate,
	.gate_front = gate_front,
	.thread_attach = thread_attach,
	.thread_detach = thread_detach,
	.before_fork = mdi_keeper_before_fork,
	.after_fork_parent = mdi_keeper_after_fork_parent,
	.after_fork = after_fork,
	.enter = enter,
	.leave = leave,
	.hold = hold,
	.preempt = preempt,
	.resume = resume,
	.window_open = window_open,
	.window_close = window_close,
	.culprit = culprit,
	.host_fault = host_fault,
	.recover = recover,
	.confine = confine,
};
