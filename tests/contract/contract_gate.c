/* SPDX-License-Identifier: MIT */
/*
 * contract_gate - a call into a module and back: arguments, results, nesting,
 * and a host that finds its CPU as it left it, whatever the module did to it.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <asm/prctl.h>
#include <fenv.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

static char sentinel;

MODULE_CODE static uintptr_t digits(uintptr_t a, uintptr_t b, uintptr_t c,
				    uintptr_t d, uintptr_t e, uintptr_t f)
{
	return ((((a * 10 + b) * 10 + c) * 10 + d) * 10 + e) * 10 + f;
}

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

MODULE_CODE static uintptr_t all_ones(uintptr_t a)
{
	return a + ~(uintptr_t)0;
}

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

#define SIZED .struct_size = sizeof(struct modiso_gate_options)

static const struct {
	const char *name;
	struct modiso_gate_options options;
} wrong_options[] = {
	{"size 0", {.struct_size = 0}},
	{"size 4", {.struct_size = 4}},
	{"size - 1", {.struct_size = sizeof(struct modiso_gate_options) - 1}},
	{"flag", {SIZED, .flags = 1u << 1}},
	{"flags", {SIZED, .flags = 1u << 31}},
	{"7 words", {SIZED, .word_args = 7}},
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

MODULE_CODE static double mix(uintptr_t a, double p, uintptr_t b, double q,
			      uintptr_t c, double r, uintptr_t d, double s,
			      uintptr_t e, double t, uintptr_t f, double u,
			      double v, double w)
{
	return (double)digits(a, b, c, d, e, f) + p * q * r * s * t * u * v * w;
}

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
	double (*call_mix)(uintptr_t, double, uintptr_t, double, uintptr_t,
			   double, uintptr_t, double, uintptr_t, double,
			   uintptr_t, double, double, double);
	const char *(*call_pointer)(const char *, int);
	int (*call_negative)(int, signed char);
	float (*call_half)(float);
	int i;

	call_mix = (double (*)(uintptr_t, double, uintptr_t, double, uintptr_t,
			       double, uintptr_t, double, uintptr_t, double,
			       uintptr_t, double, double,
			       double))make_thunk(module, mix);
	call_half = (float (*)(float))make_thunk(module, half);
	call_pointer =
		(const char *(*)(const char *, int))make_thunk(module, pointer);
	call_negative = (int (*)(int, signed char))make_thunk(module, negative);
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
		must_eq(((uintptr_t(*)(uintptr_t, uintptr_t, uintptr_t,
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
	must_eq(((uintptr_t(*)(uintptr_t))first)(1), 7);
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
	double (*call_double)(uintptr_t);
	uintptr_t (*call)(uintptr_t);
	struct modiso_gate *gate;
	modiso_fn thunk;

	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)poke_load1,
					     &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	call = (uintptr_t(*)(uintptr_t))thunk;
	call_double = (double (*)(uintptr_t))thunk;
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
	must_eq(((uintptr_t(*)(uintptr_t))make_thunk(module, poke_load1))(0),
		0);
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
	must_eq(((uintptr_t(*)(uintptr_t))thunk)(5), 4);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	must_eq(((uintptr_t(*)(uintptr_t))thunk)(5), 7);
	must_eq(modiso_gate_status(), MODISO_ERR_NOENT);
	must_eq(enter(other, 5), 4);
}
END_TEST

/* A gate may end while a call is under way through it. */
static struct modiso_gate *running_gate;
static uintptr_t (*volatile destroy_service)(void);
static int destroyed;

static uintptr_t destroy_running(void)
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
		(uintptr_t(*)(void))make_service("destroy", destroy_running);
	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)call_destroy,
					     &options, &running_gate));
	expect(MODISO_OK, modiso_gate_thunk(running_gate, &thunk));
	destroyed = -1;
	must_eq(((uintptr_t(*)(void))thunk)(), 6);
	must_eq(destroyed, MODISO_OK);
	must_eq(((uintptr_t(*)(void))thunk)(), 7);
	must_eq(modiso_gate_status(), MODISO_ERR_NOENT);
}
END_TEST

