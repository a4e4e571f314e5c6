/* SPDX-License-Identifier: MIT */
/*
 * contract_mask - no module runs on a thread that blocks a signal that faults
 * come as: its call is refused, or the signal is left out of the mask.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static const int needed[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

static struct modiso_module *module;
static struct modiso_gate *adds, *faults;
static sigjmp_buf jump;

/* Deprecated in the headers, and not by their users. */
int old_sigblock(int mask) __asm__("sigblock");
int old_sigsetmask(int mask) __asm__("sigsetmask");
void (*old_sigset(int signo, void (*handler)(int signo)))(int signo)
	__asm__("sigset");
int old_sighold(int signo) __asm__("sighold");
#define OLD_HOLD ((void (*)(int))2)

static void begin(void)
{
	module = world_module();
	adds = make_gate(module, module_add_one);
	faults = make_gate(module, poke_ud2);
	must_eq(enter(adds, 1), 2);
}

/* What the kernel says. */
static bool is_blocked(int signo)
{
	uint64_t mask;

	must(!syscall(SYS_rt_sigprocmask, SIG_BLOCK, NULL, &mask, 8));
	return mask >> (signo - 1) & 1;
}

static bool any_blocked(void)
{
	for (int i = 0; i < 6; i++)
		if (is_blocked(needed[i]))
			return true;
	return false;
}

static sigset_t only(int signo)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, signo);
	return set;
}

static sigset_t all_but(int signo)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, signo);
	return set;
}

static void raw(int how, int signo)
{
	uint64_t mask = (uint64_t)1 << (signo - 1);

	must(!syscall(SYS_rt_sigprocmask, how, &mask, NULL, 8));
}

/* --- every function that blocks --- */

static void by_block(int signo)
{
	sigset_t set = only(signo);

	must(!sigprocmask(SIG_BLOCK, &set, NULL));
}

static void by_setmask(int signo)
{
	sigset_t set = only(signo);

	must(!sigprocmask(SIG_SETMASK, &set, NULL));
}

static void by_thread(int signo)
{
	sigset_t set = only(signo);

	must(!pthread_sigmask(SIG_BLOCK, &set, NULL));
}

static void by_sigblock(int signo)
{
	old_sigblock((int)(1u << (signo - 1)));
}

static void by_sigsetmask(int signo)
{
	old_sigsetmask((int)(1u << (signo - 1)));
}

static void by_sighold(int signo)
{
	must(!old_sighold(signo));
}

static void by_sigset(int signo)
{
	must(old_sigset(signo, OLD_HOLD) != SIG_ERR);
}

static void (*const ways[])(int signo) = {
	by_block,      by_setmask, by_thread, by_sigblock,
	by_sigsetmask, by_sighold, by_sigset,
};
#define WAYS (int)(sizeof(ways) / sizeof(ways[0]))

static void must_refuse(void)
{
	must_eq(modiso_gate_call(adds, WORDS(1), NULL), MODISO_ERR_STATE);
	must(strstr(modiso_last_error_text(), "blocked on this thread"));
}

/* Outside of calls: it is blocked, as asked for, and no module is entered. */
START_TEST(test_outside)
{
	begin();
	for (int i = 0; i < 6; i++) {
		ways[_i](needed[i]);
		must(is_blocked(needed[i]));
		must_refuse();
		must_refuse();
		must(is_blocked(needed[i]));
		raw(SIG_UNBLOCK, needed[i]);
		must_eq(enter(adds, 1), 2);
		enter_fault(module, faults, 0);
	}
}
END_TEST

/* Others are nobody's business, and cost no gate its way. */
START_TEST(test_others)
{
	sigset_t set, old;

	begin();
	ways[_i](SIGUSR1);
	must(is_blocked(SIGUSR1));
	must_eq(enter(adds, 1), 2);
	set = all_but(SIGUSR1);
	must(!pthread_sigmask(SIG_UNBLOCK, &set, &old));
	must_eq(sigismember(&old, SIGUSR1), 1);
	must_eq(sigismember(&old, SIGUSR2), 0);
}
END_TEST

/* A jump that brings such a mask along. */
START_TEST(test_jump)
{
	begin();
	raw(SIG_BLOCK, SIGBUS);
	if (!sigsetjmp(jump, 1)) {
		raw(SIG_UNBLOCK, SIGBUS);
		must_eq(enter(adds, 1), 2);
		siglongjmp(jump, 1);
	}
	must(is_blocked(SIGBUS));
	must_refuse();
	raw(SIG_UNBLOCK, SIGBUS);
	must_eq(enter(adds, 1), 2);
}
END_TEST

