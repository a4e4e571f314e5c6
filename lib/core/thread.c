/* SPDX-License-Identifier: MIT */
#include "core/thread.h"

#include "base/error.h"
#include "core/fiber.h"
#include "core/frames.h"
#include "core/front.h"
#include "core/gate.h"
#include "core/guard.h"
#include "core/heap_cache.h"
#include "core/limit.h"
#include "core/recorder.h"
#include "core/runtime.h"
#include "core/state.h"
#include "core/window.h"
#include "os/memory.h"
#include "os/misuse.h"
#include "os/process.h"

#include <errno.h>
#include <limits.h>
#include <pthread.h>
#include <string.h>

#define BLOCKS_SIZE ((size_t)MDI_THREADS_MAX * MDI_BLOCK_SIZE)
/* So many can have a block. */
#define THREADS (MDI_THREADS_MAX - MDI_BLOCK_FIRST)
#define ALTSTACKS_SIZE ((size_t)MDI_THREADS_MAX * MDI_ALTSTACK_SIZE)

static struct mdi_thread_state *const own = &mdi_core_state.thread;

static char *block_of(uint32_t index)
{
	return mdi_arch_state.blocks + (size_t)index * MDI_BLOCK_SIZE;
}

struct mdi_thread *mdi_thread_known(const void *handle)
{
	uintptr_t blocks = (uintptr_t)mdi_arch_state.blocks;
	uintptr_t offset = (uintptr_t)handle - blocks - T_FS_BASE;
	uint32_t fresh = __atomic_load_n(&own->fresh_index, __ATOMIC_RELAXED);
	struct mdi_thread *thread;

	if ((uintptr_t)handle < blocks + T_FS_BASE ||
	    offset / MDI_BLOCK_SIZE < MDI_BLOCK_FIRST ||
	    offset % MDI_BLOCK_SIZE != 0 || offset / MDI_BLOCK_SIZE >= fresh)
		return NULL;
	thread = mdi_block_thread((char *)blocks + offset);
	if (thread->mark == MDI_MARK_THREAD) /* whatever it runs */
		return mdi_block_thread(thread->current);
	return thread->mark == MDI_MARK_FIBER ? thread : NULL;
}

/* Nothing returns to them: their stacks are gone. */
static void end_calls(struct mdi_thread *thread)
{
	while (mdi_frame_top(thread) != NULL) {
		mdi_recorder_ended(thread);
		mdi_gate_abandon(thread);
	}
}

/* How often the C library has asked this thread for its last words. */
static MDI_TLS int last_words;

/*
 * It asks again while a thread has data, so many times. Other destructors call
 * gates, and attach the thread again: so this one is there each time, and after
 * the last no thread attaches any more.
 */
static void at_thread_exit(void *unused)
{
	struct mdi_thread *thread = mdi_thread_self();

	(void)unused;
	if (thread != NULL) {
		mdi_windows_close(thread);
		end_calls(thread);
		if (mdi_fiber_switch(NULL) == 0)
			end_calls(mdi_thread_self());
		mdi_thread_detach();
	}
	if (++last_words < PTHREAD_DESTRUCTOR_ITERATIONS)
		pthread_setspecific(own->exit_key, own);
}

int mdi_threads_start(uint32_t max)
{
	const char *call;
	char *blocks;

	if (!own->exit_key_made) {
		if (pthread_key_create(&own->exit_key, at_thread_exit) != 0)
			return mdi_fail(MODISO_ERR_NOMEM,
					"pthread_key_create: no key is left");
		own->exit_key_made = true;
	}
	own->attached_max = max != 0 ? max : THREADS;
	mdi_arch_start();
	/* Aligned to its size, so that a mask finds the offset of a block. */
	blocks = mdi_mem_reserve(BLOCKS_SIZE, BLOCKS_SIZE, &call);
	if (blocks == NULL)
		return mdi_fail_os(call, "%zu bytes of address space",
				   2 * BLOCKS_SIZE);
	/* So that each thread's have one place in mdi_arrivals. */
	mdi_arch_state.altstacks =
		mdi_mem_reserve(ALTSTACKS_SIZE, MDI_ALTSTACK_SIZE, &call);
	if (mdi_arch_state.altstacks == NULL) {
		mdi_mem_release(blocks, BLOCKS_SIZE);
		return mdi_fail_os(call, "%zu bytes of address space",
				   ALTSTACKS_SIZE);
	}
	mdi_arrivals.altstacks = mdi_arch_state.altstacks;
	__atomic_store_n(&mdi_arch_state.blocks, blocks, __ATOMIC_RELAXED);
	mdi_open.state.blocks = blocks;
	mdi_arch_state.pid = mdi_os_process_id();
	mdi_arch_state.frames_open = 0;
	own->attached = NULL;
	own->attached_count = 0;
	mdi_arch_state.tids_end = 0;
	own->fresh_index = MDI_BLOCK_FIRST;
	own->free_count = 0;
	own->free_fiber_count = 0;
	own->fiber_count = 0;
	return 0;
}

