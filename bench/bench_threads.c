/* SPDX-License-Identifier: MIT */
/*
 * bench_threads.c - gates of several threads at the same time, each into a
 * module of its own, or all into one. What a thread waits for one call: where
 * there are CPUs for all of them it stays what it is for one thread, if nothing
 * is shared. Each has a CPU, in turn.
 */
#include "bench.h"

#include <pthread.h>
#include <string.h>

#define CALLS 10000u /* of each thread in a round, to hide the barriers */

static struct {
	struct modiso_module *module;
	uintptr_t (*thunk)(uintptr_t);
} own[BENCH_THREADS_MAX];
static unsigned own_count;

static struct crew {
	pthread_t threads[BENCH_THREADS_MAX];
	pthread_barrier_t barrier;
	unsigned count;
	bool one; /* all in own[0] */
	uint64_t rounds; /* 0: the end */
} crew;
static bool broken;
static int results[BENCH_THREADS_MAX];

static void __attribute__((noinline)) entry_null(uintptr_t argument)
{
	__asm__ volatile("" ::"r"(argument));
}

static int make_modules(unsigned count)
{
	struct modiso_gate_options options = {.struct_size = sizeof(options),
					      .word_args = 1};
	struct modiso_gate *gate;
	modiso_fn plain;
	int rc = 0;

	while (own_count < count) {
		rc = bench_check("modiso_module_create",
				 modiso_module_create("thread", NULL,
						      &own[own_count].module));
		if (rc != 0)
			return rc;
		rc = bench_check("modiso_gate_create",
				 modiso_gate_create(own[own_count].module,
						    (modiso_fn)entry_null,
						    &options, &gate));
		if (rc == 0)
			rc = bench_check("modiso_gate_thunk",
					 modiso_gate_thunk(gate, &plain));
		if (rc != 0) {
			bench_check("modiso_module_destroy",
				    modiso_module_destroy(
					    own[own_count].module));
			return rc;
		}
		own[own_count++].thunk = (uintptr_t(*)(uintptr_t))plain;
	}
	return rc;
}

/* Nobody moves a thread from a CPU to another busy one. */
static void settle(unsigned number)
{
	unsigned left = number % (unsigned)CPU_COUNT(&bench_cpus);
	int cpu;

	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &bench_cpus) && left-- == 0)
			bench_pin(cpu);
}

static void *work(void *argument)
{
	int *result = argument;
	unsigned number = (unsigned)(result - results);
	uintptr_t (*call)(uintptr_t) = own[crew.one ? 0 : number].thunk;
	uint64_t left;

	settle(number);
	for (;;) {
		pthread_barrier_wait(&crew.barrier);
		if (crew.rounds == 0)
			return NULL;
		for (left = crew.rounds * CALLS; left > 0; left--)
			call(1);
		*result = modiso_gate_status();
		pthread_barrier_wait(&crew.barrier);
	}
}

static void let_go(void)
{
	unsigned i;

	crew.rounds = 0;
	pthread_barrier_wait(&crew.barrier);
	for (i = 0; i < crew.count; i++)
		pthread_join(crew.threads[i], NULL);
	pthread_barrier_destroy(&crew.barrier);
}

static int hire(unsigned count, bool one)
{
	unsigned i;
	int rc = broken ? bench_say(BENCH_FAILED, "threads are missing")
			: make_modules(one ? 1 : count);

	if (rc != 0)
		return rc;
	crew.one = one;
	crew.count = count;
	pthread_barrier_init(&crew.barrier, NULL, count + 1);
	for (i = 0; i < count; i++) {
		rc = pthread_create(&crew.threads[i], NULL, work, &results[i]);
		if (rc == 0)
			continue;
		/* Those that there are wait for somebody who never comes. */
		broken = true;
		return bench_say(BENCH_FAILED, "pthread_create: %s",
				 strerror(rc));
	}
	return 0;
}

static int run(uint64_t rounds)
{
	unsigned i;
	int rc = 0;

	if (rounds == 0)
		return 0;
	crew.rounds = rounds;
	pthread_barrier_wait(&crew.barrier);
	pthread_barrier_wait(&crew.barrier);
	for (i = 0; i < crew.count && rc == 0; i++)
		rc = bench_check("thunk", results[i]);
	return rc;
}

#define BEGIN(count)                          \
	static int own_##count(void)          \
	{                                     \
		return hire(count, false);    \
	}                                     \
	static int one_##count(void)          \
	{                                     \
		return hire(count, true);     \
	}

BEGIN(1)
BEGIN(2)
BEGIN(4)
BEGIN(8)
BEGIN(16)
BEGIN(32)

#define ROWS(count)                                                       \
	{ROW_THREADS_OWN #count, "round trip",                            \
	 BENCH_TIMED | BENCH_THREADS(count), CALLS, run, own_##count,     \
	 let_go},                                                         \
	{                                                                 \
		ROW_THREADS_ONE #count, "round trip",                     \
			BENCH_TIMED | BENCH_THREADS(count), CALLS, run,   \
			one_##count, let_go                               \
	}

static const struct bench_row rows[] = {
	ROWS(1), ROWS(2), ROWS(4), ROWS(8), ROWS(16), ROWS(32),
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

static void close_modules(void)
{
	while (own_count > 0)
		bench_check("modiso_module_destroy",
			    modiso_module_destroy(own[--own_count].module));
}

const struct bench_subject bench_threads = {
	.rows = rows,
	.close = close_modules,
};
