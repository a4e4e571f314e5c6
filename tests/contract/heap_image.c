/* SPDX-License-Identifier: MIT */
#include "contract/heap_image.h"

#include <stdio.h>
#include <unistd.h>

static const char *const compilers[HEAP_COMPILERS] = {"gcc", "clang"};

struct modiso_module *module;
struct modiso_image *image;
atomic_uint services;
struct modiso_gate *take, *take_zeros, *resize, *give, *pairs, *churn, *hoard,
	*give_hoard;

static batch_fn *real_batch;

MODISO_CALL static size_t counted_batch(void **blocks, size_t back,
					size_t count, size_t size)
{
	atomic_fetch_add(&services, 1);
	return real_batch(blocks, back, count, size);
}

MODISO_CALL static void *counted_malloc(size_t size)
{
	atomic_fetch_add(&services, 1);
	return ((CALLED(void *, size_t))modiso_heap_function(
		MODISO_HEAP_MALLOC))(size);
}

/* A module that asks for free() by itself is one that was not made by it. */
static struct modiso_export exports[3];
static const char *const names[] = {"modiso_heap_batch", "malloc", "realloc"};

static struct modiso_gate *to(const char *name)
{
	struct modiso_gate *gate = NULL;

	expect(MODISO_OK, modiso_image_gate(image, name, NULL, &gate));
	return gate;
}

const char *heap_image_path(int compiler)
{
	static char path[64];

	snprintf(path, sizeof(path), "modules/heap-%s.so", compilers[compiler]);
	if (access(path, R_OK) != 0)
		test_skip(compilers[compiler], "the tests were built without it");
	return path;
}

static void load(int compiler)
{
	struct modiso_image_options options = MODISO_IMAGE_OPTIONS_INIT;

	options.exports = exports;
	options.export_count = 3;
	expect(MODISO_OK, modiso_image_load(module, heap_image_path(compiler),
					    &options, &image));
	take = to("take");
	take_zeros = to("take_zeros");
	resize = to("resize");
	give = to("give");
	pairs = to("pairs");
	churn = to("churn");
	hoard = to("hoard");
	give_hoard = to("give_hoard");
}

void heap_image_begin(int compiler, size_t length)
{
	const modiso_fn functions[] = {
		(modiso_fn)counted_batch,
		(modiso_fn)counted_malloc,
		modiso_heap_function(MODISO_HEAP_REALLOC),
	};
	struct modiso_service *service;

	world_start();
	module = heap_module("module", length);
	real_batch = (batch_fn *)modiso_heap_function(MODISO_HEAP_BATCH);
	for (unsigned i = 0; i < 3; i++) {
		expect(MODISO_OK, modiso_service_create(names[i], functions[i],
							NULL, &service));
		exports[i] = (struct modiso_export){names[i], service};
	}
	load(compiler);
}

/* Its destructor gives back what waits; so all of it is one block again. */
void heap_image_end(size_t length)
{
	struct modiso_gate *const gates[] = {take, take_zeros, resize, give,
					     pairs, churn, hoard, give_hoard};
	void *block;

	for (unsigned i = 0; i < sizeof(gates) / sizeof(gates[0]); i++)
		expect(MODISO_OK, modiso_gate_destroy(gates[i]));
	expect(MODISO_OK, modiso_image_unload(image));
	must_eq(info_of(module).blocks, 0);
	must_eq(info_of(module).used, 0);
	block = take_block(module, length);
	give_block(module, block);
}
