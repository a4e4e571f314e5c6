/* SPDX-License-Identifier: MIT */
#include "core/mailbox.h"

#include "base/error.h"
#include "core/runtime.h"
#include "core/vault.h"

static int new_box(struct modiso_module *module, struct mdi_stack **out)
{
	struct mdi_stack *box = mdi_vault_alloc(sizeof(*box));
	int result;

	if (box == NULL)
		return mdi_fail_memory("a mailbox");
	result = mdi_region_create(module, module->mail_size,
				   MODISO_READ | MODISO_WRITE,
				   MODISO_READ | MODISO_WRITE, 0, "mailbox",
				   &box->region);
	if (result != 0) {
		mdi_vault_free(box, sizeof(*box));
		return result;
	}
	box->region->mailbox = true;
	box->module = module;
	box->rank = MDI_RANK_MAIL;
	*out = box;
	return 0;
}

static int take_word(struct modiso_module *module)
{
	uint32_t word;

	if (module->mail_word != 0)
		return 0;
	word = mdi_link_take(NULL);
	if (word == 0)
		return mdi_fail(MODISO_ERR_LIMIT,
				"modules and those with mailboxes are %d at "
				"most, together",
				MDI_MODULES_MAX);
	__atomic_store_n(&module->mail_word, word, __ATOMIC_RELEASE);
	return 0;
}

static int make(struct mdi_thread *thread, struct modiso_module *module)
{
	struct mdi_stack *box = module->free_mail;
	int result = take_word(module);

	if (result != 0)
		return result;
	if (box != NULL) {
		module->free_mail = box->next;
	} else {
		result = new_box(module, &box);
		if (result != 0)
			return result;
	}
	box->top = box->region->node.base;
	box->next = thread->stacks;
	thread->stacks = box;
	*mdi_thread_first_stack(thread, module->mail_word) = box;
	return 0;
}

int mdi_mailbox_make(struct modiso_module *module, struct mdi_stack **out)
{
	struct mdi_thread *thread;
	int result = mdi_thread_attach(&thread);

	if (result != 0)
		return result;
	mdi_runtime_lock();
	/* A handler may have come before the lock, and made it. */
	if (mdi_mailbox_find(module) == NULL)
		result = make(thread, module);
	*out = mdi_mailbox_find(module);
	mdi_runtime_unlock();
	return result;
}

void mdi_mailbox_retire(struct mdi_thread *thread, struct mdi_stack *box)
{
	struct modiso_module *module = box->module;

	*mdi_thread_first_stack(thread, module->mail_word) = NULL;
	box->next = module->free_mail;
	module->free_mail = box;
}

void mdi_mailboxes_free(struct modiso_module *module)
{
	struct mdi_stack *box;

	while ((box = module->free_mail) != NULL) {
		module->free_mail = box->next;
		mdi_vault_free(box, sizeof(*box));
	}
	if (module->mail_word != 0)
		mdi_link_give(module->mail_word);
	module->mail_word = 0;
}
