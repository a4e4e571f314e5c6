/* SPDX-License-Identifier: MIT */
/*
 * common.c - what rows of several subjects use.
 */
#include "bench.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <string.h>

int bench_cpu = -1;
int bench_other_cpu = -1;
cpu_set_t bench_cpus;

static char said[192];
static pthread_t busy_thread;
static atomic_int busy;

int bench_say(int code, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(said, sizeof(said), format, arguments);
	va_end(arguments);
	return code;
}

const char *bench_said(void)
{
	return said;
}

int bench_check(const char *call, int rc)
{
	if (rc == 0)
		return 0;
	return bench_say(BENCH_FAILED, "%s: %s: %s", call,
			 modiso_error_name(rc), modiso_last_error_text());
}

void bench_pin(int cpu)
{
	cpu_set_t set;

	if (cpu == -1)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	/* Refused in some containers: the numbers are then less steady. */
	sched_setaffinity(0, sizeof(set), &set);
}

/* States of busy: 0 no thread, 1 asked for, 2 running, 0 again to end it. */
static void *keep_busy(void *unused)
{
	(void)unused;
	bench_pin(bench_other_cpu);
	atomic_store(&busy, 2);
	while (atomic_load(&busy) == 2)
		__builtin_ia32_pause();
	return NULL;
}

int bench_busy_begin(void)
{
	int rc;

	if (bench_other_cpu == -1)
		return bench_say(BENCH_ABSENT, "there is only one CPU");
	atomic_store(&busy, 1);
	rc = pthread_create(&busy_thread, NULL, keep_busy, NULL);
	if (rc != 0)
		return bench_say(BENCH_FAILED, "pthread_create: %s",
				 strerror(rc));
	while (atomic_load(&busy) != 2)
		sched_yield();
	return 0;
}

void bench_busy_end(void)
{
	atomic_store(&busy, 0);
	pthread_join(busy_thread, NULL);
}
