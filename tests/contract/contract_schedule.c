/* SPDX-License-Identifier: MIT */
/*
 * contract_schedule - hosts that schedule by themselves: a thread is frozen in
 * a signal handler at any instruction, others run meanwhile, in other modules
 * too, and it goes on with the rights that it had; or it is taken out of its
 * module for good.
 *
 * The main thread is the task; a second thread is the scheduler and, while the
 * task is frozen, the other task.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/step.h"

#include "arch/arch.h"

#include <linux/seccomp.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct modiso_module *module, *other;
static struct modiso_region *data, *others, *hosts;
static struct modiso_gate *work_gate, *load, *other_gate, *other_load;
static struct modiso_thread *task;

static void start_external(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
	};

	expect(MODISO_OK, modiso_init(&options));
}

static uintptr_t (*volatile service)(uintptr_t);
static atomic_ulong served;

/* Host code, with what only the host may touch. */
static uintptr_t serve(uintptr_t value)
{
	region_bytes(hosts)[1]++;
	served++;
	return value + 1;
}

MODULE_CODE static uintptr_t work(volatile unsigned char *bytes,
				  uintptr_t value)
{
	bytes[0]++;
	value = service(value);
	bytes[0]++;
	return value;
}

MODULE_CODE static uintptr_t touch(volatile unsigned char *bytes)
{
	return ++bytes[1];
}

static void make_parts(void)
{
	module = make_module("module");
	other = make_module("other");
	data = make_region(module, PAGE, "data");
	others = make_region(other, PAGE, "other's");
	hosts = make_region(NULL, PAGE, "host's");
	work_gate = make_gate(module, work);
	load = make_gate(module, poke_load1);
	other_gate = make_gate(other, touch);
	other_load = make_gate(other, poke_load1);
	service = (uintptr_t(*)(uintptr_t))make_service("serve", serve);
}

static void make_scene(void)
{
	start_external();
	make_parts();
}

/* --- the scheduler --- */

static sem_t frozen, go;
static atomic_bool idle, over;
static void (*while_frozen)(void); /* run by the scheduler */
static pthread_t scheduler;

static void wait_for(sem_t *semaphore)
{
	while (sem_wait(semaphore) != 0)
		must_eq(errno, EINTR);
}

/* No SA_ONSTACK and no care for errno, as a simulator's. */
static void freeze(int signo)
{
	int saved = errno;

	(void)signo;
	must(sem_post(&frozen) == 0);
	wait_for(&go);
	errno = saved;
}

static void *schedule(void *unused)
{
	for (;;) {
		atomic_store(&idle, true);
		wait_for(&frozen);
		atomic_store(&idle, false);
		if (atomic_load(&over))
			break;
		must_eq(modiso_thread_preempt(task), 0);
		while_frozen();
		must_eq(modiso_thread_resume(task), 0);
		must(sem_post(&go) == 0);
	}
	return unused;
}

static void make_freezable(void)
{
	const struct sigaction action = {.sa_handler = freeze};

	must(!sem_init(&frozen, 0, 0) && !sem_init(&go, 0, 0));
	must(!sigaction(SIGUSR1, &action, NULL));
}

static void start_scheduler(void (*other_work)(void))
{
	while_frozen = other_work;
	make_freezable();
	expect(MODISO_OK, modiso_thread_self(&task));
	scheduler = thread_start(schedule, NULL);
}

static void stop_scheduler(void)
{
	atomic_store(&over, true);
	must(sem_post(&frozen) == 0);
	thread_join(scheduler);
}

/* The other task runs in the other module, and finds its own and no more. */
static unsigned others_rounds;

static void run_other(void)
{
	unsigned char *byte = region_bytes(data);

	others_rounds++;
	region_bytes(hosts)[2]++;
	must_eq(enter(other_gate, W(region_bytes(others))),
		(unsigned char)others_rounds);
	must_blame(enter_fault(other, other_load, W(byte)), MODISO_READ, byte,
		   data);
}

