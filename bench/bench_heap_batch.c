/* SPDX-License-Identifier: MIT */
/*
 * bench_heap_batch.c - blocks that a module takes and gives by itself, many of
 * them for one service call: modiso-cc --heap.
 */
#include "bench.h"

#define HEAP_SIZE ((size_t)16 << 20)

extern const char bench_image_heap[], bench_image_heap_end[];

static struct modiso_module *module;
static struct modiso_service *batch, *get;
static struct modiso_gate *gate;

static int run_pairs(uint64_t rounds, size_t size)
{
	uintptr_t args[] = {(uintptr_t)rounds, size}, failed = 0;
	int rc = modiso_gate_call(gate, args, 2, &failed);

	if (rc == 0 && failed)
		return bench_say(BENCH_FAILED, "malloc in a module failed");
	return bench_check("modiso_gate_call", rc);
}

static int run_small(uint64_t rounds)
{
	return run_pairs(rounds, 64);
}

static int run_large(uint64_t rounds)
{
	return run_pairs(rounds, 1024);
}

static int load(void)
{
	const struct modiso_export exports[] = {{"modiso_heap_batch", batch},
						{"malloc", get}};
	const struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.name = "heap",
		.exports = exports,
		.export_count = 2,
	};
	struct modiso_image *image;
	int rc;

	rc = bench_check("modiso_image_load_memory",
			 modiso_image_load_memory(
				 module, bench_image_heap,
				 (size_t)(bench_image_heap_end -
					  bench_image_heap),
				 &options, &image));
	if (rc == 0)
		rc = bench_check("modiso_image_gate",
				 modiso_image_gate(image, "bench_pairs", NULL,
						   &gate));
	return rc;
}

static int serve(const char *name, enum modiso_heap_function which,
		 struct modiso_service **service)
{
	return bench_check("modiso_service_create",
			   modiso_service_create(name,
						 modiso_heap_function(which),
						 NULL, service));
}

static int batch_open(void)
{
	int rc = bench_check("modiso_module_create",
			     modiso_module_create("heap", NULL, &module));

	if (rc == 0)
		rc = bench_check("modiso_heap_create",
				 modiso_heap_create(module, HEAP_SIZE, NULL));
	if (rc == 0)
		rc = serve("modiso_heap_batch", MODISO_HEAP_BATCH, &batch);
	if (rc == 0)
		rc = serve("malloc", MODISO_HEAP_MALLOC, &get);
	return rc == 0 ? load() : rc;
}

static void batch_close(void)
{
	bench_check("modiso_module_destroy", modiso_module_destroy(module));
	bench_check("modiso_service_destroy", modiso_service_destroy(batch));
	bench_check("modiso_service_destroy", modiso_service_destroy(get));
}

static const char way_trip[] = "round trip";

static const struct bench_row rows[] = {
	{ROW_HEAP_BATCH, way_trip, 0, 0, run_small, NULL, NULL},
	{"heap: the same, of 1024 bytes", way_trip, 0, 0, run_large, NULL,
	 NULL},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_heap_batch = {
	.rows = rows,
	.open = batch_open,
	.close = batch_close,
};
