/* SPDX-License-Identifier: MIT */
/*
 * Signals that have come and must come once more. The kernel allocates an entry
 * of its queue for each that carries a siginfo, and a user has no more of these
 * than RLIMIT_SIGPENDING says. Where there is none left it
 *
 *	refuses a real-time signal with EAGAIN, unless its siginfo says SI_USER:
 *	        then, and for each other signal, it notes that the signal is
 *	        pending, and that comes with an empty siginfo
 *	takes   a number below 32 in that way at once, and returns 0
 *
 * So the siginfo is kept here, and a signal without one is sent. One that is
 * only noted as pending makes no second entry: where the kernel has others of
 * the number for this thread, they are one fewer. The first of these gives way
 * then, and is sent again itself.
 */
#include "os/linux/signal.h"

#include "os/misuse.h"
#include "os/process.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/*
 * Its handler is to have this. Of several signals the last that was sent: the
 * others come as well, but without.
 */
static MDI_TLS struct {
	siginfo_t info;
	int signo;      /* 0: none */
	bool uncounted; /* only noted as pending */
} unqueued;

static void keep(int signo, const siginfo_t *info, bool uncounted)
{
	unqueued.info = *info;
	unqueued.uncounted = uncounted;
	unqueued.signo = signo;
}

void mdi_signal_anyhow(int signo, const siginfo_t *info)
{
	const siginfo_t bare = { .si_signo = signo, .si_code = SI_USER };

	if (mdi_sys_requeue(signo, info) != 0 &&
	    mdi_sys_requeue(signo, &bare) != 0)
		syscall(SYS_tgkill, getpid(), mdi_os_thread_id(), signo);
}

void mdi_signal_again(int signo, const siginfo_t *info)
{
	const siginfo_t bare = { .si_signo = signo, .si_code = SI_USER };

	if (mdi_sys_requeue(signo, info) == 0) {
		/*
		 * Was the siginfo kept? It does not say. What sigqueue(3)
		 * sends is kept within the limit alone.
		 */
		if (signo < SIGRTMIN && info->si_code < 0)
			keep(signo, info, false);
		return;
	}
	keep(signo, info, true);
	if (mdi_sys_requeue(signo, &bare) != 0)
		mdi_misuse("a signal that came while the library could not be "
			   "interrupted is lost: rt_tgsigqueueinfo(2) was "
			   "refused; a policy (seccomp) must allow it");
}

static bool is_bare(const siginfo_t *info)
{
	return info->si_code == SI_USER && info->si_pid == 0;
}

void mdi_signal_returned(int signo, siginfo_t *info)
{
	const siginfo_t was = *info;
	bool uncounted = unqueued.uncounted;

	if (signo != unqueued.signo)
		return;
	unqueued.signo = 0;
	if (!is_bare(&was) && !uncounted)
		return; /* its own, or the signal was pending already */
	*info = unqueued.info;
	if (!is_bare(&was))
		mdi_signal_again(signo, &was);
}
