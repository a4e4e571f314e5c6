/* SPDX-License-Identifier: MIT */
/*
 * The kernel port's semaphores, on the heap: tx_port_module.h says why.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"

#include <stdlib.h>
#include <string.h>

#undef sem_init
#undef sem_destroy

/* Its first bytes are the pointer. */
sem_t *_txm_linux_sem(const sem_t *where)
{
	sem_t *semaphore;

	memcpy(&semaphore, where, sizeof(semaphore));
	return semaphore;
}

int _txm_linux_sem_init(sem_t *where, int shared, unsigned int value)
{
	sem_t *semaphore = malloc(sizeof(*semaphore));

	if (semaphore == NULL)
		return -1;
	memcpy(where, &semaphore, sizeof(semaphore));
	return sem_init(semaphore, shared, value);
}

int _txm_linux_sem_destroy(sem_t *where)
{
	sem_t *semaphore = _txm_linux_sem(where);
	int result = sem_destroy(semaphore);

	free(semaphore);
	return result;
}
