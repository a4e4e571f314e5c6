/* SPDX-License-Identifier: MIT */
/*
 * contract_gate - a call into a module and back: arguments, results, nesting,
 * and a host that finds its CPU as it left it, whatever the module did to it.
 */
#include "contract/gate_calls.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <signal.h>

static char sentinel;

START_TEST(test_arguments)
{
	static const uintptr_t args[] = {1, 2, 3, 4, 5, 6, 7};
	static const uintptr_t want[] = {0,      100000, 120000, 123000,
					 123400, 123450, 123456};
	struct modiso_gate *gate = make_gate(world_module(), digits);
	uintptr_t result;
	unsigned count;

	for (count = 0; count <= MODISO_ARGS_MAX; count++) {
		result = 9;
		expect(MODISO_OK, modiso_gate_call(gate, count ? args : NULL,
						   count, &result));
		/* What was not given is zero, not what was there. */
		must_eq(result, want[count]);
	}
	expect(MODISO_OK, modiso_gate_call(gate, args, 6, NULL));
}
END_TEST

START_TEST(test_whole_words)
{
	struct modiso_gate *gate = make_gate(world_module(), all_ones);

	must_eq(enter(gate, 0), ~(uintptr_t)0);
	must_eq(enter(gate, 1), 0);
	must_eq(enter(gate, (uintptr_t)1 << 63), ~((uintptr_t)1 << 63));
}
END_TEST

START_TEST(test_wrong_call)
{
	static const uintptr_t args[] = {1, 2, 3, 4, 5, 6, 7};
	struct modiso_gate *gate = make_gate(world_module(), digits);
	uintptr_t result = 4711;
	modiso_fn thunk;

	expect(MODISO_ERR_INVAL, modiso_gate_call(NULL, args, 1, &result));
	expect(MODISO_ERR_INVAL, modiso_gate_call(gate, args, 7, &result));
	expect(MODISO_ERR_INVAL,
	       modiso_gate_call(gate, args, (unsigned)-1, &result));
	expect(MODISO_ERR_INVAL, modiso_gate_call(gate, NULL, 1, &result));
	must_eq(result, 4711);
	expect(MODISO_ERR_INVAL, modiso_gate_thunk(NULL, &thunk));
	expect(MODISO_ERR_INVAL, modiso_gate_thunk(gate, NULL));
}
END_TEST

static const struct {
	const char *name;
	struct modiso_gate_options options;
} wrong_options[] = {
	{"size 0", {.struct_size = 0}},
	{"size 4", {.struct_size = 4}},
	{"size - 1", {.struct_size = sizeof(struct modiso_gate_options) - 1}},
	{"flag", {SIZED, .flags = 1u << 1}},
	{"flags", {SIZED, .flags = 1u << 31}},
	{"17 words", {SIZED, .word_args = 17}},
	{"9 floats", {SIZED, .float_args = 9}},
	{"many words", {SIZED, .word_args = (uint32_t)-1}},
	{"many floats", {SIZED, .float_args = (uint32_t)-1}},
};

#define WRONG_OPTIONS ((int)(sizeof(wrong_options) / sizeof(*wrong_options)))

START_TEST(test_wrong_options)
{
	struct modiso_gate *const untouched = (void *)&sentinel;
	struct modiso_gate *gate = untouched;
	struct modiso_module *module = world_module();

	expect_code((errno = ERRNO_MARK,
		     modiso_gate_create(module, (modiso_fn)digits,
					&wrong_options[_i].options, &gate)),
		    MODISO_ERR_INVAL, wrong_options[_i].name, __FILE__,
		    __LINE__);
	expect(MODISO_ERR_INVAL,
	       modiso_gate_create(NULL, (modiso_fn)digits, NULL, &gate));
	expect(MODISO_ERR_INVAL, modiso_gate_create(module, NULL, NULL, &gate));
	expect(MODISO_ERR_INVAL,
	       modiso_gate_create(module, (modiso_fn)digits, NULL, NULL));
	must_eq(gate, untouched);
}
END_TEST

MODULE_CODE static float half(float value)
{
	return value / 2;
}

MODULE_CODE static const char *pointer(const char *text, int offset)
{
	return text + offset;
}

MODULE_CODE static int negative(int a, signed char b)
{
	return a * b;
}

