/* SPDX-License-Identifier: MIT */
/*
 * txm_host.h - what the files of this port ask the kernel port for Linux for.
 */
#ifndef TXM_HOST_H
#define TXM_HOST_H

#include "txm_modiso.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#define TXM_HOST_CONFINEMENT MODISO_CONFINE_SEALED
#define TXM_HOST_PATHS	     ":" /* between the paths of a list */

static inline VOID txm_host_initialize(VOID)
{
	_tx_linux_mutex_at = malloc(sizeof(*_tx_linux_mutex_at));
	if (_tx_linux_mutex_at == NULL)
		abort();
}

/* The kernel's own lock, without an interrupt lock's look at who goes. */
static inline VOID txm_host_lock(VOID)
{
	tx_linux_mutex_lock(_tx_linux_mutex);
}

static inline VOID txm_host_unlock(VOID)
{
	tx_linux_mutex_unlock(_tx_linux_mutex);
}

/*
 * The scheduler holds the timer's thread while a new one begins, and that waits
 * with all signals blocked: no memory may be closed to it before it does.
 */
static inline int txm_host_attach(TX_THREAD *thread_ptr)
{
	txm_host_lock();
	txm_host_unlock();
	return modiso_thread_self(&thread_ptr->tx_thread_module_modiso);
}

static inline UINT txm_host_is_frozen(const TX_THREAD *thread_ptr)
{
	return thread_ptr->tx_thread_linux_suspension_type != 0;
}

static inline VOID txm_host_resume(TX_THREAD *thread_ptr)
{
	_txm_modiso_thread_goes_on(thread_ptr);
	_tx_linux_thread_resume(thread_ptr->tx_thread_linux_thread_id);
}

/* It waits for its run semaphore. */
static inline VOID txm_host_wake(TX_THREAD *thread_ptr)
{
	sem_post(&thread_ptr->tx_thread_linux_thread_run_semaphore);
}

/* Is it gone? It is asked no more then. */
static inline UINT txm_host_is_gone(const TX_THREAD *thread_ptr)
{
	static const struct timespec moment = {0, 1000000};

	if (pthread_tryjoin_np(thread_ptr->tx_thread_linux_thread_id, NULL) ==
	    0)
		return TX_TRUE;
	nanosleep(&moment, NULL);
	return TX_FALSE;
}

static inline VOID txm_host_join(const TX_THREAD *thread_ptr)
{
	pthread_join(thread_ptr->tx_thread_linux_thread_id, NULL);
}

static inline VOID txm_host_exit(VOID)
{
	pthread_exit(NULL);
}

/* addr2line(1) writes its answer where this program writes its reports. */
VOID _txm_linux_say_line(const char *path, const char *offset);
#define txm_host_say_line(path, offset) _txm_linux_say_line(path, offset)

#endif /* TXM_HOST_H */
