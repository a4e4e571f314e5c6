/* SPDX-License-Identifier: MIT */
/* signal.h - sigaction() for what ends the measuring (Ctrl-C). */
#ifndef BENCH_WINDOWS_SIGNAL_H
#define BENCH_WINDOWS_SIGNAL_H

#include_next <signal.h>

#include <stddef.h>

#define SA_RESTART 0
#define SIGPIPE    SIGTERM /* a pipe that nobody reads is an error alone */

struct sigaction {
	void (*sa_handler)(int signo);
	int sa_flags;
};

static inline int sigaction(int signo, const struct sigaction *action,
			    void *old)
{
	(void)old;
	return signal(signo, action->sa_handler) == SIG_ERR ? -1 : 0;
}

#endif /* BENCH_WINDOWS_SIGNAL_H */
