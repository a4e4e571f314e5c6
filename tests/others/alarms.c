/* SPDX-License-Identifier: MIT */
/*
 * alarms.c - a handler that another library has installed touches what is
 * closed, while this thread enters and leaves modules.
 */
#include "host.h"

#include <signal.h>
#include <sys/time.h>

void signal_install(int signo, void (*handler)(int));

static volatile sig_atomic_t alarms;

static void on_alarm(int signo)
{
	(void)signo;
	alarms++;
	*(volatile int *)modiso_region_base(host_region) = alarms;
}

int main(void)
{
	const struct itimerval every = {{0, 1000}, {0, 1000}};
	const struct itimerval off = {{0, 0}, {0, 0}};

	start();
	use("before");
	signal_install(SIGALRM, on_alarm);
	need("adopt", modiso_signal_adopt());
	setitimer(ITIMER_REAL, &every, NULL);
	while (alarms < 500) {
		if (call_good() != MODISO_OK)
			fail("%s", modiso_last_error_text());
	}
	setitimer(ITIMER_REAL, &off, NULL);
	use("after");
	if (*(volatile int *)modiso_region_base(host_region) != alarms)
		fail("the handler's writes are lost");
	return 0;
}
