/* SPDX-License-Identifier: MIT */
#include "mini_rtos.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#define SUSPEND SIGUSR1
#define RESUME  SIGUSR2

enum state { FREE, READY, SLEEPING, SENDING, RECEIVING, WAITING_END, ENDED };

struct task {
	struct rtos_task_options options;
	enum state state;
	pthread_t pthread;
	struct modiso_thread *thread; /* NULL until it has run */
	sem_t *run;
	bool frozen; /* in the handler, not at its semaphore */
	/*
	 * Set by the task when it goes on. Until then it is not frozen again:
	 * on a loaded machine no task would get further.
	 */
	atomic_bool running;
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

/*
 * What threads wait for and by, in a mapping of its own: where the rest is
 * closed while a module runs a system call on it fails. The mutex is
 * "interrupts off": held by whoever changes what follows. The timer takes it
 * before it freezes a task, so no task is frozen while it holds it.
 */
static struct waits {
	pthread_mutex_t kernel;
	sem_t stopped, run[RTOS_TASKS];
	sigset_t suspend, all_but_resume;
} *waits;
static struct task tasks[RTOS_TASKS];
static struct task *current; /* NULL: idle */
static unsigned turn;        /* where the next look for a task begins */
static struct queue queues[RTOS_QUEUES];
static struct rtos_end ended[64];
static unsigned ended_first, ended_count;
static bool stopping, killing;

/* What modules must not touch: a region of the host. */
static struct modiso_region *region;
static struct rtos_counts *counts;

static struct modiso_service *service;
static rtos_dispatch_fn thunk;
static _Thread_local struct task *self;

#define MUST(condition)                                                        \
	do {                                                                   \
		if (!(condition)) {                                            \
			fprintf(stderr, "mini_rtos:%d: not so: %s (%s)\n",     \
				__LINE__, #condition,                          \
				modiso_last_error_text());                     \
			abort();                                               \
		}                                                              \
	} while (0)

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		MUST(errno == EINTR);
}

static void lock(void)
{
	MUST(pthread_mutex_lock(&waits->kernel) == 0);
}

static void unlock(void)
{
	MUST(pthread_mutex_unlock(&waits->kernel) == 0);
}

/* --- freezing --- */

/* Everything is blocked but RESUME, which may have come already. */
static void suspend_handler(int signo)
{
	int saved = errno;

	(void)signo;
	sem_post(&waits->stopped);
	sigsuspend(&waits->all_but_resume);
	atomic_store(&self->running, true);
	errno = saved;
}

static void resume_handler(int signo)
{
	(void)signo;
}

static void freeze(struct task *task)
{
	MUST(pthread_kill(task->pthread, SUSPEND) == 0);
	wait_for(&waits->stopped);
	task->frozen = true;
	if (task->thread != NULL)
		MUST(modiso_thread_preempt(task->thread) == 0);
}

/* The one that runs next. */
static void let_run(struct task *task)
{
	atomic_store(&task->running, false);
	if (!task->frozen) {
		MUST(sem_post(task->run) == 0);
		return;
	}
	task->frozen = false;
	if (task->thread != NULL)
		MUST(modiso_thread_resume(task->thread) == 0);
	MUST(pthread_kill(task->pthread, RESUME) == 0);
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
	current = stopping ? NULL : most_urgent();
	if (current == NULL)
		return;
	turn = (unsigned)(current - tasks) + 1;
	counts->switches++;
	if (interrupted != NULL && current != interrupted)
		counts->preemptions++;
	let_run(current);
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
	if (current == self) {
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
	wait_for(me->run);
	atomic_store(&me->running, true);
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
		(struct rtos_end){(unsigned)(task - tasks), status};
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
		killing = true; /* no ticks: nobody else is to run */
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
		killing = false;
	}
	MUST(pthread_join(task->pthread, NULL) == 0);
	MUST(sem_destroy(task->run) == 0);
	task->state = FREE;
}

unsigned rtos_create(const struct rtos_task_options *options)
{
	struct task *task = tasks;

	lock();
	while (task->state != FREE && task->state != ENDED) {
		task++;
		MUST(task < tasks + RTOS_TASKS);
	}
	end_task(task);
	memset(task, 0, sizeof(*task));
	task->options = *options;
	task->run = &waits->run[task - tasks];
	MUST(sem_init(task->run, 0, 0) == 0);
	MUST(pthread_create(&task->pthread, NULL, task_body, task) == 0);
	task->state = READY;
	unlock();
	return (unsigned)(task - tasks);
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

static void tick(bool (*done)(void))
{
	struct task *interrupted;

	lock();
	interrupted = current;
	if (killing ||
	    (interrupted != NULL && !atomic_load(&interrupted->running))) {
		unlock();
		return;
	}
	if (interrupted != NULL)
		freeze(interrupted);
	counts->ticks++;
	wake_sleepers();
	stopping = done();
	if (!stopping)
		choose(interrupted);
	unlock();
}

void rtos_run(unsigned long tick_ns, bool (*done)(void))
{
	uint64_t random = 1;
	struct timespec length = {0, 0};

	lock();
	choose(NULL);
	unlock();
	while (!stopping) {
		random = random * 6364136223846793005ul + 1442695040888963407ul;
		length.tv_nsec = (long)(random % (2 * tick_ns));
		nanosleep(&length, NULL);
		tick(done);
	}
	lock();
	current = NULL;
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
	current = NULL;
	memset(tasks, 0, sizeof(tasks));
	memset(queues, 0, sizeof(queues));
	ended_count = 0;
	waits = mmap(NULL, sizeof(*waits), PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MUST(waits != MAP_FAILED);
	sigaddset(&waits->suspend, SUSPEND);
	sigfillset(&waits->all_but_resume);
	sigdelset(&waits->all_but_resume, RESUME);
	MUST(pthread_mutex_init(&waits->kernel, NULL) == 0);
	MUST(sem_init(&waits->stopped, 0, 0) == 0);
	MUST(modiso_region_create(NULL, sizeof(*counts),
				  MODISO_READ | MODISO_WRITE, NULL,
				  &region) == 0);
	counts = modiso_region_base(region);
	MUST(modiso_service_create("dispatch", (modiso_fn)dispatch, NULL,
				   &service) == 0);
	thunk = (rtos_dispatch_fn)modiso_service_thunk(service);
	handle(SUSPEND, suspend_handler);
	handle(RESUME, resume_handler);
}

void rtos_fini(void)
{
	MUST(modiso_service_destroy(service) == 0);
	MUST(modiso_region_destroy(region) == 0);
	MUST(sem_destroy(&waits->stopped) == 0);
	MUST(pthread_mutex_destroy(&waits->kernel) == 0);
	MUST(munmap(waits, sizeof(*waits)) == 0);
}