/* --- nesting --- */

enum { LIMIT = 64 };

static struct modiso_gate *nest_gates[3];
static uintptr_t (*volatile nest_service)(uintptr_t levels);
static int nest_code;
static unsigned nest_deepest, nest_depth;

/* Host code in the middle: one gate further down, in the next module. */
static uintptr_t nest_down(uintptr_t levels)
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

	nest_service = (uintptr_t(*)(uintptr_t))make_service("down", nest_down);
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

/* --- the stack --- */

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
	uintptr_t (*thunk)(void);

	/* As after any call: 16 bytes, less the return address. */
	must_eq(enter(make_gate(module, poke_local), 0) % 16, 8);
	thunk = (uintptr_t(*)(void))make_thunk(module, poke_local);
	must_eq(thunk() % 16, 8);
}
END_TEST

/* --- the CPU afterwards --- */

static struct modiso_module *state_module;
static struct modiso_gate *volatile state_gate;

static uintptr_t call_state_gate(uintptr_t a, uintptr_t b)
{
	uintptr_t result = 0;
	int code = modiso_gate_call(state_gate, WORDS(a, b), &result);

	return (uintptr_t)(intptr_t)code;
}

static uintptr_t host_function(uintptr_t a)
{
	return a;
}

/* What a module can leave behind. */
enum wreck {
	FINE = 0,  /* its own affair: the call returns */
	GRAVE = 1, /* the gate may call it damage to the way out */
};

struct state {
	const char *name;
	uintptr_t (*entry)(uintptr_t value, uintptr_t crash);
	uintptr_t value;
	enum wreck wreck;
	bool needs_fsgsbase;
};

static const struct state states[] = {
	{"callee-saved", poke_trash, 0xbadbadbadbadbadul, FINE, false},
	{"callee-saved zero", poke_trash, 0, FINE, false},
	{"DF", poke_flags, 0x402, FINE, false},
	{"AC", poke_flags, 0x40002, FINE, false},
	{"DF and AC", poke_flags, 0x40402, FINE, false},
	{"all arithmetic flags", poke_flags, 0x8d7, FINE, false},
	{"no flags", poke_flags, 2, FINE, false},
	{"MXCSR unmasked", poke_mxcsr, 0, FINE, false},
	{"MXCSR rounding up", poke_mxcsr, 0x5f80, FINE, false},
	{"MXCSR to zero", poke_mxcsr, 0xffc0, FINE, false},
	{"x87 unmasked", poke_fcw, 0x340, GRAVE, false},
	{"x87 single precision", poke_fcw, 0x7f, FINE, false},
	{"x87 rounding up", poke_fcw, 0xb7f, FINE, false},
	{"x87 full", poke_x87_full, 0, FINE, false},
	{"MMX", poke_mmx, 0x123456789abcdeful, FINE, false},
	{"FS base", poke_fsbase, 0x1000, GRAVE, true},
	{"FS base, kernel's", poke_fsbase, 0xffff800000000000ul, GRAVE, true},
	{"FS base zero", poke_fsbase, 0, GRAVE, true},
	{"GS base", poke_gsbase, 0x1000, GRAVE, true},
};

#define STATES ((int)(sizeof(states) / sizeof(*states)))

static unsigned long base_of(int which)
{
	unsigned long base = 0;

	must_eq(syscall(SYS_arch_prctl, which, &base), 0);
	return base;
}

/* Arithmetic that feels a wrong mode, and a copy that feels DF. */
static void check_arithmetic(void)
{
	volatile double one = 1, three = 3, tiny = 4.9e-324;
	volatile long double wide = 1;
	volatile float inexact;
	char from[300], to[300];

	must(one / three == 0x1.5555555555555p-2);
	must(tiny > 0 && tiny * 2 > tiny);
	must(wide / 3 * 3 == wide);
	must(wide + 0x1p-60L != wide);
	inexact = (float)(one / three);
	must(inexact > 0.33f);
	memset(from, 'f', sizeof(from));
	memmove(to, from, sizeof(to));
	must(!memcmp(from, to, sizeof(to)));
}

