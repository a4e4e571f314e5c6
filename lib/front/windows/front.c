/* SPDX-License-Identifier: MIT */
#include "front/front.h"

#include "base/error.h"
#include "core/frames.h"
#include "core/thread.h"
#include "front/windows/state.h"
#include "front/windows/trap.h"
#include "os/process.h"
#include "os/windows/state.h"

struct mdi_front_state mdi_front_state;

static int check(void)
{
	const char *forbidden = mdi_os_forbids();

	if (!mdi_here_works())
		return mdi_fail(MODISO_ERR_LIMIT,
				"TlsAlloc: none of the first 64 indexes is "
				"free, and gates need one; load the library "
				"earlier");
	if (forbidden != NULL)
		return mdi_fail(MODISO_ERR_NOTSUP, "%s", forbidden);
	return 0;
}

static void entries(struct mdi_entries *to)
{
	(void)to; /* traps come by the handler, not by entries */
}

static int start(const struct mdi_backend *backend)
{
	(void)backend;
	return mdi_traps_start();
}

/* Not on each way in: mdi_traps_again() is for where that is asked for. */
static int retake(void)
{
	return 0;
}

static int nothing(uint32_t index)
{
	(void)index;
	return 0;
}

static int attach(struct mdi_thread *thread)
{
	(void)thread;
	return 0;
}

static void detach(struct mdi_thread *thread)
{
	(void)thread;
}

static int enter(struct mdi_thread **out)
{
	return mdi_thread_attach(out);
}

static int check_thread(void)
{
	return 0;
}

#define STATE(name) .state = &mdi_##name, .size = sizeof(mdi_##name)

const struct mdi_layer mdi_front_layers[] = {
	{ STATE(os_state) },
	{ STATE(front_state) },
	{ .state = NULL },
};

const struct mdi_front mdi_front = {
	.check = check,
	.entries = entries,
	.start = start,
	.stop = mdi_traps_stop,
	.adopt = mdi_traps_again,
	.retake = retake,
	.commit = mdi_trap_stack_commit,
	.uncommit = mdi_trap_stack_uncommit,
	.protect = nothing,
	.attach = attach,
	.detach = detach,
	.enter = enter,
	.landed = mdi_trap_landed,
	.take_out = mdi_trap_take_out,
	.check_thread = check_thread,
	.is_hidden = mdi_trap_stack_holds,
};

void mdi_handlers_meet(void)
{
}

/* There are no signals that a thread could block. */
void mdi_mask_needed(const struct mdi_thread *block)
{
	(void)block;
}