void mdi_threads_stop(void)
{
	mdi_mem_release(mdi_arch_state.blocks, BLOCKS_SIZE);
	mdi_mem_release(mdi_arch_state.altstacks, ALTSTACKS_SIZE);
	__atomic_store_n(&mdi_arch_state.blocks, NULL, __ATOMIC_RELAXED);
	mdi_arch_state.altstacks = NULL;
	mdi_arrivals.altstacks = NULL;
}

bool mdi_threads_overlap(uintptr_t base, uintptr_t end)
{
	uintptr_t blocks = (uintptr_t)mdi_arch_state.blocks;
	uintptr_t stacks = (uintptr_t)mdi_arch_state.altstacks;

	return (base < blocks + BLOCKS_SIZE && blocks < end) ||
	       (base < stacks + ALTSTACKS_SIZE && stacks < end);
}

bool mdi_threads_hold(uintptr_t at, uintptr_t *until)
{
	uintptr_t blocks = (uintptr_t)mdi_arch_state.blocks;
	uintptr_t stacks = (uintptr_t)mdi_arch_state.altstacks;

	return mdi_range_holds(blocks, blocks + BLOCKS_SIZE, at, until) ||
	       mdi_range_holds(stacks, stacks + ALTSTACKS_SIZE, at, until);
}

/* Those of free blocks are kept as well. */
static int protect_all_altstacks(void)
{
	const struct mdi_thread *thread = own->attached;
	uint32_t i;
	int result = 0;

	for (; thread != NULL && result == 0; thread = thread->next)
		if (thread->host == thread) /* no fiber, which has none */
			result = mdi_front_now->protect(thread->index);
	for (i = 0; i < own->free_count && result == 0; i++)
		result = mdi_front_now->protect(own->free_indexes[i]);
	return result;
}

/*
 * Until a module is without rights to key 0 the kernel can write its frames
 * there from anywhere, and a handler that has come in behind the library's back
 * can run on the library's signal stacks, and say so.
 */
int mdi_threads_confine(void)
{
	struct mdi_open_state *open = &mdi_open.state;
	int result;

	if (open->signal_key == MDI_NO_KEY || open->signal_key_used)
		return 0;
	open->signal_key_used = true;
	mdi_arch_state.frames_open = 1;
	result = protect_all_altstacks();
	if (result == 0)
		return 0;
	open->signal_key_used = false;
	mdi_arch_state.frames_open = 0;
	return result;
}

/* Pages of a block that is used for the first time. */
static int commit_block(uint32_t index, bool altstacks)
{
	const struct mdi_backend *backend = mdi_backend_now;
	char *block = block_of(index);
	int result;

	/* The page behind the frames stays closed: see gate_pkey.S. */
	if (mdi_mem_use(block, T_FRAMES_END) != 0 ||
	    mdi_mem_use(block + T_STACKS, MDI_BLOCK_SIZE - T_STACKS) != 0)
		return mdi_fail_os("mprotect", "a thread's state");
	if (mdi_backend_protect_own(backend, block, MDI_PAGE_SIZE,
				    MDI_OWN_READABLE) != 0 ||
	    mdi_backend_protect_own(backend, block + MDI_PAGE_SIZE,
				    T_FRAMES_END - MDI_PAGE_SIZE,
				    MDI_OWN_CLOSED) != 0 ||
	    mdi_backend_protect_own(backend, block + T_STACKS,
				    MDI_BLOCK_SIZE - T_STACKS,
				    MDI_OWN_CLOSED) != 0)
		return MODISO_ERR_OS;
	result = mdi_recorder_commit(index, block);
	if (result == 0 && altstacks)
		result = mdi_front_now->commit(index);
	return result;
}

