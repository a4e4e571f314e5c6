/* SPDX-License-Identifier: MIT */
/*
 * What an application may know of restricted tasks on this port, and what its
 * own files tell each other.
 */
#ifndef PORT_MODISO_H
#define PORT_MODISO_H

#include "FreeRTOS.h"
#include "task.h"

#include <modiso.h>

#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdatomic.h>

/*
 * A restricted task has ended by itself: a fault, or, where @fault is NULL, its
 * function has returned or could not be called; modiso_last_error_text() says
 * why. Runs on that task's thread as privileged code, and may call what any
 * task may. The task is deleted when it returns. The port's own, which is weak,
 * prints the fault.
 */
void vApplicationRestrictedTaskEnded(TaskHandle_t task,
				     const struct modiso_fault *fault);

/* A task, on the heap: all threads reach it at any time. */
struct port_thread {
	pthread_t pthread;
	sem_t run; /* posted by who lets it go on */
	TaskFunction_t code;
	void *parameters;
	jmp_buf begin;      /* where it goes when it is deleted */
	int in_handler;     /* it runs, or waits in, the tick's handler */
	int in_gate;        /* restricted: between the calls of port.c */
	atomic_int frozen;  /* it waits in the handler */
	atomic_int dying;   /* who sees it wakes up to leave */
	int privileged;
	size_t stack_size; /* bytes */
	/* Of restricted tasks, by restricted.c. */
	struct modiso_thread *modiso; /* attached */
	struct modiso_module *module;
	struct modiso_gate *gate; /* NULL: it could not be had */
	MemoryRegion_t regions[portNUM_CONFIGURABLE_REGIONS];
	uint32_t objects[(configPROTECTED_KERNEL_OBJECT_POOL_SIZE + 31) / 32];
};

/*
 * What a restricted task may do with memory in no region: nothing, as on an
 * MPU, or, with MODISO_CONFINE_READONLY, read it.
 */
#ifndef portRESTRICTED_CONFINEMENT
#define portRESTRICTED_CONFINEMENT MODISO_CONFINE_SEALED
#endif

/* port.c */
struct port_thread *port_self(void); /* NULL: no task */

/* restricted.c */
void port_start_library(void);
void port_module_create(struct port_thread *thread);
void port_module_destroy(struct port_thread *thread);
void port_module_regions(struct port_thread *thread,
			 const MemoryRegion_t *regions);
void port_module_run(struct port_thread *thread);
void port_must(int result, const char *function);

/* syscalls.S: where its functions go, among the constants */
extern uintptr_t (*port_system_call)(uintptr_t number, uintptr_t a, uintptr_t b,
				     uintptr_t c, uintptr_t d, uintptr_t e);

/* constants.c */
void port_constants_start(uintptr_t (*system_call)(uintptr_t, uintptr_t,
						   uintptr_t, uintptr_t,
						   uintptr_t, uintptr_t));
int port_constants_grant(struct modiso_module *module);
int port_constants_hold(const void *buffer, size_t length);

#endif /* PORT_MODISO_H */
