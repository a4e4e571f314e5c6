/* SPDX-License-Identifier: MIT */
/*
 * coroutines - an event-driven simulator whose device models are coroutines in
 * modules.
 *
 * 1,000 models wait for time to pass. wait() is a service: it puts the model
 * into the queue of events and goes on with the scheduler's stack; when the
 * time has come, whichever thread is free goes on with the model. Each model is
 * a fiber for libmodiso, so its call into the module comes back to where it was
 * made, on either thread.
 *
 * The models are of four kinds, each kind a module. One model writes into the
 * memory of another kind: it is stopped and reported, and all others end with
 * the result that they must have.
 *
 *	coroutines [THREADS]
 */
#include "../checked.h"

#include <modiso.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <ucontext.h>

#define MODELS     1000
#define KINDS      4
#define ROUNDS     8
#define BUGGY      617
#define STACK_SIZE 32768

struct model {
	struct modiso_fiber *fiber;
	ucontext_t self, *scheduler; /* where it waits, who has called it */
	uint64_t wakes_at;
	struct model *next;
	uintptr_t result;
	int status;
	bool over;
	char *stack;
};

static struct model models[MODELS];

/* A kind of models: its module, and the memory that its models work on. */
static struct kind {
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_gate *gate;
} kinds[KINDS];

static void (*wait_service)(uintptr_t self, uintptr_t ticks);

/* --- what runs in a module --- */

static uintptr_t run_model(uintptr_t self, uintptr_t *own, uintptr_t *others)
{
	for (uintptr_t round = 1; round <= ROUNDS; round++) {
		own[self] += self * round;
		wait_service(self, 1 + (self + round) % 7);
		if (self == BUGGY && round == ROUNDS / 2)
			others[self]++; /* the next array, it believes */
	}
	return own[self];
}

/* --- the scheduler --- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static struct model *ready;   /* those whose time has come */
static struct model *waiting; /* all others */
static unsigned running;
static uint64_t now, events;

/* With the lock: the next time at which any model wakes. */
static void advance(void)
{
	struct model **link = &waiting, *model;
	uint64_t next = UINT64_MAX;

	for (model = waiting; model != NULL; model = model->next)
		if (model->wakes_at < next)
			next = model->wakes_at;
	now = next;
	while ((model = *link) != NULL) {
		if (model->wakes_at != next) {
			link = &model->next;
			continue;
		}
		*link = model->next;
		model->next = ready;
		ready = model;
	}
}

/* The model before, NULL at first, has been left. NULL: all are over. */
static struct model *next_model(struct model *before)
{
	struct model *model;

	pthread_mutex_lock(&lock);
	if (before != NULL) {
		running--;
		if (!before->over) {
			before->next = waiting;
			waiting = before;
		}
	}
	/* Time goes on when nobody works at this moment any more. */
	while (ready == NULL && running != 0)
		pthread_cond_wait(&changed, &lock);
	if (ready == NULL)
		advance();
	model = ready;
	if (model != NULL) {
		ready = model->next;
		running++;
		events++;
	}
	pthread_cond_broadcast(&changed);
	pthread_mutex_unlock(&lock);
	return model;
}

static void *schedule(void *unused)
{
	struct model *model = NULL;
	ucontext_t here;

	while ((model = next_model(model)) != NULL) {
		model->scheduler = &here;
		check(modiso_fiber_switch(model->fiber), "modiso_fiber_switch");
		swapcontext(&here, &model->self);
	}
	return unused;
}

/* The service. When it returns, this may be another thread. */
static void wait_for(uintptr_t self, uintptr_t ticks)
{
	struct model *model = &models[self % MODELS];

	model->wakes_at = now + ticks;
	check(modiso_fiber_switch(NULL), "modiso_fiber_switch");
	swapcontext(&model->self, model->scheduler);
}

/* The first function on a model's stack. */
static void start_model(int self)
{
	const struct kind *kind = &kinds[self % KINDS];
	const struct kind *other = &kinds[(self + 1) % KINDS];
	struct model *model = &models[self];
	uintptr_t words[] = {
		(uintptr_t)self,
		(uintptr_t)modiso_region_base(kind->region),
		(uintptr_t)modiso_region_base(other->region),
	};

	model->status = modiso_gate_call(kind->gate, words, 3, &model->result);
	if (model->status != 0)
		printf("model %d: %s\n", self, modiso_last_error_text());
	model->over = true;
	check(modiso_fiber_switch(NULL), "modiso_fiber_switch");
	setcontext(model->scheduler);
}

/* --- begin and end --- */

static void make_kinds(void)
{
	static const char *const names[] = {"timer", "uart", "disk", "dma"};
	struct modiso_gate_options options = {
		.struct_size = sizeof(options), .word_args = 3};

	for (int i = 0; i < KINDS; i++) {
		check(modiso_module_create(names[i], NULL, &kinds[i].module),
		      "modiso_module_create");
		check(modiso_region_create(kinds[i].module,
					   MODELS * sizeof(uintptr_t),
					   MODISO_READ | MODISO_WRITE, NULL,
					   &kinds[i].region),
		      "modiso_region_create");
		check(modiso_gate_create(kinds[i].module, (modiso_fn)run_model,
					 &options, &kinds[i].gate),
		      "modiso_gate_create");
	}
}

static void make_model(int self)
{
	struct model *model = &models[self];

	check(modiso_fiber_create(&model->fiber), "modiso_fiber_create");
	model->stack = malloc(STACK_SIZE);
	if (model->stack == NULL)
		exit(1);
	getcontext(&model->self);
	model->self.uc_stack.ss_sp = model->stack;
	model->self.uc_stack.ss_size = STACK_SIZE;
	makecontext(&model->self, (void (*)(void))start_model, 1, self);
	model->next = ready;
	ready = model;
}

/* How many have the result that they must have. */
static unsigned end_models(void)
{
	const uintptr_t sum = ROUNDS * (ROUNDS + 1) / 2;
	unsigned right = 0;

	for (uintptr_t i = 0; i < MODELS; i++) {
		right += models[i].status == 0 && models[i].result == i * sum;
		check(modiso_fiber_destroy(models[i].fiber),
		      "modiso_fiber_destroy");
		free(models[i].stack);
	}
	return right;
}

int main(int argc, char **argv)
{
	int threads = argc > 1 ? atoi(argv[1]) : 2;
	struct modiso_service *service;
	pthread_t others[64];
	unsigned right;

	if (threads < 1 || threads > 64)
		return 2;
	check(modiso_init(NULL), "modiso_init");
	check(modiso_service_create("wait", (modiso_fn)wait_for, NULL,
				    &service),
	      "modiso_service_create");
	wait_service = (void (*)(uintptr_t, uintptr_t))(uintptr_t)
		modiso_service_thunk(service);
	make_kinds();
	for (int i = 0; i < MODELS; i++)
		make_model(i);
	for (int i = 1; i < threads; i++)
		if (pthread_create(&others[i], NULL, schedule, NULL) != 0)
			return 1;
	schedule(NULL);
	for (int i = 1; i < threads; i++)
		pthread_join(others[i], NULL);
	right = end_models();
	printf("%u of %d models are right, %llu events, time %s\n", right,
	       MODELS, (unsigned long long)events,
	       now == UINT64_MAX ? "is over" : "is not over");
	check(modiso_service_destroy(service), "modiso_service_destroy");
	for (int i = 0; i < KINDS; i++)
		check(modiso_module_destroy(kinds[i].module),
		      "modiso_module_destroy");
	check(modiso_fini(), "modiso_fini");
	return right != MODELS - 1;
}
