/* SPDX-License-Identifier: MIT */
/*
 * contract_state - all that the library can change is closed to modules while
 * it is initialised, in a program that has the library linked into it, and is
 * ordinary memory before and after. live_state does the same for the shared
 * library.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/symbols.h"

#include <signal.h>
#include <string.h>

/*
 * What modules can reach. The open page they may read, and what a function of
 * ours calls for a module. Arrivals are counted in memory under key 0 by design
 * (doc/DESIGN, 7): test_arrivals shows that what is written there changes
 * nothing.
 */
static const char *const readable[] = { "mdi_open", "mdi_libc_state" };
static const char *const writable[] = { "mdi_arrivals" };

static bool among(const char *const *names, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}
#define AMONG(names, name) among(names, sizeof(names) / sizeof(*(names)), name)

struct walk {
	struct loaded program;
	void (*page)(const char *name, unsigned char *page);
	size_t pages;
};

static void visit(const char *name, uintptr_t address, size_t size, void *arg)
{
	struct walk *walk = arg;

	if (strncmp(name, "mdi_", 4) && strcmp(name, "__jit_debug_descriptor"))
		return;
	if (address < walk->program.begin || address >= walk->program.end)
		return; /* a constant */
	must_eq(address % PAGE, 0);
	must_eq(size % PAGE, 0);
	for (size_t at = 0; at < size; at += PAGE) {
		walk->page(name, (unsigned char *)address + at);
		walk->pages++;
	}
}

/* For each page of the library's variables. */
static void walk_state(void (*page)(const char *name, unsigned char *page))
{
	struct walk walk = {
		.program = loaded_from((const void *)&readable),
		.page = page,
	};

	each_variable(&walk.program, visit, &walk);
	must(walk.pages > 100);
}

static struct modiso_module *module;
static struct modiso_gate *load, *store;

/* Whatever a module did before: a fault is told, and is the module's. */
static void must_work(void)
{
	static uint64_t word;

	must_eq(enter(load, W(&word)), 0);
	enter_fault(module, load, 0);
}

static void page_is_closed(const char *name, unsigned char *page)
{
	const struct modiso_fault *fault;
	size_t at[] = {0, PAGE / 2, PAGE - 8};

	if (AMONG(writable, name))
		return;
	for (size_t i = 0; i < sizeof(at) / sizeof(*at); i++) {
		fault = enter_fault(module, store, W(page + at[i]),
				    0x4d4f4449534f2121);
		must_blame(fault, MODISO_WRITE, page + at[i], NULL);
		if (AMONG(readable, name))
			continue;
		fault = enter_fault(module, load, W(page + at[i]));
		must_blame(fault, MODISO_READ, page + at[i], NULL);
	}
}

START_TEST(test_closed)
{
	module = world_module();
	load = make_gate(module, poke_load8);
	store = make_gate(module, poke_store8);
	walk_state(page_is_closed);
	must_work();
}
END_TEST

/* The key that a page of it carries; -1: the kernel has none. */
static int expected_key;

static void page_has_key(const char *name, unsigned char *page)
{
	struct proc_mapping mapping;

	must(proc_mapping(page, &mapping));
	if (expected_key <= 0)
		must(mapping.pkey <= 0);
	else if (!AMONG(readable, name) && !AMONG(writable, name))
		must_eq(mapping.pkey, expected_key);
	must_eq(mapping.perms[0], 'r');
	must_eq(mapping.perms[1], 'w');
}

START_TEST(test_ordinary)
{
	struct modiso_region *hosts;
	struct proc_mapping mapping;

	for (int life = 0; life < 3; life++) {
		expected_key = 0;
		walk_state(page_has_key);
		world_start();
		hosts = make_region(NULL, PAGE, "hosts");
		must(proc_mapping(region_bytes(hosts), &mapping));
		expected_key = mapping.pkey;
		if (on_pkey())
			must(expected_key > 0);
		if (expected_key > 0)
			walk_state(page_has_key);
		expect(MODISO_OK, modiso_region_destroy(hosts));
		world_stop();
	}
	expected_key = 0;
	walk_state(page_has_key);
}
END_TEST

static void page_is_refused(const char *name, unsigned char *page)
{
	struct modiso_region *region;

	if (!AMONG(writable, name))
		expect(MODISO_ERR_BUSY,
		       modiso_region_adopt(module, page, PAGE, RW, NULL,
					   &region));
}

START_TEST(test_adopt)
{
	module = world_module();
	walk_state(page_is_refused);
}
END_TEST

static volatile sig_atomic_t handled;

static void handler(int signo)
{
	(void)signo;
	handled = handled + 1;
}

static void fill_arrivals(const char *name, unsigned char *page)
{
	static const uint64_t values[] = {0, 1, UINT64_MAX,
					  UINT64_C(0x7fffffff7fffffff)};

	if (strcmp(name, "mdi_arrivals") != 0)
		return;
	for (size_t i = 0; i < sizeof(values) / sizeof(*values); i++) {
		for (size_t at = 0; at < PAGE; at += 8)
			must(!modiso_gate_call(
				store, WORDS(W(page + at), values[i]), NULL));
		must_work();
		handled = 0;
		must(!raise(SIGUSR1));
		must_eq(handled, 1);
	}
}

/* Whatever a GUARD module leaves there, faults and signals find their way. */
START_TEST(test_arrivals)
{
	struct sigaction action = { .sa_handler = handler };

	module = world_module();
	load = make_gate(module, poke_load8);
	store = make_gate(module, poke_store8);
	must(!sigaction(SIGUSR1, &action, NULL));
	walk_state(fill_arrivals);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("state");
	TCase *tcase = tcase_create("contract");

	if (on_pkey()) /* page permissions cannot: see SECURITY */
		tcase_add_test(tcase, test_closed);
	tcase_add_test(tcase, test_ordinary);
	tcase_add_test(tcase, test_adopt);
	tcase_add_test(tcase, test_arrivals);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