/* How a call may end that left @state behind: as @crash says, or refused. */
static void check_code(const struct state *state, int code, uintptr_t crash)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	if (code == MODISO_OK && !crash)
		return;
	must_eq(code, MODISO_ERR_FAULT);
	must(crash || state->wreck == GRAVE);
	expect(MODISO_OK, modiso_fault_last(&fault));
	if (crash)
		must_eq(fault.kind, MODISO_FAULT_ILLEGAL);
}

static void check_host(const struct state *state, const struct cpu_seen *seen,
		       const struct cpu_seen *before, const unsigned long *base)
{
	const char *wrong = cpu_is_host(seen, before);

	if (wrong)
		ck_abort_msg("%s: %s", state->name, wrong);
	must_eq(base_of(ARCH_GET_FS), base[0]);
	must_eq(base_of(ARCH_GET_GS), base[1]);
	check_arithmetic();
}

static void start_state(const struct state *state, unsigned long *base)
{
	state_module = world_module();
	state_gate = make_gate(state_module, state->entry);
	/* The bases are the thread's once it has entered a module. */
	must_eq(enter(make_gate(state_module, all_ones), 1), 0);
	base[0] = base_of(ARCH_GET_FS);
	base[1] = base_of(ARCH_GET_GS);
}

/* @crash: the module leaves that state behind in a fault, not in a return. */
static void check_state(const struct state *state, uintptr_t crash)
{
	struct cpu_seen before, seen;
	unsigned long base[2];
	uintptr_t code;
	int round;

	start_state(state, base);
	for (round = 0; round < 3; round++) {
		cpu_call(&before, (modiso_fn)host_function, 0, 0, 0, 0);
		code = cpu_call(&seen, (modiso_fn)call_state_gate, state->value,
				crash, 0, 0);
		check_host(state, &seen, &before, base);
		check_code(state, (int)code, crash);
	}
}

START_TEST(test_state_after_return)
{
	check_state(&states[_i], 0);
}
END_TEST

START_TEST(test_state_after_fault)
{
	check_state(&states[_i], 1);
}
END_TEST

/* The same through a thunk, where no C code of the library comes in between. */
START_TEST(test_state_after_thunk)
{
	const struct state *state = &states[_i];
	struct cpu_seen before, seen;
	unsigned long base[2];
	modiso_fn thunk;
	int round;

	start_state(state, base);
	expect(MODISO_OK, modiso_gate_thunk(state_gate, &thunk));
	for (round = 0; round < 4; round++) {
		cpu_call(&before, (modiso_fn)host_function, 0, 0, 0, 0);
		cpu_call(&seen, thunk, state->value, round % 2, 0, 0);
		check_host(state, &seen, &before, base);
		check_code(state, modiso_gate_status(), round % 2);
	}
}
END_TEST

static const struct state selectors[] = {
	{"DS", poke_ds, POKE_USER_DS, FINE, false},
	{"ES", poke_es, POKE_USER_DS, FINE, false},
	{"FS", poke_fs, POKE_USER_DS, GRAVE, true},
	{"GS", poke_gs, POKE_USER_DS, GRAVE, true},
};

#define SELECTORS ((int)(sizeof(selectors) / sizeof(*selectors)))

static void read_selectors(uint16_t out[4])
{
	__asm__ volatile("movw %%ds, %0\n\tmovw %%es, %1\n\t"
			 "movw %%fs, %2\n\tmovw %%gs, %3"
			 : "=m"(out[0]), "=m"(out[1]), "=m"(out[2]),
			   "=m"(out[3]));
}

