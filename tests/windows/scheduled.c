/* SPDX-License-Identifier: MIT */
/*
 * As contract/scheduled_signal.c: the thread that asks suspends the task, asks
 * the library whether it stands well, and runs the others itself.
 */
#include "contract/scheduled.h"
#include "support/proc.h"
#include "windows/suspend.h"

#include <sched.h>
#include <windows.h>

unsigned long stood_badly;

HANDLE suspend_task(pthread_t thread)
{
	HANDLE handle = pthread_gethandle(thread);
	CONTEXT registers;
	int code;

	for (;;) {
		must(SuspendThread(handle) != (DWORD)-1);
		/* It does not stand before this is answered. */
		registers.ContextFlags = CONTEXT_CONTROL;
		must(GetThreadContext(handle, &registers));
		code = modiso_thread_preempt(task);
		if (code != MODISO_ERR_BUSY)
			break;
		stood_badly++;
		must(ResumeThread(handle) == 1);
		sched_yield();
	}
	must_eq(code, 0);
	return handle;
}

void resume_task(HANDLE handle)
{
	must_eq(modiso_thread_resume(task), 0);
	must(ResumeThread(handle) == 1);
}

void start_scheduler(void (*other_work)(void))
{
	while_frozen = other_work;
	expect(MODISO_OK, modiso_thread_self(&task));
}

void freeze_task(pthread_t thread)
{
	HANDLE handle = suspend_task(thread);

	while_frozen();
	resume_task(handle);
}

void stop_scheduler(void)
{
}
