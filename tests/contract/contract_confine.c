/* SPDX-License-Identifier: MIT */
/*
 * contract_confine - the levels above GUARD: READONLY lets a module read what
 * is in no region and not write it, SEALED lets it do neither. A backend that
 * lacks a level refuses it.
 *
 * The module code here touches nothing but its stack and its arguments.
 */
#include "contract/confined.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* @address is in no region: the level alone decides. */
static void check_unregistered(void *address)
{
	struct modiso_gate *load = make_gate(module, poke_load1);
	struct modiso_gate *store = make_gate(module, poke_store1);
	volatile unsigned char *byte = address;
	unsigned char was = *byte;
	const struct modiso_fault *fault;

	if (level == MODISO_CONFINE_READONLY)
		must_eq(enter(load, W(byte)), was);
	else
		must_blame(enter_fault(module, load, W(byte)), MODISO_READ,
			   byte, NULL);
	fault = enter_fault(module, store, W(byte), was ^ 1);
	must_blame(fault, MODISO_WRITE, byte, NULL);
	must_eq(fault->confinement, level);
	must_eq(*byte, was);
}

START_TEST(test_unregistered)
{
	unsigned char local[32] = "local";
	unsigned char *heap = calloc(1, 4096);
	unsigned char *page = pages_map(1, PROT_READ | PROT_WRITE);

	make_scene(_i);
	check_unregistered(global);
	check_unregistered(local);
	check_unregistered(heap);
	check_unregistered(page);
	check_unregistered(&errno);
	free(heap);
	/* The library's own state is closed at both levels. */
	must_blame(
		enter_fault(module, make_gate(module, poke_load1), W(module)),
		MODISO_READ, module, NULL);
	must_blame(enter_fault(module, make_gate(module, poke_store1),
			       W(module), 1),
		   MODISO_WRITE, module, NULL);
}
END_TEST

START_TEST(test_registered)
{
	struct modiso_gate *load, *store;
	unsigned char *byte;

	make_scene(_i);
	load = make_gate(module, poke_load1);
	store = make_gate(module, poke_store1);
	byte = region_bytes(data);
	enter(store, W(byte), 7);
	must_eq(enter(load, W(byte)), 7);
	byte = region_bytes(others);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   others);
	must_blame(enter_fault(module, store, W(byte), 1), MODISO_WRITE, byte,
		   others);
	byte = region_bytes(hosts);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   hosts);
	must_blame(enter_fault(module, store, W(byte), 1), MODISO_WRITE, byte,
		   hosts);
	must_eq(region_bytes(hosts)[0] + region_bytes(others)[0], 0);
}
END_TEST

/* The way in and out needs nothing that the module may not touch. */
START_TEST(test_gates)
{
	struct modiso_gate *gate;
	uintptr_t (*thunk)(uintptr_t, uintptr_t, uintptr_t, uintptr_t,
			   uintptr_t, uintptr_t);
	unsigned long n = run_times(20000, 1000);

	make_scene(_i);
	gate = make_gate(module, sum);
	thunk = (uintptr_t(*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t,
			      uintptr_t, uintptr_t))make_thunk(module, sum);
	while (n--) {
		must_eq(enter(gate, 1, 2, 3, 4, 5, 6), 91);
		must_eq(thunk(6, 5, 4, 3, 2, 1), 56);
	}
}
END_TEST

static const struct {
	modiso_fn entry;
	uintptr_t argument;
	uint32_t kind;
} crashes[] = {
	{(modiso_fn)poke_ud2, 0, MODISO_FAULT_ILLEGAL},
	{(modiso_fn)poke_int3, 0, MODISO_FAULT_TRAP},
	{(modiso_fn)poke_div0, 0, MODISO_FAULT_ARITHMETIC},
	{(modiso_fn)poke_hlt, 0, MODISO_FAULT_PRIVILEGED},
	{(modiso_fn)poke_load1, 0, MODISO_FAULT_UNMAPPED},
	{(modiso_fn)poke_jump, 0, MODISO_FAULT_UNMAPPED},
	{(modiso_fn)poke_recurse, 0, MODISO_FAULT_STACK},
	{(modiso_fn)poke_wild_ud2, 4096, MODISO_FAULT_ILLEGAL},
	{(modiso_fn)poke_smash, 1 << 20, MODISO_FAULT_NONE},
};

