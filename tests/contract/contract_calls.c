/* SPDX-License-Identifier: MIT */
/*
 * contract_calls - which system calls a way into a module and back makes, and
 * how many: none, or those that close and open pages. A tracer counts them.
 */
#include "contract/trace.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct modiso_module *first, *second;

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

/* With keys, all that it takes: the gate is 70 of it. */
#define CALL_STEPS 136

static void counted_call(void)
{
	uintptr_t word = 1, result = 0;
	struct modiso_gate *gate;
	int code;

	make_modules();
	gate = make_gate(first, same);
	must_eq(enter(gate, 1), 1);
	stop_here();
	code = modiso_gate_call(gate, &word, 1, &result);
	stop_here();
	must_eq(code, 0);
	must_eq(result, 1);
}

START_TEST(test_steps)
{
	unsigned steps;

	count_steps(counted_call, &steps, 1);
	printf("# modiso_gate_call: %u instructions\n", steps);
	must(steps > 60);
	must(TEST_SANITIZED || !on_pkey() || steps <= CALL_STEPS);
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

static struct modiso_module_options confined = {
	.struct_size = sizeof(confined),
};
static modiso_fn confined_entry;

static void confined_module(void)
{
	struct modiso_module *module = NULL;
	uintptr_t word = 1, result = 0;
	struct modiso_gate *gate;

	world_start();
	expect(MODISO_OK, modiso_module_create("confined", &confined, &module));
	service = (uintptr_t(*)(uintptr_t))make_service("answer", answer);
	gate = make_gate(module, confined_entry);
	enter(gate, 1);
	stop_here();
	(void)!modiso_gate_call(gate, &word, 1, &result);
	stop_here();
}

static unsigned steps_of(uint32_t confinement, uint32_t syscalls,
			 modiso_fn entry)
{
	unsigned steps = 0;

	confined.confinement = confinement;
	confined.syscalls = syscalls;
	confined_entry = entry;
	count_steps(confined_module, &steps, 1);
	return steps;
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

/* A guard of system calls is one instruction of a gate, none of a service. */
START_TEST(test_guard_steps)
{
	static const struct {
		uint32_t confinement;
		modiso_fn entry;
	} calls[] = {
		{MODISO_CONFINE_GUARD, (modiso_fn)same},
		{MODISO_CONFINE_SEALED, (modiso_fn)same},
		{MODISO_CONFINE_GUARD, (modiso_fn)ask},
	};
	unsigned plain, guard;

	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
		plain = steps_of(calls[i].confinement, MODISO_SYSCALLS_OPEN,
				 calls[i].entry);
		guard = steps_of(calls[i].confinement, MODISO_SYSCALLS_NONE,
				 calls[i].entry);
		printf("# call %zu: %u instructions, guarded %u\n", i, plain,
		       guard);
		must(plain > 60 && guard >= plain);
		must(TEST_SANITIZED || guard == plain + 1);
	}
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

static void guarded_in_turn(void)
{
	struct modiso_gate *one, *other;
	volatile unsigned char *byte;
	uintptr_t i;

	make_modules();
	byte = region_bytes(make_region(NULL, PAGE, "host's"));
	one = make_gate(first, same);
	other = make_gate(second, same);
	must_eq(enter(one, 1) + enter(other, 1), 2);
	mark();
	for (i = 0; i < ROUNDS; i++) {
		must_eq(enter(one, i), i);
		*byte = 1;
		must_eq(enter(other, i), i);
		*byte = 2;
	}
	mark();
}

/* What the other module and the host have is closed in one call. */
START_TEST(test_guarded_in_turn)
{
	struct counts counts = trace(guarded_in_turn);

	must_eq(counts.mprotect, on_pkey() ? 0 : 2 * 3 * ROUNDS);
	must_eq(counts.all, counts.mprotect);
}
END_TEST

enum { NEIGHBOURS = 4 };

/* Host code opens what it touches; mappings of its own come in between. */
static void neighbours(void)
{
	volatile unsigned char *byte[NEIGHBOURS];
	struct modiso_module *module;
	struct modiso_gate *gate;
	uintptr_t i, k;

	world_start();
	for (i = 0; i < NEIGHBOURS; i++) {
		module = make_module("neighbour");
		byte[i] = region_bytes(make_region(module, PAGE, "data"));
		must(mmap(NULL, PAGE << i, PROT_READ,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
	}
	make_region(NULL, PAGE, "host's");
	module = make_module("entered");
	gate = make_gate(module, same);
	must_eq(enter(gate, 1), 1);
	mark();
	for (i = 0; i < ROUNDS; i++) {
		for (k = 0; k < NEIGHBOURS; k++)
			*byte[k] = 1;
		must_eq(enter(gate, i), i);
	}
	mark();
}

/* They open one by one, are closed in one call, and the host's opens again. */
START_TEST(test_neighbours)
{
	struct counts counts = trace(neighbours);

	must_eq(counts.mprotect,
		on_pkey() ? 0 : (NEIGHBOURS + 1 + 1) * ROUNDS);
}
END_TEST

static void in_turn_with(unsigned regions)
{
	struct modiso_gate *one, *other;
	uintptr_t i;

	make_modules();
	make_regions(first, regions);
	make_regions(second, regions);
	one = make_gate(first, same);
	other = make_gate(second, same);
	must_eq(enter(one, 1) + enter(other, 1), 2);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(enter(one, i) + enter(other, i), 2 * i);
	mark();
}

static void in_turn(void)
{
	in_turn_with(0);
}

static void in_turn_with_many(void)
{
	in_turn_with(REGIONS - 1);
}

/* One module's stack and data are closed, the other's opened: two calls. */
static void must_be_two_calls(void (*body)(void))
{
	struct counts counts = trace(body);

	must_eq(counts.mprotect, on_pkey() ? 0 : 2 * 2 * ROUNDS);
	must_eq(counts.all, counts.mprotect);
}

START_TEST(test_in_turn)
{
	must_be_two_calls(in_turn);
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

/*
 * Nothing but the return from the handler; and, where signal stacks have a key,
 * the faults' signals, which are blocked until it has rights to them.
 */
START_TEST(test_faults)
{
	struct counts counts = trace(faults);

	must_eq(counts.sigreturn, ROUNDS);
	must(counts.gettid <= ROUNDS);
	must(counts.sigmask == 0 || (on_pkey() && counts.sigmask == ROUNDS));
	must_eq(counts.all, ROUNDS + counts.clock + counts.gettid +
				    counts.sigmask);
}
END_TEST

/*
 * --- a host that schedules by itself ---
 *
 * The main thread is the task, in the first module all the time; the scheduler
 * freezes it there, and has the second module run or not. Nobody waits by a
 * system call.
 */
static struct modiso_thread *task;
static pid_t task_pid, task_tid;
static struct modiso_gate *other_gate; /* NULL: nothing runs in between */
static atomic_uint inside, frozen, resumed;
static atomic_bool counted;

MODULE_CODE static uintptr_t be_frozen(uintptr_t rounds)
{
	unsigned i;

	for (i = 1; i <= rounds; i++) {
		inside = i;
		while (resumed < i)
			__asm__ volatile("pause");
	}
	return rounds;
}

static void freeze(int signo)
{
	(void)signo;
	frozen++;
	while (resumed < frozen)
		__asm__ volatile("pause");
}

static void *schedule(void *unused)
{
	unsigned i;

	must_eq(modiso_thread_attach(), 0);
	for (i = 1; i <= ROUNDS + 1; i++) {
		while (inside < i)
			__asm__ volatile("pause");
		if (i == 2)
			mark(); /* the first calls are made */
		(void)syscall(SYS_tgkill, task_pid, task_tid, SIGUSR1);
		while (frozen < i)
			__asm__ volatile("pause");
		if (modiso_thread_preempt(task) != 0 ||
		    (other_gate != NULL &&
		     modiso_gate_call(other_gate, WORDS(i), NULL) != 0) ||
		    modiso_thread_resume(task) != 0)
			_exit(1);
		resumed = i;
	}
	while (!atomic_load(&counted))
		__asm__ volatile("pause");
	return unused;
}

static void preempted(bool other_runs)
{
	const struct sigaction action = {.sa_handler = freeze};
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
	};
	struct modiso_gate *gate;
	pthread_t scheduler;

	expect(MODISO_OK, modiso_init(&options));
	first = make_module("first");
	second = make_module("second");
	make_region(first, PAGE, "first's");
	make_region(second, PAGE, "second's");
	gate = make_gate(first, be_frozen);
	if (other_runs)
		other_gate = make_gate(second, same);
	must(!sigaction(SIGUSR1, &action, NULL));
	task_pid = getpid();
	task_tid = (pid_t)syscall(SYS_gettid);
	expect(MODISO_OK, modiso_thread_self(&task));
	scheduler = thread_start(schedule, NULL);
	must_eq(enter(gate, ROUNDS + 1), ROUNDS + 1);
	mark();
	atomic_store(&counted, true);
	must_eq(frozen, ROUNDS + 1);
	thread_join(scheduler);
}

static void preempted_alone(void)
{
	preempted(false);
}

static void preempted_by_another(void)
{
	preempted(true);
}

/* The signal, its handler's mask and stack, and the return from it: no more. */
static void must_signal_only(struct counts counts)
{
	must_eq(counts.tgkill, ROUNDS);
	must_eq(counts.sigreturn, ROUNDS);
	must(counts.sigmask <= 2 * ROUNDS && counts.altstack <= 2 * ROUNDS);
	must_eq(counts.all, counts.tgkill + counts.sigreturn + counts.sigmask +
				    counts.altstack + counts.mprotect +
				    counts.gettid);
}

START_TEST(test_preempted_alone)
{
	struct counts counts = trace(preempted_alone);

	must_eq(counts.mprotect, 0);
	must_signal_only(counts);
}
END_TEST

/* A switch to the other module, and one back: two calls each. */
START_TEST(test_preempted_by_another)
{
	struct counts counts = trace(preempted_by_another);

	must_eq(counts.mprotect, on_pkey() ? 0 : 2 * 2 * ROUNDS);
	must_signal_only(counts);
}
END_TEST

#define SCHEDULED "it makes system calls of its own"

/* A hundred regions are switched like one. */
START_TEST(test_many_regions)
{
	must_be_two_calls(in_turn_with_many);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("calls");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_same_module);
	tcase_add_test(tcase, test_steps);
	tcase_add_test(tcase, test_service);
	if (on_pkey())
		tcase_add_test(tcase, test_guard_steps);
	tcase_add_test(tcase, test_guarded);
	tcase_add_test(tcase, test_guarded_in_turn);
	tcase_add_test(tcase, test_neighbours);
	tcase_add_test(tcase, test_in_turn);
	tcase_add_test(tcase, test_faults);
	add_test_but_tsan(tcase, test_preempted_alone, SCHEDULED);
	add_test_but_tsan(tcase, test_preempted_by_another, SCHEDULED);
	tcase_add_test(tcase, test_many_regions);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
