/* SPDX-License-Identifier: MIT */
#include "backend/curtain.h"

#include "backend/state.h"
#include "base/error.h"
#include "os/memory.h"
#include "os/misuse.h"
#include "os/process.h"

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

void mdi_curtain_start(void)
{
	own->count = 0;
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

bool mdi_curtain_covers(uintptr_t address)
{
	for (uint32_t i = 0; i < own->count; i++)
		if (address >= own->cover[i].base &&
		    address < own->cover[i].end)
			return true;
	return false;
}

static bool protect(const struct mdi_cover *cover, uint32_t prot)
{
	return mdi_mem_protect((void *)cover->base, cover->end - cover->base,
			       prot) == 0;
}

/* What was never closed is opened as well: that changes nothing. */
static void open_all(void)
{
	for (uint32_t i = 0; i < own->count; i++)
		if (!protect(&own->cover[i], MDI_PROT_READ | MDI_PROT_WRITE))
			mdi_misuse("mprotect(2) would not open the program's "
				   "data again");
}

static const struct mdi_cover *close_all(uint32_t prot)
{
	for (uint32_t i = 0; i < own->count; i++)
		if (!protect(&own->cover[i], prot))
			return &own->cover[i];
	return NULL;
}

bool mdi_curtain_is_open(void)
{
	return STATE(word()) == OPEN;
}

static bool hides(const void *stack)
{
	return mdi_curtain_covers((uintptr_t)stack);
}

int mdi_curtain_close(uint32_t prot)
{
	const struct mdi_cover *failed;

	if (hides(__builtin_frame_address(0)))
		return mdi_fail(MODISO_ERR_STATE,
				"the stack of this thread lies in the "
				"program's data, which is closed while the "
				"module runs");
	begin_closing(prot);
	failed = close_all(prot);
	if (failed == NULL)
		return 0;
	mdi_curtain_open();
	return mdi_fail_os("mprotect", "closing the program's data at %#zx",
			   (size_t)failed->base);
}

/* By the thread that has closed it, so whose it is stays. */
void mdi_curtain_open(void)
{
	uint64_t now = word();

	if (STATE(now) == OPEN)
		return;
	set_word(OPENING, 0, OWNER(now));
	open_all();
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
	open_all();
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
	if (close_all(prot) != NULL)
		mdi_misuse("mprotect(2) would not close the program's data "
			   "again after a signal");
}
