/* SPDX-License-Identifier: MIT */
/*
 * contract_module - modules come, are what they were asked to be, and go
 * without a trace.
 */
#include "support/stayer.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <semaphore.h>
#include <stdio.h>
#include <string.h>

START_TEST(test_attributes)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.cookie = &options,
	};
	char name[] = "device model";
	struct modiso_module *module = world_module(), *second = NULL;

	must_str(modiso_module_name(module), "module");
	must_eq(modiso_module_cookie(module), NULL);
	expect(MODISO_OK, modiso_module_create(name, &options, &second));
	/* The name is copied. */
	memset(name, 'x', sizeof(name) - 1);
	must_str(modiso_module_name(second), "device model");
	must_eq(modiso_module_cookie(second), &options);
	must(modiso_module_id(second) && modiso_module_id(module));
	must(modiso_module_id(second) != modiso_module_id(module));
	must_eq(modiso_module_caller(), NULL);
}
END_TEST

START_TEST(test_names)
{
	struct modiso_module *module = UNTOUCHED;
	char name[MODISO_NAME_SIZE + 1];

	world_start();
	memset(name, 'n', sizeof(name));
	name[MODISO_NAME_SIZE] = '\0';
	expect(MODISO_ERR_INVAL, modiso_module_create(NULL, NULL, &module));
	expect(MODISO_ERR_INVAL, modiso_module_create("", NULL, &module));
	expect(MODISO_ERR_INVAL, modiso_module_create(name, NULL, &module));
	expect(MODISO_ERR_INVAL, modiso_module_create("x", NULL, NULL));
	must_eq(module, UNTOUCHED);
	name[MODISO_NAME_SIZE - 1] = '\0';
	expect(MODISO_OK, modiso_module_create(name, NULL, &module));
	must_str(modiso_module_name(module), name);
	expect(MODISO_OK, modiso_module_destroy(module));
	/* Nothing came to be of the others. */
	world_stop();
}
END_TEST

START_TEST(test_ids_never_again)
{
	enum { MODULES = 200 };
	uint64_t ids[MODULES];
	struct modiso_module *module;
	int i, j;

	world_start();
	for (i = 0; i < MODULES; i++) {
		module = make_module("m");
		ids[i] = modiso_module_id(module);
		must(ids[i] != 0);
		for (j = 0; j < i; j++)
			must(ids[i] != ids[j]);
		expect(MODISO_OK, modiso_module_destroy(module));
	}
	/* Nor in the next life of the library in the same process. */
	world_stop();
	module = world_module();
	for (j = 0; j < MODULES; j++)
		must(modiso_module_id(module) != ids[j]);
}
END_TEST

#define SIZED .struct_size = sizeof(struct modiso_module_options)

static const struct {
	const char *name;
	struct modiso_module_options options;
} wrong_options[] = {
	{"size 0", {.struct_size = 0}},
	{"size 4", {.struct_size = 4}},
	{"first size - 1",
	 {.struct_size =
		  offsetof(struct modiso_module_options, time_limit_ms) - 1}},
	{"confinement 3", {SIZED, .confinement = 3}},
	{"confinement -1", {SIZED, .confinement = (uint32_t)-1}},
	{"flag", {SIZED, .flags = 1}},
	{"flags", {SIZED, .flags = 1u << 31}},
	{"stack wraps", {SIZED, .stack_size = SIZE_MAX}},
	{"stack wraps by one", {SIZED, .stack_size = SIZE_MAX - 4094}},
	{"range wraps", {SIZED, .range_size = SIZE_MAX}},
	{"range wraps by one", {SIZED, .range_size = SIZE_MAX - 4094}},
	{"range wraps with its rooms",
	 {SIZED, .range_size = SIZE_MAX / 9 * 8 + 65536}},
};

#define WRONG_OPTIONS ((int)(sizeof(wrong_options) / sizeof(*wrong_options)))

START_TEST(test_wrong_options)
{
	struct modiso_module *module = UNTOUCHED;
	struct proc_usage before;

	world_start();
	before = proc_usage();
	expect_code((errno = ERRNO_MARK,
		     modiso_module_create("x", &wrong_options[_i].options,
					  &module)),
		    MODISO_ERR_INVAL, wrong_options[_i].name, __FILE__,
		    __LINE__);
	must_eq(module, UNTOUCHED);
	proc_must_not_grow(&before, 0, 256);
	world_stop();
}
END_TEST

