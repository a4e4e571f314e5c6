/* SPDX-License-Identifier: MIT */
/*
 * contract_closed_heap - MODISO_CLOSED_HEAP: all that malloc(3) gives is out of
 * reach of modules that are READONLY or SEALED, whatever becomes of it, or the
 * library does not start.
 */
#include "contract/closed_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

START_TEST(test_heap)
{
	unsigned char *before = malloc(1000), *after;
	void **blocks;

	memset(before, 7, 1000);
	make_all_closed(_i);
	check_said(before + 17,
		   "17 bytes into a block of 1000 bytes of the heap");
	blocks = grow(4 * SMALL);
	after = (unsigned char *)blocks;
	check_said(after + SMALL - 1, "of the heap");
	check_said(before, "of the heap");
	give_back(blocks);
	free(before);
	stop();
}
END_TEST

/* The kernel has no pages there any more: that is nobody's failure. */
START_TEST(test_heap_shrinks)
{
	struct modiso_gate *gate;
	void **blocks;
	char *end;

	/* A sanitizer's heap is another one: then it ends here. */
	make_all_closed(_i);
	stop();
	make_all_closed(_i);
	blocks = grow(64 * SMALL);
	end = sbrk(0);
	gate = make_gate(module, module_add_one);
	must_eq(enter(gate, 1), 2);
	give_back(blocks);
	must((char *)sbrk(0) < end);
	must_eq(enter(gate, 2), 3);
	blocks = grow(64 * SMALL);
	must_eq(enter(gate, 3), 4);
	check_said((unsigned char *)blocks + 100, "of the heap");
	give_back(blocks);
	must_eq(enter(gate, 4), 5);
	stop();
}
END_TEST

/* Pages of it that are a module's are its own. */
START_TEST(test_heap_adopted)
{
	struct modiso_region *region = NULL;
	unsigned char *page = adopt_middle(_i, &region);

	enter(make_gate(module, poke_store1), W(page + PAGE), 8);
	must_eq(page[PAGE], 8);
	check_said(page + PAGE - 1, "1 bytes below region");
	check_said(page + 2 * PAGE, "0 bytes past the end of region");
	expect(MODISO_OK, modiso_region_destroy(region));
	check_said(page + PAGE, "of the heap");
	stop();
	free(page);
}
END_TEST

/* Whatever their size, and whichever thread's they are. */
START_TEST(test_heap_is_all)
{
	/* With keys nobody asks where they lie. */
	const char *words = on_pkey() ? "" : "of the heap";
	unsigned char *large, *others[2];

	make_all_closed(_i);
	large = allocate((void *)LARGE);
	check_said(large + LARGE / 2, words);
	for (int i = 0; i < 2; i++) {
		size_t size = i == 0 ? 100 : LARGE;

		others[i] = thread_join(thread_start(allocate, (void *)size));
		check_said(others[i] + size - 1, words);
		free(others[i]);
	}
	free(large);
	stop();
}
END_TEST

static void must_refuse(const char *words)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
		.closed = ALL,
	};

	if (on_pkey()) {
		expect(MODISO_OK, modiso_init(&options));
		world_stop();
		return;
	}
	expect(MODISO_ERR_NOTSUP, modiso_init(&options));
	if (!TEST_SANITIZED && !strstr(modiso_last_error_text(), words))
		ck_abort_msg("no \"%s\" in: %s", words,
			     modiso_last_error_text());
}

/* What is elsewhere by then would stay open. */
START_TEST(test_heap_elsewhere)
{
	void *large = allocate((void *)LARGE);

	must_refuse("1 blocks in mappings of their own and 0 threads' heaps");
	free(large);
	make_all_closed(_i);
	stop();
}
END_TEST

START_TEST(test_heap_of_thread)
{
	free(thread_join(thread_start(allocate, (void *)100)));
	must_refuse("0 blocks in mappings of their own and 1 threads' heaps");
}
END_TEST

/* And where it does not come from there. */
START_TEST(test_heap_full)
{
	struct rlimit limit = {(size_t)16 << 20, (size_t)16 << 20};

	if (TEST_SANITIZED)
		test_skip("unsanitized", "a sanitizer has more memory");
	must(setrlimit(RLIMIT_DATA, &limit) == 0);
	must_refuse("the heap cannot grow");
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("closed_heap");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_heap, 0, LEVELS);
	tcase_add_loop_test(tcase, test_heap_shrinks, 0, LEVELS);
	tcase_add_loop_test(tcase, test_heap_adopted, 0, LEVELS);
	tcase_add_loop_test(tcase, test_heap_is_all, 0, LEVELS);
	tcase_add_loop_test(tcase, test_heap_elsewhere, 0, LEVELS);
	tcase_add_test(tcase, test_heap_of_thread);
	tcase_add_test(tcase, test_heap_full);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