/* --- frozen at every instruction --- */

static unsigned long rounds;
static unsigned char *others_byte;

/* The record is looked at after the end: Check's code is not the task's. */
static int work_code, load_code;
static uintptr_t work_value;
static struct modiso_fault last;

static void setup_freeze(void)
{
	make_scene();
	start_scheduler(run_other);
	others_byte = region_bytes(others);
}

static void one_round(void)
{
	while (!atomic_load(&idle))
		sched_yield();
	rounds++;
	step_begin();
	work_code = modiso_gate_call(work_gate, WORDS(W(region_bytes(data)), 7),
				     &work_value);
	load_code = modiso_gate_call(load, WORDS(W(others_byte)), NULL);
	region_bytes(hosts)[3]++;
	step_end();
}

static void check_round(unsigned sent, bool last_one)
{
	must_eq(work_code, 0);
	must_eq(work_value, 8);
	must_eq(load_code, MODISO_ERR_FAULT);
	last.struct_size = sizeof(last);
	must_eq(modiso_fault_last(&last), 0);
	must_blame(&last, MODISO_READ, others_byte, others);
	must_eq(modiso_fault_count(), rounds);
	must_eq(served, rounds);
	must_eq(region_bytes(hosts)[1], (unsigned char)rounds);
	must_eq(region_bytes(hosts)[3], (unsigned char)rounds);
	must_eq(region_bytes(data)[0], (unsigned char)(2 * rounds));
	(void)last_one;
	must_eq(others_rounds, sent);
}

static bool in_gates(uintptr_t pc)
{
	return pc >= (uintptr_t)__start_mdi_gate_text &&
	       pc < (uintptr_t)__stop_mdi_gate_text;
}

static void step(const char *name, void (*setup)(void), void (*round)(void),
		 void (*check)(unsigned, bool), unsigned stride)
{
	const struct step_plan plan = {
		.name = name,
		.setup = setup,
		.round = round,
		.check = check,
		.signo = SIGUSR1,
		.wanted = in_gates,
		.stride = emulated() ? stride : 1,
	};
	struct step_count count;

	if (tracer_missing() != NULL)
		test_skip("ptrace", tracer_missing());
	count = step_run(&plan);
	printf("# %s: %zu instructions, %zu times frozen\n", name, count.steps,
	       count.points);
	must(count.points > 50);
}

START_TEST(test_freeze_everywhere)
{
	step("freeze", setup_freeze, one_round, check_round, 25);
}
END_TEST

/* --- taken out at every instruction --- */

static unsigned long landings, abandoned;

static void landing(void *arg)
{
	must(arg == &landings);
	/* Host rights, the host's stack, and the module can be entered. */
	region_bytes(hosts)[4]++;
	landings++;
}

static unsigned long asked;
static unsigned char found; /* the module's counter, when it was asked for */

static void abandon_task(void)
{
	run_other();
	must_eq(modiso_thread_abandon(task, landing, &landings), 0);
	asked++;
	found = region_bytes(data)[0];
}

static void setup_abandon(void)
{
	make_scene();
	start_scheduler(abandon_task);
	others_byte = region_bytes(others);
}

static unsigned long asked_before;
static unsigned char at_start;

/* Each thread that is asked to leave is told once, soon or late. */
static void settle(bool was_told)
{
	must_eq(asked, step_sent());
	must(asked <= asked_before + 1);
	if (asked != asked_before && !was_told) {
		/* It was on its way to a call that comes, or never comes. */
		if (asked & 1) {
			expect(MODISO_ERR_ABANDONED,
			       modiso_gate_call(other_gate,
						WORDS(W(others_byte)), NULL));
			abandoned++;
		} else {
			expect(MODISO_ERR_NOENT,
			       modiso_thread_abandon(task, NULL, NULL));
		}
	}
	must(!was_told || asked == asked_before + 1);
	asked_before = asked;
	must_eq(landings, abandoned);
	must_eq(region_bytes(hosts)[4], (unsigned char)landings);
	/* Nothing is left behind. */
	must_eq(enter(work_gate, W(region_bytes(data)), 1), 2);
	must_blame(enter_fault(module, load, W(others_byte)), MODISO_READ,
		   others_byte, others);
}