static void uncommit_block(uint32_t index)
{
	int saved = errno;

	mdi_mem_decommit(block_of(index), MDI_BLOCK_SIZE);
	mdi_front_now->uncommit(index);
	errno = saved;
}

/* A block that was never used. */
static int take_fresh(bool altstacks, uint32_t *index)
{
	int result;

	if (own->fresh_index == MDI_THREADS_MAX)
		return mdi_fail(MODISO_ERR_LIMIT,
				"there are %d threads and fibers, and no more "
				"are possible",
				THREADS);
	result = commit_block(own->fresh_index, altstacks);
	if (result != 0) {
		uncommit_block(own->fresh_index);
		return result;
	}
	*index = own->fresh_index++;
	return 0;
}

static int take_index(uint32_t *index)
{
	int result;

	if (own->attached_count >= own->attached_max)
		return mdi_fail(MODISO_ERR_LIMIT,
				"%u threads are attached already; raise "
				"modiso_options.max_threads (at most %d)",
				own->attached_count, THREADS);
	if (own->free_count > 0) {
		*index = own->free_indexes[--own->free_count];
	} else {
		result = take_fresh(true, index);
		if (result != 0)
			return result;
	}
	own->attached_count++;
	return 0;
}

/* For signal.S, which asks only for threads that are inside of modules. */
static void note_tid(const struct mdi_thread *thread)
{
	mdi_arch_state.tids[thread->index] = thread->tid;
	if (mdi_arch_state.tids_end <= thread->index)
		__atomic_store_n(&mdi_arch_state.tids_end, thread->index + 1,
				 __ATOMIC_RELEASE);
}

/* Whose block it is, for those who have the host's rights and who have not. */
static void set_thread_pointer(struct mdi_thread *thread, uint64_t base)
{
	thread->thread_pointer = base;
	mdi_thread_open_page(thread)->thread_pointer = base;
}

/*
 * It names no thread any more: one that is made later may have the same pointer
 * and another block.
 */
static void give_block(struct mdi_thread *thread)
{
	thread->mark = 0;
	set_thread_pointer(thread, ~(uint64_t)0);
	mdi_frames_start(thread);
}

static void give_index(struct mdi_thread *thread)
{
	give_block(thread);
	mdi_arch_state.tids[thread->index] = 0;
	own->free_indexes[own->free_count++] = thread->index;
	own->attached_count--;
}

static int attach(struct mdi_thread **out)
{
	struct mdi_thread *thread;
	uint32_t index = 0;
	int result;

	if (last_words == PTHREAD_DESTRUCTOR_ITERATIONS)
		return mdi_fail(MODISO_ERR_STATE,
				"this thread ends: only destructors of its "
				"thread-specific data run, and it can enter "
				"no module any more");
	result = take_index(&index);
	if (result != 0)
		return result;
	thread = mdi_block_thread(block_of(index));
	memset(thread, 0, sizeof(*thread));
	thread->index = index;
	mdi_selectors_note(thread);
	set_thread_pointer(thread, mdi_thread_pointer_asked());
	thread->tid = mdi_os_thread_id();
	thread->host = thread;
	thread->current = mdi_thread_block(thread);
	mdi_frames_start(thread);
	note_tid(thread);
	result = mdi_front_now->attach(thread);
	if (result != 0)
		goto give;
	/* Without it nobody would be told that the thread has ended. */
	if (pthread_setspecific(own->exit_key, thread) != 0) {
		result =
			mdi_fail_memory("a thread's end (pthread_setspecific)");
		goto restore;
	}
	result = mdi_backend_attach(thread);
	if (result != 0)
		goto forget;
	mdi_limit_attached(thread);
	thread->next = own->attached;
	own->attached = thread;
	thread->mark = MDI_MARK_THREAD;
	mdi_recorder_thread(thread);
	mdi_here_set((uintptr_t)mdi_thread_block(thread),
		     (uintptr_t)mdi_thread_block(thread));
	*out = thread;
	return 0;

forget:
	pthread_setspecific(own->exit_key, NULL);
restore:
	mdi_front_now->detach(thread);
give:
	give_index(thread);
	return result;
}

