/* SPDX-License-Identifier: MIT */
#include "front/mask.h"

#include "base/error.h"
#include "core/frames.h"
#include "front/front.h"
#include "os/libc.h"
#include "os/linux/signal.h"

#include <errno.h>
#include <signal.h>

/* 32 and 33 are the C library's own: it blocks them for nobody. */
#define C_LIBRARYS ((uint64_t)3 << 31)

/* On whichever of its fibers; a call under way on another one waits. */
static bool in_call(const struct mdi_thread *thread)
{
	return thread != NULL && (mdi_frame_top(thread) != NULL ||
				  mdi_frame_top(thread->host) != NULL);
}

/* Before the kernel has it: its next signal may have a handler with gates. */
static void comes(uint64_t mask)
{
	if (mask & mdi_fault_mask())
		mdi_ready = MDI_UNATTACHED;
}

int mdi_mask_change(int how, const uint64_t *set, uint64_t *old)
{
	uint64_t wish = set != NULL ? *set & ~C_LIBRARYS : 0;
	int saved = errno, error = 0;

	if (set == NULL)
		how = SIG_BLOCK;
	if (how != SIG_UNBLOCK) {
		if (mdi_backend_called_inside() || in_call(mdi_thread_self()))
			wish &= ~mdi_fault_mask();
		else if (mdi_thread_self() != NULL)
			comes(wish);
	}
	if (mdi_sys_sigmask(how, wish, old) != 0)
		error = errno;
	errno = saved;
	return error;
}

void mdi_mask_jumps(const void *jmp_buf)
{
	if (!mdi_backend_called_inside() && mdi_thread_self() != NULL)
		comes(mdi_libc_jump_mask(jmp_buf));
}

int mdi_mask_check(void)
{
	int blocked = mdi_signals_blocked();

	if (blocked < 0)
		return mdi_fail_os("rt_sigprocmask",
				   "the signals that this thread blocks");
	if (blocked != 0)
		return mdi_fail(MODISO_ERR_STATE,
				"SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP or "
				"SIGSYS is blocked on this thread: a fault "
				"would kill the process");
	return 0;
}

void mdi_mask_needed(const struct mdi_thread *block)
{
	int saved = errno;

	if (mdi_frame_top(block) != NULL)
		mdi_sys_sigmask(SIG_UNBLOCK, mdi_fault_mask(), NULL);
	errno = saved;
}
