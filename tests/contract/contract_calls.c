/* SPDX-License-Identifier: MIT */
/*
 * contract_calls - which system calls a way into a module and back makes, and
 * how many: none, or those that close and open pages. A tracer counts them.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <signal.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 64
/* No system call has this number: the kernel refuses it, the tracer sees it. */
#define MARK 0x7777

/* Between the two marks. */
struct counts {
	unsigned all;
	unsigned mprotect;
	unsigned sigreturn;
	unsigned clock;  /* where the kernel has no clock in user memory */
	unsigned gettid; /* where user code cannot read the FS base */
};

static struct modiso_module *first, *second;

static void mark(void)
{
	(void)syscall(MARK);
}

static void count_call(struct counts *counts, long number)
{
	counts->all++;
	counts->mprotect += number == SYS_mprotect;
	counts->sigreturn += number == SYS_rt_sigreturn;
	counts->clock += number == SYS_clock_gettime;
	counts->gettid += number == SYS_gettid;
}

static long number_of(pid_t child)
{
	return ptrace(PTRACE_PEEKUSER, child,
		      (void *)offsetof(struct user, regs.orig_rax), NULL);
}

/* What @body does in a child, between its first mark() and its second. */
static struct counts trace(void (*body)(void))
{
	struct counts counts = {0};
	int status, deliver = 0;
	unsigned marks = 0;
	bool entry = false;
	pid_t child = fork();

	must(child >= 0);
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		body();
		_exit(0);
	}
	must(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, child, NULL,
	       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	for (;;) {
		ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)deliver);
		must(waitpid(child, &status, 0) == child);
		if (!WIFSTOPPED(status))
			break;
		deliver = WSTOPSIG(status);
		if (deliver != (SIGTRAP | 0x80))
			continue;
		deliver = 0;
		entry = !entry;
		if (!entry)
			continue;
		if (number_of(child) == MARK)
			marks++;
		else if (marks == 1)
			count_call(&counts, number_of(child));
	}
	must_exit(status, 0);
	must_eq(marks, 2);
	return counts;
}

MODULE_CODE static uintptr_t same(uintptr_t value)
{
	return value;
}

static void make_modules(void)
{
	world_start();
	first = make_module("first");
	second = make_module("second");
	make_region(first, PAGE, "first's");
	make_region(second, PAGE, "second's");
}

static void same_module(void)
{
	struct modiso_gate *gate;
	uintptr_t (*thunk)(uintptr_t);
	uintptr_t i;

	make_modules();
	gate = make_gate(first, same);
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(first, same);
	must_eq(enter(gate, 1) + thunk(1), 2);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(enter(gate, i) + thunk(i), 2 * i);
	mark();
}

START_TEST(test_same_module)
{
	struct counts counts = trace(same_module);

	must_eq(counts.all, 0);
}
END_TEST

static uintptr_t (*service)(uintptr_t);

MODULE_CODE static uintptr_t ask(uintptr_t value)
{
	return service(value);
}

static uintptr_t answer(uintptr_t value)
{
	return value + 1;
}

static void calls_service(void)
{
	struct modiso_gate *gate;
	uintptr_t i;

	make_modules();
	service = (uintptr_t(*)(uintptr_t))make_service("answer", answer);
	gate = make_gate(first, ask);
	must_eq(enter(gate, 1), 2);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(enter(gate, i), i + 1);
	mark();
}

START_TEST(test_service)
{
	struct counts counts = trace(calls_service);

	must_eq(counts.all, 0);
}
END_TEST

static void guarded(void)
{
	struct modiso_gate *gate;
	volatile unsigned char *byte;
	uintptr_t i;

	make_modules();
	byte = region_bytes(make_region(NULL, PAGE, "host's"));
	gate = make_gate(first, same);
	must_eq(enter(gate, 1), 1);
	mark();
	for (i = 0; i < ROUNDS; i++) {
		must_eq(enter(gate, i), i);
		*byte = 1;
	}
	mark();
}

/* Closed on the way in, open again on the way back, and no fault. */
START_TEST(test_guarded)
{
	struct counts counts = trace(guarded);

	must_eq(counts.mprotect, on_pkey() ? 0 : 2 * ROUNDS);
	must_eq(counts.all, counts.mprotect);
}
END_TEST

static void in_turn(void)
{
	struct modiso_gate *one, *other;
	uintptr_t i;

	make_modules();
	one = make_gate(first, same);
	other = make_gate(second, same);
	must_eq(enter(one, 1) + enter(other, 1), 2);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(enter(one, i) + enter(other, i), 2 * i);
	mark();
}

/* One module's stack and data are closed, the other's opened: two calls. */
START_TEST(test_in_turn)
{
	struct counts counts = trace(in_turn);

	must_eq(counts.mprotect, on_pkey() ? 0 : 2 * 2 * ROUNDS);
	must_eq(counts.all, counts.mprotect);
}
END_TEST

static void faults(void)
{
	struct modiso_region *region;
	struct modiso_gate *gate;
	unsigned i;

	make_modules();
	region = make_region(second, PAGE, "more");
	gate = make_gate(first, poke_store1);
	enter_fault(first, gate, W(region_bytes(region)));
	mark();
	for (i = 0; i < ROUNDS; i++)
		if (modiso_gate_call(gate, WORDS(W(region_bytes(region))),
				     NULL) != MODISO_ERR_FAULT)
			_exit(1);
	mark();
}

/* Nothing but the return from the handler. */
START_TEST(test_faults)
{
	struct counts counts = trace(faults);

	must_eq(counts.sigreturn, ROUNDS);
	must(counts.gettid <= ROUNDS);
	must_eq(counts.all, ROUNDS + counts.clock + counts.gettid);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("calls");
	TCase *tcase = tcase_create("contract");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_same_module);
	tcase_add_test(tcase, test_service);
	tcase_add_test(tcase, test_guarded);
	tcase_add_test(tcase, test_in_turn);
	tcase_add_test(tcase, test_faults);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
