/* SPDX-License-Identifier: MIT */
/*
 * contract_step - a signal at each instruction of what takes a thread into a
 * module and back: gates, services, windows, a thread's first call.
 */
#include "contract/step_scene.h"

/* --- gates --- */

MODULE_CODE static uintptr_t sum_four(uintptr_t a, uintptr_t b, uintptr_t c,
				      uintptr_t d)
{
	return a + b + c + d;
}

static int shape;

static void set_gate(void)
{
	static const struct {
		modiso_fn function;
		uint32_t words, floats, flags;
		uintptr_t value, want;
	} shapes[] = {
		{(modiso_fn)sum, 2, 8, 0, 0, 42},
		{(modiso_fn)sum_four, 6, 8, 0, 99, 49},
		{(modiso_fn)sum, 2, 0, MODISO_GATE_SCRUB, 0, 42},
		{(modiso_fn)sum_four, 4, 0, MODISO_GATE_SCRUB, 0, 49},
		{(modiso_fn)sum_four, 4, 1, MODISO_GATE_SCRUB, 0, 49},
	};

	set_scene();
	entry = thunk_of(shapes[shape].function, shapes[shape].words,
			 shapes[shape].floats, shapes[shape].flags,
			 shapes[shape].value);
	want = shapes[shape].want;
}
#define SHAPES 5
#define SHAPE_USED 3

/* The host has used the x87: there is an exception that it has masked. */
static void round_used(void)
{
	__asm__ volatile("fninit\n\tfld1\n\tfldz\n\tfdivrp");
	round_call();
}

START_TEST(test_gate)
{
	shape = _i % SHAPES;
	/* In and out: no gate is shorter than 50. */
	step_each("gate", set_gate,
		  shape == SHAPE_USED ? round_used : round_call,
		  VARIANTS - 1 - _i / SHAPES, 50);
}
END_TEST

/* --- services --- */

START_TEST(test_service)
{
	step_each("service", set_service, round_call, _i, 120);
}
END_TEST

static void set_allowed(void)
{
	set_listed();
	expect(MODISO_OK, modiso_service_allow(listed_service, module));
}

START_TEST(test_service_allowed)
{
	step_each("listed service", set_allowed, round_call, _i, 120);
}
END_TEST

/* --- words on the stack, of a gate and of a service --- */

typedef uintptr_t MODISO_CALL take_nine(uintptr_t, uintptr_t, uintptr_t,
					uintptr_t, uintptr_t, uintptr_t,
					uintptr_t, uintptr_t, uintptr_t);

static take_nine *volatile nine_service;
static modiso_fn nine_gate;
static int nine_kind;

static uintptr_t serve_nine(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
			    uintptr_t e, uintptr_t f, uintptr_t g, uintptr_t h,
			    uintptr_t i)
{
	region_bytes(hosts)[BY_SERVICE]++;
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h +
	       9 * i;
}

MODULE_CODE static uintptr_t pass_nine(uintptr_t a, uintptr_t b, uintptr_t c,
				       uintptr_t d, uintptr_t e, uintptr_t f,
				       uintptr_t g, uintptr_t h, uintptr_t i)
{
	return nine_service(a, b, c, d, e, f, g, h, i) + i;
}

static uintptr_t call_nine(uintptr_t a, uintptr_t b)
{
	return ((take_nine *)nine_gate)(a, b, 3, 4, 5, 6, 7, 8, 9);
}

static void round_nine(void)
{
	step_begin();
	result = cpu_call(&seen, (modiso_fn)call_nine, 20, 22, 3, 4);
	step_end();
}

static void set_nine(void)
{
	struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.word_args = 9,
	};
	struct modiso_service *made;

	set_scene();
	expect(MODISO_OK, modiso_service_create("nine", (modiso_fn)serve_nine,
						&options, &made));
	nine_service = (take_nine *)modiso_service_thunk(made);
	nine_gate = thunk_of((modiso_fn)pass_nine, 9, 8,
			     nine_kind & 1 ? MODISO_GATE_SCRUB : 0,
			     nine_kind & 2 ? 99 : 0);
	want = 20 + 44 + 9 + 16 + 25 + 36 + 49 + 64 + 81 + 9;
	served = 1;
}
#define NINE_KINDS 4

START_TEST(test_words)
{
	nine_kind = _i % NINE_KINDS;
	step_each("words on the stack", set_nine, round_nine,
		  VARIANTS - 1 - _i / NINE_KINDS, 150);
}
END_TEST

