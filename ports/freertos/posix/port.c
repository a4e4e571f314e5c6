/* SPDX-License-Identifier: MIT */
/*
 * Tasks as threads, one of which runs, and the tick.
 *
 * The thread that calls vTaskStartScheduler() is the board. It sends SIGALRM to
 * the task that runs, every tick. The handler advances the kernel's time, and
 * where another task is to run it freezes its own thread: it hands the switch
 * to the board and waits. SIGALRM is the only signal that may interrupt a
 * restricted task, libmodiso stands in front of its handler, and so the thread
 * is in the kernel's memory with the host's rights, wherever the task was. The
 * board tells libmodiso that the thread stands aside before it lets the next
 * one go on (modiso_thread_preempt(3)), and that a frozen one is the next
 * (modiso_thread_resume(3)); neither can be said by a thread that is itself in
 * a module. A task that waits in the kernel, in a system call or as privileged
 * code, hands over by itself unless the next one is frozen.
 *
 * Interrupts are disabled by a count, not by a signal mask: the handler finds
 * it and leaves the tick to who enables them. That takes no system call, and no
 * thread is ever frozen with a lock of the C library or of libmodiso that was
 * taken in a critical section.
 *
 * A thread that is to go is woken, and goes by itself to where it began. It is
 * never cancelled: that would walk through frames of the module.
 *
 * What threads use to wait lies on the heap. With page permissions the
 * program's data cannot be written while a restricted task runs, and a system
 * call that is to write there would fail.
 */
#define MPU_WRAPPERS_INCLUDED_FROM_API_FILE
#include "port_modiso.h"
#undef MPU_WRAPPERS_INCLUDED_FROM_API_FILE

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static struct board {
	sem_t wake; /* a switch is asked for, or the end */
	pthread_mutex_t lock; /* of the tick's signal, against a thread's end */
	struct port_thread *_Atomic current;
	struct port_thread *from, *to; /* the switch; to NULL: none */
	atomic_int end;
} *board;

/* Closed to restricted tasks, whatever they call. */
static volatile int disabled; /* interrupts, how often, by who runs */
static volatile int pending;  /* a tick came meanwhile */

static __thread struct port_thread *self;

struct port_thread *port_self(void)
{
	return self;
}

static void await(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0 && errno == EINTR)
		;
}

static struct port_thread *chosen(void)
{
	return xTaskGetMPUSettings(NULL)->thread;
}

/* A deleted task's last steps, out of its module if it is in one. */
static void leave(void *thread)
{
	longjmp(((struct port_thread *)thread)->begin, 1);
}

/*
 * The calling thread is not the kernel's current one any more. With interrupts
 * disabled. Returns when it is again; or, in the handler of a task that is
 * deleted, to have libmodiso take it out of its module.
 */
static void switch_to(struct port_thread *to)
{
	struct port_thread *from = self;
	int saved = disabled;

	if (to == from)
		return;
	from->frozen = from->in_handler;
	board->current = to;
	if ((from->frozen && from->modiso) || (to->frozen && to->modiso)) {
		board->from = from;
		board->to = to;
		sem_post(&board->wake);
	} else {
		sem_post(&to->run);
	}
	await(&from->run);
	from->frozen = 0;
	if (!from->dying) {
		disabled = saved;
		return;
	}
	if (from->in_handler && from->in_gate)
		return;
	if (from->in_gate) /* in a system call: it does not come back */
		(void)!modiso_thread_abandon(from->modiso, leave, from);
	leave(from);
}

static void tick(void)
{
	disabled++;
	if (xTaskIncrementTick() != pdFALSE) {
		vTaskSwitchContext();
		switch_to(chosen());
		if (self->dying)
			return;
	}
	disabled--;
}

/* A thread that runs no more, or not yet, may get one that was sent before. */
static void handle_tick(int signo)
{
	int saved = errno;

	(void)signo;
	if (self == NULL || self != board->current)
		return;
	if (disabled != 0) {
		pending = 1;
		return;
	}
	self->in_handler = 1;
	tick();
	self->in_handler = 0;
	errno = saved;
}

static void enable(void)
{
	disabled = 0;
	while (pending) {
		pending = 0;
		tick();
	}
}

void vPortEnterCritical(void)
{
	if (self == NULL)
		return; /* the scheduler has not started */
	disabled++;
}

void vPortExitCritical(void)
{
	if (self == NULL)
		return;
	if (disabled > 1 || self->in_handler)
		disabled--;
	else
		enable();
}

void vPortYield(void)
{
	vPortEnterCritical();
	vTaskSwitchContext();
	switch_to(chosen());
	if (!self->dying)
		vPortExitCritical();
}

/* --- threads --- */

static void *begin(void *arg)
{
	struct port_thread *thread = arg;

	if (setjmp(thread->begin) != 0)
		return NULL;
	self = thread;
	await(&thread->run);
	if (thread->dying)
		return NULL;
	enable();
	if (!thread->privileged)
		port_module_run(thread);
	else
		thread->code(thread->parameters);
	fprintf(stderr, "A task's function must not return.\n");
	abort();
}

