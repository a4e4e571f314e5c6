/* SPDX-License-Identifier: MIT */
/*
 * contract_service_fail - a service ends the call of the module that called it:
 * for a bad pointer, for exit() and for abort().
 */
#include "support/world.h"

#include <string.h>

static struct modiso_module *module;
static uintptr_t (*volatile service)(uintptr_t kind, uintptr_t detail);
static unsigned served, code_ran, filtered;

/* A careful one: what it was handed is looked at first. */
static uintptr_t serve(uintptr_t kind, uintptr_t detail)
{
	char byte;

	served++;
	if (kind == MODISO_FAULT_ACCESS &&
	    modiso_copy_in(modiso_module_caller(), &byte,
			   (const void *)detail, 1) == 0)
		return (uintptr_t)(unsigned char)byte;
	if (kind == MODISO_FAULT_NONE)
		return (uintptr_t)(intptr_t)modiso_service_fail(99, 0);
	return (uintptr_t)(intptr_t)modiso_service_fail((uint32_t)kind,
							detail);
}

MODULE_CODE static uintptr_t call_service(uintptr_t kind, uintptr_t detail,
					  uintptr_t ran)
{
	uintptr_t value = service(kind, detail);

	*(unsigned *)ran += 1;
	return value;
}

static struct modiso_gate *make_scene(void)
{
	module = world_module();
	service = (uintptr_t(*)(uintptr_t, uintptr_t))make_service("careful",
								   serve);
	return make_gate(module, call_service);
}

static enum modiso_verdict filter(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	filtered++;
	must_str(fault->module_name, "module");
	/* Nothing that could be run again. */
	return MODISO_VERDICT_RETRY;
}

START_TEST(test_pointer)
{
	struct modiso_gate *gate = make_scene();
	struct modiso_region *own = make_region(module, PAGE, "own");
	struct modiso_region *hosts = make_region(NULL, PAGE, "hosts");
	const struct modiso_fault *fault;
	const uintptr_t bad[] = {8, W(region_bytes(hosts) + 3),
				 W(region_bytes(own) + PAGE)};

	served = code_ran = filtered = 0;
	expect(MODISO_OK, modiso_fault_notify(NULL, filter, NULL, NULL));
	region_bytes(own)[5] = 77;
	for (int round = 0; round < 300; round++) {
		fault = enter_fault(module, gate, MODISO_FAULT_ACCESS,
				    bad[round % 3], W(&code_ran));
		must_eq(fault->kind, MODISO_FAULT_ACCESS);
		must_eq(fault->access, MODISO_READ);
		must_eq(fault->address, bad[round % 3]);
		must_eq(fault->signo, 0);
		must_eq(fault->depth, 1);
		must_str(fault->calls[0].service_name, "careful");
		must_eq(fault->calls[0].service_request, MODISO_FAULT_ACCESS);
		must(fault->frame_count >= 1);
		if (round % 3 == 1)
			must_str(fault->region_name, "hosts");
		must_eq(enter(gate, MODISO_FAULT_ACCESS,
			      W(region_bytes(own) + 5), W(&served)),
			77);
	}
	must_eq(code_ran, 0);
	must_eq(filtered, 300);
	must_eq(modiso_module_caller(), NULL);
}
END_TEST

START_TEST(test_exit_and_abort)
{
	struct modiso_gate *gate = make_scene();
	const struct modiso_fault *fault;

	code_ran = 0;
	fault = enter_fault(module, gate, MODISO_FAULT_EXIT, 3, W(&code_ran));
	must_eq(fault->kind, MODISO_FAULT_EXIT);
	must_eq(fault->code, 3);
	fault = enter_fault(module, gate, MODISO_FAULT_ABORT, 0, W(&code_ran));
	must_eq(fault->kind, MODISO_FAULT_ABORT);
	must_eq(code_ran, 0);
}
END_TEST

START_TEST(test_refused)
{
	struct modiso_gate *gate = make_scene();

	/* Another kind, and host code that no module has called. */
	must_eq((intptr_t)enter(gate, MODISO_FAULT_NONE, 0, W(&code_ran)),
		(intptr_t)MODISO_ERR_INVAL);
	must_eq((intptr_t)enter(gate, MODISO_FAULT_JUMP, 0, W(&code_ran)),
		(intptr_t)MODISO_ERR_INVAL);
	expect(MODISO_ERR_STATE, modiso_service_fail(MODISO_FAULT_ABORT, 0));
	must_eq((intptr_t)service(MODISO_FAULT_ABORT, 0),
		(intptr_t)MODISO_ERR_STATE);
}
END_TEST

/* --- the innermost call alone --- */

static struct modiso_gate *inner_gate;
static struct modiso_module *inner;

static uintptr_t serve_outer(uintptr_t kind, uintptr_t detail)
{
	const struct modiso_fault *fault =
		enter_fault(inner, inner_gate, kind, detail, W(&code_ran));

	must_eq(fault->depth, 2);
	return detail + 1;
}

static uintptr_t (*volatile outer_service)(uintptr_t, uintptr_t);

MODULE_CODE static uintptr_t call_outer(uintptr_t kind, uintptr_t detail)
{
	volatile uintptr_t mine = detail;

	return outer_service(kind, detail) + (mine == detail ? 0 : 1000);
}

START_TEST(test_nested)
{
	make_scene();
	inner = _i ? module : make_module("inner");
	inner_gate = make_gate(inner, call_service);
	outer_service = (uintptr_t(*)(uintptr_t, uintptr_t))make_service(
		"outer", serve_outer);
	for (int round = 0; round < 100; round++)
		must_eq(enter(make_gate(module, call_outer),
			      MODISO_FAULT_ACCESS, 8),
			9);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("service fail");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_pointer);
	tcase_add_test(tcase, test_exit_and_abort);
	tcase_add_test(tcase, test_refused);
	tcase_add_loop_test(tcase, test_nested, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
