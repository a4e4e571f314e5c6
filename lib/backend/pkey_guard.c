/* SPDX-License-Identifier: MIT */
/* Modules whose system calls are stopped: core/guard.h. */
#include "backend/pkey.h"

#include "os/critical.h"
#include "os/dispatch.h"

#include <stdio.h>

#define state (mdi_open.state)

/*
 * The selector must be where modules can read it and cannot write it, as the
 * open page is: os/dispatch.h.
 */
bool mdi_pkey_stops_calls(char *why, size_t size)
{
	if (state.backend == &mdi_backend_pkey &&
	    state.open_key == MDI_NO_KEY) {
		snprintf(why, size,
			 "3 protection keys are needed, the third for what "
			 "modules may read and not write");
		return false;
	}
	if (mdi_dispatch_works())
		return true;
	mdi_dispatch_why_not(why, size);
	return false;
}

/*
 * Does the frame lie where only the host may read it, and the interrupted code
 * is not the host's? The kernel reads there with that one's rights, too: on
 * Linux before 6.12, where frames are moved (signal.S).
 */
static bool is_shut_away(const struct mdi_context *context)
{
	uintptr_t offset =
		(uintptr_t)context - (uintptr_t)mdi_arch_state.altstacks;

	return mdi_arch_state.frames_open &&
	       offset / MDI_ALTSTACK_SIZE < MDI_THREADS_MAX &&
	       offset % MDI_ALTSTACK_PART <
		       MDI_ALTSTACK_PART - MDI_ALTSTACK_OPEN;
}

static uintptr_t way_back(const struct mdi_context *context)
{
	if (!is_shut_away(context))
		return MDI_WAY_BACK;
	mdi_signals_shut();
	return MDI_WAY_OPEN;
}

/*
 * By the rights that were interrupted: the host's, in a gate; those of a
 * handler that the kernel has just started; or the module's. Those go on with
 * the rights that the module has by now, as in confine().
 */
uintptr_t mdi_pkey_way(struct mdi_thread *thread, struct mdi_context *context,
		       struct mdi_resume_words *words)
{
	const uint32_t *had = mdi_context_rights(context, state.rights_offset);
	const struct mdi_domain *domain;

	if (had == NULL)
		return MDI_WAY_BACK;
	if (mdi_rights_are_full(*had, state.host_key)) {
		mdi_context_store_again(context);
		return MDI_WAY_BACK;
	}
	if (words == NULL || mdi_rights_opened(*had, state.slot_keys) == 0)
		return way_back(context);
	domain = (struct mdi_domain *)mdi_link_domain(
		mdi_frame_top(thread)->link);
	mdi_signals_shut();
	return mdi_context_resume(context, thread, words, state.rights_offset,
				  domain->head.rights);
}