static void check_abandoned(unsigned sent, bool last_one)
{
	bool told = work_code == MODISO_ERR_ABANDONED ||
		    load_code == MODISO_ERR_ABANDONED;

	(void)sent;
	(void)last_one;
	must(work_code == 0 || work_code == MODISO_ERR_ABANDONED);
	must(load_code == MODISO_ERR_FAULT ||
	     load_code == MODISO_ERR_ABANDONED);
	must(work_code == 0 || load_code == MODISO_ERR_FAULT);
	abandoned += told;
	settle(told);
}

START_TEST(test_abandon_everywhere)
{
	step("abandon", setup_abandon, one_round, check_abandoned, 25);
}
END_TEST

/*
 * A thread's first call: attached, and nothing that it needs in the module is
 * there. The way is long, and no instruction of it lets the thread in.
 */
static void first_call(void)
{
	while (!atomic_load(&idle))
		sched_yield();
	must_eq(modiso_thread_detach(), 0);
	must_eq(modiso_thread_self(&task), 0);
	at_start = region_bytes(data)[0];
	step_begin();
	work_code = modiso_gate_call(work_gate, WORDS(W(region_bytes(data)), 7),
				     &work_value);
	step_end();
}

static void check_first_call(unsigned sent, bool last_one)
{
	bool told = work_code == MODISO_ERR_ABANDONED;

	(void)sent;
	(void)last_one;
	must(work_code == 0 || told);
	if (asked != asked_before) {
		/* From then on the module does nothing. */
		must_eq(region_bytes(data)[0], found);
		must(told || found == (unsigned char)(at_start + 2));
	} else {
		must_eq(work_code, 0);
	}
	abandoned += told;
	settle(told);
}

START_TEST(test_abandon_on_the_way)
{
	step("abandon on the way in", setup_abandon, first_call,
	     check_first_call, 1);
}
END_TEST

/* Frozen in host code: what is asked for holds for the next call, no more. */
static void freeze_self(void)
{
	must_eq(pthread_kill(pthread_self(), SIGUSR1), 0);
}

static int in_handler_code;

static void call_in_handler(int signo)
{
	(void)signo;
	freeze_self();
	in_handler_code =
		modiso_gate_call(other_gate, WORDS(W(others_byte)), NULL);
}

static void next_call(unsigned way)
{
	const struct sigaction calls = {.sa_handler = call_in_handler};

	must(!sigaction(SIGUSR2, &calls, NULL));
	if (way != 3)
		freeze_self();
	switch (way) {
	case 0: /* it is the one */
		expect(MODISO_ERR_ABANDONED,
		       modiso_gate_call(work_gate,
					WORDS(W(region_bytes(data)), 7), NULL));
		break;
	case 1: /* the thread says that it is over */
		expect(MODISO_ERR_NOENT,
		       modiso_thread_abandon(task, NULL, NULL));
		break;
	case 2: /* the thread is another one */
		expect(MODISO_OK, modiso_thread_detach());
		expect(MODISO_OK, modiso_thread_self(&task));
		break;
	case 3: /* in a handler, the handler's */
		must_eq(pthread_kill(pthread_self(), SIGUSR2), 0);
		must_eq(in_handler_code, MODISO_ERR_ABANDONED);
		break;
	}
}

