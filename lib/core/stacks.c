/* SPDX-License-Identifier: MIT */
/*
 * The stacks that a thread has in modules: one for each call of it that is in
 * the same module at once. One that is given back is the module's, for the next
 * thread.
 */
#include "core/thread.h"

#include "base/error.h"
#include "core/frames.h"
#include "core/front.h"
#include "core/mailbox.h"
#include "core/region.h"
#include "core/state.h"
#include "core/tls.h"
#include "core/vault.h"

/* Above the first function's frame: mdi_context_resume(); 16 aligned. */
#define RESUME_ROOM 64
_Static_assert(sizeof(struct mdi_resume_words) <= RESUME_ROOM, "RESUME_ROOM");

static struct mdi_thread_state *const own = &mdi_core_state.thread;

static int new_stack(struct modiso_module *module, struct mdi_stack **out)
{
	struct mdi_stack *stack = mdi_vault_alloc(sizeof(*stack));
	int result;

	if (stack == NULL)
		return mdi_fail_memory("a stack");
	result = mdi_region_create_stack(module, module->stack_size,
					 &stack->region);
	if (result != 0) {
		mdi_vault_free(stack, sizeof(*stack));
		return result;
	}
	stack->module = module;
	stack->top = stack->region->node.end - RESUME_ROOM;
	*out = stack;
	return 0;
}

int mdi_thread_stack(struct mdi_thread *thread, struct modiso_module *module,
		     struct mdi_stack **out)
{
	uint32_t rank = mdi_frames_into(thread, &module->domain);
	struct mdi_stack **first = mdi_thread_first_stack(
				 thread, module->domain.head.link),
			 *stack = rank == 0 ? *first : thread->stacks;
	int result;

	while (stack != NULL &&
	       (stack->module != module || stack->rank != rank))
		stack = rank == 0 ? NULL : stack->next;
	if (stack != NULL) {
		*out = stack;
		return 0;
	}
	if (module->tls != NULL) {
		result = mdi_tls_attach(thread, module);
		if (result != 0)
			return result;
	}
	/* Some time to look at what the thread may have done since it came. */
	result = mdi_front_now->check_thread();
	if (result != 0)
		return result;
	stack = module->free_stacks;
	if (stack != NULL) {
		module->free_stacks = stack->next;
	} else {
		result = new_stack(module, &stack);
		if (result != 0)
			return result;
	}
	stack->rank = rank;
	stack->next = thread->stacks;
	thread->stacks = stack;
	if (rank == 0)
		*first = stack;
	*out = stack;
	return 0;
}

/* Of one thread: those in @only, or all if it is NULL; its @mail as well? */
static void give(struct mdi_thread *thread, const struct modiso_module *only,
		 bool mail)
{
	struct mdi_stack **link = &thread->stacks, *stack;

	while ((stack = *link) != NULL) {
		struct modiso_module *module = stack->module;
		uint32_t number = module->domain.head.link;

		if ((only != NULL && module != only) ||
		    (stack->rank == MDI_RANK_MAIL && !mail)) {
			link = &stack->next;
			continue;
		}
		*link = stack->next;
		mdi_thread_link(thread, number)->stack = 0;
		*mdi_thread_first_stack(thread, number) = NULL;
		if (stack->rank == MDI_RANK_TLS) {
			mdi_tls_retire(thread, stack);
			continue;
		}
		if (stack->rank == MDI_RANK_MAIL) {
			mdi_mailbox_retire(thread, stack);
			continue;
		}
		stack->next = module->free_stacks;
		module->free_stacks = stack;
	}
}

void mdi_thread_give_stacks(struct mdi_thread *thread)
{
	give(thread, NULL, true);
}

static void give_all(struct modiso_module *module, bool mail)
{
	struct mdi_thread *thread;

	for (thread = own->attached; thread != NULL; thread = thread->next)
		give(thread, module, mail);
}

void mdi_threads_give_stacks(struct modiso_module *module)
{
	give_all(module, false);
}

void mdi_threads_forget(struct modiso_module *module)
{
	struct mdi_stack *stack;

	give_all(module, true);
	while ((stack = module->free_stacks) != NULL) {
		module->free_stacks = stack->next;
		mdi_vault_free(stack, sizeof(*stack));
	}
	mdi_mailboxes_free(module);
}