/* After a fault and after a return; of a gate that scrubs as well. */
START_TEST(test_selectors)
{
	const struct state *state = &selectors[_i];
	struct modiso_gate_options options = {
		SIZED, .flags = MODISO_GATE_SCRUB, .word_args = 2};
	uint16_t mine[4], now[4];
	struct modiso_gate *gate;
	struct cpu_seen before, seen;
	unsigned long base[2];
	uintptr_t code, crash;
	int round;

	start_state(state, base);
	read_selectors(mine);
	expect(MODISO_OK,
	       modiso_gate_create(state_module, (modiso_fn)state->entry,
				  &options, &gate));
	for (round = 0; round < 8; round++) {
		crash = (uintptr_t)round % 2;
		cpu_call(&before, (modiso_fn)host_function, 0, 0, 0, 0);
		if (round == 4)
			state_gate = gate;
		code = cpu_call(&seen, (modiso_fn)call_state_gate, state->value,
				crash, 0, 0);
		read_selectors(now);
		must(!memcmp(mine, now, sizeof(now)));
		check_host(state, &seen, &before, base);
		check_code(state, (int)code, crash);
	}
}
END_TEST

static void set_data_selectors(unsigned long value)
{
	__asm__ volatile("movl %k0, %%ds\n\tmovl %k0, %%es" : : "r"(value));
}

static uint16_t in_service[4];

static uintptr_t note_selectors(uintptr_t value)
{
	read_selectors(in_service);
	return value + 1;
}

static uintptr_t (*volatile note)(uintptr_t);

/* Of DS and ES: @first when it calls the service, @last when it returns. */
MODULE_CODE static uintptr_t change_and_call(uintptr_t first, uintptr_t last)
{
	set_data_selectors(first);
	first = note(first);
	set_data_selectors(last);
	return first;
}

/* A segment of code, but readable: another value that fits. */
#define USER_CS 0x33

/*
 * Services have the host's selectors too, and so has a thread that has given
 * itself other ones, which with keys it has not against a module that loads 0.
 */
START_TEST(test_host_selectors)
{
	static const uintptr_t values[] = {0, POKE_USER_DS, USER_CS};
	struct modiso_gate_options options = {
		SIZED, .flags = MODISO_GATE_SCRUB, .word_args = 2};
	struct modiso_module *module;
	struct modiso_gate *gates[2];
	uint16_t mine[4], now[4];
	int round, least = _i && on_pkey(), most = 3 - least;

	set_data_selectors(values[_i]);
	read_selectors(mine);
	must_eq(mine[0], values[_i]);
	must_eq(mine[1], values[_i]);
	module = world_module();
	note = (uintptr_t(*)(uintptr_t))make_service("note", note_selectors);
	gates[0] = make_gate(module, change_and_call);
	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)change_and_call, &options,
				  &gates[1]));
	for (round = 0; round < 2 * most * most; round++) {
		uintptr_t first = values[least + round / 2 % most];
		uintptr_t last = values[least + round / 2 / most];

		must_eq(enter(gates[round % 2], first, last), first + 1);
		read_selectors(now);
		must(!memcmp(mine, now, sizeof(now)));
		must(!memcmp(mine, in_service, sizeof(mine)));
		must_eq(note(1), 2); /* by the host itself */
	}
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* The host's own modes, which are not the defaults, come back too. */
START_TEST(test_host_modes)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *up = make_gate(module, poke_mxcsr);
	struct modiso_gate *single = make_gate(module, poke_fcw);
	uint16_t fcw = 0x77f, now;
	int crash;

	_mm_setcsr(0x7f80);
	__asm__ volatile("fldcw %0" : : "m"(fcw));
	for (crash = 0; crash < 2; crash++) {
		(void)!modiso_gate_call(up, WORDS(0x3f80, (uintptr_t)crash),
					NULL);
		(void)!modiso_gate_call(single, WORDS(0x7f, (uintptr_t)crash),
					NULL);
		must_eq(_mm_getcsr() & ~0x3fu, 0x7f80);
		__asm__ volatile("fnstcw %0" : "=m"(now));
		must_eq(now, fcw);
	}
	must_eq(modiso_fault_count(), 2);
}
END_TEST