/* --- inside of calls --- */

static int way, blocked_inside;

static void block_all(void)
{
	for (int i = 0; i < 6; i++)
		ways[way](needed[i]);
	blocked_inside = any_blocked();
}

MODULE_CODE static uintptr_t call_and_fault(void (*service)(void))
{
	service();
	__builtin_trap();
}

static void check_inside(struct modiso_gate *gate, uintptr_t word)
{
	blocked_inside = -1;
	enter_fault(module, gate, word);
	must_eq(blocked_inside, 0);
	must(!any_blocked());
	must_eq(enter(adds, 1), 2);
}

START_TEST(test_in_service)
{
	begin();
	way = _i;
	check_inside(make_gate(module, call_and_fault),
		     W(make_service("block", block_all)));
}
END_TEST

static uintptr_t raise_it(void)
{
	raise(SIGUSR1);
	return 0;
}

static void handle(int signo)
{
	(void)signo;
	block_all();
}

/* In a handler that has interrupted the module, or code that it called. */
START_TEST(test_in_handler)
{
	struct sigaction action = {.sa_handler = handle};

	begin();
	way = _i;
	must(!sigaction(SIGUSR1, &action, NULL));
	check_inside(make_gate(module, call_and_fault),
		     W(make_service("raise", raise_it)));
}
END_TEST

/* The module itself, by the program's C library. */
static sigset_t everything;

MODULE_CODE static uintptr_t block_and_fault(uintptr_t how)
{
	pthread_sigmask((int)how, &everything, NULL);
	__builtin_trap();
}

START_TEST(test_in_module)
{
	sigset_t none, old;

	begin();
	sigfillset(&everything);
	sigemptyset(&none);
	enter_fault(module, make_gate(module, block_and_fault),
		    _i ? SIG_SETMASK : SIG_BLOCK);
	must(!any_blocked());
	must(!pthread_sigmask(SIG_SETMASK, &none, &old));
	must_eq(sigismember(&old, SIGUSR1), 1); /* all else as it wished */
	must_eq(enter(adds, 1), 2);
}
END_TEST

/* --- masks of system calls, for as long as these wait --- */

static volatile int handled;

static void call_gates(int signo)
{
	(void)signo;
	must(!any_blocked());
	must_eq(enter(adds, 1), 2);
	enter_fault(module, faults, 0);
	handled++;
}

START_TEST(test_waiting)
{
	struct sigaction action = {.sa_handler = call_gates};
	sigset_t mask = all_but(SIGUSR1);

	begin();
	must(!sigaction(SIGUSR1, &action, NULL));
	by_block(SIGUSR1);
	raise(SIGUSR1);
	must_eq(handled, 0);
	if (_i)
		must_eq(ppoll(NULL, 0, NULL, &mask), -1);
	else
		must_eq(sigsuspend(&mask), -1);
	must_eq(errno, EINTR);
	must_eq(handled, 1);
	must(is_blocked(SIGUSR1));
	must_eq(enter(adds, 1), 2);
}
END_TEST

/* --- the system call itself, that nobody sees --- */

static void fault_blocked(void *unused)
{
	raw(SIG_BLOCK, SIGILL);
	enter_fault(module, faults, 0);
	(void)unused;
}

/* The thread's next new module finds it; until then it is the kernel's word. */
START_TEST(test_raw)
{
	struct modiso_gate *other;

	begin();
	other = make_gate(make_module("other"), module_add_one);
	must_die(child_status(fault_blocked, NULL), SIGILL);
	raw(SIG_BLOCK, SIGILL);
	must_eq(enter(adds, 1), 2);
	must_eq(modiso_gate_call(other, WORDS(1), NULL), MODISO_ERR_STATE);
	must(strstr(modiso_last_error_text(), "blocked on this thread"));
	raw(SIG_UNBLOCK, SIGILL);
	must_eq(enter(other, 1), 2);
}
END_TEST

/* --- fibers: a call that waits on another stack --- */

static struct modiso_fiber *fiber;
static ucontext_t host, waiting;
static unsigned char stack[131072] __attribute__((aligned(16)));

static void wait_here(void)
{
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	swapcontext(&waiting, &host);
}

static void call_on_fiber(void)
{
	enter_fault(module, make_gate(module, call_and_fault),
		    W(make_service("wait", wait_here)));
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	setcontext(&host);
}

