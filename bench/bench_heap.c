/* SPDX-License-Identifier: MIT */
/*
 * bench_heap.c - blocks of a module's heap, from both sides, beside malloc().
 */
#include "bench.h"

#include <stdlib.h>

#define HEAP_SIZE ((size_t)16 << 20)
#define SMALL     64
#define LARGE     20000

static struct modiso_module *module;
static struct modiso_service *get, *give;
static struct modiso_gate *gate;

typedef MODISO_CALL void *malloc_fn(size_t size);
typedef MODISO_CALL int free_fn(void *block);

/* In the module: one gate call for all rounds of a batch. */
MODISO_CALL static uintptr_t inside(uint64_t rounds, malloc_fn *take,
				    free_fn *drop)
{
	uintptr_t failed = 0;
	void *block;

	while (rounds-- > 0) {
		block = take(SMALL);
		failed |= block == NULL;
		failed |= (uintptr_t)drop(block);
	}
	return failed;
}

static int run_inside(uint64_t rounds)
{
	uintptr_t args[] = { (uintptr_t)rounds,
			     (uintptr_t)modiso_service_thunk(get),
			     (uintptr_t)modiso_service_thunk(give) };
	uintptr_t failed = 0;
	int rc = modiso_gate_call(gate, args, 3, &failed);

	if (rc == 0 && failed)
		return bench_say(BENCH_FAILED, "malloc in a module failed");
	return bench_check("modiso_gate_call", rc);
}

static int run_host(uint64_t rounds, size_t size)
{
	void *block;
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = modiso_heap_alloc(module, size, 0, 0, &block);
		if (rc == 0)
			rc = modiso_heap_free(module, block);
	}
	return bench_check("modiso_heap_alloc, _free", rc);
}

static int run_small(uint64_t rounds)
{
	return run_host(rounds, SMALL);
}

static int run_large(uint64_t rounds)
{
	return run_host(rounds, LARGE);
}

static int run_malloc(uint64_t rounds, size_t size)
{
	void *volatile block;

	while (rounds-- > 0) {
		block = malloc(size);
		free(block);
	}
	return 0;
}

static int run_malloc_small(uint64_t rounds)
{
	return run_malloc(rounds, SMALL);
}

static int run_malloc_large(uint64_t rounds)
{
	return run_malloc(rounds, LARGE);
}

static int heap_open(void)
{
	int rc = bench_check("modiso_module_create",
			     modiso_module_create("heap", NULL, &module));

	if (rc == 0)
		rc = bench_check("modiso_heap_create",
				 modiso_heap_create(module, HEAP_SIZE, NULL));
	if (rc == 0)
		rc = bench_check(
			"modiso_service_create",
			modiso_service_create(
				"malloc",
				modiso_heap_function(MODISO_HEAP_MALLOC), NULL,
				&get));
	if (rc == 0)
		rc = bench_check(
			"modiso_service_create",
			modiso_service_create(
				"free", modiso_heap_function(MODISO_HEAP_FREE),
				NULL, &give));
	if (rc == 0)
		rc = bench_check("modiso_gate_create",
				 modiso_gate_create(module, (modiso_fn)inside,
						    NULL, &gate));
	return rc;
}

static void heap_close(void)
{
	bench_check("modiso_service_destroy", modiso_service_destroy(get));
	bench_check("modiso_service_destroy", modiso_service_destroy(give));
	bench_check("modiso_module_destroy", modiso_module_destroy(module));
}

static const char way_trip[] = "round trip";

static const struct bench_row rows[] = {
	{ ROW_HEAP, way_trip, 0, 0, run_small,
	  NULL, NULL },
	{ ROW_HEAP_MODULE, way_trip, 0, 0, run_inside,
	  NULL, NULL },
	{ ROW_HEAP_MALLOC, way_trip, 0, 0,
	  run_malloc_small, NULL, NULL },
	{ "heap: host takes and gives 20000 bytes", way_trip, 0, 0, run_large,
	  NULL, NULL },
	{ "heap: malloc and free of 20000 instead", way_trip, 0, 0,
	  run_malloc_large, NULL, NULL },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_heap = {
	.rows = rows,
	.open = heap_open,
	.close = heap_close,
};