START_TEST(test_abandon_outside)
{
	make_scene();
	start_scheduler(abandon_task);
	others_byte = region_bytes(others);
	for (unsigned i = 1; i <= 10; i++) {
		/* Links are there, or are not. */
		if (i % 2)
			enter(work_gate, W(region_bytes(data)), 1);
		while (!atomic_load(&idle))
			sched_yield();
		next_call((unsigned)_i);
		must_eq(asked, i);
		must_eq(region_bytes(data)[0], found);
		must_eq(landings, _i == 0 || _i == 3 ? i : 0);
		must_eq(enter(work_gate, W(region_bytes(data)), 1), 2);
		must_blame(enter_fault(module, load, W(others_byte)),
			   MODISO_READ, others_byte, others);
	}
	stop_scheduler();
}
END_TEST

/* --- at random instructions --- */

static atomic_ulong preempted;

static void run_other_and_count(void)
{
	run_other();
	preempted++;
}

static atomic_bool enough;

/*
 * The next signal comes when the last one has been dealt with, and a moment of
 * any length later: the task gets on in between.
 */
static void *freezer(void *thread)
{
	unsigned long before, random = 1;
	volatile unsigned moment;

	while (!atomic_load(&enough)) {
		before = atomic_load(&preempted);
		must_eq(pthread_kill(*(pthread_t *)thread, SIGUSR1), 0);
		while (atomic_load(&preempted) == before)
			sched_yield();
		random = random * 6364136223846793005ul + 1442695040888963407ul;
		for (moment = random >> 52; moment > 0; moment--)
			__asm__ volatile("pause");
	}
	return NULL;
}

START_TEST(test_freeze_anywhere)
{
	unsigned long wanted = getenv("MODISO_TEST_LONG") ? 1000000 : 300;
	unsigned long i = 0;
	pthread_t self = pthread_self(), other_thread;
	unsigned char *byte;

	make_scene();
	start_scheduler(run_other_and_count);
	byte = region_bytes(others);
	other_thread = thread_start(freezer, &self);
	while (preempted < wanted) {
		must_eq(enter(work_gate, W(region_bytes(data)), i), i + 1);
		must_blame(enter_fault(module, load, W(byte)), MODISO_READ,
			   byte, others);
		region_bytes(hosts)[3]++;
		test_gets_on(i++);
	}
	atomic_store(&enough, true);
	thread_join(other_thread);
	/* Whatever was sent before the join has come by now. */
	(void)!getppid();
	stop_scheduler();
	must_eq(modiso_fault_count(), i);
	must_eq(served, i);
	must_eq(region_bytes(hosts)[3], (unsigned char)i);
}
END_TEST

/* --- abandoned in a service, frozen or not --- */

static atomic_bool in_service;

static uintptr_t serve_frozen(uintptr_t value)
{
	atomic_store(&in_service, true);
	must_eq(pthread_kill(pthread_self(), SIGUSR1), 0);
	ck_abort_msg("the service goes on");
	return value;
}

static uintptr_t serve_and_end(uintptr_t value)
{
	atomic_store(&in_service, true);
	must_eq(modiso_thread_abandon(task, landing, &landings), 0);
	ck_abort_msg("the service goes on");
	return value;
}

/* The service calls the other module, whose service ends it all. */
static struct modiso_gate *deep_gate;

static uintptr_t serve_deeper(uintptr_t value)
{
	enter(deep_gate, value);
	ck_abort_msg("the service goes on");
	return 0;
}

static uintptr_t (*volatile inner_service)(uintptr_t);

MODULE_CODE static uintptr_t call_inner(uintptr_t value)
{
	return inner_service(value);
}

