/* SPDX-License-Identifier: MIT */
/*
 * contract_leave_exception - exceptions that leave a module, or pass through
 * one on their way.
 */
#include "contract/leaver.h"
#include "support/world.h"
#include "support/cxx.h"
#include "support/proc.h"

#include <assert.h>
#include <signal.h>
#include <string.h>
#include <unwind.h>

MODULE_CODE static uintptr_t throw_it(uintptr_t what, void *unused)
{
	(void)unused;
	return cxx_throw(what, &ends) + 1;
}

MODULE_CODE static uintptr_t throw_beside(uintptr_t what)
{
	return cxx_beside(&ends_below, throw_it, what, NULL) + 1;
}

MODULE_CODE static uintptr_t throw_and_catch(uintptr_t what)
{
	return cxx_catch(throw_it, what, NULL) - 1;
}

START_TEST(test_exception)
{
	struct modiso_gate *gate;
	int i;

	need_cxx();
	make_scene();
	gate = make_gate(module, throw_beside);
	for (i = 1; i <= ROUNDS; i++) {
		leave(gate, MODISO_FAULT_EXCEPTION, (uintptr_t)_i, 0);
		/* The module's own ends have run, and nothing is in flight. */
		must_eq(ends_below, i);
		must_eq(ends, _i == CXX_OBJECT ? i : 0);
		must_eq(cxx_uncaught(), 0);
	}
	nothing_left();
}
END_TEST

START_TEST(test_exception_inside)
{
	struct modiso_gate *gate;

	need_cxx();
	make_scene();
	gate = make_gate(module, throw_and_catch);
	must_eq(enter(gate, CXX_INT), CXX_CAUGHT_INT - 1);
	must_eq(enter(gate, CXX_ERROR), CXX_CAUGHT_ERROR - 1);
	must_eq(enter(gate, CXX_OBJECT), CXX_CAUGHT_OTHER - 1);
	must_eq(modiso_fault_count(), 0);
	nothing_left();
}
END_TEST

/* Through a thunk, with the host's own try around it: it is not the host's. */
static uintptr_t (*volatile thunk)(uintptr_t);

static uintptr_t call_thunk(uintptr_t what, void *unused)
{
	(void)unused;
	return thunk(what) + 1;
}

START_TEST(test_exception_thunk)
{
	int i;

	need_cxx();
	make_scene();
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(module, throw_beside);
	for (i = 0; i < ROUNDS; i++) {
		must_eq(cxx_catch(call_thunk, CXX_INT, NULL), 1);
		must_eq(modiso_gate_status(), MODISO_ERR_FAULT);
	}
	/* The host's own exceptions are caught as ever. */
	must_eq(cxx_catch(throw_it, CXX_INT, NULL), CXX_CAUGHT_INT);
	nothing_left();
}
END_TEST

/* An exception of no language, thrown without a C++ library. */
static struct _Unwind_Exception foreign;
static volatile int foreign_ends;

MODULE_CODE static void foreign_end(_Unwind_Reason_Code reason,
				    struct _Unwind_Exception *exception)
{
	(void)reason;
	(void)exception;
	foreign_ends = foreign_ends + 1;
}

MODULE_CODE static uintptr_t throw_foreign(void)
{
	foreign.exception_class = 0x6d6f6469736f0000;
	foreign.exception_cleanup = foreign_end;
	return (uintptr_t)_Unwind_RaiseException(&foreign) + 1;
}

START_TEST(test_exception_foreign)
{
	struct modiso_gate *gate;
	int i;

	make_scene();
	gate = make_gate(module, throw_foreign);
	for (i = 1; i <= ROUNDS; i++) {
		leave(gate, MODISO_FAULT_EXCEPTION, 0, 0);
		must_eq(foreign_ends, i);
	}
	nothing_left();
}
END_TEST

MODULE_CODE static uintptr_t call_service_for(uintptr_t value, void *unused)
{
	(void)unused;
	return service(value) + 1;
}

/* With an object that the exception of the host must not end. */
MODULE_CODE static uintptr_t call_beside(uintptr_t value)
{
	return cxx_beside(&ends_below, call_service_for, value, NULL) + 1;
}

static uintptr_t service_throws(uintptr_t what)
{
	be_host();
	return cxx_throw(what, &ends);
}

START_TEST(test_service_throws)
{
	uintptr_t caught[] = {CXX_CAUGHT_INT, CXX_CAUGHT_ERROR,
			      CXX_CAUGHT_OTHER};
	uintptr_t what = (uintptr_t)_i;
	struct modiso_gate *gate;
	int i;

	need_cxx();
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("t", service_throws);
	gate = make_gate(module, call_beside);
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(module, call_beside);
	for (i = 0; i < ROUNDS; i++) {
		must_eq(cxx_catch(gate_call, what, gate), caught[what]);
		must_eq(cxx_catch(call_thunk, what, NULL), caught[what]);
		must_eq(cxx_uncaught(), 0);
		be_host();
	}
	/* The module's code was left out: it has no say in the host's. */
	must_eq(ends_below, 0);
	must_eq(ends, what == CXX_OBJECT ? 2 * ROUNDS : 0);
	must_eq(modiso_fault_count(), 0);
	must_eq(modiso_module_caller(), NULL);
	all_well();
}
END_TEST

/*
 * host, module, service, other module, service, and from there an exception:
 * each service in between may catch it, and its module goes on.
 */
static uintptr_t catch_at;

static uintptr_t go_deeper(uintptr_t depth)
{
	uintptr_t result;

	be_host();
	if (depth == 0)
		return cxx_throw(CXX_INT, &ends);
	if (depth != catch_at)
		return gate_call(depth - 1, gates[depth % 2]);
	result = cxx_catch(gate_call, depth - 1, gates[depth % 2]);
	must_eq(result, CXX_CAUGHT_INT);
	be_host();
	return 100;
}

START_TEST(test_service_throws_nested)
{
	const uintptr_t deepest = 6;
	int i;

	need_cxx();
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("deeper", go_deeper);
	gates[0] = make_gate(module, call_beside);
	gates[1] = make_gate(other, call_service);
	for (i = 0; i < 30; i++) {
		for (catch_at = 1; catch_at <= deepest; catch_at++) {
			must(gate_call(deepest, gates[0]) > 100);
			be_host();
		}
		catch_at = 0;
		must_eq(cxx_catch(gate_call, deepest, gates[0]),
			CXX_CAUGHT_INT);
		must_eq(modiso_module_caller(), NULL);
	}
	must_eq(modiso_fault_count(), 0);
	all_well();
}
END_TEST

static void uncaught(void *gate)
{
	gate_call(CXX_ERROR, gate);
}

/* What C++ says of such an exception: std::terminate(). */
START_TEST(test_service_throws_uncaught)
{
	struct modiso_gate *gate;
	char text[512];

	need_cxx();
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("t", service_throws);
	gate = make_gate(module, call_beside);
	must_die(child_output(uncaught, gate, text, sizeof(text)), SIGABRT);
	must(strstr(text, "runtime_error"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("leave_exception");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_exception, 0, 3);
	tcase_add_test(tcase, test_exception_inside);
	tcase_add_test(tcase, test_exception_thunk);
	tcase_add_test(tcase, test_exception_foreign);
	tcase_add_loop_test(tcase, test_service_throws, 0, 3);
	tcase_add_test(tcase, test_service_throws_nested);
	tcase_add_test(tcase, test_service_throws_uncaught);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
