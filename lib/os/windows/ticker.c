/* SPDX-License-Identifier: MIT */
/*
 * A thread that runs a module is not interrupted here, so a call's time cannot
 * be limited: modules with a limit are refused.
 */
#include "os/ticker.h"

#include <errno.h>

int mdi_ticker_start(pthread_t *ticker, void *(*run)(void *arg))
{
	(void)ticker;
	(void)run;
	return ENOSYS;
}

void mdi_ticker_join(pthread_t ticker)
{
	(void)ticker;
}

uint64_t mdi_thread_cpu_ns(int32_t tid)
{
	(void)tid;
	return UINT64_MAX;
}

uint64_t mdi_process_cpu_ns(void)
{
	return UINT64_MAX;
}

void mdi_call_thread(int32_t tid)
{
	(void)tid;
}
