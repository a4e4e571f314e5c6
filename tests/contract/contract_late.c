/* SPDX-License-Identifier: MIT */
/*
 * contract_late - exceptions of the x87, of which the CPU tells late: at the
 * next x87 instruction that waits for them, which a gate or the way into a
 * service can be. What a module has left behind ends nothing but itself, and
 * what host code has left behind is the host's.
 *
 * Emulation tells of them at fewer instructions, and does not say which one it
 * was; so there the host is told or not, and all else holds.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <execinfo.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <ucontext.h>

#define ALL_MASKED  0x37f
#define RAISED      0xffu /* in the status word: exceptions, and their sum */

static struct modiso_module *module;

/* A division by zero that nothing waits for: with POKE_DIVIDE_OPEN it pends. */
static inline __attribute__((always_inline)) void divide(uint16_t control)
{
	__asm__ volatile("fninit\n\tfldcw %0\n\tfld1\n\tfldz\n\tfdivrp"
			 :
			 : "m"(control));
}

static uint16_t status_word(void)
{
	uint16_t word;

	__asm__ volatile("fnstsw %0" : "=m"(word));
	return word;
}

static uint16_t control_word(void)
{
	uint16_t word;

	__asm__ volatile("fnstcw %0" : "=m"(word));
	return word;
}

/* The host as it was: its modes, and nothing that waits. */
static void must_be_quiet(uint16_t control)
{
	must_eq(control_word(), control);
	must_eq(status_word() & RAISED, 0);
}

/* --- what the host hears --- */

static sigjmp_buf back;
static volatile int told, code_told;
static volatile bool jumps;
/* Where the caller of the gate returns to, which the handler's walk meets */
static void *caller;
static volatile int seen_caller;

/* As the program that has asked for the signal: it goes on without. */
static void hear(int signo, siginfo_t *info, void *context)
{
	ucontext_t *uc = context;
	void *frames[64];

	(void)signo;
	told++;
	code_told = info->si_code;
	for (int i = backtrace(frames, 64) - 1; i >= 0; i--)
		seen_caller += caller != NULL && frames[i] == caller;
	if (jumps)
		siglongjmp(back, 1);
	uc->uc_mcontext.fpregs->swd &= (uint16_t)~0x80ff;
}

static void listen_for(bool jump)
{
	struct sigaction action = {.sa_sigaction = hear,
				   .sa_flags = SA_SIGINFO};

	must(!sigaction(SIGFPE, &action, NULL));
	jumps = jump;
	told = 0;
	seen_caller = 0;
}

static void must_be_told(int times)
{
	if (emulated())
		must(told <= 1);
	else
		must_eq(told, times);
	if (told)
		must_eq(code_told, FPE_FLTDIV);
	must_eq(modiso_fault_count(), 0);
}

/* --- the module's --- */

/* How gates differ: in what they save on the way in; the way out is shared. */
static const struct {
	uint32_t confinement, words, flags;
	bool recorded, guarded;
} kinds[] = {
	{MODISO_CONFINE_GUARD, 2, 0, false, false},
	{MODISO_CONFINE_GUARD, 6, 0, false, false},
	{MODISO_CONFINE_GUARD, 2, MODISO_GATE_SCRUB, false, false},
	{MODISO_CONFINE_GUARD, 2, 0, true, false},
	/* Of keys alone: */
	{MODISO_CONFINE_READONLY, 2, 0, false, false},
	{MODISO_CONFINE_SEALED, 2, 0, false, false},
	{MODISO_CONFINE_SEALED, 6, 0, false, true},
};

#define KINDS	    ((int)(sizeof(kinds) / sizeof(*kinds)))
#define KINDS_PLAIN 4

static struct modiso_gate *gate_of(int kind, modiso_fn entry)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = kinds[kind].confinement,
		.syscalls = kinds[kind].guarded ? MODISO_SYSCALLS_NONE
						: MODISO_SYSCALLS_OPEN,
	};
	const struct modiso_options recording = {
		.struct_size = sizeof(recording),
		.flags = MODISO_INIT_RECORD,
	};
	const struct modiso_gate_options shape = {
		.struct_size = sizeof(shape),
		.word_args = kinds[kind].words,
		.flags = kinds[kind].flags,
	};
	struct modiso_gate *gate;

	if (kinds[kind].recorded)
		expect(MODISO_OK, modiso_init(&recording));
	else
		world_start();
	expect(MODISO_OK, modiso_module_create("late", &options, &module));
	expect(MODISO_OK, modiso_gate_create(module, entry, &shape, &gate));
	return gate;
}

/* By a call and by a thunk, whose caller comes right behind the gate. */
START_TEST(test_leaves)
{
	struct modiso_gate *gate = gate_of(_i, (modiso_fn)poke_late);
	uintptr_t (*thunk)(uintptr_t, uintptr_t);
	modiso_fn function;

	expect(MODISO_OK, modiso_gate_thunk(gate, &function));
	thunk = (uintptr_t(*)(uintptr_t, uintptr_t))function;
	listen_for(false);
	for (int round = 0; round < 3; round++) {
		must_eq(enter(gate, POKE_DIVIDE_OPEN, 0), 0);
		must_be_quiet(ALL_MASKED);
		must_eq(thunk(POKE_DIVIDE_OPEN, 0), 0);
		must_be_quiet(ALL_MASKED);
		must_eq(enter_fault(module, gate, POKE_DIVIDE_OPEN, 1)->kind,
			MODISO_FAULT_ILLEGAL);
		must_be_quiet(ALL_MASKED);
	}
	must_eq(told, 0);
}
END_TEST

