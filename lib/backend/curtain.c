/* SPDX-License-Identifier: MIT */
#include "backend/curtain.h"

#include "backend/state.h"
#include "base/error.h"
#include "os/maps.h"
#include "os/memory.h"
#include "os/misuse.h"
#include "os/process.h"
#include "os/program.h"

#include <errno.h>
#include <string.h>

static struct mdi_curtain_state *const own = &mdi_backend_state.curtain;

/*
 *	OPEN	nothing is closed
 *	CLOSED	from before the first range is closed until OPENING; a handler
 *		opens it, and closes all of it at its end: the thread may be
 *		half-way through closing, and goes on with the rest
 *	OPENING	until the last range is open; a handler opens all, and leaves
 *		it so: the thread opens again what is open
 *
 * Whose it is and what is left to the process is in the same word: a handler
 * that comes between two stores may have had others close it meanwhile.
 */
enum { OPEN = 0, CLOSED = 1, OPENING = 2 };

#define STATE(word) ((uint32_t)(word) & 3u)
#define PROT(word)  ((uint32_t)(word) >> 2 & 7u)
#define OWNER(word) ((int32_t)((word) >> 32))

static uint64_t word(void)
{
	return __atomic_load_n(&own->word, __ATOMIC_SEQ_CST);
}

static void set_word(uint32_t state, uint32_t prot, int32_t owner)
{
	__atomic_store_n(&own->word,
			 (uint64_t)(uint32_t)owner << 32 | prot << 2 | state,
			 __ATOMIC_SEQ_CST);
}

/* In this order: who sees it open finds another number if it is not by then. */
static void begin_closing(uint32_t prot)
{
	set_word(CLOSED, prot, mdi_os_thread_id());
	__atomic_add_fetch(&own->closings, 1, __ATOMIC_SEQ_CST);
}

void mdi_curtain_start(bool stacks)
{
	own->count = 0;
	own->stacks = stacks;
	set_word(OPEN, 0, 0);
	/* It is called where a call must not be the first one. */
	(void)mdi_os_now_ns();
}

int mdi_curtain_cover(const struct mdi_cover *cover, uint32_t count)
{
	if (count > MDI_COVERS)
		return mdi_fail(MODISO_ERR_LIMIT,
				"the program's data is in %u pieces, more than "
				"%d",
				count, MDI_COVERS);
	memcpy(own->cover, cover, count * sizeof(*cover));
	own->count = count;
	return 0;
}

bool mdi_curtain_is_used(void)
{
	return own->count != 0;
}

int mdi_curtain_meet(struct mdi_thread *thread)
{
	uintptr_t base, end;
	bool growing;

	if (!own->stacks)
		return 0;
	if (mdi_stack_find(&base, &end, &growing) != 0)
		return MODISO_ERR_OS;
	thread->stack_base = base | growing;
	thread->stack_end = end;
	return 0;
}

/* The first of those whose stacks are closed by @owner, and the next one. */
static const struct mdi_thread *peer_of(const struct mdi_thread *thread,
					int32_t owner)
{
	while (thread != NULL &&
	       (thread->stack_base == 0 || thread->tid == owner))
		thread = thread->peer;
	return thread;
}

static const struct mdi_thread *first_peer(int32_t owner)
{
	return own->stacks ? peer_of(mdi_backend_state.mprotect.peers, owner) :
			     NULL;
}

static bool grows(const struct mdi_thread *peer)
{
	return peer->stack_base & 1;
}

static uintptr_t base_of(const struct mdi_thread *peer)
{
	return peer->stack_base & ~(uintptr_t)1;
}

/* How far one may have grown since; more may be there than that. */
#define GROWTH ((uintptr_t)1 << 30)

static bool is_stack(uintptr_t address, int32_t owner, uintptr_t growth)
{
	const struct mdi_thread *peer = first_peer(owner);

	for (; peer != NULL; peer = peer_of(peer->peer, owner))
		if (address >= base_of(peer) - (grows(peer) ? growth : 0) &&
		    address < peer->stack_end)
			return true;
	return false;
}

static bool is_covered(uintptr_t address)
{
	for (uint32_t i = 0; i < own->count; i++)
		if (address >= own->cover[i].base &&
		    address < own->cover[i].end)
			return true;
	return false;
}

/* Of its stack, as far as it is mapped; it is open now. */
static uintptr_t lowest_of(const struct mdi_thread *peer, uintptr_t at)
{
	uintptr_t base = base_of(peer);

	return grows(peer) && at < base && mdi_maps_together(at, base) ? at :
									 base;
}

