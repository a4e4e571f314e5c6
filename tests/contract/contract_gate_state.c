/* SPDX-License-Identifier: MIT */
/*
 * contract_gate_state - the state of the CPU that a module leaves behind is
 * not what the host goes on with, whichever way it comes back.
 */
#include "contract/gate_calls.h"
#include "support/world.h"
#include "support/poke.h"

#include <asm/prctl.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <xmmintrin.h>

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
	bool writes_base; /* by instructions that only FSGSBASE gives */
};

static const struct state states[] = {
	{"callee-saved", poke_trash, 0xbadbadbadbadbadul, FINE, false},
	{"callee-saved zero", poke_trash, 0, FINE, false},
	{"DF", poke_flags, 0x402, FINE, false},
	{"AC", poke_flags, 0x40002, FINE, false},
	{"DF and AC", poke_flags, 0x40402, FINE, false},
	{"all arithmetic flags", poke_flags, 0x8d7, FINE, false},
	{"no flags", poke_flags, 2, FINE, false},
	{"NT", poke_flags, 0x4002, FINE, false},
	{"NT, DF and AC", poke_flags, 0x44402, FINE, false},
	{"ID", poke_flags, 0x200002, FINE, false},
	{"IOPL, and no IF", poke_flags, 0x3002, FINE, false},
	{"MXCSR unmasked", poke_mxcsr, 0, FINE, false},
	{"MXCSR raised and unmasked", poke_mxcsr, 0x3f, FINE, false},
	{"MXCSR rounding up", poke_mxcsr, 0x5f80, FINE, false},
	{"MXCSR to zero", poke_mxcsr, 0xffc0, FINE, false},
	{"x87 unmasked", poke_fcw, 0x340, FINE, false},
	{"x87 pending", poke_late, POKE_DIVIDE_OPEN, FINE, false},
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
	{"FS", poke_fs, POKE_USER_DS, GRAVE, false},
	{"GS", poke_gs, POKE_USER_DS, GRAVE, false},
	{"FS null", poke_fs, 0, GRAVE, false},
	{"GS null", poke_gs, 0, GRAVE, false},
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
	struct modiso_gate_options options = {SIZED, .flags = MODISO_GATE_SCRUB,
					      .word_args = 2};
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
	struct modiso_gate_options options = {SIZED, .flags = MODISO_GATE_SCRUB,
					      .word_args = 2};
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
	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)change_and_call,
					     &options, &gates[1]));
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

static Suite *make_suite(void)
{
	Suite *suite = suite_create("gate_state");
	TCase *tcase = tcase_create("contract");
	int i;

	for (i = 0; i < STATES; i++) {
		if (states[i].writes_base && !cpu_has_fsgsbase())
			continue;
		tcase_add_loop_test(tcase, test_state_after_return, i, i + 1);
		tcase_add_loop_test(tcase, test_state_after_fault, i, i + 1);
		tcase_add_loop_test(tcase, test_state_after_thunk, i, i + 1);
	}
	for (i = 0; i < SELECTORS; i++)
		tcase_add_loop_test(tcase, test_selectors, i, i + 1);
	tcase_add_loop_test(tcase, test_host_selectors, 0, 2);
	tcase_add_test(tcase, test_host_modes);
	tcase_add_test(tcase, test_trap_flag);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
