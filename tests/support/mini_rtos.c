/* SPDX-License-Identifier: MIT */
#include "mini_rtos_timer.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum state { FREE, READY, SLEEPING, SENDING, RECEIVING, WAITING_END, ENDED };

struct task {
	struct rtos_task_options options;
	enum state state;
	struct modiso_thread *thread; /* NULL until it has run */
	bool frozen; /* in the handler, not at its semaphore */
	atomic_bool killed;
	/*
	 * In a service: it is not taken out of there, with what the C library
	 * has begun, but goes by itself at the end of the service or its wait.
	 */
	atomic_bool in_kernel;
	atomic_bool gone; /* its thread runs no more code of the RTOS */
	unsigned long wake; /* tick */
	unsigned queue;
	int status;
};

struct queue {
	uintptr_t words[RTOS_QUEUE_DEPTH];
	unsigned first, count;
};

static struct rtos_waits *waits;
static struct task tasks[RTOS_TASKS];
static unsigned turn;        /* where the next look for a task begins */
static struct queue queues[RTOS_QUEUES];
static struct rtos_end ended[64];
static unsigned ended_first, ended_count;
static bool stopping;

/* What modules must not touch: a region of the host. */
static struct modiso_region *region;
static struct rtos_counts *counts;

static struct modiso_service *service;
static rtos_dispatch_fn thunk;
static _Thread_local struct task *self;

static void lock(void)
{
	MUST(pthread_mutex_lock(&waits->kernel) == 0);
}

static void unlock(void)
{
	MUST(pthread_mutex_unlock(&waits->kernel) == 0);
}

static unsigned number_of(const struct task *task)
{
	return (unsigned)(task - tasks);
}

static void go_on(void)
{
	atomic_store(&waits->running[number_of(self)], true);
	sem_post(&waits->went_on);
}

/* --- freezing --- */

/* Everything is blocked but RTOS_RESUME, which may have come already. */
static void suspend_handler(int signo)
{
	int saved = errno;

	(void)signo;
	sem_post(&waits->stopped);
	sigsuspend(&waits->all_but_resume);
	go_on();
	errno = saved;
}

static void resume_handler(int signo)
{
	(void)signo;
}

static void is_frozen(struct task *task)
{
	task->frozen = true;
	if (task->thread != NULL)
		MUST(modiso_thread_preempt(task->thread) == 0);
}

/* The one that runs next. */
static void let_run(struct task *task)
{
	unsigned number = number_of(task);

	atomic_store(&waits->running[number], false);
	if (!task->frozen) {
		MUST(sem_post(&waits->run[number]) == 0);
		return;
	}
	task->frozen = false;
	if (task->thread != NULL)
		MUST(modiso_thread_resume(task->thread) == 0);
	MUST(pthread_kill(waits->thread[number], RTOS_RESUME) == 0);
}

/* --- scheduling; the kernel is locked --- */

static struct task *most_urgent(void)
{
	struct task *best = NULL;

	for (unsigned i = 0; i < RTOS_TASKS; i++) {
		struct task *task = &tasks[(turn + i) % RTOS_TASKS];

		if (task->state == READY &&
		    (best == NULL ||
		     task->options.priority < best->options.priority))
			best = task;
	}
	return best;
}

/* After the last line another task runs: nothing of the host's is touched. */
static void choose(const struct task *interrupted)
{
	struct task *next = stopping ? NULL : most_urgent();

	waits->current = next != NULL ? (int)number_of(next) : -1;
	if (next == NULL) {
		sem_post(&waits->went_on);
		return;
	}
	turn = number_of(next) + 1;
	counts->switches++;
	if (interrupted != NULL && next != interrupted)
		counts->preemptions++;
	let_run(next);
}

/* Nobody freezes the calling task any more. */
static void be_gone(struct task *task)
{
	pthread_sigmask(SIG_BLOCK, &waits->suspend, NULL);
	atomic_store(&task->gone, true);
}

static void leave(void);

static void left_modules(void *unused)
{
	(void)unused;
	leave();
}

/*
 * A task that was killed, in host code. Out of its module first: after choose()
 * another one may be in a module.
 */
static void leave(void)
{
	if (self->thread != NULL)
		(void)!modiso_thread_abandon(self->thread, left_modules, NULL);
	lock();
	if (waits->current == (int)number_of(self)) {
		self->state = ENDED;
		choose(NULL);
	}
	unlock();
	be_gone(self);
	pthread_exit(NULL);
}

/* Until the calling task is chosen, or killed. */
static void wait_for_turn(struct task *me)
{
	rtos_wait_for(&waits->run[number_of(me)]);
	go_on();
	if (atomic_load(&me->killed))
		leave();
}

/*
 * The calling task gives way, and comes back when it is chosen. One that was
 * killed on its way here is not: who killed it waits, and chooses nobody.
 */
static void give_way(void)
{
	struct task *me = self;

	if (atomic_load(&me->killed)) {
		unlock();
		leave();
	}
	choose(NULL);
	unlock();
	wait_for_turn(me);
	lock();
}

