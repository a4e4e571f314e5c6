/* SPDX-License-Identifier: MIT */
/*
 * txm_host.h - what the files of this port ask the kernel port for Windows for.
 */
#ifndef TXM_HOST_H
#define TXM_HOST_H

#include "txm_modiso.h"

#include <stdio.h>

/* Memory in no region cannot be closed on Windows: modiso-windows(7). */
#define TXM_HOST_CONFINEMENT MODISO_CONFINE_GUARD
#define TXM_HOST_PATHS	     ";" /* a path can have a colon */

static inline VOID txm_host_initialize(VOID)
{
}

/* The kernel's own lock, without an interrupt lock's look at who goes. */
static inline VOID txm_host_lock(VOID)
{
	_tx_win32_critical_section_obtain(&_tx_win32_critical_section);
}

static inline VOID txm_host_unlock(VOID)
{
	_tx_win32_critical_section_release(&_tx_win32_critical_section);
}

/* Each thread was attached when it began. */
static inline int txm_host_attach(const TX_THREAD *thread_ptr)
{
	(VOID)thread_ptr;
	return 0;
}

static inline UINT txm_host_is_frozen(const TX_THREAD *thread_ptr)
{
	return thread_ptr->tx_thread_win32_suspension_type != 0;
}

/* Its control block may be closed again before it is resumed. */
static inline VOID txm_host_resume(TX_THREAD *thread_ptr)
{
	const HANDLE handle = thread_ptr->tx_thread_win32_thread_handle;

	_txm_modiso_thread_goes_on(thread_ptr);
	ResumeThread(handle);
}

/* It waits for its run semaphore. */
static inline VOID txm_host_wake(TX_THREAD *thread_ptr)
{
	ReleaseSemaphore(thread_ptr->tx_thread_win32_thread_run_semaphore, 1,
			 NULL);
}

static inline UINT txm_host_is_gone(const TX_THREAD *thread_ptr)
{
	return WaitForSingleObject(thread_ptr->tx_thread_win32_thread_handle,
				   1) == WAIT_OBJECT_0;
}

static inline VOID txm_host_join(const TX_THREAD *thread_ptr)
{
	WaitForSingleObject(thread_ptr->tx_thread_win32_thread_handle,
			    INFINITE);
}

static inline VOID txm_host_exit(VOID)
{
	ExitThread(0);
}

/* There need not be a program here that says it. */
static inline VOID txm_host_say_line(const char *path, const char *offset)
{
	fprintf(stderr, "  in the source: addr2line -fpe %s %s\n", path,
		offset);
}

#endif /* TXM_HOST_H */
