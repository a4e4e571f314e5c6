/* SPDX-License-Identifier: MIT */
/*
 * core/mailbox.h - memory of a module's that a thread of the host fills for its
 * next calls.
 *
 * Each thread has a region of its own in each module, from its first use until
 * it is detached. Its record is a struct mdi_stack of rank MDI_RANK_MAIL, whose
 * @top is the first free byte: it only ever grows and shrinks like a stack, so
 * a handler that puts something and takes it back leaves it as it was. A thread
 * finds it where it finds its stack in a module, under a number that stands for
 * no module, the module's mail_word.
 */
#ifndef MDI_CORE_MAILBOX_H
#define MDI_CORE_MAILBOX_H

#include "core/module.h"
#include "core/region.h"
#include "core/thread.h"

#define MDI_MAIL_ALIGN 16u

/* The calling thread's, or NULL: it has none yet. */
static inline struct mdi_stack *
mdi_mailbox_find(const struct modiso_module *module)
{
	const struct mdi_thread *thread = mdi_thread_self();
	uint32_t word = __atomic_load_n(&module->mail_word, __ATOMIC_ACQUIRE);

	return thread == NULL || word == 0 ?
		       NULL :
		       *mdi_thread_first_stack(thread, word);
}

/* Takes the library's lock; 0, or a code of modiso_mailbox_put(). */
int mdi_mailbox_make(struct modiso_module *module, struct mdi_stack **out);

/* The library's lock is held: the thread's no more; the module ends. */
void mdi_mailbox_retire(struct mdi_thread *thread, struct mdi_stack *box);
void mdi_mailboxes_free(struct modiso_module *module);

#endif /* MDI_CORE_MAILBOX_H */