static void block(enum state state)
{
	self->state = state;
	give_way();
}

static void wake_all(enum state state, unsigned queue)
{
	for (unsigned i = 0; i < RTOS_TASKS; i++)
		if (tasks[i].state == state && tasks[i].queue == queue)
			tasks[i].state = READY;
	/* A more urgent one comes at once, or at the next tick. */
}

/* --- the life of a task --- */

static void task_ended(int status, uintptr_t result, void *arg)
{
	struct task *task = arg;

	(void)result;
	lock();
	counts->faults += status == MODISO_ERR_FAULT;
	if (atomic_load(&task->killed)) { /* who killed it waits for that */
		unlock();
		leave();
	}
	task->status = status;
	task->state = ENDED;
	counts->ends++;
	MUST(ended_count < 64);
	ended[(ended_first + ended_count++) % 64] =
		(struct rtos_end){number_of(task), status};
	wake_all(WAITING_END, 0);
	choose(NULL);
	unlock();
	be_gone(task);
}

static void *task_body(void *arg)
{
	struct task *task = arg;

	self = task;
	MUST(modiso_thread_self(&task->thread) == 0);
	wait_for_turn(task);
	if (task->options.gate == NULL) {
		task->options.host((void *)task->options.args[0]);
		task_ended(0, 0, task);
		return NULL;
	}
	MUST(modiso_thread_enter(task->options.gate, task->options.args, 3,
				 task_ended, task) == 0);
	return NULL;
}

/*
 * A task that is not the current one goes, wherever it is: out of its module,
 * or not into it when it was frozen on its way there.
 */
static void end_task(struct task *task)
{
	static const struct timespec moment = {0, 200000};

	if (task->state == FREE)
		return;
	if (task->state != ENDED) {
		atomic_store(&task->killed, true);
		waits->killing = true; /* no ticks: nobody else is to run */
		if (task->frozen && task->options.gate != NULL &&
		    !atomic_load(&task->in_kernel))
			MUST(modiso_thread_abandon(task->thread, NULL, NULL) ==
			     0);
		let_run(task);
		/* It may need the kernel once more, and time. */
		while (!atomic_load(&task->gone)) {
			unlock();
			nanosleep(&moment, NULL);
			lock();
		}
		waits->killing = false;
		sem_post(&waits->went_on); /* a tick may be lost */
	}
	MUST(pthread_join(waits->thread[number_of(task)], NULL) == 0);
	MUST(sem_destroy(&waits->run[number_of(task)]) == 0);
	task->state = FREE;
}

unsigned rtos_create(const struct rtos_task_options *options)
{
	struct task *task = tasks;
	unsigned number;

	lock();
	while (task->state != FREE && task->state != ENDED) {
		task++;
		MUST(task < tasks + RTOS_TASKS);
	}
	end_task(task);
	memset(task, 0, sizeof(*task));
	task->options = *options;
	number = number_of(task);
	MUST(sem_init(&waits->run[number], 0, 0) == 0);
	MUST(pthread_create(&waits->thread[number], NULL, task_body, task) ==
	     0);
	task->state = READY;
	unlock();
	return number;
}

struct rtos_end rtos_wait_end(void)
{
	struct rtos_end end;

	lock();
	while (ended_count == 0)
		block(WAITING_END);
	end = ended[ended_first];
	ended_first = (ended_first + 1) % 64;
	ended_count--;
	unlock();
	return end;
}

void rtos_kill(unsigned number)
{
	lock();
	if (&tasks[number] != self) {
		end_task(&tasks[number]);
	} else {
		atomic_store(&self->killed, true);
		unlock();
		leave();
	}
	unlock();
}

void rtos_sleep(unsigned long ticks)
{
	lock();
	self->wake = counts->ticks + ticks;
	block(SLEEPING);
	unlock();
}

/* --- the dispatcher: host code, with what a module hands over --- */

static uintptr_t refuse(uintptr_t request)
{
	lock();
	counts->refused++;
	counts->last_refused = request;
	unlock();
	return RTOS_REFUSED;
}

static uintptr_t send_word(unsigned number, uintptr_t word)
{
	struct queue *queue = &queues[number];

	lock();
	self->queue = number;
	while (queue->count == RTOS_QUEUE_DEPTH)
		block(SENDING);
	queue->words[(queue->first + queue->count++) % RTOS_QUEUE_DEPTH] = word;
	wake_all(RECEIVING, number);
	unlock();
	return RTOS_OK;
}

static uintptr_t receive_word(unsigned number, uintptr_t *word)
{
	struct queue *queue = &queues[number];

	lock();
	self->queue = number;
	while (queue->count == 0)
		block(RECEIVING);
	*word = queue->words[queue->first];
	queue->first = (queue->first + 1) % RTOS_QUEUE_DEPTH;
	queue->count--;
	wake_all(SENDING, number);
	unlock();
	return RTOS_OK;
}

