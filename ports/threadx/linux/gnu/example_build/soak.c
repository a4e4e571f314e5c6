/* SPDX-License-Identifier: MIT */
/*
 * soak.c - two modules whose threads are preempted all the time, until that has
 * been done often enough. The kernel's timer is woken much more often than a
 * hundred times a second, so that a million takes minutes.
 *
 *	soak MODULE.BIN [PREEMPTIONS]
 */
#include "tx_api.h"
#include "txm_module.h"

#include <modiso.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MODULES 2
#define POOL    (4u << 20)
#define OBJECTS (1u << 20)
#define IMAGE   (1u << 20)
#define LOOK    1000 /* ticks */

extern TX_THREAD *_tx_thread_created_ptr;
extern ULONG _tx_thread_created_count;
extern sem_t _tx_linux_timer_semaphore;
extern sem_t *_txm_linux_sem(const sem_t *where);

static TXM_MODULE_INSTANCE modules[MODULES];
static TX_THREAD control;
static UCHAR *pool, *objects, *image;
static unsigned long wanted = 1000000;
static volatile unsigned faults;

static void *low_pages(size_t size)
{
	void *pages = mmap(NULL, size, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	if (pages == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return pages;
}

static VOID on_fault(TX_THREAD *thread, TXM_MODULE_INSTANCE *instance)
{
	(VOID) thread;
	(VOID) instance;
	faults++;
}

/* An interrupt source of its own: it waits in no memory that is closed. */
static void *wake_timer(void *semaphore)
{
	for (;;) {
		sem_post(semaphore);
		usleep(100);
	}
	return NULL;
}

static void must(UINT status, const char *what)
{
	if (status == TX_SUCCESS)
		return;
	printf("soak: %s: %#x\n", what, status);
	fflush(stdout);
	_exit(1);
}

/* Threads that never wait run anew after each preemption alone. */
static unsigned long preemptions(unsigned long *least)
{
	const TX_THREAD *thread = _tx_thread_created_ptr;
	unsigned long sum = 0;
	ULONG i;

	*least = ~0ul;
	for (i = 0; i < _tx_thread_created_count; i++) {
		unsigned long runs = thread->tx_thread_run_count;

		if (strncmp(thread->tx_thread_name, "spins", 5) == 0) {
			sum += runs;
			*least = runs < *least ? runs : *least;
		}
		thread = thread->tx_thread_created_next;
	}
	return sum;
}

static VOID control_entry(ULONG unused)
{
	unsigned long done = 0, least = 0;
	pthread_t thread;
	unsigned i;

	(VOID) unused;
	must(txm_module_manager_initialize(pool, POOL), "initialize");
	must(txm_module_manager_object_pool_create(objects, OBJECTS),
	     "object pool");
	must(txm_module_manager_memory_fault_notify(on_fault), "notify");
	for (i = 0; i < MODULES; i++) {
		must(txm_module_manager_in_place_load(&modules[i], "soak",
						      image),
		     "load");
		must(txm_module_manager_start(&modules[i]), "start");
	}
	must(pthread_create(&thread, NULL, wake_timer,
			    _txm_linux_sem(&_tx_linux_timer_semaphore)) != 0,
	     "pthread_create");
	while (done < wanted && faults == 0) {
		tx_thread_sleep(LOOK);
		done = preemptions(&least);
	}
	printf("%s: %lu preemptions in %u modules, %lu of each thread at "
	       "least, %u faults\n",
	       modiso_backend_current() == MODISO_BACKEND_PKEY ? "pkey"
							       : "mprotect",
	       done, MODULES, least, faults);
	for (i = 0; i < MODULES; i++) {
		must(txm_module_manager_stop(&modules[i]), "stop");
		must(txm_module_manager_unload(&modules[i]), "unload");
	}
	fflush(stdout);
	_exit(faults != 0);
}

VOID tx_application_define(VOID *unused)
{
	static UCHAR stack[8192];

	(VOID) unused;
	must(tx_thread_create(&control, "control", control_entry, 0, stack,
			      sizeof(stack), 10, 10, TX_NO_TIME_SLICE,
			      TX_AUTO_START),
	     "control");
}

int main(int argc, char **argv)
{
	FILE *file = argc > 1 ? fopen(argv[1], "rb") : NULL;

	if (argc > 2)
		wanted = strtoul(argv[2], NULL, 0);
	pool = low_pages(POOL);
	objects = low_pages(OBJECTS);
	image = low_pages(IMAGE);
	if (file == NULL || fread(image, 1, IMAGE, file) == 0) {
		fprintf(stderr, "usage: soak MODULE.BIN [PREEMPTIONS]\n");
		return 2;
	}
	fclose(file);
	tx_kernel_enter();
	return 1;
}
