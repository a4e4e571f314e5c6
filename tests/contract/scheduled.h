/* SPDX-License-Identifier: MIT */
/*
 * contract/scheduled.h - a task that enters modules, and a scheduler that
 * freezes it and lets others run.
 */
#ifndef TESTS_CONTRACT_SCHEDULED_H
#define TESTS_CONTRACT_SCHEDULED_H

#include "support/world.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>

extern struct modiso_module *module, *other;
extern struct modiso_region *data, *others, *hosts;
extern struct modiso_gate *work_gate, *load, *other_gate, *other_load;
extern struct modiso_thread *task;

void start_external(void);

extern uintptr_t (MODISO_CALL *volatile service)(uintptr_t);
extern atomic_ulong served;

MODISO_CALL uintptr_t touch(volatile unsigned char *bytes);

void make_parts(void);

void make_scene(void);

extern sem_t frozen, go;
extern atomic_bool idle, over;
extern void (*while_frozen)(void); /* run by the scheduler */
extern pthread_t scheduler;

void wait_for(sem_t *semaphore);

void make_freezable(void);

/*
 * From now on the calling thread, the task, is frozen when it is asked to be
 * by freeze_task(); then @other_work runs, and it goes on.
 */
void start_scheduler(void (*other_work)(void));
void freeze_task(pthread_t thread);

void stop_scheduler(void);

/* The other task runs in the other module, and finds its own and no more. */
extern unsigned others_rounds;

void run_other(void);

extern unsigned long rounds;
extern unsigned char *others_byte;

/* The record is looked at after the end: Check's code is not the task's. */
extern int work_code, load_code;
extern uintptr_t work_value;
extern struct modiso_fault last;

extern unsigned long landings, abandoned;

void landing(void *arg);

extern unsigned long asked;
extern unsigned char found; /* the module's counter, when it was asked for */

void abandon_task(void);

extern atomic_bool spinning;

MODISO_CALL uintptr_t spin(volatile atomic_bool *begun);

extern atomic_int ends, end_status;
extern atomic_uintptr_t end_result;
extern struct modiso_gate *entry_gate;
extern uintptr_t entry_arg;

void ended(int status, uintptr_t result, void *arg);

void *enter_for_good(void *unused);

/* Each instruction of its run-time library is a step as well. */
#define STEPPED "it is ten times as many steps"

#endif /* TESTS_CONTRACT_SCHEDULED_H */
