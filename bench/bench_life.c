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
	struct modiso_module *passing;
	int rc = bench_check("modiso_init", modiso_init(&options));

	if (rc != 0)
		return rc;
	rc = bench_check("modiso_module_create",
			 modiso_module_create("life", NULL, &passing));
	if (rc == 0)
		rc = bench_check("modiso_module_destroy",
				 modiso_module_destroy(passing));
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
};

/* --- with a backend --- */

static struct modiso_module *module;
static uintptr_t (*thunk)(uintptr_t);

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
	int rc;

	rc = bench_check("modiso_module_create",
			 modiso_module_create("life", NULL, &module));
	if (rc == 0)
		rc = bench_check("modiso_gate_create",
				 modiso_gate_create(module,
						    (modiso_fn)entry_null,
						    &options, &gate));
	if (rc == 0)
		rc = bench_check("modiso_gate_thunk",
				 modiso_gate_thunk(gate, &plain));
	if (rc == 0)
		thunk = (uintptr_t(*)(uintptr_t))plain;
	return rc;
}

static void first_close(void)
{
	bench_check("modiso_module_destroy", modiso_module_destroy(module));
}

static void *call_once(void *unused)
{
	thunk(1);
	return modiso_gate_status() == 0 ? unused : &module;
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
		thunk(1);
		rc = modiso_thread_detach();
	}
	if (rc == 0)
		rc = modiso_gate_status();
	return bench_check("modiso_thread_detach", rc);
}

static const struct bench_row first_rows[] = {
	{ ROW_THREAD_CALL, one_way, BENCH_HEAVY | BENCH_TIMED, 0,
	  run_first_call, NULL, NULL },
	{ "thread: first call, and detached again", one_way, BENCH_HEAVY, 0,
	  run_attach, NULL, NULL },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_first = {
	.rows = first_rows,
	.open = first_open,
	.close = first_close,
};
