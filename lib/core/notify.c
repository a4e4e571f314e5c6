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

/* Whom the module's faults are told; false: nobody. */
static bool who_is_told(const struct modiso_module *module,
			struct mdi_told *told)
{
	if (mdi_latch_is_set(&module->notify.latch)) {
		mdi_latch_get(&module->notify.latch, told);
		if (told->filter != NULL || told->landing != NULL)
			return true;
	}
	if (!mdi_latch_is_set(&own->notify.latch))
		return false;
	mdi_latch_get(&own->notify.latch, told);
	return true;
}

enum modiso_verdict mdi_notify_ask(struct mdi_thread *thread,
				   const struct modiso_fault *fault)
{
	enum modiso_verdict verdict;
	struct mdi_told told;

	if (!who_is_told(fault->module, &told) || told.filter == NULL)
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
	struct mdi_told told;

	if (who_is_told(fault->module, &told) && told.landing != NULL)
		tell_copy(&told, fault);
}
