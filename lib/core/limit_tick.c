/* SPDX-License-Identifier: MIT */
/*
 * The thread that looks how long calls last. It is the host's, attaches to
 * nothing, and takes none of the library's locks: who has one may wait for a
 * module. What it reads of other threads is one word each; blocks that were
 * used once are there until the library ends, and so is the memory of modules
 * that have ended.
 */
#include "core/limit_tick.h"

#include "base/error.h"
#include "core/frames.h"
#include "core/limit.h"
#include "core/state.h"
#include "os/misuse.h"
#include "os/process.h"
#include "os/ticker.h"

#include <errno.h>

/* So many looks in the shortest limit, and at most so many. */
#define LOOKS       10
#define TICK_MIN_NS 1000000u
#define TICK_MAX_NS 50000000u

/* So many ticks until the next look, when nobody is found who runs. */
#define IDLE 2
/*
 * And none at all before the whole process has run for this part of a tick. It
 * is asked that seldom, as the kernel adds up all threads for it.
 */
#define UNSEEN 4
#define ASLEEP 5

/*
 * The kernel is asked for the clocks of so many threads in a tick, but where
 * counting begins and ends. The others' turn is at the next one.
 */
#define ASKED_MAX 16
/* The blocks of threads lie far apart, and each is a cache miss. */
#define AHEAD 8

static struct mdi_limit_state *const own = &mdi_core_state.limit;

/* ThreadSanitizer is not to follow it: what is read of others may be old. */
#define STALE __attribute__((no_sanitize_thread))

uint64_t mdi_limit_tick_of(uint64_t limit_ns)
{
	uint64_t tick_ns = limit_ns / LOOKS;

	if (tick_ns < TICK_MIN_NS)
		return TICK_MIN_NS;
	return tick_ns < TICK_MAX_NS ? tick_ns : TICK_MAX_NS;
}

/* Somebody is to be looked at before that. */
static void be_back_in(uint64_t ns)
{
	if (ns < TICK_MIN_NS)
		ns = TICK_MIN_NS;
	if (ns < own->due_ns)
		own->due_ns = ns;
}

static uint64_t tick_now(void)
{
	return __atomic_load_n(&own->tick_ns, __ATOMIC_RELAXED);
}

/* --- the time of one call --- */

/* By the module's own clock, on which it pays for what it runs. */
STALE static uint64_t clock_of(const struct mdi_limit *limit,
			       const struct modiso_module *module,
			       uint64_t now_ns)
{
	return module->limit_by_wall ? now_ns : mdi_thread_cpu_ns(limit->tid);
}

/*
 * What it has used since counting began, which is no more than the time that it
 * was seen to run: what its services use is not counted.
 */
STALE static void count(struct mdi_limit *limit,
			const struct modiso_module *module, uint64_t now_ns)
{
	struct mdi_limit_call *call = &limit->calls[limit->place];
	uint64_t clock_ns = clock_of(limit, module, now_ns), used_ns;

	if (clock_ns == UINT64_MAX || clock_ns < limit->clock_ns)
		return; /* the thread has ended */
	used_ns = clock_ns - limit->clock_ns;
	if (used_ns > limit->wall_ns)
		used_ns = limit->wall_ns;
	__atomic_store_n(&call->used_ns, call->used_ns + used_ns,
			 __ATOMIC_RELAXED);
	limit->clock_ns = clock_ns;
	limit->wall_ns = 0;
}

STALE static struct modiso_module *module_at(uint32_t link)
{
	return mdi_domain_module((struct mdi_domain *)mdi_link_domain(link));
}

/* Whose calls are counted: one bit each, so that no other block is read. */
STALE static uint64_t *counted_word(const struct mdi_thread *thread)
{
	return &own->counted[thread->index % MDI_THREADS_MAX / 64];
}

STALE static uint64_t counted_bit(const struct mdi_thread *thread)
{
	return (uint64_t)1 << thread->index % 64;
}

/* The call that was counted is not in its module's code just now. */
STALE static void stop_counting(struct mdi_thread *thread, uint64_t now_ns)
{
	struct mdi_limit *limit = &thread->limit;
	const struct mdi_limit_call *call;
	const struct modiso_module *module;

	if ((*counted_word(thread) & counted_bit(thread)) == 0)
		return;
	*counted_word(thread) &= ~counted_bit(thread);
	call = &limit->calls[limit->place % MDI_DEPTH_MAX];
	if (limit->number == 0 || call->number != limit->number)
		return;
	module = module_at(call->link);
	if (module != NULL)
		count(limit, module, now_ns);
	limit->number = 0;
}

STALE static void start_counting(struct mdi_thread *thread, uint32_t place,
				 const struct modiso_module *module,
				 uint64_t now_ns)
{
	struct mdi_limit *limit = &thread->limit;

	*counted_word(thread) |= counted_bit(thread);
	limit->number = limit->calls[place].number;
	limit->place = place;
	limit->tid = thread->tid;
	limit->clock_ns = clock_of(limit, module, now_ns);
	limit->wall_ns = 0;
}

