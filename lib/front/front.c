/* SPDX-License-Identifier: MIT */
#include "front/front.h"

#include "base/error.h"
#include "core/frames.h"
#include "core/thread.h"
#include "front/altstack.h"
#include "front/event.h"
#include "front/handler.h"
#include "front/intruder.h"
#include "front/mask.h"
#include "front/state.h"
#include "os/linux/signal.h"
#include "os/linux/state.h"
#include "os/process.h"
#include "os/rseq.h"

static int check(void)
{
	const char *forbidden = mdi_os_forbids();

	if (mdi_signals_taken(MDI_SIGNAL_MARK, MDI_SIGNAL_MARK_SIZE))
		return mdi_fail(MODISO_ERR_STATE,
				"another copy of libmodiso in this process is "
				"initialised; keys and fault handlers can have "
				"one owner only");
	if (forbidden != NULL)
		return mdi_fail(MODISO_ERR_NOTSUP, "%s", forbidden);
	return 0;
}

bool mdi_unwind_interrupted(const void *context)
{
	const struct mdi_thread *thread = mdi_thread_self();
	const struct mdi_frame *frame = thread ? mdi_frame_top(thread) : NULL;

	return frame != NULL &&
	       frame->service_sp == MDI_INTERRUPTED &&
	       frame->service == (uint32_t)(uintptr_t)context;
}

static void entries(struct mdi_entries *to)
{
	to->fault_signal = mdi_front_fault;
	to->host_signal = mdi_host_signal;
	to->intruder_calls = mdi_intruder_calls;
	to->intruder_over = mdi_intruder_over;
	to->unwind_interrupted = mdi_unwind_interrupted;
}

static int start(const struct mdi_backend *backend)
{
	int result = backend->threads != NULL ? mdi_altstacks_start() : 0;

	return result != 0 ? result :
			     mdi_signals_start(backend->entries->fault,
					       mdi_signal_restorer,
					       mdi_entry_mask());
}

static int attach(struct mdi_thread *thread)
{
	int result = mdi_mask_check();

	if (result == 0)
		result = mdi_altstack_attach(thread);
	if (result != 0)
		return result;
	result = mdi_rseq_take(&thread->had_rseq);
	if (result != 0)
		mdi_altstack_detach(thread);
	return result;
}

static void detach(struct mdi_thread *thread)
{
	mdi_altstack_detach(thread);
	if (thread->had_rseq)
		mdi_rseq_give();
}

static int check_thread(void)
{
	int result = mdi_mask_check();

	return result == 0 ? mdi_rseq_check() : result;
}

#define STATE(name) .state = &mdi_##name, .size = sizeof(mdi_##name)

const struct mdi_layer mdi_front_layers[] = {
	{ STATE(os_state), .after_fork = mdi_signals_after_fork },
	{ STATE(front_state), .after_fork = mdi_handlers_after_fork },
	{ STATE(libc_state), .how = MDI_OWN_CONSTANT },
	{ .state = NULL },
};

const struct mdi_front mdi_front = {
	.check = check,
	.entries = entries,
	.start = start,
	.stop = mdi_handlers_stop,
	.adopt = mdi_handlers_adopt,
	.retake = mdi_signals_retake,
	.commit = mdi_altstacks_commit,
	.uncommit = mdi_altstacks_uncommit,
	.protect = mdi_altstacks_protect,
	.attach = attach,
	.detach = detach,
	.enter = mdi_altstack_enter,
	.check_thread = check_thread,
	.is_hidden = mdi_altstack_is_ours,
};
