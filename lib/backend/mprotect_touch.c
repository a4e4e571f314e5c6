/* SPDX-License-Identifier: MIT */
#include "backend/mprotect_touch.h"

#include "backend/curtain.h"
#include "backend/keeper.h"
#include "backend/mprotect.h"
#include "backend/mprotect_aside.h"
#include "backend/state.h"
#include "os/memory.h"
#include "os/misuse.h"

static struct mdi_mprotect_state *const own = &mdi_backend_state.mprotect;

/* The host's state for a moment, and @domain open in it, or NULL. */
static int touch(struct mdi_thread *thread, struct mdi_domain *domain)
{
	bool external = mdi_open.state.external;
	uint64_t asked_ns = 0;
	int result;

	if (external)
		asked_ns = mdi_aside_ask(thread);
	if (thread != NULL)
		mdi_mprotect_step_out(thread);
	result = mdi_keeper_wish(MDI_WISH_TOUCH, domain,
				 thread != NULL && thread->held > 0);
	if (external)
		mdi_aside_answered(asked_ns);
	return result;
}

/*
 * The program's data. It may have been opened, and closed again, since the
 * fault; what is open now and does not allow the access is the program's doing.
 */
static bool touch_covered(struct mdi_thread *thread, uintptr_t address,
			  uint32_t access)
{
	uint32_t closings = mdi_curtain_closings();

	if (!mdi_curtain_covers(address) || access & MDI_PROT_EXEC)
		return false;
	if (!mdi_curtain_is_open()) {
		(void)touch(thread, NULL);
		return true;
	}
	return mdi_mem_allows(address, access & MDI_PROT_WRITE) ||
	       closings != mdi_curtain_closings();
}

bool mdi_touch_fault(struct mdi_thread *thread, struct mdi_domain *domain,
		       const struct mdi_event *event,
		       struct mdi_context *context)
{
	if (event->kind != MDI_EVENT_PROTECTED)
		return false;
	if (domain == NULL)
		return touch_covered(thread, event->address,
				     mdi_context_access(context));
	if (!mdi_mem_is_there(event->address))
		return false;
	if (touch(thread, domain) != 0)
		mdi_misuse_last("host code touched memory that cannot be "
				"opened");
	return true;
}

uint32_t mdi_touch_lift(void)
{
	uint32_t lifted = mdi_curtain_lift();

	if (lifted != MDI_LIFTED_BESIDE)
		return lifted;
	(void)touch(mdi_thread_self(), NULL);
	return MDI_LIFTED_NOT;
}

/* --- a fork: no switch is half done, and the program's data is open --- */

void mdi_touch_before_fork(void)
{
	if (mdi_curtain_is_used() && mdi_open.state.external)
		own->fork_asked_ns = mdi_aside_ask(mdi_thread_self());
	else if (mdi_curtain_is_used())
		(void)mdi_keeper_wish(MDI_WISH_HOLD, NULL, true);
	mdi_keeper_before_fork();
}

void mdi_touch_after_fork_parent(void)
{
	mdi_keeper_after_fork_parent();
	if (mdi_curtain_is_used() && mdi_open.state.external)
		mdi_aside_answered(own->fork_asked_ns);
	else if (mdi_curtain_is_used())
		mdi_keeper_unhold();
}
