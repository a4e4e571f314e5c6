/* SPDX-License-Identifier: MIT */
/*
 * bench_life.c - what is done once: the library starts and ends, a thread makes
 * its first call.
 */
#include "bench.h"

#include <pthread.h>
#include <string.h>

/* --- in the process without a backend of its own --- */

static int start_and_end(uint32_t backend)
{
	struct modiso_options options = { .struct_size = sizeof(options),
					  .backend = backend };
	struct modiso_module *module;
	int rc = bench_check("modiso_init", modiso_init(&options));

	if (rc != 0)
		return rc;
	rc = bench_check("modiso_module_create",
			 modiso_module_create("life", NULL, &module));
	if (rc == 0)
		rc = bench_check("modiso_module_destroy",
				 modiso_module_destroy(module));
	if (rc == 0)
		rc = bench_check("modiso_fini", modiso_fini());
	return rc;
}

static int run_start(uint64_t rounds, uint32_t backend)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0)
		rc = start_and_end(backend);
	return rc;
}

static int run_start_mprotect(uint64_t rounds)
{
	return run_start(rounds, MODISO_BACKEND_MPROTECT);
}

static int run_start_pkey(uint64_t rounds)
{
	return run_start(rounds, MODISO_BACKEND_PKEY);
}

static int need_pkey(void)
{
	struct modiso_backend_info info = { .struct_size = sizeof(info) };

	if (modiso_backend_query(MODISO_BACKEND_PKEY, &info) != 0 ||
	    !info.usable)
		return bench_say(BENCH_ABSENT, "no protection keys");
	return 0;
}

static void *do_nothing(void *unused)
{
	return unused;
}

static int run_threads(uint64_t rounds, void *(*body)(void *))
{
	pthread_t thread;
	void *said = NULL;
	int rc = 0;

	while (rounds-- > 0 && rc == 0 && said == NULL) {
		rc = pthread_create(&thread, NULL, body, NULL);
		if (rc == 0)
			pthread_join(thread, &said);
	}
	if (said != NULL)
		return bench_say(BENCH_FAILED, "a thread's call failed");
	return rc == 0 ? 0 : bench_say(BENCH_FAILED, "pthread_create: %s",
				       strerror(rc));
}

static int run_plain_threads(uint64_t rounds)
{
	return run_threads(rounds, do_nothing);
}

static int nothing_to_open(void)
{
	return 0;
}

static void nothing_to_close(void)
{
}

static const char one_way[] = "one way";

static const struct bench_row start_rows[] = {
	{ "start: init, one module, fini, mprotect", one_way, BENCH_HEAVY, 0,
	  run_start_mprotect, NULL, NULL },
	{ "start: init, one module, fini, pkey", one_way, BENCH_HEAVY, 0,
	  run_start_pkey, need_pkey, NULL },
	{ ROW_THREAD, one_way, BENCH_HEAVY | BENCH_TIMED, 0, run_plain_threads,
	  NULL, NULL },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_start = {
	.rows = start_rows,
	.open = nothing_to_open,
	.close = nothing_to_close,
};

/* --- with a backend --- */

#define CROWD 3

static struct modiso_module *modules[CROWD + 1];
static uintptr_t (*thunks[CROWD + 1])(uintptr_t);
static pthread_t others[CROWD];
static unsigned others_count;
static int others_stop; /* atomic */

static void __attribute__((noinline)) entry_null(uintptr_t argument)
{
	__asm__ volatile("" ::"r"(argument));
}

static int first_open(void)
{
	struct modiso_gate_options options = { .struct_size = sizeof(options),
					       .word_args = 1 };
	struct modiso_gate *gate;
	modiso_fn plain;
	int rc = 0;

	for (unsigned i = 0; rc == 0 && i <= CROWD; i++) {
		rc = bench_check("modiso_module_create",
				 modiso_module_create("life", NULL,
						      &modules[i]));
		if (rc == 0)
			rc = bench_check(
				"modiso_gate_create",
				modiso_gate_create(modules[i],
						   (modiso_fn)entry_null,
						   &options, &gate));
		if (rc == 0)
			rc = bench_check("modiso_gate_thunk",
					 modiso_gate_thunk(gate, &plain));
		if (rc == 0)
			thunks[i] = (uintptr_t(*)(uintptr_t))plain;
	}
	return rc;
}

static void first_close(void)
{
	for (unsigned i = 0; i <= CROWD; i++)
		bench_check("modiso_module_destroy",
			    modiso_module_destroy(modules[i]));
}

static void *call_once(void *unused)
{
	thunks[0](1);
	return modiso_gate_status() == 0 ? unused : modules;
}

static int run_first_call(uint64_t rounds)
{
	return run_threads(rounds, call_once);
}

/* The same without the thread: what it has of the library ends, and begins. */
static int run_attach(uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		thunks[0](1);
		rc = modiso_thread_detach();
	}
	if (rc == 0)
		rc = modiso_gate_status();
	return bench_check("modiso_thread_detach", rc);
}

static void *call_always(void *number)
{
	uintptr_t (*call)(uintptr_t) = thunks[(uintptr_t)number];

	while (!__atomic_load_n(&others_stop, __ATOMIC_RELAXED))
		call(1);
	return NULL;
}

static void others_end(void)
{
	__atomic_store_n(&others_stop, 1, __ATOMIC_RELAXED);
	while (others_count > 0)
		pthread_join(others[--others_count], NULL);
}

static int others_begin(unsigned count)
{
	int rc;

	__atomic_store_n(&others_stop, 0, __ATOMIC_RELAXED);
	while (others_count < count) {
		rc = pthread_create(&others[others_count], NULL, call_always,
				    (void *)(uintptr_t)(others_count + 1));
		if (rc != 0) {
			others_end();
			return bench_say(BENCH_FAILED, "pthread_create: %s",
					 strerror(rc));
		}
		others_count++;
	}
	return 0;
}

static int one_more(void)
{
	return others_begin(1);
}

static int three_more(void)
{
	return others_begin(3);
}

static int run_calls(uint64_t rounds)
{
	while (rounds-- > 0)
		thunks[0](1);
	return bench_check("thunk", modiso_gate_status());
}

static const struct bench_row first_rows[] = {
	{ ROW_THREAD_CALL, one_way, BENCH_HEAVY | BENCH_TIMED, 0,
	  run_first_call, NULL, NULL },
	{ "thread: first call, and detached again", one_way, BENCH_HEAVY, 0,
	  run_attach, NULL, NULL },
	{ "threads: thunk, 1 more calls its module", "round trip", BENCH_TIMED,
	  0, run_calls, one_more, others_end },
	{ "threads: thunk, 3 more call theirs", "round trip", BENCH_TIMED, 0,
	  run_calls, three_more, others_end },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_first = {
	.rows = first_rows,
	.open = first_open,
	.close = first_close,
};
