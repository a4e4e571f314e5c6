/* SPDX-License-Identifier: MIT */
/*
 * front/altstack.h - the alternate signal stacks of threads that enter modules.
 *
 * A thread that is in a module must have one of the library's: its own stack is
 * the module's. The kernel is told so when the thread is attached, and the
 * program's own, which it had before or has asked for since, is put aside. A
 * handler of the host that wants an alternate stack (SA_ONSTACK) runs on the
 * program's own, and meanwhile the kernel has that one, too.
 */
#ifndef MDI_FRONT_ALTSTACK_H
#define MDI_FRONT_ALTSTACK_H

#include "arch/arch.h"
#include "base/common.h"
#include "front/event.h"

/* Before any: with keys. 0 or a code. */
int mdi_altstacks_start(void);
/* Memory for the stacks of a block that is used for the first time; gone. */
int mdi_altstacks_commit(uint32_t index);
/* As the backend wants them by now. */
int mdi_altstacks_protect(uint32_t index);
void mdi_altstacks_uncommit(uint32_t index);

/* The calling thread is attached, and is so no more. */
int mdi_altstack_attach(struct mdi_thread *thread);
void mdi_altstack_detach(struct mdi_thread *thread);

/*
 * Before a module is entered by a thread whose mdi_ready is not its block: it
 * is attached, and the kernel gets one of the library's stacks. 0 or a code.
 */
int mdi_altstack_enter(struct mdi_thread **out);

/* sigaltstack(2) as the program sees it. -1 and errno on failure. AS-Safe. */
int mdi_altstack_ask(const void *stack, void *old);

/* --- for handlers, all AS-Safe --- */

/*
 * A handler's turn. Below it on the list of stacks in use are those of handlers
 * that it has interrupted.
 */
struct mdi_turn {
	uintptr_t ready; /* mdi_ready, when the signal came */
	uintptr_t sp;    /* on the program's own stack; 0: stay on this one */
	uint32_t before; /* thread->altstacks, then */
	bool last; /* no stack is left for others: they have to wait */
};

/*
 * Whose signal it is that came on a stack of the program's. NULL: no thread's
 * that is attached. *@strayed: the thread believed that the kernel had one of
 * the library's; mdi_altstack_back() gives it one at the end.
 */
struct mdi_thread *mdi_altstack_thread(const ucontext_t *context,
				       bool *strayed);
void mdi_altstack_back(struct mdi_thread *thread, ucontext_t *context);

/*
 * Around a handler of the host's with these flags. @host_sp: where the host
 * was, in this thread, when the signal came.
 */
void mdi_altstack_begin(struct mdi_thread *thread, const ucontext_t *context,
			uintptr_t host_sp, unsigned long flags,
			struct mdi_turn *turn);
void mdi_altstack_call(const struct mdi_turn *turn,
		       void (*handler)(int, siginfo_t *, void *), int signo,
		       siginfo_t *info, ucontext_t *context);
void mdi_altstack_end(struct mdi_thread *thread, const struct mdi_turn *turn);

/* Does a handler of the host run there? */
bool mdi_altstack_holds(const struct mdi_thread *thread, uintptr_t sp);
/* On a stack that the kernel's own answers do not tell of? */
bool mdi_altstack_is_ours(const struct mdi_thread *thread, uintptr_t sp);

/*
 * Around a handler of the host's on a thread that is not attached: should it
 * attach, even on an alternate stack of its own, the return from the handler
 * leaves it ours. @outer: what the first one returned.
 */
bool mdi_altstack_foreign_begin(void);
void mdi_altstack_foreign_end(bool outer, ucontext_t *context);

#endif /* MDI_FRONT_ALTSTACK_H */