START_TEST(test_abandon_in_service)
{
	static uintptr_t (*const services[])(uintptr_t) = {
		serve_frozen, serve_and_end, serve_deeper, serve_deeper};
	uintptr_t value = 5;
	int i;

	make_scene();
	start_scheduler(abandon_task);
	deep_gate = make_gate(other, call_inner);
	service = (uintptr_t(*)(uintptr_t))make_service(
		"outer", (modiso_fn)services[_i]);
	inner_service = (uintptr_t(*)(uintptr_t))make_service(
		"inner", (modiso_fn)services[_i == 2 ? 0 : 1]);
	for (i = 1; i <= 20; i++) {
		expect(MODISO_ERR_ABANDONED,
		       modiso_gate_call(work_gate,
					WORDS(W(region_bytes(data)), 7),
					&value));
		must_eq(value, 5);
		must_eq(landings, i);
		must(in_service);
		must_eq(modiso_module_caller(), NULL);
		must_blame(enter_fault(module, load, W(region_bytes(others))),
			   MODISO_READ, region_bytes(others), others);
	}
	stop_scheduler();
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
}
END_TEST

/* --- a landing that does not come back --- */

static jmp_buf out;

static void jump_out(void *arg)
{
	landings++;
	longjmp(out, *(int *)arg);
}

static int jump_value = 3;

static void abandon_and_jump(void)
{
	must_eq(modiso_thread_abandon(task, jump_out, &jump_value), 0);
}

static atomic_bool spinning;

MODULE_CODE static uintptr_t spin(volatile atomic_bool *begun)
{
	atomic_store(begun, true);
	while (atomic_load(begun))
		__asm__ volatile("pause");
	return 0;
}

static void *ring_when_spinning(void *thread)
{
	while (!atomic_load(&spinning))
		sched_yield();
	must_eq(pthread_kill(*(pthread_t *)thread, SIGUSR1), 0);
	return NULL;
}

START_TEST(test_landing_jumps)
{
	pthread_t self = pthread_self(), ringer;
	volatile unsigned long i;

	make_scene();
	start_scheduler(abandon_and_jump);
	for (i = 1; i <= 10; i++) {
		atomic_store(&spinning, false);
		ringer = thread_start(ring_when_spinning, &self);
		if (setjmp(out) == 0)
			enter(make_gate(module, spin), W(&spinning));
		thread_join(ringer);
		must_eq(landings, i);
		must_eq(enter(other_gate, W(region_bytes(others))), i);
	}
	stop_scheduler();
}
END_TEST

/* --- enter for good --- */

static atomic_int ends, end_status;
static atomic_uintptr_t end_result;
static struct modiso_gate *entry_gate;
static uintptr_t entry_arg;

static void ended(int status, uintptr_t result, void *arg)
{
	must(arg == &ends);
	atomic_store(&end_status, status);
	atomic_store(&end_result, result);
	atomic_fetch_add(&ends, 1);
}

static void *enter_for_good(void *unused)
{
	must_eq(modiso_thread_enter(entry_gate, WORDS(entry_arg), ended, &ends),
		0);
	ck_abort_msg("modiso_thread_enter() came back");
	return unused;
}

static void must_end(struct modiso_gate *gate, uintptr_t arg, int status)
{
	int before = ends;

	entry_gate = gate;
	entry_arg = arg;
	must(thread_join(thread_start(enter_for_good, NULL)) == NULL);
	must_eq(ends, before + 1);
	must_eq(end_status, status);
}

static uintptr_t serve_enter(uintptr_t value)
{
	expect(MODISO_ERR_STATE,
	       modiso_thread_enter(other_gate, NULL, 0, NULL, NULL));
	return value + 1;
}

START_TEST(test_enter)
{
	struct modiso_region *bytes;

	make_scene();
	bytes = make_region(module, PAGE, "bytes");
	must_end(make_gate(module, touch), W(region_bytes(bytes)), 0);
	must_eq(end_result, 1);
	must_end(load, W(region_bytes(others)), MODISO_ERR_FAULT);
	expect(MODISO_ERR_INVAL,
	       modiso_thread_enter(NULL, NULL, 0, ended, NULL));
	expect(MODISO_ERR_INVAL,
	       modiso_thread_enter(load, NULL, 1, ended, NULL));
	service = (uintptr_t(*)(uintptr_t))make_service("enter", serve_enter);
	must_eq(enter(work_gate, W(region_bytes(data)), 1), 2);
}
END_TEST