/* More address space than there is: the kernel's own refusal. */
START_TEST(test_range_too_large)
{
	struct modiso_module_options options = {SIZED,
						.range_size = (size_t)1 << 50};
	struct modiso_module *module = NULL;

	world_start();
	expect(MODISO_ERR_OS, modiso_module_create("x", &options, &module));
	must_eq(module, NULL);
	world_stop();
}
END_TEST

/* A level that the backend lacks is refused in words, never weakened. */
START_TEST(test_confinement)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};
	struct modiso_module_options options = {SIZED};
	struct modiso_module *module = NULL;
	uint32_t level;

	world_start();
	expect(MODISO_OK,
	       modiso_backend_query(modiso_backend_current(), &info));
	for (level = 0; level <= MODISO_CONFINE_SEALED; level++) {
		options.confinement = level;
		if (info.caps & 1u << level) {
			expect(MODISO_OK,
			       modiso_module_create("x", &options, &module));
			expect(MODISO_OK, modiso_module_destroy(module));
			continue;
		}
		module = NULL;
		expect(MODISO_ERR_NOTSUP,
		       modiso_module_create("x", &options, &module));
		must_eq(module, NULL);
	}
	world_stop();
}
END_TEST

START_TEST(test_destroy_null)
{
	world_start();
	expect(MODISO_OK, modiso_module_destroy(NULL));
	expect(MODISO_OK, modiso_region_destroy(NULL));
	expect(MODISO_OK, modiso_gate_destroy(NULL));
	expect(MODISO_OK, modiso_service_destroy(NULL));
	world_stop();
}
END_TEST

START_TEST(test_destroy_busy)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(module, PAGE, "region");
	pthread_t thread = stayer_start(module);

	expect(MODISO_ERR_BUSY, modiso_module_destroy(module));
	expect(MODISO_ERR_BUSY, modiso_region_destroy(region));
	expect(MODISO_ERR_BUSY, modiso_fini());
	stayers_leave();
	thread_join(thread);
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	expect(MODISO_OK, modiso_region_destroy(region));
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

/* A thread in a service is inside of the module that called it. */
static struct modiso_module *served;
static int destroy_code;
static uintptr_t (*volatile service)(uintptr_t);

static uintptr_t destroy_caller(uintptr_t value)
{
	destroy_code = modiso_module_destroy(served);
	return value + 1;
}

MODULE_CODE static uintptr_t call_service(uintptr_t value)
{
	return service(value) + 1;
}

START_TEST(test_destroy_from_service)
{
	served = world_module();
	service = (uintptr_t(*)(uintptr_t))make_service("s", destroy_caller);
	must_eq(enter(make_gate(served, call_service), 1), 3);
	must_eq(destroy_code, MODISO_ERR_BUSY);
	must(*modiso_last_error_text());
	expect(MODISO_OK, modiso_module_destroy(served));
}
END_TEST

START_TEST(test_gates_die_with_it)
{
	struct modiso_gate_options options = {
		.struct_size = sizeof(options),
		.word_args = 1,
		.fault_value = 4711,
	};
	struct modiso_module *module = world_module();
	struct modiso_gate *gate;
	uintptr_t(MODISO_CALL *call)(uintptr_t);
	modiso_fn thunk;
	int round;

	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)module_add_one,
					     &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	call = (CALLED(uintptr_t, uintptr_t))thunk;
	must_eq(call(1), 2);
	must_eq(modiso_gate_status(), MODISO_OK);
	expect(MODISO_OK, modiso_module_destroy(module));
	for (round = 0; round < 3; round++) {
		errno = ERRNO_MARK;
		must_eq(call(1), 4711);
		must_eq(errno, ERRNO_MARK);
		must_eq(modiso_gate_status(), MODISO_ERR_NOENT);
		must_eq(modiso_gate_status(), MODISO_OK);
	}
	/* Nor does the next module in its place bring it back to life. */
	module = make_module("next");
	must(make_thunk(module, call_service) != thunk);
	must_eq(call(1), 4711);
	must_eq(modiso_gate_status(), MODISO_ERR_NOENT);
}
END_TEST

