/* SPDX-License-Identifier: MIT */
#include "contract/heap_user.h"

struct modiso_heap_info info_of(struct modiso_module *module)
{
	struct modiso_heap_info info = {.struct_size = sizeof(info)};

	expect(MODISO_OK, modiso_heap_get_info(module, &info));
	return info;
}

struct modiso_module *heap_module(const char *name, size_t length)
{
	struct modiso_module *module = make_module(name);

	expect(MODISO_OK, modiso_heap_create(module, length, NULL));
	return module;
}

struct modiso_module *world_heap(void)
{
	world_start();
	return heap_module("module", HEAP);
}

void *take_block(struct modiso_module *module, size_t size)
{
	void *block = NULL;

	expect(MODISO_OK, modiso_heap_alloc(module, size, 0, 0, &block));
	must(block);
	return block;
}

void give_block(struct modiso_module *module, void *block)
{
	expect(MODISO_OK, modiso_heap_free(module, block));
}

size_t size_of(struct modiso_module *module, const void *block)
{
	size_t size = 0;

	expect(MODISO_OK, modiso_heap_get_size(module, block, &size));
	return size;
}

struct calls calls;

static modiso_fn serve(const char *name, enum modiso_heap_function which)
{
	return make_service(name, modiso_heap_function(which));
}

void serve_all(void)
{
	calls.malloc = (CALLED(void *, size_t))serve("malloc",
						     MODISO_HEAP_MALLOC);
	calls.calloc = (CALLED(void *, size_t, size_t))serve(
		"calloc", MODISO_HEAP_CALLOC);
	calls.realloc = (CALLED(void *, void *, size_t))serve(
		"realloc", MODISO_HEAP_REALLOC);
	calls.aligned_alloc = (CALLED(void *, size_t, size_t))serve(
		"aligned_alloc", MODISO_HEAP_ALIGNED_ALLOC);
	calls.free = (CALLED(int, void *))serve("free", MODISO_HEAP_FREE);
	calls.usable_size = (CALLED(size_t, void *))serve(
		"malloc_usable_size", MODISO_HEAP_USABLE_SIZE);
}
