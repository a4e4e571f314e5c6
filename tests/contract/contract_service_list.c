/* SPDX-License-Identifier: MIT */
/*
 * contract_service_list - which services a module may call, how many there can
 * be, and what it is told that may not.
 */
#include "contract/service_caller.h"
#include "support/world.h"

#include <signal.h>
#include <string.h>

#define SIZED .struct_size = sizeof(struct modiso_service_options)

START_TEST(test_listed)
{
	struct modiso_service_options options = {
		SIZED, .flags = MODISO_SERVICE_LISTED};
	struct modiso_gate *mine, *its;
	struct modiso_service *listed;
	const struct modiso_fault *fault;

	make_scene();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)look,
						&options, &listed));
	service = (CALLED(uintptr_t, uintptr_t))modiso_service_thunk(listed);
	mine = make_gate(module, call_service);
	its = make_gate(other, call_service);
	fault = enter_fault(module, mine, 1);
	must_eq(fault->kind, MODISO_FAULT_SERVICE);
	must_eq(fault->signo, 0);
	must_eq(fault->access, 0);
	must_eq(fault->depth, 1);
	must_eq(seen.calls, 0);
	expect(MODISO_OK, modiso_service_allow(listed, module));
	must_eq(enter(mine, 1), 2);
	fault = enter_fault(other, its, 1);
	must_eq(fault->kind, MODISO_FAULT_SERVICE);
	expect(MODISO_OK, modiso_service_allow(listed, other));
	/* Twice is once. */
	expect(MODISO_OK, modiso_service_allow(listed, other));
	must_eq(enter(its, 1), 2);
	must_eq(enter(mine, 1), 2);
	must_eq(seen.calls, 3);
	expect(MODISO_OK, modiso_service_deny(listed, module));
	must_eq(enter_fault(module, mine, 1)->kind, MODISO_FAULT_SERVICE);
	must_eq(enter(its, 1), 2);
	expect(MODISO_OK, modiso_service_deny(listed, module));
	expect(MODISO_OK, modiso_service_deny(listed, other));
	must_eq(enter_fault(other, its, 1)->kind, MODISO_FAULT_SERVICE);
	must_eq(seen.calls, 4);
	/* The host is on no list. */
	must_eq(service(1), 2);
	expect(MODISO_OK, modiso_service_destroy(listed));
}
END_TEST

/* A refusal leaves nothing behind: the next call is as any other. */
START_TEST(test_after_refusal)
{
	struct modiso_service_options options = {
		SIZED, .flags = MODISO_SERVICE_LISTED};
	struct modiso_service *listed;
	uintptr_t (MODISO_CALL *open)(uintptr_t);
	struct modiso_gate *call, *touch;
	modiso_fn closed;
	int i;

	make_scene();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)look,
						&options, &listed));
	closed = modiso_service_thunk(listed);
	open = (CALLED(uintptr_t, uintptr_t))make_service("open", look);
	call = make_gate(module, call_service);
	touch = make_gate(module, call_then_touch);
	for (i = 0; i < 3; i++) {
		service = (CALLED(uintptr_t, uintptr_t))closed;
		must_eq(enter_fault(module, call, 1)->kind,
			MODISO_FAULT_SERVICE);
		service = open;
		seen.on_stack = false;
		must_eq(enter(call, 1), 2);
		must(seen.on_stack);
		must_eq(seen.caller, module);
		must_blame(
			enter_fault(module, touch, 1, W(region_bytes(hosts))),
			MODISO_READ, region_bytes(hosts), hosts);
	}
}
END_TEST

/* The place on the list is the module's, not that of the next one made. */
START_TEST(test_list_forgets)
{
	struct modiso_service_options options = {
		SIZED, .flags = MODISO_SERVICE_LISTED};
	struct modiso_service *listed;
	struct modiso_module *next;
	int i;

	make_scene();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)look,
						&options, &listed));
	service = (CALLED(uintptr_t, uintptr_t))modiso_service_thunk(listed);
	for (i = 0; i < 40; i++) {
		next = make_module("next");
		must_eq(enter_fault(next, make_gate(next, call_service), 1)
				->kind,
			MODISO_FAULT_SERVICE);
		expect(MODISO_OK, modiso_service_allow(listed, next));
		must_eq(enter(make_gate(next, call_service), 1), 2);
		expect(MODISO_OK, modiso_module_destroy(next));
	}
	expect(MODISO_OK, modiso_service_destroy(listed));
}
END_TEST