/* The gates and regions that are ended before their module are ended once. */
START_TEST(test_parts_first)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(module, PAGE, "region");
	struct modiso_gate *gate = make_gate(module, module_add_one);

	must_eq(enter(gate, 1), 2);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	expect(MODISO_OK, modiso_region_destroy(region));
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

static void one_module(void)
{
	struct modiso_module *module = make_module("short-lived");
	struct modiso_region *region = make_region(module, 3 * PAGE, "data");
	unsigned char *bytes = region_bytes(region);

	memset(bytes, 1, 3 * PAGE);
	must_eq(enter(make_gate(module, poke_load1), W(bytes + PAGE)), 1);
	must_eq(((CALLED(uintptr_t, uintptr_t))make_thunk(module,
							  module_add_one))(1),
		2);
	enter_fault(module, make_gate(module, poke_ud2), 0);
	expect(MODISO_OK, modiso_module_destroy(module));
}

START_TEST(test_cycles)
{
	/* A sanitizer's memory is not looked at, and takes its time. */
	unsigned long n = run_times(20000, 400);
	struct proc_usage before;
	int i;

	world_start();
	for (i = 0; i < 50; i++)
		one_module();
	before = proc_usage();
	while (n--)
		one_module();
	proc_must_not_grow(&before, 0, 512);
	world_stop();
}
END_TEST

/* Each of them works, and none can touch the one made before it. */
START_TEST(test_many_at_once)
{
	enum { MODULES = 300 };
	static struct modiso_module *modules[MODULES];
	static struct modiso_region *regions[MODULES];
	unsigned char *bytes;
	int i;

	world_start();
	for (i = 0; i < MODULES; i++) {
		modules[i] = make_module("m");
		regions[i] = make_region(modules[i], PAGE, "data");
		region_bytes(regions[i])[5] = (unsigned char)i;
	}
	for (i = 0; i < MODULES; i++) {
		bytes = region_bytes(regions[i]) + 5;
		must_eq(enter(make_gate(modules[i], poke_load1), W(bytes)),
			(unsigned char)i);
		bytes = region_bytes(regions[(i + 1) % MODULES]) + 5;
		must_blame(enter_fault(modules[i],
				       make_gate(modules[i], poke_load1),
				       W(bytes)),
			   MODISO_READ, bytes, regions[(i + 1) % MODULES]);
	}
	for (i = 0; i < MODULES; i++)
		expect(MODISO_OK, modiso_module_destroy(modules[i]));
	/* What was taken is to be had again. */
	for (i = 0; i < MODULES; i++)
		modules[i] = make_module("again");
	for (i = 0; i < MODULES; i++)
		expect(MODISO_OK, modiso_module_destroy(modules[i]));
	world_stop();
}
END_TEST

/* The stack is as large as was asked for, and not shared. */
START_TEST(test_stack_sizes)
{
	static const size_t sizes[] = {0, 16384, 65536, 100000, 1 << 20};
	struct modiso_module_options options = {SIZED};
	struct modiso_module *module;
	struct modiso_gate *gate;
	size_t size;

	world_start();
	options.stack_size = sizes[_i];
	size = sizes[_i] ? sizes[_i] : 65536;
	expect(MODISO_OK, modiso_module_create("stack", &options, &module));
	gate = make_gate(module, poke_dig);
	/* All of it but what a frame or two of the gate may take. */
	must_eq(enter(gate, size - 1024), 1);
	/* Rounded up to whole pages, no more than that, and the guard. */
	enter_fault(module, gate, size + 2 * PAGE);
	must_eq(enter(gate, size - 1024), 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("module");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_attributes);
	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_ids_never_again);
	tcase_add_loop_test(tcase, test_wrong_options, 0, WRONG_OPTIONS);
	tcase_add_test(tcase, test_range_too_large);
	tcase_add_test(tcase, test_confinement);
	tcase_add_test(tcase, test_destroy_null);
	tcase_add_test(tcase, test_destroy_busy);
	tcase_add_test(tcase, test_destroy_from_service);
	tcase_add_test(tcase, test_gates_die_with_it);
	tcase_add_test(tcase, test_parts_first);
	tcase_add_test(tcase, test_cycles);
	tcase_add_test(tcase, test_many_at_once);
	tcase_add_loop_test(tcase, test_stack_sizes, 0, 5);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