/* A task that is ended before it has begun. */
static void *enter_abandoned(void *unused)
{
	must_eq(modiso_thread_self(&task), 0);
	freeze_self();
	return enter_for_good(unused);
}

START_TEST(test_enter_abandoned)
{
	make_scene();
	start_scheduler(abandon_task);
	entry_gate = work_gate;
	entry_arg = W(region_bytes(data));
	must(thread_join(thread_start(enter_abandoned, NULL)) == NULL);
	stop_scheduler();
	must_eq(ends, 1);
	must_eq(end_status, MODISO_ERR_ABANDONED);
	must_eq(landings, 1);
	must_eq(region_bytes(data)[0], 0);
}
END_TEST

/* --- in line, while another thread is in a module --- */

static atomic_int waits;

static void *wait_in_line(void *unused)
{
	must_eq(modiso_thread_self(&task), 0);
	atomic_store(&waits, proc_gettid());
	work_code = modiso_gate_call(work_gate, WORDS(W(region_bytes(data)), 7),
				     NULL);
	return unused;
}

static void *spin_in_other(void *unused)
{
	enter(make_gate(other, spin), W(&spinning));
	return unused;
}

START_TEST(test_abandon_in_line)
{
	pthread_t spinner, waiter;

	world_start();
	make_parts();
	make_freezable();
	spinner = thread_start(spin_in_other, NULL);
	while (!atomic_load(&spinning))
		sched_yield();
	waiter = thread_start(wait_in_line, NULL);
	while (!atomic_load(&waits))
		sched_yield();
	proc_wait_asleep(atomic_load(&waits));
	must_eq(pthread_kill(waiter, SIGUSR1), 0);
	wait_for(&frozen);
	expect(MODISO_OK, modiso_thread_abandon(task, landing, &landings));
	must(!sem_post(&go));
	atomic_store(&spinning, false);
	thread_join(spinner);
	thread_join(waiter);
	must_eq(work_code, MODISO_ERR_ABANDONED);
	must_eq(landings, 1);
	must_eq(region_bytes(data)[0], 0);
	must_eq(enter(work_gate, W(region_bytes(data)), 1), 2);
}
END_TEST

/* --- what it costs --- */

static atomic_bool sealed_off;

/* Any system call but exit(2) ends this thread. */
static void *hooks_without_calls(void *unused)
{
	int i;

	must_eq(modiso_thread_preempt(task), 0);
	must(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT, 0, 0, 0) == 0);
	for (i = 0; i < 1000; i++)
		if (modiso_thread_preempt(task) != 0 ||
		    modiso_thread_resume(task) != 0)
			break;
	atomic_store(&sealed_off, i == 1000);
	syscall(SYS_exit, 0);
	return unused;
}

static void freeze_by_itself(int signo)
{
	pthread_t thread;

	(void)signo;
	must(!pthread_create(&thread, NULL, hooks_without_calls, NULL));
	must(!pthread_join(thread, NULL));
}

static uintptr_t serve_signal(uintptr_t value)
{
	(void)value;
	must_eq(pthread_kill(pthread_self(), SIGUSR1), 0);
	return 0;
}

START_TEST(test_no_system_call)
{
	const struct sigaction action = {.sa_handler = freeze_by_itself};

	make_scene();
	must(!sigaction(SIGUSR1, &action, NULL));
	expect(MODISO_OK, modiso_thread_self(&task));
	if (_i == 0) {
		must_eq(enter(make_gate(module, poke_tkill),
			      (uintptr_t)proc_gettid(), SIGUSR1),
			0);
	} else {
		service = (uintptr_t(*)(uintptr_t))make_service("signal",
								serve_signal);
		must_eq(enter(work_gate, W(region_bytes(data)), 1), 0);
	}
	must(sealed_off);
}
END_TEST