START_TEST(test_thunks)
{
	static const char text[] = "module";
	struct modiso_module *module = world_module();
	double (MODISO_CALL *call_mix)(uintptr_t, double, uintptr_t, double,
				       uintptr_t, double, uintptr_t, double,
				       uintptr_t, double, uintptr_t, double,
				       double, double);
	const char *(MODISO_CALL *call_pointer)(const char *, int);
	int (MODISO_CALL *call_negative)(int, signed char);
	float (MODISO_CALL *call_half)(float);
	int i;

	call_mix = (CALLED(double, uintptr_t, double, uintptr_t, double,
			  uintptr_t, double, uintptr_t, double, uintptr_t,
			  double, uintptr_t, double, double,
			  double))make_thunk(module, mix);
	call_half = (CALLED(float, float))make_thunk(module, half);
	call_pointer =
		(CALLED(const char *, const char *, int))make_thunk(module,
								   pointer);
	call_negative =
		(CALLED(int, int, signed char))make_thunk(module, negative);
	for (i = 0; i < 3; i++) {
		errno = ERRNO_MARK;
		ck_assert_double_eq(
			call_mix(1, 1.5, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8),
			123456 + 1.5 * 2 * 3 * 4 * 5 * 6 * 7 * 8);
		ck_assert_float_eq(call_half(-3.0f), -1.5f);
		must_eq(call_pointer(text, 2), text + 2);
		must_eq(call_negative(-7, 6), -42);
		must_eq(errno, ERRNO_MARK);
		must_eq(modiso_gate_status(), MODISO_OK);
	}
}
END_TEST

/* The thunk of one gate is one pointer, and differs from every other one. */
START_TEST(test_many_thunks)
{
	enum { THUNKS = 700 };
	static modiso_fn thunks[THUNKS];
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, all_ones);
	modiso_fn thunk, again;
	int i, j;

	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	expect(MODISO_OK, modiso_gate_thunk(gate, &again));
	must_eq(thunk, again);
	for (i = 0; i < THUNKS; i++) {
		thunks[i] = make_thunk(module, i % 2 ? (modiso_fn)digits
						     : (modiso_fn)all_ones);
		for (j = 0; j < i; j++)
			must(thunks[i] != thunks[j]);
	}
	for (i = 0; i < THUNKS; i++)
		must_eq(((CALLED(uintptr_t, uintptr_t, uintptr_t, uintptr_t,
				uintptr_t, uintptr_t,
				uintptr_t))thunks[i])(1, 2, 3, 4, 5, 6),
			i % 2 ? 123456 : 0);
}
END_TEST

/* All of them, one too many, and again after one was given back. */
START_TEST(test_thunk_limit)
{
	enum { THUNKS = 8192 };
	struct modiso_gate_options options = {SIZED, .fault_value = 7};
	static struct modiso_gate *gates[THUNKS + 1];
	struct modiso_module *module = world_module();
	modiso_fn thunk, first = NULL;
	int i;

	for (i = 0; i <= THUNKS; i++)
		expect(MODISO_OK,
		       modiso_gate_create(module, (modiso_fn)all_ones, &options,
					  &gates[i]));
	for (i = 0; i < THUNKS; i++) {
		expect(MODISO_OK, modiso_gate_thunk(gates[i], &thunk));
		if (!i)
			first = thunk;
	}
	expect(MODISO_ERR_LIMIT, modiso_gate_thunk(gates[THUNKS], &thunk));
	expect(MODISO_OK, modiso_gate_destroy(gates[0]));
	must_eq(((CALLED(uintptr_t, uintptr_t))first)(1), 7);
	must_eq(modiso_gate_status(), MODISO_ERR_NOENT);
	expect(MODISO_OK, modiso_module_destroy(module));
	/* Used up once is not used up for ever. */
	module = make_module("next");
	for (i = 0; i < 100; i++)
		make_thunk(module, all_ones);
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

START_TEST(test_thunk_fault)
{
	struct modiso_gate_options options = {SIZED,
					      .fault_value = (uintptr_t)-77};
	struct modiso_module *module = world_module();
	double (MODISO_CALL *call_double)(uintptr_t);
	uintptr_t (MODISO_CALL *call)(uintptr_t);
	struct modiso_gate *gate;
	modiso_fn thunk;

	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)poke_load1,
					     &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	call = (CALLED(uintptr_t, uintptr_t))thunk;
	call_double = (CALLED(double, uintptr_t))thunk;
	errno = ERRNO_MARK;
	must_eq(call(0), -77);
	must_eq(modiso_gate_status(), MODISO_ERR_FAULT);
	must_eq(modiso_gate_status(), MODISO_OK);
	ck_assert_double_eq(call_double(0), 0.0);
	/* A call that succeeds does not wipe the failure out. */
	must_eq(call(W(&sentinel)), 0);
	must_eq(modiso_gate_status(), MODISO_ERR_FAULT);
	must_eq(errno, ERRNO_MARK);
	must_eq(modiso_fault_count(), 2);
	make_thunk(module, poke_load1);
	call = (CALLED(uintptr_t, uintptr_t))make_thunk(module, poke_load1);
	must_eq(call(0), 0);
	must_eq(modiso_gate_status(), MODISO_ERR_FAULT);
}
END_TEST