/* The trap flag set on the way out: the trap is the module's, or nobody's. */
START_TEST(test_trap_flag)
{
	struct modiso_module *module = world_module();
	struct cpu_seen before, seen;
	uintptr_t code;
	const char *wrong;
	int round;

	state_gate = make_gate(module, poke_flags);
	for (round = 0; round < 20; round++) {
		cpu_call(&before, (modiso_fn)host_function, 0, 0, 0, 0);
		code = cpu_call(&seen, (modiso_fn)call_state_gate, 0x102, 0, 0,
				0);
		must((int)code == MODISO_OK || (int)code == MODISO_ERR_FAULT);
		wrong = cpu_is_host(&seen, &before);
		if (wrong)
			ck_abort_msg("%s", wrong);
	}
	check_arithmetic();
	must_eq(enter(make_gate(module, all_ones), 1), 0);
}
END_TEST

/* --- ways back that are damaged --- */

static struct modiso_gate *damage_inner, *damage_outer;
static uintptr_t (*volatile damage_service)(uintptr_t, uintptr_t);
static int damage_code;

/* A gate call that may end either way, but ends, with a host that is whole. */
static int call_damaged(struct modiso_gate *gate, uintptr_t a, uintptr_t b)
{
	struct cpu_seen before, seen;
	const char *wrong;
	int code;

	state_gate = gate;
	cpu_call(&before, (modiso_fn)host_function, 0, 0, 0, 0);
	code = (int)cpu_call(&seen, (modiso_fn)call_state_gate, a, b, 0, 0);
	wrong = cpu_is_host(&seen, &before);
	if (wrong)
		ck_abort_msg("%s", wrong);
	if (code != MODISO_OK && code != MODISO_ERR_FAULT)
		ck_abort_msg("gate call: %s", modiso_error_name(code));
	return code;
}

START_TEST(test_return_shifted)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *low = make_gate(module, poke_return_low);
	struct modiso_region *hosts = make_region(NULL, PAGE, "host's");
	uintptr_t shift, guarded = W(region_bytes(hosts));

	memset(region_bytes(hosts), 0x55, PAGE);
	for (shift = 8; shift <= 4096; shift += shift < 64 ? 8 : 488)
		call_damaged(low, shift, 0);
	for (shift = 8; shift <= 512; shift += 8)
		call_damaged(low, (uintptr_t)-shift, 0);
	/* Onto host memory: the way back neither writes nor needs it. */
	shift = enter(make_gate(module, poke_local), 0) - (guarded + PAGE / 2);
	call_damaged(low, shift, 0);
	call_damaged(low, shift + 8, 0);
	must(all_bytes(region_bytes(hosts), 0x55, PAGE));
	call_damaged(low, 1, 0);
	call_damaged(low, (uintptr_t)1 << 40, 0);
	call_damaged(low, (uintptr_t)1 << 62, 0);
	must_eq(enter(make_gate(module, all_ones), 1), 0);
}
END_TEST

START_TEST(test_return_elsewhere)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, poke_return_to);
	struct modiso_region *data = make_region(module, PAGE, "data");
	const struct modiso_fault *fault;

	fault = enter_fault(module, gate, W(poke_ud2));
	must_eq(fault->kind, MODISO_FAULT_ILLEGAL);
	must_eq(fault->pc, poke_ud2);
	fault = enter_fault(module, gate, 0);
	must_eq(fault->kind, MODISO_FAULT_UNMAPPED);
	must_eq(fault->pc, 0);
	fault = enter_fault(module, gate, W(region_bytes(data)));
	must_blame(fault, MODISO_EXEC, region_bytes(data), data);
	fault = enter_fault(module, gate, (uintptr_t)1 << 60);
	must_eq(fault->kind, MODISO_FAULT_PRIVILEGED);
	must_eq(enter(make_gate(module, all_ones), 1), 0);
}
END_TEST

START_TEST(test_return_slot_smashed)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, poke_smash);
	uintptr_t words;

	for (words = 1; words <= 32; words++) {
		enter_fault(module, gate, words, 0x4141414141414141ul);
		enter_fault(module, gate, words, 0);
		enter_fault(module, gate, words, W(poke_ud2));
	}
	/* All that there is of the stack, and further if it could. */
	enter_fault(module, gate, 1 << 20, 0x4141414141414141ul);
	must_eq(enter(make_gate(module, all_ones), 1), 0);
}
END_TEST

