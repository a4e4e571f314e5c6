/* SPDX-License-Identifier: MIT */
/*
 * front/handler.h - the library in front of the host's signal handlers.
 */
#ifndef MDI_FRONT_HANDLER_H
#define MDI_FRONT_HANDLER_H

#include "backend/backend.h"
#include "front/event.h"
#include "os/linux/signal.h"
#include "os/linux/sys.h"

/*
 * What the kernel blocks for the first instructions of an entry. Until it is
 * known whose handler is called, nothing may come whose handler could leave the
 * entry half done, by siglongjmp(3): signal.S counts who arrives. Faults may,
 * to be told apart and end the process with a message; but where signal stacks
 * have a key, nothing at all may come before there are rights to the stack that
 * its frame would go to.
 */
static inline uint64_t mdi_entry_mask(void)
{
	return mdi_open.state.signal_key != MDI_NO_KEY ? ~(uint64_t)0 :
							 ~mdi_fault_mask();
}

/* Give every handler back its own place, those of faults among them. */
void mdi_handlers_stop(void);

/* Stand in front of what is installed now. 0 or MODISO_ERR_OS. */
int mdi_handlers_adopt(void);

/*
 * sigaction(2) as the program sees it. @old may be the same as @action, each
 * may be NULL. -1 and errno on failure. AS-Safe.
 */
int mdi_handler_set(int signo, const struct mdi_sigaction *action,
		    struct mdi_sigaction *old);

/*
 * In the handler of one of the six: it is no module's fault, or the program is
 * to have it. Its handler runs, as for any other signal; or the default. False:
 * the thread goes on in other code than it was in. AS-Safe.
 */
bool mdi_host_fault(int signo, siginfo_t *info, ucontext_t *context,
		    struct mdi_thread *thread);

/* A module's system call, by its SIGSYS, comes to core/policy.h. The same. */
bool mdi_host_serve(int signo, siginfo_t *info, ucontext_t *context,
		    struct mdi_thread *thread);

/* A signal that the host has a handler for has come: struct mdi_entries. */
uintptr_t mdi_host_signal(int signo, void *info, void *context,
			  struct mdi_thread *thread);
/* Has the handler with this context interrupted a module here? */
bool mdi_unwind_interrupted(const void *context);

/* Before the program's first pthread_cancel(3). */
void mdi_cancel_begins(void);

/* In the child of a fork: a thread that is not there may have the lock. */
void mdi_handlers_after_fork(void);

/*
 * A handler runs as if no module were below it. False: the thread was taken out
 * of its modules meanwhile, and does not go back to where it was. AS-Safe.
 */
bool mdi_handler_call(int signo, siginfo_t *info, ucontext_t *context,
		      const struct mdi_sigaction *action,
		      struct mdi_thread *thread);

/*
 * Another thread wants this one to leave its module for a while (mdi_os_poke).
 * Where it cannot, in the middle of a gate or a handler, it is asked again.
 * False: it does not go back to where it was.
 */
bool mdi_may_stand_aside(const struct mdi_thread *thread, ucontext_t *context);
bool mdi_host_poke(siginfo_t *info, ucontext_t *context,
		   struct mdi_thread *thread);

#endif /* MDI_FRONT_HANDLER_H */
