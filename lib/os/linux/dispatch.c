/* SPDX-License-Identifier: MIT */
#include "os/dispatch.h"

#include "os/linux/state.h"
#include "os/linux/sys.h"
#include "os/probe.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Headers may be older. */
#ifndef PR_SET_SYSCALL_USER_DISPATCH
#	define PR_SET_SYSCALL_USER_DISPATCH 59
#	define PR_SYS_DISPATCH_OFF 0
#	define PR_SYS_DISPATCH_ON 1
#endif

static struct mdi_dispatch_state *const own = &mdi_os_state.dispatch;

/* No code may make calls without being asked. */
static int set(unsigned long mode, unsigned long free, unsigned long length,
	       const uint8_t *selector)
{
	return (int)syscall(SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, mode, free,
			    length, selector);
}

int mdi_dispatch_on(const uint8_t *selector)
{
	return set(PR_SYS_DISPATCH_ON, 0, 0, selector);
}

void mdi_dispatch_off(void)
{
	int saved = errno;

	(void)!set(PR_SYS_DISPATCH_OFF, 0, 0, NULL);
	errno = saved;
}

/* --- does it work? --- */

/* In the child; thread-local memory carries no key. */
static MDI_TLS volatile uint8_t tried;

static void stopped(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	tried = 0;
	__builtin_trap(); /* what os/probe.h waits for */
}

/* Emulators and filters know the call and do not do it. */
static void *try(void *unused)
{
	struct mdi_sigaction action = {
		.handler = stopped,
		.flags = SA_SIGINFO | MDI_SA_RESTORER,
	};

	if (mdi_sys_sigaction(SIGSYS, &action, NULL) != 0 ||
	    mdi_dispatch_on((const uint8_t *)&tried) != 0)
		return unused;
	tried = 1;
	(void)!syscall(SYS_getppid);
	tried = 0;
	return unused;
}

static const uint8_t allow;

/*
 * A tracer that says yes in the kernel's place, and does nothing, does not see
 * the child. The kernel says no to code whose end lies below its beginning.
 */
static bool refuses_nonsense(void)
{
	return set(PR_SYS_DISPATCH_ON, 1, ~0ul, &allow) != 0;
}

static void ask(void)
{
	int answer;

	own->error = 0;
	if (mdi_dispatch_on(&allow) != 0) {
		own->error = errno;
		own->asked = true;
		return;
	}
	mdi_dispatch_off();
	answer = refuses_nonsense() ? mdi_probe_survives(try) : 0;
	own->child_error = answer < 0 ? -answer : 0;
	/* In QEMU 7.2 a setcc whose store makes a page a copy may write 0. */
	if (answer > 0)
		own->works = true;
	if (answer >= 0)
		own->asked = true;
}

bool mdi_dispatch_works(void)
{
	int saved = errno;

	if (!own->asked)
		ask();
	errno = saved;
	return own->works;
}

void mdi_dispatch_why_not(char *text, size_t size)
{
	if (own->error != 0)
		snprintf(text, size,
			 "prctl(2), PR_SET_SYSCALL_USER_DISPATCH: %s; Linux "
			 "has it since 5.11, a seccomp filter may deny it",
			 strerror(own->error));
	else if (own->child_error != 0)
		snprintf(text, size,
			 "no child can be made that finds out whether "
			 "PR_SET_SYSCALL_USER_DISPATCH works: clone(2) or "
			 "wait4(2): %s",
			 strerror(own->child_error));
	else
		snprintf(text, size,
			 "PR_SET_SYSCALL_USER_DISPATCH is accepted and stops "
			 "no call: an emulator or a tracer stands in for the "
			 "kernel");
}