/*
 * With an exception of the x87 that the way into the host is told of, twice,
 * and flags that are cleared there.
 */
MODULE_CODE static uintptr_t call_late(uintptr_t a, uintptr_t b)
{
	poke_late(POKE_DIVIDE_OPEN, 0);
	__asm__ volatile("std");
	a = service(a);
	poke_late(POKE_DIVIDE_OPEN, 0);
	__asm__ volatile("std");
	return a + b;
}

static void set_late(void)
{
	set_service();
	entry = thunk_of((modiso_fn)call_late, 2, 8, 0, 0);
}

START_TEST(test_late)
{
	step_each("late exceptions", set_late, round_call, _i, 120);
}
END_TEST

/* --- windows --- */

static struct modiso_region *seen_through;

static void round_window(void)
{
	step_begin();
	expect(MODISO_OK, modiso_window_open(seen_through, RW));
	region_bytes(seen_through)[64]++;
	result = cpu_call(&seen, entry, 20, 22, 3, 4);
	region_bytes(seen_through)[64]++;
	expect(MODISO_OK, modiso_window_close(seen_through));
	step_end();
}

static void verify_window(void)
{
	expect(MODISO_OK, modiso_window_open(seen_through, MODISO_READ));
	must_eq(region_bytes(seen_through)[64], (unsigned char)(2 * rounds));
	expect(MODISO_OK, modiso_window_close(seen_through));
}

static void set_window(void)
{
	set_service();
	seen_through = closed ? closed : hosts;
	verify = verify_window;
}

START_TEST(test_window)
{
	step_each("window", set_window, round_window, _i, 120);
}
END_TEST

/* --- a thread's first call --- */

static void round_first_call(void)
{
	expect(MODISO_OK, modiso_thread_detach());
	round_call();
}

static void set_first_call(void)
{
	/* No thread is attached on a signal stack of the program's own. */
	const stack_t none = {.ss_flags = SS_DISABLE};

	must(!sigaltstack(&none, NULL));
	no_signal_stack = true;
	set_scene();
	entry = thunk_of((modiso_fn)sum, 2, 8, 0, 0);
	want = 42;
	links_change = true;
}

START_TEST(test_first_call)
{
	step_each("first call", set_first_call, round_first_call, _i, 50);
}
END_TEST

/* --- a sealed module --- */

static void set_sealed(void)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
	};
	struct modiso_module *guarded;

	set_scene();
	guarded = module;
	expect(MODISO_OK, modiso_module_create("sealed", &options, &module));
	entry = thunk_of((modiso_fn)sum, 2, 8, 0, 0);
	module = guarded;
	want = 42;
}

START_TEST(test_sealed)
{
	step_each("sealed", set_sealed, round_call, _i, 60);
}
END_TEST

/* --- protection keys of the program's own --- */

static int own_key;

/* What a handler makes of its rights ends with it. */
static void work_with_keys(void)
{
	must(!pkey_set(own_key, PKEY_DISABLE_WRITE));
	work_and_fault();
	must_eq(pkey_get(own_key), PKEY_DISABLE_WRITE);
}

static void set_own_keys(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.max_keys = 6,
	};

	own_key = pkey_alloc(0, 0);
	must(own_key > 0);
	expect(MODISO_OK, modiso_init(&options));
	set_service();
	work = work_with_keys;
}

START_TEST(test_own_keys)
{
	step_each("the program's own keys", set_own_keys, round_call, _i, 130);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("step");
	TCase *tcase = tcase_create("contract");
	const int first = step_first();
	const bool all = step_all();


	tcase_add_loop_test(tcase, test_service, first, VARIANTS);
	if (!emulated()) /* there nothing is told */
		tcase_add_loop_test(tcase, test_late, 0, VARIANTS);
	if (all) {
		tcase_add_loop_test(tcase, test_gate, 0,
				    SHAPES * (VARIANTS - first));
		tcase_add_loop_test(tcase, test_words, 0,
				    NINE_KINDS * (VARIANTS - first));
		tcase_add_loop_test(tcase, test_service_allowed, first,
				    VARIANTS);
		tcase_add_loop_test(tcase, test_window, first, VARIANTS);
		tcase_add_loop_test(tcase, test_first_call, first, VARIANTS);
	}
	if (on_pkey()) {
		tcase_add_loop_test(tcase, test_sealed, first, VARIANTS);
		tcase_add_loop_test(tcase, test_own_keys, first, VARIANTS);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
