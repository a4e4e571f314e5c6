/* SPDX-License-Identifier: MIT */
#include "core/notify.h"

#include "arch/arch.h"
#include "core/module.h"
#include "core/state.h"

static struct mdi_fault_state *const own = &mdi_core_state.fault;

void mdi_notify_set(struct modiso_module *module, modiso_filter_fn filter,
		    modiso_landing_fn landing, void *arg)
{
	const struct mdi_told told = {filter, landing, arg};
	struct mdi_notify *notify = module ? &module->notify : &own->notify;

	mdi_latch_set(&notify->latch, &told);
}

static struct mdi_told who_is_told(const struct modiso_module *module)
{
	struct mdi_told told = {NULL, NULL, NULL};

	if (mdi_latch_is_set(&module->notify.latch))
		mdi_latch_get(&module->notify.latch, &told);
	if (told.filter == NULL && told.landing == NULL &&
	    mdi_latch_is_set(&own->notify.latch))
		mdi_latch_get(&own->notify.latch, &told);
	return told;
}

enum modiso_verdict mdi_notify_ask(struct mdi_thread *thread,
				   const struct modiso_fault *fault)
{
	struct mdi_told told = who_is_told(fault->module);
	enum modiso_verdict verdict;

	if (told.filter == NULL)
		return MODISO_VERDICT_END;
	if (thread != NULL)
		thread->in_handler = MDI_IN_FILTER;
	verdict = told.filter(fault, told.arg);
	if (thread != NULL)
		thread->in_handler = 0;
	return verdict;
}

static void tell_copy(const struct mdi_told *told,
		      const struct modiso_fault *fault)
{
	struct modiso_fault copy = *fault;

	told->landing(&copy, told->arg);
}

void mdi_notify_tell(const struct modiso_fault *fault)
{
	struct mdi_told told = who_is_told(fault->module);

	if (told.landing != NULL)
		tell_copy(&told, fault);
}
