/* SPDX-License-Identifier: MIT */
/*
 * tx_port_host.h - what the kernel port for Linux needs to run beside modules.
 */
#ifndef TX_PORT_HOST_H
#define TX_PORT_HOST_H

void _txm_linux_sigsuspend(int signo);

/*
 * What the kernel's threads wait in must not be in static variables: with
 * mprotect the program's data is closed while a module runs, and a system call
 * that is to read there fails (modiso_options.closed). So the kernel's mutex and
 * its semaphores are on the heap, and where they were is a pointer to each: what
 * was the definition of the mutex is one of the pointer then.
 */
#define _tx_linux_mutex (*_tx_linux_mutex_at)
extern pthread_mutex_t _tx_linux_mutex;

#ifdef TX_SOURCE_CODE
int _txm_linux_sem_init(sem_t *where, int shared, unsigned int value);
int _txm_linux_sem_destroy(sem_t *where);
sem_t *_txm_linux_sem(const sem_t *where);
#define sem_init(where, shared, value)                                         \
	_txm_linux_sem_init(where, shared, value)
#define sem_destroy(where)	   _txm_linux_sem_destroy(where)
#define sem_post(where)		   sem_post(_txm_linux_sem(where))
#define sem_wait(where)		   sem_wait(_txm_linux_sem(where))
#define sem_trywait(where)	   sem_trywait(_txm_linux_sem(where))
#define sem_timedwait(where, time) sem_timedwait(_txm_linux_sem(where), time)
#endif

#endif /* TX_PORT_HOST_H */