START_TEST(test_crashes)
{
	const struct modiso_fault *fault;
	size_t i, round;

	make_scene(_i);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < sizeof(crashes) / sizeof(*crashes); i++) {
			fault = enter_fault(module,
					    make_gate(module, crashes[i].entry),
					    crashes[i].argument);
			if (crashes[i].kind != MODISO_FAULT_NONE)
				must_eq(fault->kind, crashes[i].kind);
			must_eq(fault->confinement, level);
		}
	}
	must_eq(enter(make_gate(module, sum), 1, 2, 3, 4, 5, 6), 91);
}
END_TEST

/* With the host's memory for a stack: nothing is written there. */
START_TEST(test_wild_stack)
{
	unsigned char *page = pages_map(4, PROT_READ | PROT_WRITE);

	make_scene(_i);
	memset(page, 0x6b, 4 * PAGE);
	must_eq(enter_fault(module, make_gate(module, poke_wild_ud2),
			    W(page + 3 * PAGE))
			->kind,
		MODISO_FAULT_ILLEGAL);
	must_blame(enter_fault(module, make_gate(module, poke_wild_push),
			       W(page + 3 * PAGE)),
		   MODISO_WRITE, page + 3 * PAGE - 8, NULL);
	must(all_bytes(page, 0x6b, 4 * PAGE));
}
END_TEST

/* The pointer comes in a register: the code touches no memory but its stack. */
MODULE_CODE static uintptr_t call_through(uintptr_t (*function)(uintptr_t),
					  uintptr_t value)
{
	return function(value) + 1;
}

static uintptr_t serve(uintptr_t value)
{
	global[0]++;
	region_bytes(hosts)[1]++;
	return value + 1;
}

START_TEST(test_services)
{
	modiso_fn service;
	struct modiso_gate *gate;
	int i;

	make_scene(_i);
	service = make_service("serve", serve);
	gate = make_gate(module, call_through);
	for (i = 0; i < 100; i++)
		must_eq(enter(gate, W(service), 5), 7);
	must_eq(region_bytes(hosts)[1], 100);
	/* The function itself is not the service: it has no rights. */
	enter_fault(module, gate, W(serve), 5);
	must_eq(region_bytes(hosts)[1], 100);
}
END_TEST

/* SEALED modules get no registers of the host's, asked for or not. */
START_TEST(test_scrubbed)
{
	struct modiso_gate_options options = {.struct_size = sizeof(options),
					      .word_args = 1};
	struct poke_registers *seen;
	struct modiso_gate *gate;
	modiso_fn thunk;
	int i;

	make_scene(1);
	seen = modiso_region_base(make_region(module, sizeof(*seen), "seen"));
	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)poke_registers_xmm,
				  &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	cpu_call_secret(thunk, W(seen), CPU_XMM);
	must_eq(modiso_gate_status(), MODISO_OK);
	for (i = 0; i < 16; i++)
		must(seen->word[i] != POKE_SECRET);
	must(all_bytes(seen->vector, 0, sizeof(seen->vector)));
}
END_TEST

static void *worker(void *gate)
{
	unsigned long n = run_times(20000, 1000);

	while (n--)
		must_eq(enter(gate, 1, 2, 3, 4, 5, 6), 91);
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t threads[4];
	int i;

	make_scene(_i);
	for (i = 0; i < 4; i++)
		threads[i] = thread_start(
			worker, make_gate(i % 2 ? module : other, sum));
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
}
END_TEST

/* Modules of all levels side by side, each at its own. */
START_TEST(test_mixed)
{
	struct modiso_module *open;
	struct modiso_gate *open_store, *store;
	int i;

	make_scene(_i);
	open = make_confined("open", MODISO_CONFINE_GUARD);
	open_store = make_gate(open, poke_store1);
	store = make_gate(module, poke_store1);
	for (i = 0; i < 50; i++) {
		enter(open_store, W(global), (uintptr_t)i);
		must_eq(global[0], i);
		must_blame(enter_fault(module, store, W(global), 99),
			   MODISO_WRITE, global, NULL);
		must_eq(global[0], i);
	}
}
END_TEST

/*
 * What only reads works under READONLY, thread-local storage included. The
 * pointers save the first call's work of the dynamic linker, which writes.
 */