static uintptr_t receive_to(struct modiso_module *module, uintptr_t request,
			    uintptr_t number, uintptr_t to)
{
	uintptr_t word;

	/* Before it waits: the word must not be lost. */
	if (number >= RTOS_QUEUES ||
	    modiso_range_check(module, (void *)to, sizeof(word),
			       MODISO_READ | MODISO_WRITE) != 0)
		return refuse(request);
	receive_word((unsigned)number, &word);
	return modiso_copy_out(module, (void *)to, &word, sizeof(word)) == 0
		       ? RTOS_OK
		       : refuse(request);
}

static uintptr_t log_string(struct modiso_module *module, uintptr_t request,
			    const char *string)
{
	char text[64];
	size_t length;

	if (modiso_strnlen(module, string, sizeof(text), &length) != 0 ||
	    modiso_copy_in(module, text, string, length + 1) != 0)
		return refuse(request);
	return length;
}

static uintptr_t serve(uintptr_t request, uintptr_t a, uintptr_t b)
{
	struct modiso_module *module = modiso_module_caller();

	switch (request) {
	case RTOS_YIELD:
		lock();
		give_way();
		unlock();
		return RTOS_OK;
	case RTOS_SLEEP:
		rtos_sleep(a);
		return RTOS_OK;
	case RTOS_SEND:
		return a < RTOS_QUEUES ? send_word((unsigned)a, b)
				       : refuse(request);
	case RTOS_RECEIVE:
		return receive_to(module, request, a, b);
	case RTOS_LOG:
		return log_string(module, request, (const char *)a);
	case RTOS_TICKS:
		return counts->ticks;
	case RTOS_KILL:
		if (a >= RTOS_TASKS)
			return refuse(request);
		rtos_kill((unsigned)a);
		return RTOS_OK;
	default:
		return refuse(request);
	}
}

static uintptr_t dispatch(uintptr_t request, uintptr_t a, uintptr_t b,
			  uintptr_t c)
{
	uintptr_t result;

	(void)c;
	atomic_store(&self->in_kernel, true);
	result = serve(request, a, b);
	atomic_store(&self->in_kernel, false);
	if (atomic_load(&self->killed))
		leave();
	return result;
}

rtos_dispatch_fn rtos_dispatcher(void)
{
	return thunk;
}

/* --- the timer --- */

static void wake_sleepers(void)
{
	for (unsigned i = 0; i < RTOS_TASKS; i++)
		if (tasks[i].state == SLEEPING &&
		    tasks[i].wake <= counts->ticks)
			tasks[i].state = READY;
}

/* Whichever task ran is frozen: the next one. */
static bool tick(bool (*done)(void))
{
	struct task *interrupted =
		waits->current >= 0 ? &tasks[waits->current] : NULL;
	bool last;

	if (interrupted != NULL)
		is_frozen(interrupted);
	counts->ticks++;
	wake_sleepers();
	last = stopping = done();
	if (!last)
		choose(interrupted);
	return last;
}

void rtos_run(unsigned long tick_ns, bool (*done)(void))
{
	struct rtos_waits *own = waits;
	uint64_t random = 1;
	bool last = false;

	lock();
	choose(NULL);
	unlock();
	while (!last) {
		if (!rtos_timer_tick(own, tick_ns, &random))
			continue;
		last = tick(done);
		MUST(pthread_mutex_unlock(&own->kernel) == 0);
	}
	lock();
	waits->current = -1;
	/* A task of the host may be about to create another one. */
	for (unsigned n = 0; n < 2; n++)
		for (unsigned i = 0; i < RTOS_TASKS; i++)
			end_task(&tasks[i]);
	unlock();
}

struct rtos_counts rtos_counts(void)
{
	return *counts;
}

static void handle(int signo, void (*handler)(int))
{
	struct sigaction action = {.sa_handler = handler};

	sigfillset(&action.sa_mask);
	for (int fault = 0; fault < 6; fault++)
		sigdelset(&action.sa_mask,
			  (int[]){SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP,
				  SIGSYS}[fault]);
	MUST(sigaction(signo, &action, NULL) == 0);
}

void rtos_init(void)
{
	stopping = false;
	memset(tasks, 0, sizeof(tasks));
	memset(queues, 0, sizeof(queues));
	ended_count = 0;
	waits = rtos_waits_create();
	MUST(modiso_region_create(NULL, sizeof(*counts),
				  MODISO_READ | MODISO_WRITE, NULL,
				  &region) == 0);
	counts = modiso_region_base(region);
	MUST(modiso_service_create("dispatch", (modiso_fn)dispatch, NULL,
				   &service) == 0);
	thunk = (rtos_dispatch_fn)modiso_service_thunk(service);
	handle(RTOS_SUSPEND, suspend_handler);
	handle(RTOS_RESUME, resume_handler);
}

void rtos_fini(void)
{
	MUST(modiso_service_destroy(service) == 0);
	MUST(modiso_region_destroy(region) == 0);
	rtos_waits_destroy(waits);
}