START_TEST(test_gate_destroyed)
{
	struct modiso_gate_options options = {SIZED, .fault_value = 7};
	struct modiso_module *module = world_module();
	struct modiso_gate *gate, *other = make_gate(module, all_ones);
	modiso_fn thunk;

	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)all_ones,
					     &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	must_eq(((CALLED(uintptr_t, uintptr_t))thunk)(5), 4);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	must_eq(((CALLED(uintptr_t, uintptr_t))thunk)(5), 7);
	must_eq(modiso_gate_status(), MODISO_ERR_NOENT);
	must_eq(enter(other, 5), 4);
}
END_TEST

/* A gate may end while a call is under way through it. */
static struct modiso_gate *running_gate;
static uintptr_t (MODISO_CALL *volatile destroy_service)(void);
static int destroyed;

MODISO_CALL static uintptr_t destroy_running(void)
{
	destroyed = modiso_gate_destroy(running_gate);
	return 5;
}

MODULE_CODE static uintptr_t call_destroy(void)
{
	return destroy_service() + 1;
}

START_TEST(test_destroy_under_way)
{
	struct modiso_gate_options options = {SIZED, .fault_value = 7};
	struct modiso_module *module = world_module();
	modiso_fn thunk;

	destroy_service =
		(CALLED(uintptr_t, void))make_service("destroy",
						     destroy_running);
	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)call_destroy,
					     &options, &running_gate));
	expect(MODISO_OK, modiso_gate_thunk(running_gate, &thunk));
	destroyed = -1;
	must_eq(((CALLED(uintptr_t, void))thunk)(), 6);
	must_eq(destroyed, MODISO_OK);
	must_eq(((CALLED(uintptr_t, void))thunk)(), 7);
	must_eq(modiso_gate_status(), MODISO_ERR_NOENT);
}
END_TEST

enum { LIMIT = 64 };

static struct modiso_gate *nest_gates[3];
static uintptr_t (MODISO_CALL *volatile nest_service)(uintptr_t levels);
static int nest_code;
static unsigned nest_deepest, nest_depth;

/* Host code in the middle: one gate further down, in the next module. */
MODISO_CALL static uintptr_t nest_down(uintptr_t levels)
{
	const uintptr_t args[] = {levels};
	uintptr_t result = 0;
	int code;

	nest_depth++;
	if (nest_depth > nest_deepest)
		nest_deepest = nest_depth;
	code = modiso_gate_call(nest_gates[nest_depth % 3], args, 1, &result);
	nest_depth--;
	if (code) {
		nest_code = code;
		return 1000;
	}
	return result + 1;
}

MODULE_CODE static uintptr_t nest_entry(uintptr_t levels)
{
	volatile uintptr_t mine = levels;
	uintptr_t below = levels ? nest_service(levels - 1) : 0;

	/* The frame is still what it was when the levels below have gone. */
	return mine == levels ? below : 100000;
}

static void make_nest(bool one_module)
{
	struct modiso_module *module = world_module();
	int i;

	nest_service = (CALLED(uintptr_t, uintptr_t))make_service("down",
								 nest_down);
	for (i = 0; i < 3; i++) {
		nest_gates[i] = make_gate(module, nest_entry);
		if (!one_module)
			module = make_module("next");
	}
	nest_code = 0;
	nest_depth = nest_deepest = 0;
}