/*
 * The inner call of two smashes the whole stack, the outer call's frame and
 * all. Whatever becomes of the module's own frame, the host code in between
 * and the host code above find theirs.
 */
static uintptr_t damage_between(uintptr_t words, uintptr_t value)
{
	char mine[64];

	memset(mine, 'm', sizeof(mine));
	damage_code = modiso_gate_call(damage_inner, WORDS(words, value), NULL);
	return all_bytes(mine, 'm', sizeof(mine)) ? 12 : 13;
}

MODULE_CODE static uintptr_t damage_entry(uintptr_t words, uintptr_t value)
{
	volatile char frame[512];

	frame[0] = frame[511] = 1;
	return damage_service(words, value) + (uintptr_t)frame[0] - 1;
}

START_TEST(test_outer_frame_smashed)
{
	struct modiso_module *module = world_module();
	uintptr_t words, result;
	int code;

	damage_service = (uintptr_t(*)(uintptr_t, uintptr_t))make_service(
		"between", damage_between);
	damage_inner = make_gate(module, poke_smash);
	damage_outer = make_gate(module, damage_entry);
	for (words = 1; words < 300; words += 7) {
		damage_code = 0;
		result = 0;
		errno = ERRNO_MARK;
		code = modiso_gate_call(damage_outer, WORDS(words, 0), &result);
		must_eq(damage_code, MODISO_ERR_FAULT);
		if (code != MODISO_ERR_FAULT)
			expect_code(code, MODISO_OK, "gate call", __FILE__,
				    __LINE__);
	}
	call_damaged(damage_outer, 1 << 20, 0x4242424242424242ul);
	must_eq(damage_code, MODISO_ERR_FAULT);
	must_eq(enter(make_gate(module, all_ones), 1), 0);
}
END_TEST

/* --- registers on the way in --- */

/* A register that the entry finds: nothing, its argument, its own address. */
static void check_register(uintptr_t word, int index, const void *entry)
{
	enum { RDI = 5, RSP = 7 };

	if (word == POKE_SECRET || (uint32_t)word == (uint32_t)POKE_SECRET)
		ck_abort_msg("register %d holds the host's secret", index);
	if (index != RDI && index != RSP && word && word != W(entry))
		ck_abort_msg("register %d is %#lx", index, word);
}

START_TEST(test_scrub)
{
	static const void *const entries[] = {
		poke_registers_xmm, poke_registers_ymm, poke_registers_zmm};
	struct modiso_gate_options options = {SIZED, .flags = MODISO_GATE_SCRUB,
					      .word_args = 1, .float_args = 0};
	struct modiso_module *module = world_module();
	struct poke_registers *seen;
	struct modiso_gate *gate;
	modiso_fn thunk;
	int i, round;

	seen = modiso_region_base(make_region(module, sizeof(*seen), "seen"));
	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)W(entries[_i]),
					     &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	for (round = 0; round < 3; round++) {
		memset(seen, 0, sizeof(*seen));
		cpu_call_secret(thunk, W(seen), (enum cpu_vectors)_i);
		must_eq(modiso_gate_status(), MODISO_OK);
		must_eq(seen->word[5], seen);
		for (i = 0; i < 16; i++)
			check_register(seen->word[i], i, entries[_i]);
		/* Vectors beyond the width that was stored are zero anyway. */
		must(all_bytes(seen->vector, 0, sizeof(seen->vector)));
		must(all_bytes(seen->mask, 0, sizeof(seen->mask)));
		must(all_bytes(seen->mmx, 0, sizeof(seen->mmx)));
	}
}
END_TEST

