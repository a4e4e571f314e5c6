/* SPDX-License-Identifier: MIT */
/* What is the same on every system: support/proc.h. */
#include "support/proc.h"
#include "support/test.h"
#include "support/world.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#define THREAD_STACK ((size_t)8 << 20) /* bytes */

void proc_must_not_grow_at(const struct proc_usage *before, size_t mappings,
			   size_t rss_more, const char *file, int line)
{
	struct proc_usage now = proc_usage();
	int patience = 1000;

	/* A thread that was joined leaves /proc a little later. */
	while (now.threads > before->threads && patience--) {
		sched_yield();
		now = proc_usage();
	}
	if (getenv("MODISO_TEST_LONG"))
		fprintf(stderr,
			"# %s:%d: mappings %zu, then %zu; files %zu, %zu; "
			"threads %zu, %zu; resident %zu KiB, %zu; keys in use "
			"%zu, %zu\n",
			file, line, before->mappings, now.mappings, before->fds,
			now.fds, before->threads, now.threads, before->rss_kib,
			now.rss_kib, before->keys, now.keys);
	if (now.keys > before->keys)
		ck_abort_msg("%s:%d: %zu keys in use, before %zu", file, line,
			     now.keys, before->keys);
	if (!TEST_SANITIZED && now.mappings > before->mappings + mappings)
		ck_abort_msg("%s:%d: %zu mappings, before %zu", file, line,
			     now.mappings, before->mappings);
	if (now.fds > before->fds)
		ck_abort_msg("%s:%d: %zu open files, before %zu", file, line,
			     now.fds, before->fds);
	if (now.threads > before->threads)
		ck_abort_msg("%s:%d: %zu threads, before %zu", file, line,
			     now.threads, before->threads);
	if (!TEST_SANITIZED && now.rss_kib > before->rss_kib + rss_more)
		ck_abort_msg("%s:%d: %zu KiB resident, before %zu", file, line,
			     now.rss_kib, before->rss_kib);
}

void proc_wait_asleep(pid_t tid)
{
	while (!proc_is_asleep(tid))
		sched_yield();
}

pthread_t thread_start(void *(*body)(void *arg), void *arg)
{
	pthread_attr_t attr;
	pthread_t thread;
	int error;

	must(!pthread_attr_init(&attr) &&
	     !pthread_attr_setstacksize(&attr, THREAD_STACK));
	error = pthread_create(&thread, &attr, body, arg);
	must(!pthread_attr_destroy(&attr));
	if (error)
		ck_abort_msg("pthread_create: %s", strerror(error));
	return thread;
}

void *thread_join(pthread_t thread)
{
	void *result = NULL;
	int error = pthread_join(thread, &result);

	if (error)
		ck_abort_msg("pthread_join: %s", strerror(error));
	return result;
}

int child_status(void (*body)(void *arg), void *arg)
{
	char text[1024];
	int status = child_output(body, arg, text, sizeof(text));

	/* Whatever it had to say belongs into the log. */
	if (*text)
		fprintf(stderr, "%s", text);
	return status;
}

void must_end_at(int status, int code, int signo, const char *file, int line)
{
	char ended[64], want[64];

	if (WIFSIGNALED(status))
		snprintf(ended, sizeof(ended), "died of signal %d",
			 WTERMSIG(status));
	else
		snprintf(ended, sizeof(ended), "exited with %d",
			 WEXITSTATUS(status));
	if (signo)
		snprintf(want, sizeof(want), "died of signal %d", signo);
	else
		snprintf(want, sizeof(want), "exited with %d", code);
	if (strcmp(ended, want))
		ck_abort_msg("%s:%d: the child %s, it should have %s", file,
			     line, ended, want);
}

bool all_bytes(const volatile void *base, unsigned char value, size_t length)
{
	const volatile unsigned char *bytes = base;
	size_t i;

	for (i = 0; i < length; i++)
		if (bytes[i] != value)
			return false;
	return true;
}