int mdi_thread_attach(struct mdi_thread **out)
{
	int saved = errno, result = 0;

	*out = mdi_thread_self();
	if (*out != NULL)
		return 0;
	mdi_runtime_lock();
	/* A signal handler may have come before the lock, and attached. */
	*out = mdi_thread_self();
	if (*out == NULL)
		result = mdi_front_now->adopt();
	if (*out == NULL && result == 0)
		result = attach(out);
	mdi_runtime_unlock();
	if (result == 0)
		errno = saved;
	return result;
}

static void unlink_thread(struct mdi_thread *thread)
{
	struct mdi_thread **link = &own->attached;

	while (*link != thread)
		link = &(*link)->next;
	*link = thread->next;
}

int mdi_thread_detach(void)
{
	struct mdi_thread *thread = mdi_thread_self();

	if (thread == NULL)
		return 0;
	if (mdi_frame_top(thread) != NULL || thread->window_count != 0 ||
	    thread->host != thread)
		return mdi_fail(MODISO_ERR_BUSY,
				"this thread is in a service, has a window "
				"open or runs a fiber");
	mdi_runtime_lock();
	mdi_caches_end_thread(thread);
	mdi_thread_give_stacks(thread);
	unlink_thread(thread);
	thread->mark = 0;
	mdi_here_set(MDI_UNATTACHED, MDI_UNATTACHED);
	mdi_guard_disarm(thread);
	mdi_backend_detach(thread);
	mdi_front_now->detach(thread);
	pthread_setspecific(own->exit_key, NULL);
	give_index(thread); /* no signal comes to its stacks any more */
	mdi_runtime_unlock();
	return 0;
}

int mdi_thread_new_fiber(struct mdi_thread **out)
{
	struct mdi_thread *fiber;
	uint32_t index = 0;
	int result = 0;

	if (own->free_fiber_count > 0)
		index = own->free_fibers[--own->free_fiber_count];
	else
		result = take_fresh(false, &index);
	if (result != 0)
		return result;
	fiber = mdi_block_thread(block_of(index));
	memset(fiber, 0, sizeof(*fiber));
	fiber->index = index;
	set_thread_pointer(fiber, ~(uint64_t)0);
	mdi_thread_open_page(fiber)->rights = MDI_RIGHTS_NONE;
	mdi_frames_start(fiber);
	mdi_recorder_thread(fiber);
	mdi_limit_attached(fiber);
	fiber->next = own->attached;
	own->attached = fiber;
	own->fiber_count++;
	fiber->mark = MDI_MARK_FIBER;
	*out = fiber;
	return 0;
}

static void give_fiber(struct mdi_thread *fiber)
{
	mdi_caches_end_thread(fiber);
	mdi_thread_give_stacks(fiber);
	give_block(fiber);
	own->free_fibers[own->free_fiber_count++] = fiber->index;
	own->fiber_count--;
}

void mdi_thread_end_fiber(struct mdi_thread *fiber)
{
	unlink_thread(fiber);
	give_fiber(fiber);
}

bool mdi_fibers_any(void)
{
	return own->fiber_count != 0;
}

bool mdi_threads_any(void)
{
	return own->attached != NULL;
}

void mdi_threads_after_fork(void)
{
	struct mdi_thread *self = mdi_thread_self(), *thread, *next, *kept;
	struct mdi_thread *host = self != NULL ? self->host : NULL;

	kept = NULL;
	for (thread = own->attached; thread != NULL; thread = next) {
		next = thread->next;
		if (thread == self || thread == host || thread->host == NULL) {
			thread->next = kept;
			kept = thread;
			continue;
		}
		mdi_windows_forget(thread);
		if (thread->host != thread) {
			give_fiber(thread);
			continue;
		}
		mdi_caches_end_thread(thread);
		mdi_thread_give_stacks(thread);
		give_index(thread);
	}
	mdi_arch_state.pid = mdi_os_process_id();
	mdi_recorder_after_fork(own->fresh_index);
	own->attached = kept;
	if (self != NULL) {
		host->tid = mdi_os_thread_id();
		self->tid = host->tid;
		note_tid(host);
		mdi_guard_after_fork(host);
		mdi_windows_forget(self);
		mdi_windows_count(self);
	}
}
