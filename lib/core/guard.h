/* SPDX-License-Identifier: MIT */
/*
 * core/guard.h - the guard of system calls.
 *
 * A thread that enters a guarded module is armed (os/dispatch.h), and its byte,
 * the selector, lies in the open page of the block that it goes by: modules can
 * read it and not write it. Gates store it along with the rights: 1 on the way
 * in, from the thread's link to the module, 0 on the way out and into services.
 * So whatever entry into the kernel module code uses, wherever the instruction
 * lies, it is a SIGSYS.
 *
 * The entries of signals store 0 as soon as they know the thread. At the end of
 * a handler, which is a system call, it must still be 0: so a handler that has
 * interrupted a guarded module does not return to it but to mdi_resume(), by a
 * copy of the kernel's frame in memory of the host's, and that code stores 1.
 *
 * What becomes of a call then is in core/policy.h.
 *
 * None of this is there with page permissions, where all memory that the kernel
 * could read the selector from is open to modules.
 */
#ifndef MDI_CORE_GUARD_H
#define MDI_CORE_GUARD_H

#include "core/module.h"

/*
 * Before the calling thread gets its first link to a module: if that is
 * guarded, the thread is armed. 0, or a code. The library's lock is held.
 */
int mdi_guard_arm(struct mdi_thread *thread, const struct mdi_domain *domain);
/* The calling thread is detached. */
void mdi_guard_disarm(struct mdi_thread *thread);

/* In the child of a fork: the calling thread, which is armed no more. */
void mdi_guard_after_fork(struct mdi_thread *host);

/*
 * The interrupted code is to go on: its way back. A guarded module that has
 * left 64-bit code has none, and its call is ended: that is a fault.
 */
uintptr_t mdi_guard_way(struct mdi_thread *thread, struct mdi_context *context);

/*
 * A handler begins: has it interrupted mdi_resume()? Then it is the module. An
 * instruction there that faults is none: a module has jumped to it.
 */
void mdi_guard_settle(struct mdi_thread *thread, struct mdi_context *context);

/*
 * Around a handler of the host that may have come before another one could do
 * that: modules that it calls are interrupted as well.
 */
struct mdi_guard_kept {
	struct mdi_resume_words *from, words; /* NULL: nothing is kept */
	uint64_t resume;
};

void mdi_guard_keep(const struct mdi_thread *thread,
		    struct mdi_guard_kept *kept);
void mdi_guard_put_back(const struct mdi_thread *thread,
			const struct mdi_guard_kept *kept);

#endif /* MDI_CORE_GUARD_H */
