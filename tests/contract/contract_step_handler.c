/* SPDX-License-Identifier: MIT */
/*
 * contract_step_handler - a signal at each instruction where another one has
 * just come, where its handler does not come back, and where another thread
 * waits or is waited for.
 */
#include "contract/step_scene.h"

/* --- a handler that does not come back --- */

static sigjmp_buf way_out;

static void handle_and_jump(int signo)
{
	handle(signo);
	siglongjmp(way_out, 1);
}

/*
 * Far below the calls before it: what their frames say of the host's stack does
 * not fit this one.
 */
static __attribute__((noinline)) void call_below(void)
{
	volatile char room[20000];

	room[0] = 0;
	if (sigsetjmp(way_out, 1) == 0) {
		step_begin();
		cpu_call(&seen, entry, 20, 22, 3, 4);
	}
	step_end();
	room[1] = room[0];
}

static void round_jump(void)
{
	must_eq(enter(sum_gate, 1, 2), 3);
	must_eq(enter(other_sum_gate, 3, 4), 7);
	call_below();
}

/* No call is under way, and all works as if none had been. */
static void check_jump(unsigned sent, bool stepped)
{
	(void)stepped;
	must_eq(handled, sent);
	must_be_outside();
	must_eq(region_bytes(hosts)[CRIME] | region_bytes(hosts)[HANDLER_CRIME],
		0);
	must_eq(service(6), 7);
	must_be_closed();
}

static void set_jump(void)
{
	handler = handle_and_jump;
	set_service();
}

static void set_jump_scrub(void)
{
	handler = handle_and_jump;
	set_scene();
	entry = thunk_of((modiso_fn)sum, 2, 0, MODISO_GATE_SCRUB, 0);
}

static void set_jump_fault(void)
{
	handler = handle_and_jump;
	set_scene();
	entry = thunk_of((modiso_fn)commit_crime, 2, 8, 0, 99);
}

static void (*const jump_scenes[])(void) = {set_jump, set_jump_scrub,
					    set_jump_fault};
#define JUMP_SCENES (int)(sizeof(jump_scenes) / sizeof(jump_scenes[0]))

START_TEST(test_jump)
{
	struct step_plan plan = plan_of("jump", jump_scenes[_i % JUMP_SCENES],
					round_jump);

	variant = _i / JUMP_SCENES;
	plan.check = check_jump;
	must(step_run(&plan).wanted >= 50);
}
END_TEST

/* --- the library's own signal entry --- */

static bool entry_too;

static void handle_other(int signo)
{
	(void)signo;
	if (!entry_too)
		step_begin();
	must_eq(enter(sum_gate, 1, 2), 3);
	must_eq(enter(other_sum_gate, 3, 4), 7);
}

MODULE_CODE static uintptr_t call_kernel(uintptr_t a, uintptr_t b)
{
	uintptr_t number = SYS_tgkill, pid = (uintptr_t)proc_gettid();

	if (entry_too)
		step_begin();
	__asm__ volatile("syscall"
			 : "+a"(number)
			 : "D"(pid), "S"(pid), "d"((uintptr_t)SIGUSR2)
			 : "rcx", "r11", "memory");
	return number + a + b;
}

static void round_handler(void)
{
	result = cpu_call(&seen, entry, 20, 22, 3, 4);
	step_end();
}

static void set_handler(void)
{
	struct sigaction action = {.sa_handler = handle_other};

	set_scene();
	must(!sigaction(SIGUSR2, &action, NULL));
	entry = thunk_of((modiso_fn)call_kernel, 2, 8, 0, 0);
	want = 42;
	/* Where all is blocked at first, so is what a step raises. */
	entry_too = mdi_open.state.signal_key == MDI_NO_KEY;
}

START_TEST(test_in_handler)
{
	step_each("in a handler", set_handler, round_handler, _i, 80);
}
END_TEST

/*
 * Two signals at once at each instruction of the entry, on the way in and on
 * the way out: the handler of the second one runs on the stack of the first,
 * before its first instruction, and touches what is closed.
 */
static atomic_uint accompanied;

static void handle_company(int signo)
{
	(void)signo;
	atomic_fetch_add(&accompanied, 1);
	must_eq(region_bytes(hosts)[CRIME], 0);
	must_eq(enter(sum_gate, 5, 6), 11);
}

static void verify_company(void)
{
	must_eq(accompanied, handled);
}

static void set_company(void)
{
	struct sigaction action = {.sa_handler = handle_company};

	set_handler();
	must(!sigaction(SIGURG, &action, NULL));
	verify = verify_company;
}

/* From the entry's first instruction to its system call. */
static bool in_entry(uintptr_t pc)
{
	const uintptr_t call = (uintptr_t)mdi_signal_restorer + 7;

	return on_pkey() ? pc >= (uintptr_t)mdi_async_pkey && pc <= call
			 : pc >= (uintptr_t)mdi_async_plain && pc <= call;
}

START_TEST(test_two_in_handler)
{
	struct step_plan plan =
		plan_of("two in a handler", set_company, round_handler);
	struct step_count count;

	variant = _i;
	plan.company = SIGURG;
	plan.wanted = in_entry;
	plan.only = true;
	count = step_run(&plan);
	must(count.wanted >= 5); /* the way out */
}
END_TEST

/* --- one that comes with the signal of a fault, without a tracer --- */

static atomic_uint segv_handled, usr2_handled;

static void count_signal(int signo)
{
	atomic_fetch_add(signo == SIGUSR2 ? &usr2_handled : &segv_handled, 1);
}

