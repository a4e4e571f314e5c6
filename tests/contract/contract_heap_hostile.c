/* SPDX-License-Identifier: MIT */
/*
 * contract_heap_hostile - whatever a module writes into its heap or hands back
 * as a pointer, the host takes no block for another.
 */
#include "contract/heap_user.h"
#include "support/world.h"
#include "support/proc.h"
#include "core/heap.h"
#include "core/vault.h"

#include <stdlib.h>
#include <unistd.h>

MODULE_CODE static uintptr_t give_back(const struct calls *call, void *block)
{
	return (uintptr_t)call->free(block);
}

MODULE_CODE static uintptr_t scribble(unsigned char *bytes, size_t length,
				      uint64_t seed)
{
	volatile unsigned char *at = bytes;
	size_t i;

	for (i = 0; i < length; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		at[i] = (unsigned char)(seed >> 56);
	}
	return 0;
}

static void refuse(int want, struct modiso_module *module, void *block)
{
	uint64_t before = info_of(module).refused;
	void *out = &before;
	size_t size;

	expect(want, modiso_heap_free(module, block));
	expect(want, modiso_heap_get_size(module, block, &size));
	expect(want, modiso_heap_resize(module, block, 10, &out));
	must_eq(out, &before);
	must_eq(info_of(module).refused, before + 3);
	/* The same from inside. */
	must_eq((int)enter(make_gate(module, give_back), W(&calls), W(block)),
		want);
	must_eq(info_of(module).refused, before + 4);
}

START_TEST(test_wrong_pointers)
{
	struct modiso_module *module = world_heap();
	struct modiso_module *other = heap_module("other", HEAP);
	char *small = take_block(module, 40), *large, *theirs, *base;
	char *twice = take_block(module, 40);

	serve_all();
	large = take_block(module, 3 * PAGE);
	theirs = take_block(other, 40);
	base = info_of(module).base;
	refuse(MODISO_ERR_ACCESS, module, theirs);
	refuse(MODISO_ERR_ACCESS, module, &calls);
	refuse(MODISO_ERR_ACCESS, module, base - 1);
	refuse(MODISO_ERR_ACCESS, module, base + HEAP);
	refuse(MODISO_ERR_ACCESS, module, (void *)8);
	refuse(MODISO_ERR_ACCESS, module, (void *)UINTPTR_MAX);
	refuse(MODISO_ERR_ACCESS, module, (void *)0xffff800000000000);
	refuse(MODISO_ERR_INVAL, module, small + 1);
	refuse(MODISO_ERR_INVAL, module, small + 16);
	refuse(MODISO_ERR_INVAL, module, large + 8);
	refuse(MODISO_ERR_NOENT, module, large + PAGE);
	refuse(MODISO_ERR_NOENT, module, base + HEAP - PAGE);
	give_block(module, twice);
	refuse(MODISO_ERR_NOENT, module, twice);
	give_block(module, large);
	refuse(MODISO_ERR_NOENT, module, large);
	give_block(module, small);
	give_block(other, theirs);
	give_block(module, NULL);
	must_eq(info_of(module).blocks, 0);
	must_eq(info_of(other).refused, 0);
}
END_TEST

enum { LIVE = 200 };

/*
 * The module writes whatever it likes wherever it can, and gives back whatever
 * it likes. The host's own blocks stay apart and in the heap.
 */
START_TEST(test_corrupted)
{
	struct modiso_module *module = world_heap();
	struct modiso_gate *spoil = make_gate(module, scribble);
	struct modiso_gate *give = make_gate(module, give_back);
	unsigned char *base = info_of(module).base, *block;
	struct {
		unsigned char *base;
		size_t size;
	} live[LIVE] = {{NULL, 0}};
	unsigned long i, j, n, rounds = run_times(3000, 200);
	uint64_t seed = 5;
	size_t size;
	int code;

	serve_all();
	for (i = 0; i < rounds; i++) {
		seed = seed * 6364136223846793005ull + 1442695040888963407ull;
		n = (seed >> 33) % LIVE;
		size = 1 + (seed >> 40) % (i % 7 ? 200 : 9000);
		if (live[n].base) {
			give_block(module, live[n].base);
			live[n].base = NULL;
		} else if (modiso_heap_alloc(module, size, 0, 0,
					     (void **)&block) == 0) {
			must(block >= base && size <= HEAP &&
			     block + size <= base + HEAP);
			for (j = 0; j < LIVE; j++)
				must(live[j].base == NULL ||
				     block + size <= live[j].base ||
				     live[j].base + live[j].size <= block);
			live[n].base = block;
			live[n].size = size;
		}
		if (i % 16 == 0)
			enter(spoil, W(base + (seed >> 20) % (HEAP / 2)),
			      run_times(2000, 200), seed);
		/* Any pointer: a block's, and it is gone for the host. */
		block = base + ((seed >> 24) % HEAP & ~(size_t)15);
		code = (int)enter(give, W(&calls), W(block));
		for (j = 0; code == 0 && j < LIVE; j++)
			if (live[j].base == block)
				live[j].base = NULL;
	}
	for (j = 0; j < LIVE; j++)
		if (live[j].base)
			give_block(module, live[j].base);
	must_eq(info_of(module).used, 0);
	must_eq(info_of(module).blocks, 0);
}
END_TEST

static void without_pages(void *arg)
{
	struct modiso_module *module = arg;
	unsigned char *base = info_of(module).base;
	void *block = take_block(module, 2 * PAGE), *out = NULL;

	pages_unmap(base, HEAP / PAGE);
	expect(MODISO_ERR_FAULT,
	       modiso_heap_alloc(module, 5000, 0, MODISO_HEAP_ZERO, &out));
	take_block(module, PAGE); /* behind it: it cannot grow in place */
	expect(MODISO_ERR_FAULT,
	       modiso_heap_resize(module, block, 9 * PAGE, &out));
	must_eq(out, NULL);
	/* The bookkeeping knows nothing of pages. */
	give_block(module, block);
	_exit(0);
}

START_TEST(test_unmapped)
{
	must_exit(child_status(without_pages, world_heap()), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("heap_hostile");
	TCase *tcase = tcase_create("heap");

	tcase_add_test(tcase, test_wrong_pointers);
	tcase_add_test(tcase, test_corrupted);
	tcase_add_test(tcase, test_unmapped);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