START_TEST(test_nesting)
{
	unsigned gates;

	make_nest(_i);
	for (gates = 1; gates <= LIMIT; gates++) {
		nest_deepest = 0;
		must_eq(nest_down(gates - 1), gates);
		must_eq(nest_code, 0);
		must_eq(nest_deepest, gates);
	}
	/* One more is refused, at its place; everything above it goes on. */
	must_eq(nest_down(LIMIT), LIMIT + 1000);
	must_eq(nest_code, MODISO_ERR_LIMIT);
	must(*modiso_last_error_text());
	must_eq(nest_deepest, LIMIT + 1);
	must_eq(nest_down(1000), LIMIT + 1000);
	must_eq(nest_down(LIMIT - 1), LIMIT);
	must_eq(modiso_fault_count(), 0);
	must_eq(modiso_module_caller(), NULL);
}
END_TEST

START_TEST(test_stack_in_module)
{
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_gate *gate = make_gate(module, poke_local);
	uintptr_t local = enter(gate, 0);
	const struct modiso_fault *fault;
	int on_host;

	must(!thread_owns_stack((void *)local));
	must(thread_owns_stack(&on_host));
	/* The module's own, under any name, and no other module's. */
	expect(MODISO_OK,
	       modiso_range_check(module, (void *)(local - 64), 64, RW));
	expect(MODISO_ERR_ACCESS,
	       modiso_range_check(other, (void *)(local - 64), 64,
				  MODISO_READ));
	fault = enter_fault(other, make_gate(other, poke_load8), W(local - 64));
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	must_eq(fault->access, MODISO_READ);
	must_eq(fault->address, local - 64);
	fault = enter_fault(other, make_gate(other, poke_store8), W(local - 64),
			    0);
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	must_eq(fault->access, MODISO_WRITE);
	/* Host code may look at it. */
	(void)*(volatile char *)(local - 64);
	/* And each of two modules has its own. */
	must(enter(make_gate(other, poke_local), 0) != local);
}
END_TEST

START_TEST(test_stack_aligned)
{
	struct modiso_module *module = world_module();
	uintptr_t (MODISO_CALL *thunk)(void);

	/* As after any call: 16 bytes, less the return address. */
	must_eq(enter(make_gate(module, poke_local), 0) % 16, 8);
	thunk = (CALLED(uintptr_t, void))make_thunk(module, poke_local);
	must_eq(thunk() % 16, 8);
}
END_TEST

START_TEST(test_signal_mask)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, poke_ud2);
	sigset_t mine, now;
	int signo;

	sigemptyset(&mine);
	sigaddset(&mine, SIGUSR1);
	sigaddset(&mine, SIGRTMIN + 3);
	must_eq(pthread_sigmask(SIG_SETMASK, &mine, NULL), 0);
	must_eq(enter(make_gate(module, all_ones), 1), 0);
	enter_fault(module, gate, 0);
	enter_fault(module, gate, 0);
	must_eq(pthread_sigmask(SIG_SETMASK, NULL, &now), 0);
	for (signo = 1; signo < SIGRTMIN + 8; signo++)
		must_eq(sigismember(&now, signo), sigismember(&mine, signo));
}
END_TEST

START_TEST(test_again_and_again)
{
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_gate *one = make_gate(module, all_ones);
	struct modiso_gate *two = make_gate(other, digits);
	uintptr_t (MODISO_CALL *thunk)(uintptr_t);
	unsigned long i, n = run_times(200000, 5000);
	struct proc_usage before;

	thunk = (CALLED(uintptr_t, uintptr_t))make_thunk(module, all_ones);
	must_eq(thunk(1) + enter(one, 1) + enter(two, 0), 0);
	before = proc_usage();
	for (i = 0; i < n; i++) {
		must_eq(enter(one, i + 1), i);
		must_eq(thunk(i + 1), i);
		must_eq(enter(two, 1, 2, 3, 4, 5, 6), 123456);
	}
	proc_must_not_grow(&before, 0, 256);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("gate");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_arguments);
	tcase_add_test(tcase, test_whole_words);
	tcase_add_test(tcase, test_wrong_call);
	tcase_add_loop_test(tcase, test_wrong_options, 0, WRONG_OPTIONS);
	tcase_add_test(tcase, test_thunks);
	tcase_add_test(tcase, test_many_thunks);
	tcase_add_test(tcase, test_thunk_limit);
	tcase_add_test(tcase, test_thunk_fault);
	tcase_add_test(tcase, test_gate_destroyed);
	tcase_add_test(tcase, test_destroy_under_way);
	tcase_add_loop_test(tcase, test_nesting, 0, 2);
	tcase_add_test(tcase, test_stack_in_module);
	tcase_add_test(tcase, test_stack_aligned);
	tcase_add_test(tcase, test_signal_mask);
	tcase_add_test(tcase, test_again_and_again);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
