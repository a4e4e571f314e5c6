/* SPDX-License-Identifier: MIT */
/*
 * How threads of the kernel port for Windows begin and end beside modules.
 *
 * The timer's thread stops any thread at any instruction. One that stands in
 * the middle of the library holds a lock that others wait for, so each one is
 * known to libmodiso from its beginning, and is asked (README).
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_thread.h"
#include <txm_host.h>

#include <stdlib.h>

/*
 * The thread that is scheduled, outside of its control block: that may lie in a
 * region, which is closed while the thread is in a module. Who touches it then
 * waits until the thread has left the module, and the timer would wait for
 * what only the timer can bring about.
 */
static struct {
	HANDLE handle;
	struct modiso_thread *modiso;
} running;

static VOID must(int result, const char *what)
{
	if (result == 0)
		return;
	fprintf(stderr, "txm: %s: %s\n", what, modiso_last_error_text());
	abort();
}

/* Nothing runs: the scheduler is about to let it go on. */
void _txm_win32_thread_scheduled(TX_THREAD *thread_ptr)
{
	running.handle = thread_ptr->tx_thread_win32_thread_handle;
	running.modiso = thread_ptr->tx_thread_module_modiso;
}

/* SuspendThread() only asks for it: who has its registers has waited. */
static VOID stop(VOID)
{
	CONTEXT machine = {.ContextFlags = CONTEXT_CONTROL};

	SuspendThread(running.handle);
	GetThreadContext(running.handle, &machine);
}

/* In the middle of the library it goes on for a moment. */
void _txm_win32_thread_stop(void)
{
	int result = 0;

	stop();
	while (running.modiso != NULL) {
		result = modiso_thread_preempt(running.modiso);
		if (result != MODISO_ERR_BUSY)
			break;
		ResumeThread(running.handle);
		Sleep(1);
		stop();
	}
	must(result, "a thread is not stopped");
}

void _txm_win32_thread_goes_on(void)
{
	if (running.modiso != NULL)
		must(modiso_thread_resume(running.modiso),
		     "a thread does not go on");
	ResumeThread(running.handle);
}

/* It is not to be stopped in the middle of that, and nobody can ask it yet. */
void _txm_win32_thread_begin(TX_THREAD *thread_ptr)
{
	struct modiso_thread *handle = NULL;
	int result;

	txm_host_lock();
	result = modiso_thread_attach();
	txm_host_unlock();
	if (result == 0)
		result = modiso_thread_self(&handle);
	must(result, "a thread cannot begin");
	txm_host_lock();
	thread_ptr->tx_thread_module_modiso = handle;
	if (_tx_thread_current_ptr == thread_ptr)
		running.modiso = handle;
	txm_host_unlock();
	_txm_modiso_thread_begin(thread_ptr);
}

/*
 * No thread of a module: it goes on and ends at its next interrupt lock. Once:
 * a thread that was stopped twice would need to be resumed twice.
 */
static VOID end_other(TX_THREAD *thread_ptr)
{
	if (txm_host_is_frozen(thread_ptr))
		txm_host_resume(thread_ptr);
	else
		txm_host_wake(thread_ptr);
	txm_host_join(thread_ptr);
	thread_ptr->tx_thread_module_modiso = TX_NULL;
}

/* @posture: of interrupts, which are off; they are again when this returns. */
void _txm_win32_thread_completion(TX_THREAD *thread_ptr, UINT *posture)
{
	_tx_thread_interrupt_restore(*posture);
	if (!_txm_modiso_thread_end(thread_ptr))
		end_other(thread_ptr);
	CloseHandle(thread_ptr->tx_thread_win32_thread_handle);
	CloseHandle(thread_ptr->tx_thread_win32_thread_run_semaphore);
	*posture = _tx_thread_interrupt_disable();
}
