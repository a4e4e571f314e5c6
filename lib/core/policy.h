/* SPDX-License-Identifier: MIT */
/*
 * core/policy.h - what becomes of the system calls of a guarded module
 * (core/guard.h), by number: the preset that it was made with, and rules.
 *
 * A call is answered in the handler of its SIGSYS. One that has an answer at
 * once goes on from there. Anything more is done in the way of a handler of the
 * host that has interrupted the module (front/handler.c): with host rights and
 * the mask of the call, and the module's frame says that host code runs.
 */
#ifndef MDI_CORE_POLICY_H
#define MDI_CORE_POLICY_H

#include <modiso/syscall.h>

#include "core/trap.h"

/* Beyond those of modiso_syscall_set(). */
#define MDI_ACTION_CALLBACK UINT32_MAX

struct mdi_rule {
	struct mdi_rule *next; /* of the module's; in no order */
	uint32_t arch, number;
	uint32_t action;
	int error;
	modiso_syscall_fn callback;
	void *arg;
};

/*
 * Nobody is inside of the module. The library's lock is held. @rule is copied;
 * there is one for each number. 0 or MODISO_ERR_NOMEM.
 */
int mdi_policy_set(struct modiso_module *module, const struct mdi_rule *rule);
void mdi_policy_free(struct modiso_module *module);
/* What was set for this one, or NULL. */
struct mdi_rule *mdi_policy_rule(const struct modiso_module *module,
				 uint32_t arch, uint32_t number);

/* Calls can be logged. The library's lock is held. 0 or MODISO_ERR_NOMEM. */
int mdi_policy_log_begin(struct modiso_module *module);
void mdi_policy_log_free(struct modiso_module *module);
/* What was. The lock is not held. */
void mdi_policy_print(const struct modiso_module *module, FILE *out);

/* --- AS-Safe --- */

/* What becomes of it; all of a rule but its place in the list. */
struct mdi_rule mdi_policy_find(const struct modiso_module *module,
				const struct mdi_event *event);
static inline bool mdi_policy_answers(const struct modiso_module *module,
				      const struct mdi_event *event)
{
	return event->kind == MDI_EVENT_CALL && module->domain.guarded &&
	       mdi_policy_find(module, event).action != MODISO_SYSCALL_DENY;
}

/* At once? The module's state has the answer; false: see mdi_policy_serve() */
bool mdi_policy_answer(const struct mdi_trap *trap);

/* As the host's, above the module that is the innermost one. */
void mdi_policy_serve(const struct mdi_event *event,
		      struct mdi_context *context);

/* As a log has it: from each instruction the first one, and how many. */
void mdi_policy_log(const struct modiso_syscall *call, intptr_t result);

/* Make it for the module. As the kernel answers. */
intptr_t mdi_policy_make(const struct modiso_module *module, uint32_t number,
			 const uintptr_t asked[6]);

#endif /* MDI_CORE_POLICY_H */