/* Both are pending and no longer blocked: the second finds the first one. */
MODULE_CODE static uintptr_t unblock(const uint64_t *mask)
{
	uintptr_t number = SYS_rt_sigprocmask;
	register uintptr_t size __asm__("r10") = sizeof(*mask);

	__asm__ volatile("syscall"
			 : "+a"(number)
			 : "D"((uintptr_t)SIG_UNBLOCK), "S"(mask), "d"(0ul),
			   "r"(size)
			 : "rcx", "r11", "memory");
	return number;
}

START_TEST(test_two_at_once)
{
	struct sigaction action = {.sa_handler = count_signal};
	struct modiso_gate *gate;
	uint64_t mask = 1ul << (SIGSEGV - 1) | 1ul << (SIGUSR2 - 1);

	set_scene();
	must(!sigaction(SIGSEGV, &action, NULL));
	must(!sigaction(SIGUSR2, &action, NULL));
	gate = make_gate(module, unblock);
	memcpy(own_bytes, &mask, sizeof(mask));
	for (unsigned i = 1; i <= 100; i++) {
		/* By the system call: no library has a say. */
		must(!syscall(SYS_rt_sigprocmask, SIG_BLOCK, &mask, NULL, 8));
		must(!syscall(SYS_tgkill, getpid(), proc_gettid(), SIGSEGV));
		must(!syscall(SYS_tgkill, getpid(), proc_gettid(), SIGUSR2));
		must_eq(segv_handled, i - 1);
		must_eq(usr2_handled, i - 1);
		if (_i == 0)
			must_eq(enter(gate, W(own_bytes)), 0);
		else
			must_eq(unblock(&mask), 0);
		must_eq(segv_handled, i);
		must_eq(usr2_handled, i);
		must_be_outside();
	}
	must_be_closed();
}
END_TEST

/* --- another thread that waits, or is waited for (mprotect) --- */

static atomic_uint turns; /* of the other thread */
static atomic_uint turns_done;
static atomic_int main_tid, partner_tid;
static struct modiso_gate *stay_gate;

static void *wait_partner(void *unused)
{
	unsigned turn = 0;

	(void)unused;
	atomic_store(&partner_tid, proc_gettid());
	for (;; turn++) {
		while (atomic_load(&turns) == turn)
			sched_yield();
		must_eq(enter(other_sum_gate, 1, turn), 1 + turn);
		region_bytes(hosts)[128]++;
		atomic_fetch_add(&turns_done, 1);
	}
	return NULL;
}

/* The partner waits for this module's end from here on. */
MODULE_CODE static uintptr_t let_wait(uintptr_t a, uintptr_t b)
{
	atomic_fetch_add(&turns, 1);
	proc_wait_asleep(atomic_load(&partner_tid));
	step_begin();
	return a + b;
}

static void round_partner(void)
{
	result = cpu_call(&seen, entry, 20, 22, 3, 4);
	step_end();
	while (atomic_load(&turns_done) != atomic_load(&turns))
		sched_yield();
}

static void set_partner(void)
{
	set_scene();
	entry = thunk_of((modiso_fn)let_wait, 2, 8, 0, 0);
	want = 42;
	thread_start(wait_partner, NULL);
	while (!atomic_load(&partner_tid))
		sched_yield();
}

START_TEST(test_partner_waits)
{
	step_each("another thread waits", set_partner, round_partner, _i, 20);
}
END_TEST

/*
 * Inside until the thread that waits for it has had its signal; where none was
 * sent, until it sleeps.
 */
MODULE_CODE static uintptr_t stay(uintptr_t before_that)
{
	atomic_fetch_add(&turns_done, 1);
	while (handled == before_that &&
	       (step_sent() != before_that ||
		!proc_is_asleep(atomic_load(&main_tid))))
		sched_yield();
	return 7;
}

static void *stay_partner(void *unused)
{
	unsigned turn = 0;

	(void)unused;
	for (;; turn++) {
		while (atomic_load(&turns) == turn)
			sched_yield();
		must_eq(enter(stay_gate, handled), 7);
	}
	return NULL;
}

static void round_stay(void)
{
	atomic_fetch_add(&turns, 1);
	while (atomic_load(&turns_done) != atomic_load(&turns))
		sched_yield();
	round_call();
}

static void set_stay(void)
{
	set_scene();
	/* Each call of the handler's would wait for the other thread. */
	work = work_light;
	no_windows = true;
	stay_gate = make_gate(other, stay);
	entry = thunk_of((modiso_fn)sum, 2, 8, 0, 0);
	want = 42;
	atomic_store(&main_tid, proc_gettid());
	thread_start(stay_partner, NULL);
}

START_TEST(test_partner_stays)
{
	step_each("another thread stays", set_stay, round_stay, _i, 50);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("step handler");
	TCase *tcase = tcase_create("contract");
	const int first = step_first();
	const bool all = step_all();


	tcase_add_loop_test(tcase, test_two_at_once, 0, 2);
	if (all) {
		add_loop_test_but_tsan(tcase, test_jump, first * JUMP_SCENES,
				       VARIANTS * JUMP_SCENES,
				       "its library may be jumped out of");
		tcase_add_loop_test(tcase, test_in_handler, first, VARIANTS);
		tcase_add_loop_test(tcase, test_two_in_handler, first,
				    VARIANTS);
	}
	if (!on_pkey()) {
		tcase_add_loop_test(tcase, test_partner_waits, first, VARIANTS);
		tcase_add_loop_test(tcase, test_partner_stays, first, VARIANTS);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