static size_t (*volatile lib_strlen)(const char *) = strlen;
static int (*volatile lib_memcmp)(const void *, const void *, size_t) = memcmp;
static const char *(*volatile lib_strstr)(const char *, const char *) =
	(const char *(*)(const char *, const char *))(modiso_fn)strstr;
static unsigned long (*volatile lib_strtoul)(const char *, char **,
					     int) = strtoul;
static void *(*volatile lib_memcpy)(void *, const void *, size_t) = memcpy;
static _Thread_local uintptr_t own_tls = 11;

MODULE_CODE static uintptr_t use_libc(char *own)
{
	static const char text[] = "one two 12345 three";
	const char *found;

	if (lib_strlen(text) != sizeof(text) - 1)
		return 1;
	found = lib_strstr(text, "123");
	if (found != text + 8 || lib_memcmp(found, "12345", 5))
		return 2;
	if (lib_strtoul(found, NULL, 10) != 12345)
		return 3;
	lib_memcpy(own, text, sizeof(text));
	if (lib_memcmp(own, text, sizeof(text)))
		return 4;
	return own_tls;
}

START_TEST(test_libc)
{
	make_scene(0);
	must_eq(enter(make_gate(module, use_libc), W(region_bytes(data))), 11);
	/* Where it would write, it traps: the copy ends at the first byte. */
	must_blame(enter_fault(module, make_gate(module, use_libc), W(global)),
		   MODISO_WRITE, global, NULL);
	must_str((char *)global, "global");
}
END_TEST

/* A service enters the other module, which calls a service, and so on. */
static struct modiso_gate *nest_gate[2];
static modiso_fn nest_service;
static unsigned nest_depth;

static uintptr_t nest_serve(uintptr_t left)
{
	uintptr_t result;

	region_bytes(hosts)[2]++;
	if (nest_depth < left)
		nest_depth++;
	else
		return 0;
	result = enter(nest_gate[nest_depth % 2], W(nest_service), left);
	region_bytes(hosts)[2]--;
	enter_fault(other, make_gate(other, poke_load1),
		    W(region_bytes(hosts)));
	return result;
}

START_TEST(test_nested)
{
	make_scene(_i);
	nest_service = make_service("nest", nest_serve);
	nest_gate[0] = make_gate(module, call_through);
	nest_gate[1] = make_gate(other, call_through);
	must_eq(enter(nest_gate[0], W(nest_service), 10), 11);
	must_eq(nest_depth, 10);
	must_eq(region_bytes(hosts)[2], 1);
}
END_TEST

/* A level that is not there: said so, and nothing weaker in its place. */
START_TEST(test_refused)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = levels[_i],
	};
	struct modiso_options need = {.struct_size = sizeof(need)};
	struct modiso_module *out = NULL;

	world_start();
	expect(MODISO_ERR_NOTSUP, modiso_module_create("x", &options, &out));
	must_eq(out, NULL);
	world_stop();
	need.require = 1u << levels[_i];
	expect(MODISO_ERR_NOTSUP, modiso_init(&need));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("confine");
	TCase *tcase = tcase_create("contract");
	uint32_t caps = backend_caps();
	int i;

	for (i = 0; i < 2; i++) {
		if (!(caps & 1u << levels[i])) {
			tcase_add_loop_test(tcase, test_refused, i, i + 1);
			continue;
		}
		tcase_add_loop_test(tcase, test_unregistered, i, i + 1);
		tcase_add_loop_test(tcase, test_registered, i, i + 1);
		tcase_add_loop_test(tcase, test_gates, i, i + 1);
		tcase_add_loop_test(tcase, test_crashes, i, i + 1);
		tcase_add_loop_test(tcase, test_wild_stack, i, i + 1);
		tcase_add_loop_test(tcase, test_services, i, i + 1);
		tcase_add_loop_test(tcase, test_threads, i, i + 1);
		tcase_add_loop_test(tcase, test_mixed, i, i + 1);
		tcase_add_loop_test(tcase, test_nested, i, i + 1);
		if (levels[i] == MODISO_CONFINE_READONLY)
			tcase_add_test(tcase, test_libc);
		if (levels[i] == MODISO_CONFINE_SEALED)
			tcase_add_test(tcase, test_scrubbed);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