static uint16_t status_inside, control_inside;

static uintptr_t look(uintptr_t value)
{
	status_inside = status_word();
	control_inside = control_word();
	return value + 1;
}

MODULE_CODE static uintptr_t leaves_and_calls(uintptr_t value,
					      uintptr_t (*thunk)(uintptr_t))
{
	poke_late(POKE_DIVIDE_OPEN, 0);
	return thunk(value);
}

START_TEST(test_calls_service)
{
	struct modiso_gate *gate = gate_of(_i, (modiso_fn)leaves_and_calls);
	modiso_fn thunk = make_service("look", look);

	listen_for(false);
	for (int round = 0; round < 3; round++) {
		status_inside = control_inside = 0xffff;
		must_eq(enter(gate, 4, W(thunk)), 5);
		must_eq(status_inside & RAISED, 0);
		must_eq(control_inside, ALL_MASKED);
		must_be_quiet(ALL_MASKED);
	}
	must_be_told(0);
}
END_TEST

/* --- the host's --- */

MODULE_CODE static uintptr_t passes_on(uintptr_t value,
				       uintptr_t (*thunk)(uintptr_t, uintptr_t))
{
	return thunk ? thunk(value, 16) : value + 1; /* no address */
}

static __attribute__((noinline)) uintptr_t
enters(struct modiso_gate *gate, uintptr_t value, uintptr_t thunk)
{
	uintptr_t result;

	caller = __builtin_return_address(0);
	result = enter(gate, value, thunk);
	caller = NULL;
	return result;
}

/* Left behind by the caller: on the way out, or on that into a service. */
START_TEST(test_host_leaves)
{
	struct modiso_gate *gate;
	uintptr_t thunk;

	module = world_module();
	gate = make_gate(module, passes_on);
	thunk = _i ? W(make_service("look", look)) : 0;
	for (int round = 1; round <= 3; round++) {
		listen_for(false);
		divide(POKE_DIVIDE_OPEN);
		must_eq(enters(gate, 4, thunk), 5);
		must_be_told(1);
		must_eq(seen_caller, told);
		must_be_quiet(POKE_DIVIDE_OPEN);
	}
	for (int round = 1; round <= 3; round++) {
		listen_for(true);
		divide(POKE_DIVIDE_OPEN);
		if (!sigsetjmp(back, 1))
			must_eq(enter(gate, 4, thunk), 5);
		must_be_told(1);
		__asm__ volatile("fninit");
		must_eq(enter(gate, 4, thunk), 5);
		must_be_told(1);
	}
	/* Masked, it is nothing but a flag. */
	listen_for(false);
	divide(ALL_MASKED);
	must_eq(enter(gate, 4, thunk), 5);
	must_be_told(0);
}
END_TEST

static void leave_to_default(void *arg)
{
	struct modiso_gate *gate = arg;

	signal(SIGFPE, SIG_DFL);
	divide(POKE_DIVIDE_OPEN);
	(void)!modiso_gate_call(gate, WORDS(4, 0), NULL);
}

START_TEST(test_host_default)
{
	module = world_module();
	must_die(child_status(leave_to_default, make_gate(module, passes_on)),
		 SIGFPE);
}
END_TEST

static uintptr_t divide_in_service(uintptr_t value)
{
	divide(POKE_DIVIDE_OPEN);
	return value + 1;
}

/* Of a SEALED module the way back clears what the service has left. */
START_TEST(test_service_leaves)
{
	struct modiso_gate *gate = gate_of(_i, (modiso_fn)passes_on);
	modiso_fn thunk = make_service("divide", divide_in_service);

	for (int round = 1; round <= 3; round++) {
		listen_for(false);
		must_eq(enter(gate, 4, W(thunk)), 5);
		must_be_told(1);
		must_be_quiet(ALL_MASKED);
	}
}
END_TEST

/* --- which of the two --- */

/* divide(*rdi), and the return: to be copied. */
extern const unsigned char late_code[], late_code_end[];
__asm__(".text\n"
	"late_code:\tfninit; fldcw (%rdi); fld1; fldz; fdivrp\n\t"
	"movl $5, %eax; ret\n"
	"late_code_end:\n");

/* In a host that has asked for the signal, code of the module's own region. */
START_TEST(test_own_code)
{
	struct modiso_region *code, *data;
	size_t size = (size_t)(late_code_end - late_code);
	uint16_t open = POKE_DIVIDE_OPEN;

	module = world_module();
	data = make_region(module, PAGE, "data");
	memcpy(region_bytes(data), &open, sizeof(open));
	code = make_region(module, PAGE, "code");
	memcpy(region_bytes(code), late_code, size);
	expect(MODISO_OK, modiso_region_protect(code, RX));
	__asm__ volatile("fninit\n\tfldcw %0" : : "m"(open));
	for (int round = 0; round < 3; round++) {
		listen_for(false);
		must_eq(enter(make_gate(module, W(region_bytes(code))),
			      W(region_bytes(data))),
			5);
		must_be_told(0);
		must_be_quiet(POKE_DIVIDE_OPEN);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("late");
	TCase *tcase = tcase_create("contract");
	int count = on_pkey() ? KINDS : KINDS_PLAIN;

	tcase_add_loop_test(tcase, test_leaves, 0, count);
	tcase_add_loop_test(tcase, test_calls_service, 0, count);
	tcase_add_loop_test(tcase, test_host_leaves, 0, 2);
	if (!emulated()) {
		tcase_add_test(tcase, test_host_default);
		tcase_add_loop_test(tcase, test_service_leaves, 0, count);
	}
	tcase_add_test(tcase, test_own_code);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