static void start_board(void)
{
	struct sigaction action = {
		.sa_handler = handle_tick,
		.sa_flags = SA_RESTART,
	};

	board = calloc(1, sizeof(*board));
	if (board == NULL)
		abort();
	sem_init(&board->wake, 0, 0);
	pthread_mutex_init(&board->lock, NULL);
	port_start_library();
	sigfillset(&action.sa_mask);
	if (sigaction(SIGALRM, &action, NULL) != 0)
		abort();
}

void vPortStoreTaskMPUSettings(xMPU_SETTINGS *settings,
			       const struct xMEMORY_REGION *const regions,
			       StackType_t *bottom,
			       configSTACK_DEPTH_TYPE depth)
{
	struct port_thread *thread;

	(void)bottom;
	vPortEnterCritical();
	if (board == NULL)
		start_board();
	if (depth > 0) {
		thread = calloc(1, sizeof(*thread));
		if (thread == NULL)
			abort();
		thread->stack_size = depth * sizeof(StackType_t);
		settings->thread = thread;
		if (regions != NULL)
			memcpy(thread->regions, regions,
			       sizeof(thread->regions));
	} else if (settings->thread->module != NULL) {
		port_module_regions(settings->thread, regions);
	}
	vPortExitCritical();
}

StackType_t *pxPortInitialiseStack(StackType_t *top, StackType_t *end,
				   TaskFunction_t code, void *parameters,
				   BaseType_t privileged,
				   xMPU_SETTINGS *settings)
{
	struct port_thread *thread = settings->thread;

	(void)end;
	thread->code = code;
	thread->parameters = parameters;
	thread->privileged = privileged != pdFALSE;
	sem_init(&thread->run, 0, 0);
	vPortEnterCritical();
	if (!thread->privileged)
		port_module_create(thread);
	if (pthread_create(&thread->pthread, NULL, begin, thread) != 0) {
		fprintf(stderr, "pthread_create: %s\n", strerror(errno));
		abort();
	}
	vPortExitCritical();
	return top;
}

/* By the idle task, or who has deleted it: it waits, wherever it is. */
void vPortTaskEnded(xMPU_SETTINGS *settings)
{
	struct port_thread *thread = settings->thread;

	vPortEnterCritical();
	thread->dying = 1;
	if (thread->frozen && thread->modiso != NULL) {
		if (thread->in_gate)
			port_must(modiso_thread_abandon(thread->modiso, leave,
							thread),
				  "modiso_thread_abandon");
		port_must(modiso_thread_resume(thread->modiso),
			  "modiso_thread_resume");
	}
	/* A tick that was sent to it has been sent by now. */
	pthread_mutex_lock(&board->lock);
	pthread_mutex_unlock(&board->lock);
	sem_post(&thread->run);
	pthread_join(thread->pthread, NULL);
	port_module_destroy(thread);
	sem_destroy(&thread->run);
	free(thread);
	settings->thread = NULL;
	vPortExitCritical();
}

/* --- the board --- */

static void make_switch(void)
{
	struct port_thread *from = board->from, *to = board->to;

	board->to = NULL;
	if (from->frozen && from->modiso != NULL)
		port_must(modiso_thread_preempt(from->modiso),
			  "modiso_thread_preempt");
	if (to->frozen && to->modiso != NULL)
		port_must(modiso_thread_resume(to->modiso),
			  "modiso_thread_resume");
	sem_post(&to->run);
}

static void send_tick(void)
{
	pthread_mutex_lock(&board->lock);
	pthread_kill(board->current->pthread, SIGALRM);
	pthread_mutex_unlock(&board->lock);
}

/* Where the machine could not keep up, ticks are left out. */
static void add_tick(struct timespec *time)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	if (now.tv_sec > time->tv_sec || (now.tv_sec == time->tv_sec &&
					  now.tv_nsec > time->tv_nsec))
		*time = now;
	time->tv_nsec += 1000000000 / configTICK_RATE_HZ;
	if (time->tv_nsec >= 1000000000) {
		time->tv_nsec -= 1000000000;
		time->tv_sec++;
	}
}

BaseType_t xPortStartScheduler(void)
{
	struct timespec next;

	clock_gettime(CLOCK_MONOTONIC, &next);
	add_tick(&next);
	board->current = chosen();
	sem_post(&board->current->run);
	while (!board->end) {
		if (sem_clockwait(&board->wake, CLOCK_MONOTONIC, &next) == 0) {
			if (board->to != NULL)
				make_switch();
		} else if (errno == ETIMEDOUT) {
			send_tick();
			add_tick(&next);
		}
	}
	return pdFALSE;
}

/* The process goes on where vTaskStartScheduler() was called, with no task. */
void vPortEndScheduler(void)
{
	vPortEnterCritical();
	board->end = 1;
	sem_post(&board->wake);
	for (;;)
		await(&self->run);
}
