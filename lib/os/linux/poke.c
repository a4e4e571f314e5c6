/* SPDX-License-Identifier: MIT */
/*
 * How a thread that is in a module is interrupted: by the fault signal that
 * MDI_CALL_SIGNAL is as well, as faults' signals are never blocked there.
 */
#include "os/process.h"

#include "os/linux/signal.h"
#include "os/linux/state.h"

#include <errno.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Of this copy of the library; mdi_call_thread() has the one below. */
static void *token(void)
{
	return (char *)&mdi_os_state + 1;
}

void mdi_os_poke(int32_t tid)
{
	int saved = errno;
	siginfo_t info = {
		.si_signo = MDI_CALL_SIGNAL,
		.si_code = SI_QUEUE,
	};

	info.si_pid = getpid();
	info.si_value.sival_ptr = token();
	(void)syscall(SYS_rt_tgsigqueueinfo, info.si_pid, tid, MDI_CALL_SIGNAL,
		      &info);
	errno = saved;
}

bool mdi_signal_is_poke(int signo, const siginfo_t *info)
{
	return signo == MDI_CALL_SIGNAL && info->si_code == SI_QUEUE &&
	       info->si_value.sival_ptr == token() && info->si_pid == getpid();
}