static void go_on(void)
{
	expect(MODISO_OK, modiso_fiber_switch(fiber));
	must(!any_blocked());
	swapcontext(&host, &waiting);
}

START_TEST(test_fiber)
{
	begin();
	expect(MODISO_OK, modiso_fiber_create(&fiber));
	getcontext(&waiting);
	waiting.uc_stack.ss_sp = stack;
	waiting.uc_stack.ss_size = sizeof(stack);
	makecontext(&waiting, call_on_fiber, 0);
	go_on();
	by_block(SIGSEGV);
	must_refuse();
	go_on();
	must_eq(enter(adds, 1), 2);
	expect(MODISO_OK, modiso_fiber_destroy(fiber));
}
END_TEST

/* --- threads that enter no modules, and calls that are wrong --- */

static void *block_elsewhere(void *unused)
{
	sigset_t set, old;

	sigfillset(&set);
	must(!pthread_sigmask(SIG_BLOCK, &set, &old));
	must_eq(sigismember(&old, SIGSEGV), 0);
	for (int i = 0; i < 6; i++)
		must(is_blocked(needed[i]));
	/* The C library's own are not blocked. */
	must(!is_blocked(32) && !is_blocked(33));
	must_eq(modiso_thread_attach(), MODISO_ERR_STATE);
	return unused;
}

START_TEST(test_elsewhere)
{
	sigset_t set = only(SIGUSR1), old;

	if (_i)
		begin();
	else
		world_start();
	thread_join(thread_start(block_elsewhere, NULL));
	must_eq(pthread_sigmask(99, &set, &old), EINVAL);
	errno = 0;
	must_eq(sigprocmask(99, &set, &old), -1);
	must_eq(errno, EINVAL);
	must_eq(old_sighold(0), -1);
	must_eq(errno, EINVAL);
	must(!sigprocmask(99, NULL, &old)); /* only a question */
	must(!sigismember(&old, SIGUSR1));
	must_eq(old_sigblock((int)(1u << (SIGUSR1 - 1))), 0);
	must_eq(old_sigsetmask(0), 1 << (SIGUSR1 - 1));
	must(!is_blocked(SIGUSR1));
}
END_TEST

/*
 * Handlers in handlers, until the library has no signal stack left for another
 * one: a signal that is sent waits for its own handler there as well, fault or
 * not. Else those that come in time fill the stack.
 */
static const int nested[] = {SIGUSR1, SIGUSR2, SIGALRM, SIGSEGV};
#define NESTED (sizeof(nested) / sizeof(*nested))

static volatile sig_atomic_t came, lasts;

static void raise_next(int signo)
{
	must(is_blocked(signo));
	lasts += is_blocked(SIGTERM);
	if (++came < (sig_atomic_t)NESTED)
		must(!raise(nested[came]));
}

START_TEST(test_nested)
{
	const struct sigaction action = {.sa_handler = raise_next};

	begin();
	for (size_t i = 0; i < NESTED; i++)
		must(!sigaction(nested[i], &action, NULL));
	must(!raise(nested[0]));
	must_eq(came, NESTED);
	must(lasts > 0); /* one had to wait for all others */
	must(!is_blocked(SIGSEGV));
	must_eq(enter(adds, 1), 2);
}
END_TEST

#define NO_MASKS "it keeps masks of its own"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("mask");
	TCase *tcase = tcase_create("contract");

	add_loop_test_but_tsan(tcase, test_outside, 0, WAYS, NO_MASKS);
	add_loop_test_but_tsan(tcase, test_others, 0, WAYS, NO_MASKS);
	add_test_but_tsan(tcase, test_jump, NO_MASKS);
	add_loop_test_but_tsan(tcase, test_in_service, 0, WAYS, NO_MASKS);
	add_loop_test_but_tsan(tcase, test_in_handler, 0, WAYS, NO_MASKS);
	add_loop_test_but_tsan(tcase, test_in_module, 0, 2, NO_MASKS);
	add_loop_test_but_tsan(tcase, test_waiting, 0, 2, NO_MASKS);
	add_test_but_tsan(tcase, test_raw, NO_MASKS);
	add_test_but_tsan(tcase, test_fiber, NO_MASKS);
	add_loop_test_but_tsan(tcase, test_elsewhere, 0, 2, NO_MASKS);
	add_test_but_tsan(tcase, test_nested, NO_MASKS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