/* --- mistakes --- */

START_TEST(test_refused)
{
	struct modiso_options options = {.struct_size = sizeof(options)};
	struct modiso_thread *thread = NULL;
	int local;

	options.exclusion = 2;
	expect(MODISO_ERR_INVAL, modiso_init(&options));
	expect(MODISO_ERR_STATE, modiso_thread_self(&thread));
	expect(MODISO_ERR_STATE, modiso_thread_preempt(thread));
	expect(MODISO_ERR_STATE, modiso_thread_resume(thread));
	expect(MODISO_ERR_STATE, modiso_thread_abandon(thread, NULL, NULL));
	world_start();
	expect(MODISO_ERR_INVAL, modiso_thread_self(NULL));
	expect(MODISO_OK, modiso_thread_self(&thread));
	expect(MODISO_ERR_STATE, modiso_thread_preempt(thread));
	expect(MODISO_ERR_STATE, modiso_thread_resume(thread));
	expect(MODISO_ERR_NOENT, modiso_thread_abandon(thread, NULL, NULL));
	world_stop();
	start_external();
	expect(MODISO_ERR_INVAL, modiso_thread_preempt(NULL));
	expect(MODISO_ERR_INVAL, modiso_thread_resume(NULL));
	expect(MODISO_ERR_INVAL, modiso_thread_abandon(NULL, NULL, NULL));
	expect(MODISO_ERR_NOENT, modiso_thread_preempt((void *)&local));
	expect(MODISO_OK, modiso_thread_self(&thread));
	expect(MODISO_OK, modiso_thread_preempt(thread));
	expect(MODISO_OK, modiso_thread_resume(thread));
	expect(MODISO_ERR_NOENT,
	       modiso_thread_preempt((void *)((char *)thread + 8)));
	expect(MODISO_OK, modiso_thread_detach());
	expect(MODISO_ERR_NOENT, modiso_thread_preempt(thread));
	world_stop();
}
END_TEST

static void *touch_host(void *unused)
{
	while (!atomic_load(&spinning))
		sched_yield();
	region_bytes(hosts)[0]++;
	return unused;
}

static void two_at_a_time(void *unused)
{
	(void)unused;
	make_scene();
	thread_start(touch_host, NULL);
	enter(make_gate(module, spin), W(&spinning));
}

/* The host breaks its word: told in words, and nothing is opened. */
START_TEST(test_two_at_a_time)
{
	char text[1024];

	if (on_pkey())
		return; /* rights are each thread's own */
	must_die(child_output(two_at_a_time, NULL, text, sizeof(text)),
		 SIGABRT);
	must(strstr(text, "two threads run at a time"));
}
END_TEST

/* Each instruction of its run-time library is a step as well. */
#define STEPPED "it is ten times as many steps"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("schedule");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_refused);
	add_test_but_tsan(tcase, test_freeze_everywhere, STEPPED);
	add_test_but_tsan(tcase, test_abandon_everywhere, STEPPED);
	add_test_but_tsan(tcase, test_abandon_on_the_way, STEPPED);
	add_test_but_tsan(tcase, test_freeze_anywhere, STEPPED);
	tcase_add_loop_test(tcase, test_abandon_outside, 0, 4);
	tcase_add_loop_test(tcase, test_abandon_in_service, 0, 4);
	tcase_add_test(tcase, test_landing_jumps);
	tcase_add_test(tcase, test_enter);
	tcase_add_test(tcase, test_enter_abandoned);
	if (!on_pkey()) /* where threads wait for each other */
		tcase_add_test(tcase, test_abandon_in_line);
	add_loop_test_but_tsan(tcase, test_no_system_call, 0, 2,
			       "it makes system calls of its own");
	add_test_but_tsan(tcase, test_two_at_a_time,
			  "no threads in the child of a fork beside threads");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