/* The test above can fail: without the gate the secret is there. */
START_TEST(test_scrub_control)
{
	struct poke_registers seen;
	uint64_t secret = POKE_SECRET;
	int i;

	world_start();
	memset(&seen, 0, sizeof(seen));
	cpu_call_secret((modiso_fn)poke_registers_xmm, W(&seen), CPU_XMM);
	for (i = 0; i < 16; i++) {
		if (i != 5 && i != 7)
			must_eq(seen.word[i], POKE_SECRET);
		must(!memcmp(seen.vector[i], &secret, sizeof(secret)));
	}
	for (i = 0; i < 8; i++)
		must_eq(seen.mmx[i], POKE_SECRET);
}
END_TEST

/* Without that flag too: an argument that was not given is zero. */
START_TEST(test_words_cleared)
{
	struct modiso_gate_options options = {SIZED, .word_args = 1};
	struct modiso_module *module = world_module();
	struct poke_registers *seen;
	struct modiso_gate *gate;
	int i;

	seen = modiso_region_base(make_region(module, sizeof(*seen), "seen"));
	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)poke_registers_xmm,
				  &options, &gate));
	memset(seen, 0xa5, sizeof(*seen));
	enter(gate, W(seen));
	must_eq(seen->word[3], 0); /* rdx */
	must_eq(seen->word[2], 0); /* rcx */
	must_eq(seen->word[4], 0); /* rsi */
	must_eq(seen->word[8], 0); /* r8 */
	must_eq(seen->word[9], 0); /* r9 */
	for (i = 0; i < 16; i++)
		must(seen->word[i] != 0xa5a5a5a5a5a5a5a5ul);
}
END_TEST

/* Arguments survive the scrubbing, all fourteen of them. */
START_TEST(test_scrub_keeps_arguments)
{
	struct modiso_gate_options options = {SIZED, .flags = MODISO_GATE_SCRUB,
					      .word_args = 6, .float_args = 8};
	struct modiso_module *module = world_module();
	struct modiso_gate *gate;
	modiso_fn thunk;

	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)mix, &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	ck_assert_double_eq(
		((double (*)(uintptr_t, double, uintptr_t, double, uintptr_t,
			     double, uintptr_t, double, uintptr_t, double,
			     uintptr_t, double, double, double))thunk)(
			1, 1.5, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8),
		123456 + 1.5 * 2 * 3 * 4 * 5 * 6 * 7 * 8);
}
END_TEST

/* --- the rest of what a call leaves alone --- */

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
	uintptr_t (*thunk)(uintptr_t);
	unsigned long i, n = times(200000, 5000);
	struct proc_usage before;

	thunk = (uintptr_t(*)(uintptr_t))make_thunk(module, all_ones);
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
	int i;

	tcase_set_timeout(tcase, 60);
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
	for (i = 0; i < STATES; i++) {
		if (states[i].needs_fsgsbase && !cpu_has_fsgsbase())
			continue;
		tcase_add_loop_test(tcase, test_state_after_return, i, i + 1);
		tcase_add_loop_test(tcase, test_state_after_fault, i, i + 1);
		tcase_add_loop_test(tcase, test_state_after_thunk, i, i + 1);
	}
	for (i = 0; i < SELECTORS; i++)
		if (!selectors[i].needs_fsgsbase || cpu_has_fsgsbase())
			tcase_add_loop_test(tcase, test_selectors, i, i + 1);
	tcase_add_loop_test(tcase, test_host_selectors, 0, 2);
	tcase_add_test(tcase, test_host_modes);
	tcase_add_test(tcase, test_trap_flag);
	tcase_add_test(tcase, test_return_shifted);
	tcase_add_test(tcase, test_return_elsewhere);
	tcase_add_test(tcase, test_return_slot_smashed);
	tcase_add_test(tcase, test_outer_frame_smashed);
	tcase_add_loop_test(tcase, test_scrub, CPU_XMM, (int)cpu_vectors() + 1);
	tcase_add_test(tcase, test_scrub_control);
	tcase_add_test(tcase, test_words_cleared);
	tcase_add_test(tcase, test_scrub_keeps_arguments);
	tcase_add_test(tcase, test_signal_mask);
	tcase_add_test(tcase, test_again_and_again);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
