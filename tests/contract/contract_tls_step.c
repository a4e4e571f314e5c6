/* SPDX-License-Identifier: MIT */
/*
 * contract_tls_step - a signal at each instruction of a call into a module with
 * thread-local storage: the handler has the host's thread pointer, whatever it
 * has interrupted, and calls the same module; the module goes on with its own.
 */
#include "contract/step_scene.h"

/* Of modules/tls.c. */
enum { ERROR = 3, POINTER, LOAD = 7 };

static struct modiso_gate *pointer_gate;
static uintptr_t host_pointer, module_pointer;
static uintptr_t what, argument;
static bool faults;

static uintptr_t thread_pointer(void)
{
	return W(__builtin_thread_pointer());
}

static uintptr_t note(uintptr_t event)
{
	must_eq(thread_pointer(), host_pointer);
	return serve(event) - 1;
}

static void work_with_tls(void)
{
	must_eq(thread_pointer(), host_pointer);
	must_eq(enter(pointer_gate, POINTER, 0), module_pointer);
	work_and_fault();
	must_eq(thread_pointer(), host_pointer);
}

static void round_tls(void)
{
	step_begin();
	result = cpu_call(&seen, entry, what, argument, 3, 4);
	step_end();
}

static void verify_tls(void)
{
	must_eq(thread_pointer(), host_pointer);
	must_eq(enter(pointer_gate, POINTER, 0), module_pointer);
	if (faults)
		must_eq(landed, rounds);
}

static const char *path = "modules/tls-gcc.so";

/* Before a child is made: it does not skip. */
static void find_module(void)
{
	if (access(path, R_OK) != 0)
		path = "modules/tls-clang.so";
	if (access(path, R_OK) != 0)
		test_skip("modules", "they were not built");
}

static void make_tls(uint32_t flags, uintptr_t value)
{
	struct modiso_module *scene;
	struct modiso_image *image;
	struct modiso_service *noter;
	struct modiso_export exports[1];
	const struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.exports = exports,
		.export_count = 1,
	};
	struct modiso_gate_options shape = {
		.struct_size = sizeof(shape),
		.word_args = 2,
		.flags = flags,
		.fault_value = value,
	};
	struct modiso_gate *gate;

	set_scene();
	scene = module;
	module = make_module("tls");
	expect(MODISO_OK,
	       modiso_service_create("note", (modiso_fn)note, NULL, &noter));
	exports[0] = (struct modiso_export){"note", noter};
	expect(MODISO_OK, modiso_image_load(module, path, &options, &image));
	expect(MODISO_OK, modiso_image_gate(image, "start", &shape, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &entry));
	shape = (struct modiso_gate_options){.struct_size = sizeof(shape),
					     .word_args = 2};
	expect(MODISO_OK,
	       modiso_image_gate(image, "start", &shape, &pointer_gate));
	module = scene;
	host_pointer = thread_pointer();
	module_pointer = enter(pointer_gate, POINTER, 0);
	must(module_pointer != host_pointer);
	what = ERROR;
	argument = 22;
	want = 22 * 1000 + 22;
	served = 1;
	work = work_with_tls;
	verify = verify_tls;
}

static void set_tls(void)
{
	make_tls(0, 0);
}

static void set_scrubbed(void)
{
	make_tls(MODISO_GATE_SCRUB, 99);
}

static void count_landing(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	landed += fault->address == 8;
}

static void set_fault(void)
{
	make_tls(0, 99);
	expect(MODISO_OK,
	       modiso_fault_notify(NULL, NULL, count_landing, NULL));
	what = LOAD;
	argument = 8;
	want = 99;
	served = 0;
	faults = true;
}

START_TEST(test_call)
{
	find_module();
	step_each("TLS", set_tls, round_tls, _i, 130);
}
END_TEST

START_TEST(test_scrubbed)
{
	find_module();
	step_each("TLS, scrubbed", set_scrubbed, round_tls, _i, 130);
}
END_TEST

START_TEST(test_fault)
{
	find_module();
	step_each("TLS, a fault", set_fault, round_tls, _i, 50);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("TLS step");
	TCase *tcase = tcase_create("contract");
	const int first = step_first();

	tcase_add_loop_test(tcase, test_call, first, VARIANTS);
	if (step_all()) {
		tcase_add_loop_test(tcase, test_scrubbed, first, VARIANTS);
		tcase_add_loop_test(tcase, test_fault, first, VARIANTS);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
