/* SPDX-License-Identifier: MIT */
#include "core/tls.h"

#include "base/error.h"
#include "core/layout.h"
#include "core/region.h"
#include "core/state.h"
#include "core/vault.h"
#include "os/memory.h"
#include "os/process.h"

#include <errno.h>
#include <string.h>

#define RANDOM_WORDS 2

static size_t round_up(size_t size, size_t align)
{
	return (size + align - 1) & -align;
}

void mdi_tls_free(struct modiso_module *module)
{
	struct mdi_tls *tls = module->tls;
	struct mdi_stack *stack;

	if (tls == NULL)
		return;
	while ((stack = tls->old) != NULL) {
		tls->old = stack->next;
		mdi_vault_free(stack, sizeof(*stack));
	}
	module->tls = NULL;
	module->domain.scrub &= (uint8_t)~MODE_TLS;
	mdi_link_give(tls->word);
	mdi_vault_free(tls->bytes, tls->filled);
	mdi_vault_free(tls, sizeof(*tls));
}

/* One that cannot be given back stays the module's, as any region does. */
static void free_old(struct mdi_tls *tls)
{
	struct mdi_stack *stack = tls->old;
	int saved = errno;

	if (stack == NULL)
		return;
	tls->old = stack->next;
	(void)!mdi_region_destroy(stack->region);
	mdi_vault_free(stack, sizeof(*stack));
	errno = saved;
}

/* No gate exists, and nobody is inside. */
static void end(struct modiso_module *module)
{
	if (module->tls == NULL)
		return;
	mdi_threads_give_stacks(module);
	while (module->tls->old != NULL)
		free_old(module->tls);
	mdi_tls_free(module);
}

int mdi_tls_begin(struct modiso_module *module,
		  const struct mdi_tls_image *image)
{
	struct mdi_tls *tls;

	if (module->tls != NULL && module->tls->users != 0)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"module %s has thread-local storage of another "
				"image already", module->name);
	if (module->gates != NULL)
		return mdi_fail(MODISO_ERR_BUSY,
				"module %s has gates already; load the image "
				"with thread-local storage first",
				module->name);
	if (mdi_threads_inside(&module->domain))
		return mdi_fail(MODISO_ERR_BUSY,
				"a thread is inside module %s", module->name);
	end(module);
	tls = mdi_vault_alloc(sizeof(*tls));
	if (tls == NULL)
		return mdi_fail_memory("thread-local storage of %s",
				       module->name);
	tls->users = 1;
	tls->filled = image->filled;
	tls->below = round_up(image->size, image->align);
	tls->above = image->align > MDI_TCB_ROOM ? image->align : MDI_TCB_ROOM;
	tls->word = mdi_link_take(NULL);
	if (tls->word == 0) {
		mdi_vault_free(tls, sizeof(*tls));
		return mdi_fail(MODISO_ERR_LIMIT,
				"modules and those with thread-local storage "
				"are %d at most, together",
				MDI_MODULES_MAX);
	}
	if (image->filled != 0) {
		tls->bytes = mdi_vault_alloc_raw(image->filled);
		if (tls->bytes == NULL) {
			mdi_link_give(tls->word);
			mdi_vault_free(tls, sizeof(*tls));
			return mdi_fail_memory("%zu bytes of thread-local "
					       "storage", image->filled);
		}
		memcpy(tls->bytes, image->bytes, image->filled);
	}
	/* So that the next call of each thread comes by C, and finds it. */
	mdi_threads_give_stacks(module);
	module->domain.scrub |= MODE_TLS;
	module->tls = tls;
	return 0;
}

void mdi_tls_share(struct modiso_module *module)
{
	module->tls->users++;
}

void mdi_tls_unshare(struct modiso_module *module)
{
	if (--module->tls->users == 0 && module->gates == NULL &&
	    !mdi_threads_inside(&module->domain))
		end(module);
}

/* --- a thread's --- */

static int fill(const struct mdi_tls *tls, const struct mdi_thread *thread,
		char *pointer)
{
	uint64_t block = (uintptr_t)mdi_thread_block(thread);
	uint64_t self = (uintptr_t)pointer, random[RANDOM_WORDS];

	if (mdi_os_random(random, sizeof(random)) != 0)
		return mdi_fail_os("getrandom", "a stack protector's word");
	random[0] &= ~(uint64_t)0xff; /* ends strings that run into it */
	if (tls->filled != 0)
		memcpy(pointer - tls->below, tls->bytes, tls->filled);
	memcpy(pointer + TCB_SELF, &self, sizeof(self));
	memcpy(pointer + TCB_BLOCK, &block, sizeof(block));
	memcpy(pointer + TCB_CANARY, &random[0], sizeof(random[0]));
	memcpy(pointer + TCB_POINTER_GUARD, &random[1], sizeof(random[1]));
	return 0;
}

/* Filled while the pages are nobody's, then a region; complete or nothing. */
static int make(struct mdi_thread *thread, struct modiso_module *module,
		struct modiso_region **out)
{
	const struct mdi_tls *tls = module->tls;
	struct mdi_region_part part = {
		.length = round_up(tls->below + tls->above, MDI_PAGE_SIZE),
		.access = MODISO_READ | MODISO_WRITE,
		.file = -1,
		.name = "thread-local storage",
	};
	int result;

	part.base = mdi_layout_take(module, part.length, part.access);
	if (part.base == NULL)
		return mdi_region_no_room(module, part.length);
	if (mdi_mem_stage(part.base, part.length) != 0)
		result = mdi_fail_os("mmap", "thread-local storage, %zu bytes",
				     part.length);
	else
		result = fill(tls, thread,
			      part.base + part.length - tls->above);
	if (result == 0)
		result = mdi_region_settle(module, &part, 1);
	if (result != 0 && part.region == NULL)
		mdi_region_unstage(module, part.base, part.length, 0);
	*out = part.region;
	return result;
}

int mdi_tls_attach(struct mdi_thread *thread, struct modiso_module *module)
{
	struct mdi_stack *stack;
	int result;

	if (mdi_tls_pointer(thread, module) != 0)
		return 0;
	free_old(module->tls);
	stack = mdi_vault_alloc(sizeof(*stack));
	if (stack == NULL)
		return mdi_fail_memory("thread-local storage");
	result = make(thread, module, &stack->region);
	if (result != 0) {
		mdi_vault_free(stack, sizeof(*stack));
		return result;
	}
	stack->module = module;
	stack->rank = MDI_RANK_TLS;
	stack->top = stack->region->node.end - module->tls->above;
	stack->next = thread->stacks;
	thread->stacks = stack;
	mdi_thread_link(thread, module->tls->word)->stack =
		stack->top - module->tls->word;
	return 0;
}

/*
 * Frames of calls that are over still have the pointer, and another thread may
 * get the same place: a frame that names it would be taken for that thread's.
 */
void mdi_tls_retire(struct mdi_thread *thread, struct mdi_stack *stack)
{
	struct mdi_tls *tls = stack->module->tls;
	struct mdi_frame *frame = mdi_thread_frames(thread);

	for (int i = 0; i < MDI_DEPTH_MAX; i++)
		if (frame[i].module_pointer == stack->top)
			frame[i].module_pointer = MDI_NO_POINTER;
	mdi_thread_link(thread, tls->word)->stack = 0;
	stack->next = tls->old;
	tls->old = stack;
}
