/* SPDX-License-Identifier: MIT */
/*
 * lib_signal.c - a library that installs handlers for others.
 */
#include <signal.h>

void signal_install(int signo, void (*handler)(int));

void signal_install(int signo, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigaction(signo, &action, NULL);
}
