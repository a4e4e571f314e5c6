/* SPDX-License-Identifier: MIT */
/*
 * live_state - every writable page of the shared library, as the loader has
 * mapped it: a module's store is a fault there, or goes to one of the variables
 * that it cannot do harm with.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/symbols.h"

#include <string.h>

/* The library's, under key 0 by design: contract_state writes to them. */
static const char *const arrivals = "mdi_arrivals";

/*
 * What compilers put into each shared library. It is read when the library is
 * unloaded, by the loader; a module can write whatever the loader itself keeps
 * in memory that is in no region.
 */
static const char *const runtime[] = {
	"__dso_handle", "completed.0", "__TMC_END__", "_GLOBAL_OFFSET_TABLE_",
	"_DYNAMIC",
};

static struct loaded library;
/* By page: is a variable there, and may a module write all that are? */
static bool used[4096], open_to_all[4096];

static bool may_be_written(const char *name)
{
	if (!strcmp(name, arrivals))
		return true;
	for (size_t i = 0; i < sizeof(runtime) / sizeof(*runtime); i++)
		if (!strcmp(name, runtime[i]))
			return true;
	return false;
}

static void note(const char *name, uintptr_t address, size_t size, void *arg)
{
	size_t *count = arg;

	if (address < library.begin || address >= library.end || size == 0)
		return;
	++*count;
	for (size_t page = (address - library.begin) / PAGE;
	     page <= (address + size - 1 - library.begin) / PAGE; page++) {
		must(page < sizeof(used));
		if (!used[page])
			open_to_all[page] = true;
		used[page] = true;
		if (!may_be_written(name))
			open_to_all[page] = false;
	}
}

START_TEST(test_pages)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *load = make_gate(module, poke_load8);
	struct modiso_gate *store = make_gate(module, poke_store8);
	size_t variables = 0, closed = 0;
	uint64_t word;
	int result;

	library = loaded_from((const void *)(uintptr_t)&modiso_init);
	each_variable(&library, note, &variables);
	must(variables > 7);
	for (uintptr_t page = library.begin; page < library.end; page += PAGE) {
		size_t n = (page - library.begin) / PAGE;

		/* What is there stays, should it be nobody's after all. */
		memcpy(&word, (const void *)page, sizeof(word));
		result = modiso_gate_call(store, WORDS(page, word), NULL);
		if (result == MODISO_ERR_FAULT) {
			closed++;
			continue;
		}
		must_eq(result, MODISO_OK);
		if (used[n] && !open_to_all[n])
			ck_abort_msg("a module wrote to page %zu of %zu", n,
				     (library.end - library.begin) / PAGE);
	}
	must(closed > 100);
	must_eq(enter(load, W(&word)), word);
	enter_fault(module, load, 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("state");
	TCase *tcase = tcase_create("live");

	tcase_add_test(tcase, test_pages);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_PKEY);
}
