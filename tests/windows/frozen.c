/* SPDX-License-Identifier: MIT */
/* The thread is suspended. */
#include "contract/frozen.h"

#include <pthread.h>
#include <sched.h>
#include <windows.h>

struct modiso_thread *task;
atomic_uint thawed;

static HANDLE task_thread;

void be_task(void)
{
	task_thread = pthread_gethandle(pthread_self());
	expect(MODISO_OK, modiso_thread_self(&task));
}

/* Where the host does not schedule, a test freezes it outside of the library */
static bool stands_well(void)
{
	int code = modiso_thread_preempt(task);

	if (code == MODISO_OK)
		must_eq(modiso_thread_resume(task), 0);
	return code != MODISO_ERR_BUSY;
}

void freeze_task(void)
{
	CONTEXT registers;

	for (;;) {
		must(SuspendThread(task_thread) != (DWORD)-1);
		/* It does not stand before this is answered. */
		registers.ContextFlags = CONTEXT_CONTROL;
		must(GetThreadContext(task_thread, &registers));
		if (stands_well())
			return;
		must(ResumeThread(task_thread) == 1);
		sched_yield();
	}
}

void thaw_task(void)
{
	atomic_fetch_add(&thawed, 1);
	must(ResumeThread(task_thread) == 1);
}
