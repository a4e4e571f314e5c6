/* SPDX-License-Identifier: MIT */
/*
 * lib_reporter.c - a library that is not linked with libmodiso, and does what
 * crash reporters do: its handler for fatal signals, on a signal stack of its
 * own, writes a line, puts the handlers before it back and ends the process.
 */
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

void reporter_install(void);

static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP};
#define FATAL (sizeof(fatal) / sizeof(fatal[0]))
static struct sigaction before[FATAL];

static void report(int signo, siginfo_t *info, void *context)
{
	static const char line[] = "reporter: this program has crashed\n";

	(void)signo;
	(void)info;
	(void)context;
	if (write(STDERR_FILENO, line, sizeof(line) - 1) < 0)
		_exit(78);
	for (size_t i = 0; i < FATAL; i++)
		sigaction(fatal[i], &before[i], NULL);
	_exit(77);
}

void reporter_install(void)
{
	struct sigaction action = {.sa_sigaction = report,
				   .sa_flags = SA_SIGINFO | SA_ONSTACK};
	stack_t stack = {.ss_size = 65536, .ss_sp = malloc(65536)};

	sigaltstack(&stack, NULL);
	for (size_t i = 0; i < FATAL; i++)
		sigaction(fatal[i], &action, &before[i]);
}