START_TEST(test_destroyed)
{
	struct modiso_service *once;
	struct modiso_gate *gate;
	const struct modiso_fault *fault;

	make_scene();
	expect(MODISO_OK,
	       modiso_service_create("once", (modiso_fn)look, NULL, &once));
	service = (CALLED(uintptr_t, uintptr_t))modiso_service_thunk(once);
	gate = make_gate(module, call_service);
	must_eq(enter(gate, 1), 2);
	expect(MODISO_OK, modiso_service_destroy(once));
	fault = enter_fault(module, gate, 1);
	must_eq(fault->kind, MODISO_FAULT_SERVICE);
	must_eq(fault->signo, 0);
	must_eq(seen.calls, 1);
}
END_TEST

/* A fault without a signal is told like any other, and cannot be retried. */
static int filtered, landed;

static enum modiso_verdict retrying(const struct modiso_fault *fault, void *arg)
{
	filtered += fault->kind == MODISO_FAULT_SERVICE;
	(void)arg;
	return MODISO_VERDICT_RETRY;
}

static void landing(const struct modiso_fault *fault, void *arg)
{
	landed += fault->kind == MODISO_FAULT_SERVICE;
	(void)arg;
}

START_TEST(test_denied_is_told)
{
	struct modiso_service_options options = {
		SIZED, .flags = MODISO_SERVICE_LISTED};
	struct modiso_service *listed;

	make_scene();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)look,
						&options, &listed));
	service = (CALLED(uintptr_t, uintptr_t))modiso_service_thunk(listed);
	expect(MODISO_OK, modiso_fault_notify(NULL, retrying, landing, NULL));
	must_eq(enter_fault(module, make_gate(module, call_service), 1)->kind,
		MODISO_FAULT_SERVICE);
	must_eq(filtered, 1);
	must_eq(landed, 1);
}
END_TEST

START_TEST(test_wrong_arguments)
{
	struct modiso_service_options options = {SIZED};
	struct modiso_service *out = UNTOUCHED, *open;
	char name[MODISO_NAME_SIZE + 1];

	make_scene();
	memset(name, 'n', sizeof(name));
	name[MODISO_NAME_SIZE] = '\0';
	expect(MODISO_ERR_INVAL,
	       modiso_service_create(NULL, (modiso_fn)look, NULL, &out));
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("", (modiso_fn)look, NULL, &out));
	expect(MODISO_ERR_INVAL,
	       modiso_service_create(name, (modiso_fn)look, NULL, &out));
	expect(MODISO_ERR_INVAL, modiso_service_create("s", NULL, NULL, &out));
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("s", (modiso_fn)look, NULL, NULL));
	options.struct_size = 0;
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("s", (modiso_fn)look, &options, &out));
	options.struct_size = 4;
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("s", (modiso_fn)look, &options, &out));
	options.struct_size = sizeof(options);
	options.flags = 1u << 31;
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("s", (modiso_fn)look, &options, &out));
	must_eq(out, UNTOUCHED);
	name[MODISO_NAME_SIZE - 1] = '\0';
	expect(MODISO_OK,
	       modiso_service_create(name, (modiso_fn)look, NULL, &open));
	/* It has no list to be put on. */
	expect(MODISO_ERR_INVAL, modiso_service_allow(open, module));
	expect(MODISO_ERR_INVAL, modiso_service_deny(open, module));
	expect(MODISO_ERR_INVAL, modiso_service_allow(NULL, module));
	expect(MODISO_ERR_INVAL, modiso_service_allow(open, NULL));
	expect(MODISO_ERR_INVAL, modiso_service_deny(NULL, module));
	expect(MODISO_ERR_INVAL, modiso_service_deny(open, NULL));
}
END_TEST

/* As many as promised, one too many, and again when they are gone. */
START_TEST(test_limit)
{
	enum { SERVICES = 4096 };
	static struct modiso_service *services[SERVICES];
	struct modiso_service *out = UNTOUCHED;
	int i, round;

	make_scene();
	for (round = 0; round < 2; round++) {
		for (i = 0; i < SERVICES; i++)
			expect(MODISO_OK,
			       modiso_service_create("s", (modiso_fn)look, NULL,
						     &services[i]));
		expect(MODISO_ERR_LIMIT,
		       modiso_service_create("s", (modiso_fn)look, NULL, &out));
		must_eq(out, UNTOUCHED);
		for (i = 0; i < SERVICES; i++) {
			service = (CALLED(uintptr_t, uintptr_t))
				modiso_service_thunk(services[i]);
			if (i % 512 == 511)
				must_eq(enter(make_gate(module, call_service),
					      1),
					2);
		}
		for (i = 0; i < SERVICES; i++)
			expect(MODISO_OK, modiso_service_destroy(services[i]));
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("service_list");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_listed);
	tcase_add_test(tcase, test_after_refusal);
	tcase_add_test(tcase, test_list_forgets);
	tcase_add_test(tcase, test_destroyed);
	tcase_add_test(tcase, test_denied_is_told);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_limit);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