bool mdi_curtain_holds(uintptr_t at, uintptr_t *until)
{
	const struct mdi_thread *peer = first_peer(0);

	for (uint32_t i = 0; i < own->count; i++) {
		const struct mdi_cover *cover = &own->cover[i];

		if (mdi_range_holds(cover->base,
				    cover->grows ? mdi_heap_end() : cover->end,
				    at, until))
			return true;
	}
	for (; peer != NULL; peer = peer_of(peer->peer, 0))
		if (mdi_range_holds(lowest_of(peer, at), peer->stack_end, at,
				    until))
			return true;
	return false;
}

bool mdi_curtain_covers(uintptr_t address)
{
	return is_covered(address) || is_stack(address, 0, GROWTH);
}

static bool protect(const struct mdi_cover *cover, uint32_t prot)
{
	return cover->base == cover->end ||
	       mdi_mem_protect((void *)cover->base, cover->end - cover->base,
			       prot) == 0;
}

/*
 * The heap may have become larger since it was closed last; and smaller at any
 * time, by a thread that is done with what it has touched for that. What is
 * opened again is what was closed, as far as it is there.
 */
static bool protect_heap(struct mdi_cover *cover, uint32_t prot, bool closes)
{
	uintptr_t end;

	for (;;) {
		end = mdi_heap_end();
		if (end < cover->base)
			end = cover->base;
		if (closes || end < cover->end)
			cover->end = end;
		if (protect(cover, prot))
			return true;
		if (mdi_heap_end() == end)
			return false;
	}
}

static bool protect_stack(const struct mdi_thread *peer, uint32_t prot)
{
	return mdi_stack_protect(base_of(peer), peer->stack_end, grows(peer),
				 prot) == 0;
}

/* 0, or where it failed. */
static uintptr_t protect_all(uint32_t prot, bool closes, int32_t owner)
{
	const struct mdi_thread *peer = first_peer(owner);

	for (uint32_t i = 0; i < own->count; i++) {
		struct mdi_cover *cover = &own->cover[i];

		if (cover->grows ? !protect_heap(cover, prot, closes) :
				   !protect(cover, prot))
			return cover->base;
	}
	for (; peer != NULL; peer = peer_of(peer->peer, owner))
		if (!protect_stack(peer, prot))
			return base_of(peer);
	return 0;
}

/* What was never closed is opened as well: that changes nothing. */
static void open_all(int32_t owner)
{
	if (protect_all(MDI_PROT_READ | MDI_PROT_WRITE, false, owner) != 0)
		mdi_misuse("mprotect(2) would not open the program's memory "
			   "again");
}

static uintptr_t close_all(uint32_t prot)
{
	return protect_all(prot, true, OWNER(word()));
}

bool mdi_curtain_is_open(void)
{
	return STATE(word()) == OPEN;
}

/* What is closed next: the heap goes as far as it does by now. */
static bool hides(uintptr_t stack)
{
	for (uint32_t i = 0; i < own->count; i++)
		if (own->cover[i].grows && stack >= own->cover[i].base &&
		    stack < mdi_heap_end())
			return true;
	return is_covered(stack) ||
	       (own->stacks && is_stack(stack, mdi_os_thread_id(), 0));
}

int mdi_curtain_close(uint32_t prot)
{
	uintptr_t failed;

	if (hides((uintptr_t)__builtin_frame_address(0)))
		return mdi_fail(MODISO_ERR_STATE,
				"the stack of this thread lies in the "
				"program's memory that is closed while the "
				"module runs (modiso_options.closed)");
	begin_closing(prot);
	failed = close_all(prot);
	if (failed == 0)
		return 0;
	mdi_curtain_open();
	return mdi_fail_os("mprotect", "closing the program's memory at %#zx",
			   (size_t)failed);
}

/* By the thread that has closed it, so whose it is stays. */
void mdi_curtain_open(void)
{
	uint64_t now = word();

	if (STATE(now) == OPEN)
		return;
	set_word(OPENING, 0, OWNER(now));
	open_all(OWNER(now));
	set_word(OPEN, 0, 0);
}

uint32_t mdi_curtain_closings(void)
{
	return __atomic_load_n(&own->closings, __ATOMIC_SEQ_CST);
}

uint32_t mdi_curtain_lift(void)
{
	uint64_t now = word();

	if (STATE(now) == OPEN)
		return MDI_LIFTED_NOT;
	if (OWNER(now) != mdi_os_thread_id())
		return MDI_LIFTED_BESIDE;
	open_all(OWNER(now));
	if (STATE(now) == OPENING)
		return MDI_LIFTED_NOT;
	set_word(OPEN, 0, 0);
	return MDI_LIFTED_BESIDE + 1 + PROT(now);
}

void mdi_curtain_lower(uint32_t lifted)
{
	uint32_t prot;

	if (lifted <= MDI_LIFTED_BESIDE)
		return;
	prot = lifted - MDI_LIFTED_BESIDE - 1;
	begin_closing(prot);
	if (close_all(prot) != 0)
		mdi_misuse("mprotect(2) would not close the program's memory "
			   "again after a signal");
}