STALE static bool may_ask(const struct modiso_module *module)
{
	return module->limit_by_wall || own->asked++ < ASKED_MAX;
}

/*
 * Nobody runs for longer than time passes: what is left of the limit is how
 * long no clock need be read for it.
 */
STALE static void be_back_for(const struct mdi_limit *limit,
			      const struct modiso_module *module)
{
	uint64_t used_ns =
		limit->calls[limit->place].used_ns + limit->wall_ns;

	be_back_in(used_ns < module->limit_ns ? module->limit_ns - used_ns :
						tick_now());
}

/* A known call, which is in its module's code. */
STALE static void go_on_counting(struct mdi_thread *thread, uint32_t place,
				 const struct modiso_module *module,
				 uint64_t now_ns, uint64_t passed_ns)
{
	struct mdi_limit *limit = &thread->limit;
	struct mdi_limit_call *call = &limit->calls[place];
	uint32_t number = __atomic_load_n(&call->number, __ATOMIC_RELAXED);

	if (call->used_of != number) {
		call->used_of = number;
		__atomic_store_n(&call->used_ns, 0, __ATOMIC_RELAXED);
	}
	if (limit->number != number || limit->place != place ||
	    limit->tid != thread->tid) {
		stop_counting(thread, now_ns);
		start_counting(thread, place, module, now_ns);
		be_back_for(limit, module);
		return;
	}
	limit->wall_ns += passed_ns;
	if (call->used_ns + limit->wall_ns >= module->limit_ns &&
	    may_ask(module)) {
		count(limit, module, now_ns);
		if (call->used_ns >= module->limit_ns)
			mdi_limit_want(thread, number);
	}
	be_back_for(limit, module);
}

/* --- one thread --- */

/* Does it run, by itself or as a fiber? A thread that runs one does not. */
STALE static bool runs(const struct mdi_thread *thread)
{
	uint32_t mark = __atomic_load_n(&thread->mark, __ATOMIC_RELAXED);

	if (mark == MDI_MARK_THREAD)
		return thread->current == mdi_thread_block(thread);
	return mark == MDI_MARK_FIBER &&
	       __atomic_load_n(&thread->host, __ATOMIC_RELAXED) != NULL;
}

/* To what was its clock seen to have come? 0: it was not seen. */
STALE static uint64_t ask(const struct mdi_thread *thread,
			  const struct modiso_module *module)
{
	if (module->limit_by_wall || !may_ask(module))
		return 0;
	return mdi_thread_cpu_ns(thread->tid);
}

/*
 * It seems to be the call of the last look. A thread that waits, at no cost to
 * its limit, is not called: a signal can end what it waits in. Of many that
 * wait, some are asked at each look.
 */
STALE static bool is_worth_it(struct mdi_thread *thread,
			      const struct modiso_module *module)
{
	struct mdi_limit *limit = &thread->limit;
	uint64_t last_ns = limit->clock_ns, clock_ns = ask(thread, module);

	if (clock_ns != 0)
		limit->clock_ns = clock_ns;
	return module->limit_by_wall ||
	       (last_ns != 0 && limit->clock_ns != last_ns);
}

/* Inside and not known: is it, as it seems, the call of the last look? */
STALE static void suspect(struct mdi_thread *thread, uint32_t place,
			  uint32_t link, const struct modiso_module *module)
{
	struct mdi_limit *limit = &thread->limit;
	uint32_t entries = __atomic_load_n(&limit->entries, __ATOMIC_RELAXED);
	struct mdi_link *way = mdi_thread_link(thread, link);
	bool by_link = mdi_backend_now->threads != NULL;

	if (limit->seen_depth == place + 1 && limit->seen_link == link &&
	    limit->seen_entries == entries &&
	    (!by_link || __atomic_load_n(&way->stack, __ATOMIC_RELAXED) == 0)) {
		if (is_worth_it(thread, module)) {
			mdi_limit_want(thread, MDI_LIMIT_KNOW);
			be_back_in(tick_now());
		}
		return;
	}
	be_back_in(tick_now());
	limit->clock_ns = ask(thread, module);
	limit->seen_depth = place + 1;
	limit->seen_link = link;
	limit->seen_entries = entries;
	if (by_link)
		__atomic_store_n(&way->stack, 0, __ATOMIC_RELAXED);
}

STALE static bool is_known(const struct mdi_limit *limit, uint32_t place,
			   uint32_t link)
{
	uint64_t known = __atomic_load_n(&limit->known, __ATOMIC_ACQUIRE);

	return known >> place & 1 && limit->calls[place].link == link;
}

STALE void mdi_limit_look(struct mdi_thread *thread, uint64_t now_ns,
			  uint64_t passed_ns)
{
	struct mdi_frame *first = mdi_thread_frames(thread);
	const struct mdi_frame *end =
		__atomic_load_n(&thread->frame, __ATOMIC_ACQUIRE);
	const struct modiso_module *module = NULL;
	uint32_t place, link = 0;
	bool serves = true;

	if (end > first && end <= first + MDI_DEPTH_MAX && runs(thread)) {
		link = __atomic_load_n(&end[-1].link, __ATOMIC_RELAXED);
		serves = __atomic_load_n(&end[-1].service_sp,
					 __ATOMIC_RELAXED) != 0;
		module = module_at(link);
	}
	if (serves || module == NULL || module->limit_ns == 0) {
		stop_counting(thread, now_ns);
		return;
	}
	place = (uint32_t)(end - first) - 1;
	if (is_known(&thread->limit, place, link)) {
		go_on_counting(thread, place, module, now_ns, passed_ns);
	} else {
		stop_counting(thread, now_ns);
		suspect(thread, place, link, module);
	}
}

