/* SPDX-License-Identifier: MIT */
#include "contract/closed_scene.h"

#include "support/poke.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct modiso_module *module;
struct modiso_region *data;
uint32_t level;

void start_closed(uint32_t closed, uint32_t exclusion, uint32_t confinement)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = exclusion,
		.closed = closed,
	};

	if (TEST_SANITIZED && !on_pkey()) {
		expect(MODISO_ERR_NOTSUP, modiso_init(&options));
		test_skip("unsanitized", "a sanitizer's data cannot be closed");
	}
	expect(MODISO_OK, modiso_init(&options));
	level = confinement;
}

struct modiso_module *make_confined(const char *name)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = level,
	};
	struct modiso_module *made = NULL;

	expect(MODISO_OK, modiso_module_create(name, &options, &made));
	return made;
}

void make_closed_scene(uint32_t closed, uint32_t exclusion,
		       uint32_t confinement)
{
	start_closed(closed, exclusion, confinement);
	module = make_confined("module");
	data = make_region(module, PAGE, "data");
}

void make_all_closed(int which)
{
	make_closed_scene(ALL, MODISO_EXCLUSION_EXTERNAL,
			  which == 0 ? MODISO_CONFINE_READONLY
				     : MODISO_CONFINE_SEALED);
}

void stop(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}

const struct modiso_fault *check_closed(volatile unsigned char *byte)
{
	struct modiso_gate *load = make_gate(module, poke_load1);
	struct modiso_gate *store = make_gate(module, poke_store1);
	unsigned char was = *byte;
	const struct modiso_fault *fault;

	if (level == MODISO_CONFINE_READONLY)
		must_eq(enter(load, W(byte)), was);
	else
		must_blame(enter_fault(module, load, W(byte)), MODISO_READ,
			   byte, NULL);
	fault = enter_fault(module, store, W(byte), was ^ 1);
	must_blame(fault, MODISO_WRITE, byte, NULL);
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	must_eq(fault->confinement, level);
	must_eq(*byte, was);
	*byte = was ^ 2;
	*byte = was;
	expect(MODISO_OK, modiso_gate_destroy(load));
	expect(MODISO_OK, modiso_gate_destroy(store));
	return fault;
}

void must_say(const struct modiso_fault *fault, const char *words)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	must(out != NULL);
	expect(MODISO_OK, modiso_fault_print(fault, out));
	must(fclose(out) == 0);
	if (strstr(text, words) == NULL)
		ck_abort_msg("no \"%s\" in:\n%s", words, text);
	free(text);
}

void check_said(volatile unsigned char *byte, const char *words)
{
	must_say(check_closed(byte), words);
}

void **grow(size_t much)
{
	char *end = sbrk(0);
	void **blocks = NULL;

	while ((char *)sbrk(0) < end + much) {
		void **block = malloc(SMALL);

		must(block != NULL && (char *)block < (char *)sbrk(0));
		*block = blocks;
		blocks = block;
	}
	return blocks;
}

void give_back(void **blocks)
{
	while (blocks != NULL) {
		void **next = *blocks;

		free(blocks);
		blocks = next;
	}
}

unsigned char *adopt_middle(int which, struct modiso_region **region)
{
	unsigned char *page = aligned_alloc(PAGE, 3 * PAGE);

	must(page != NULL);
	memset(page, 1, 3 * PAGE);
	make_all_closed(which);
	expect(MODISO_OK, modiso_region_adopt(module, page + PAGE, PAGE, RW,
					      NULL, region));
	return page;
}

void *allocate(void *size)
{
	return calloc(1, (size_t)size);
}

struct shared *shared(void)
{
	return (struct shared *)(void *)region_bytes(data);
}

MODULE_CODE uintptr_t turn(struct shared *shared, uintptr_t value)
{
	while (!atomic_load(&shared->stop))
		atomic_fetch_add(&shared->turns, 1);
	*shared->byte = 3;
	return value;
}
