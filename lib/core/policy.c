/* SPDX-License-Identifier: MIT */
#include "core/policy.h"

#include "base/error.h"
#include "core/frames.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/calls.h"

#include <errno.h>

/* --- the rules --- */

struct mdi_rule *mdi_policy_rule(const struct modiso_module *module,
				 uint32_t arch, uint32_t number)
{
	struct mdi_rule *rule = module->rules;

	while (rule != NULL && (rule->number != number || rule->arch != arch))
		rule = rule->next;
	return rule;
}

int mdi_policy_set(struct modiso_module *module, const struct mdi_rule *rule)
{
	struct mdi_rule *mine =
		mdi_policy_rule(module, rule->arch, rule->number);
	struct mdi_rule *next;

	if (mine == NULL) {
		mine = mdi_vault_alloc(sizeof(*mine));
		if (mine == NULL)
			return mdi_fail_memory("a rule for system calls");
		mine->next = module->rules;
		module->rules = mine;
	}
	next = mine->next;
	*mine = *rule;
	mine->next = next;
	return rule->action == MODISO_SYSCALL_LOG ?
		       mdi_policy_log_begin(module) :
		       0;
}

void mdi_policy_free(struct modiso_module *module)
{
	struct mdi_rule *rule;

	while ((rule = module->rules) != NULL) {
		module->rules = rule->next;
		mdi_vault_free(rule, sizeof(*rule));
	}
	mdi_policy_log_free(module);
}

/* Where no rule is. */
static uint32_t preset_of(const struct modiso_module *module,
			  const struct mdi_event *event)
{
	const struct mdi_call_shape *shape;

	if (module->syscalls == MODISO_SYSCALLS_LOG)
		return MODISO_SYSCALL_LOG;
	if (module->syscalls == MODISO_SYSCALLS_NONE ||
	    event->call_arch != mdi_call_arch_own())
		return MODISO_SYSCALL_DENY;
	shape = mdi_call_shape(event->call);
	return shape != NULL && shape->computes ? MODISO_SYSCALL_ALLOW :
						  MODISO_SYSCALL_DENY;
}

struct mdi_rule mdi_policy_find(const struct modiso_module *module,
				const struct mdi_event *event)
{
	const struct mdi_rule *rule =
		mdi_policy_rule(module, event->call_arch, event->call);

	if (rule != NULL)
		return *rule;
	return (struct mdi_rule){
		.action = preset_of(module, event),
	};
}

/* --- the answers --- */

bool mdi_policy_answer(const struct mdi_trap *trap)
{
	const struct modiso_module *module = mdi_domain_module(trap->domain);
	struct mdi_rule rule = mdi_policy_find(module, &trap->event);

	if (rule.action != MODISO_SYSCALL_ERRNO)
		return false;
	mdi_context_call_result(trap->context, -rule.error);
	return true;
}

/* Numbers of other tables mean something else. */
static intptr_t make(const struct modiso_syscall *call)
{
	return call->arch == mdi_call_arch_own() ?
		       mdi_policy_make(call->module, call->number,
				       call->args) :
		       -ENOSYS;
}

void mdi_policy_serve(const struct mdi_event *event,
		      struct mdi_context *context)
{
	struct modiso_syscall call = {
		.struct_size = sizeof(call),
		.number = event->call,
		.arch = event->call_arch,
		.pc = mdi_context_pc(context),
		.module = mdi_frames_module(),
	};
	struct mdi_rule rule = mdi_policy_find(call.module, event);
	intptr_t result;

	mdi_context_call_arguments(context, mdi_event_call_is_narrow(event),
				   call.args);
	if (rule.action == MDI_ACTION_CALLBACK)
		result = rule.callback(&call, rule.arg);
	else
		result = make(&call);
	if (rule.action == MODISO_SYSCALL_LOG)
		mdi_policy_log(&call, result);
	mdi_context_call_result(context, result);
}