STALE void mdi_limit_want(struct mdi_thread *thread, uint32_t wants)
{
	__atomic_store_n(&thread->limit.wants, wants, __ATOMIC_RELEASE);
	__atomic_store_n(&thread->limit.sent, 1, __ATOMIC_RELEASE);
	mdi_call_thread(thread->tid);
}

/* --- the thread that ticks --- */

STALE static void look_at(uint32_t index, uint64_t now_ns, uint64_t passed_ns)
{
	char *block = mdi_arch_state.blocks + (size_t)index * MDI_BLOCK_SIZE;

	__builtin_prefetch(mdi_block_thread(block + AHEAD * MDI_BLOCK_SIZE));
	mdi_limit_look(mdi_block_thread(block), now_ns, passed_ns);
	if (own->asked < ASKED_MAX)
		own->first = index + 1; /* those that get no turn */
}

STALE static void look_at_all(uint64_t now_ns, uint64_t passed_ns)
{
	uint32_t fresh = __atomic_load_n(
		&mdi_core_state.thread.fresh_index, __ATOMIC_ACQUIRE);
	uint32_t first = own->first;

	if (first < MDI_BLOCK_FIRST || first >= fresh)
		first = MDI_BLOCK_FIRST;
	own->asked = 0;
	for (uint32_t i = first; i < fresh; i++)
		look_at(i, now_ns, passed_ns);
	for (uint32_t i = MDI_BLOCK_FIRST; i < first; i++)
		look_at(i, now_ns, passed_ns);
}

/*
 * No thread has run for longer than all of them: while those have not, there is
 * nothing to be seen but where the time of a clock on the wall counts.
 */
static bool may_have_run(uint64_t cpu_ns)
{
	return __atomic_load_n(&own->by_wall, __ATOMIC_RELAXED) != 0 ||
	       cpu_ns == UINT64_MAX ||
	       cpu_ns - own->looked_cpu_ns >= tick_now() / UNSEEN;
}

uint64_t mdi_limit_round(uint64_t now_ns, uint64_t cpu_ns)
{
	if (!may_have_run(cpu_ns))
		return ASLEEP * tick_now();
	own->due_ns = IDLE * tick_now();
	look_at_all(now_ns, now_ns - own->looked_ns);
	own->looked_ns = now_ns;
	own->looked_cpu_ns = cpu_ns;
	return own->due_ns;
}

/*
 * A module that knows when it is looked at is in a service then, each time, and
 * nothing is counted. So it does not know: nobody tells it how much of the last
 * quarter is left out, and that adds up from look to look.
 */
#define UNFORESEEN 4

uint64_t mdi_limit_wait(uint64_t due_ns)
{
	own->random = own->random * 6364136223846793005u +
		      1442695040888963407u;
	return due_ns - ((own->random >> 32) * (due_ns / UNFORESEEN) >> 32);
}

static void *tick(void *unused)
{
	uint32_t word;

	own->looked_ns = mdi_os_now_ns();
	own->looked_cpu_ns = 0;
	while (!__atomic_load_n(&own->over, __ATOMIC_ACQUIRE)) {
		word = __atomic_load_n(&own->word, __ATOMIC_ACQUIRE);
		if (__atomic_load_n(&own->count, __ATOMIC_ACQUIRE) == 0) {
			mdi_os_wait(&own->word, word, 0);
			own->looked_ns = mdi_os_now_ns();
			continue;
		}
		mdi_os_wait(&own->word, word,
			    mdi_limit_wait(mdi_limit_round(
				    mdi_os_now_ns(), mdi_process_cpu_ns())));
	}
	return unused;
}

int mdi_limit_tick_start(void)
{
	int result, saved = errno;

	if (own->running)
		return 0;
	own->over = false;
	if (mdi_os_random(&own->random, sizeof(own->random)) != 0)
		return mdi_fail_os("getrandom", "times to look at calls");
	result = mdi_ticker_start(&own->ticker, tick);
	if (result != 0) {
		errno = result;
		return mdi_fail_os("pthread_create",
				   "a thread that ends calls at their time "
				   "limit");
	}
	own->running = true;
	errno = saved;
	return 0;
}

void mdi_limit_tick_wake(void)
{
	__atomic_add_fetch(&own->word, 1, __ATOMIC_RELEASE);
	mdi_os_wake(&own->word, 1);
}

void mdi_limit_tick_stop(void)
{
	if (!own->running)
		return;
	__atomic_store_n(&own->over, true, __ATOMIC_RELEASE);
	mdi_limit_tick_wake();
	mdi_ticker_join(own->ticker);
	own->running = false;
}
