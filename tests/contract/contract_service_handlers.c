/* SPDX-License-Identifier: MIT */
/*
 * contract_service_handlers - services that may be left at what they were
 * handed, beside what else the program has to do with faults: a filter, a
 * handler of its own for SIGSEGV, handlers that interrupt a service, stacks
 * that it has made itself.
 */
#include "contract/handed_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static unsigned char *page; /* of no rights, until somebody mends that */
static volatile int heard, filtered;

static void hear(int signo, siginfo_t *info, void *context)
{
	(void)signo, (void)context;
	heard++;
	must_eq(info->si_addr, page + 8);
	must(!mprotect(page, PAGE, PROT_READ));
}

static void make_own_handler(void)
{
	struct sigaction action = {.sa_sigaction = hear,
				   .sa_flags = SA_SIGINFO};

	page = pages_map(1, PROT_NONE);
	must(!sigaction(SIGSEGV, &action, NULL));
}

static uintptr_t touch_page(uintptr_t unused, uintptr_t unused_too)
{
	(void)unused, (void)unused_too;
	return touch(W(page) + 8, 0);
}

/* A handler of the program's own hears of its own faults and of no others. */
START_TEST(test_own_handler)
{
	uintptr_t thunk, own;

	make_own_handler();
	make_scene();
	thunk = make_handed("touch", touch, 1);
	own = make_handed("own", touch_page, 1 << 1);
	for (int round = 1; round <= 50; round++) {
		must(!mprotect(page, PAGE, PROT_NONE));
		must_end_call(thunk, W(page) + 8, 0, W(page) + 8);
		must_eq(heard, round - 1);
		/* Mended by the handler: the service goes on. */
		must_eq(enter(caller, own, 0, 1 << 30), 7);
		must_eq(heard, round);
	}
}
END_TEST

static enum modiso_verdict verdict;

static enum modiso_verdict filter(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	filtered++;
	if (fault->address != W(page) + 8 || fault->signo != SIGSEGV)
		return MODISO_VERDICT_END;
	if (verdict == MODISO_VERDICT_RETRY)
		mprotect(page, PAGE, PROT_READ);
	return verdict;
}

/* What a filter says of it is done, with the service's rights and state. */
START_TEST(test_filter)
{
	uintptr_t thunk;

	make_own_handler();
	make_scene();
	thunk = make_handed("touch", touch, 1);
	expect(MODISO_OK, modiso_fault_notify(NULL, filter, NULL, NULL));
	verdict = MODISO_VERDICT_END;
	must_end_call(thunk, W(page) + 8, 0, W(page) + 8);
	must_eq(filtered, 1);
	verdict = MODISO_VERDICT_RETRY;
	must_eq(enter(caller, thunk, W(page) + 8, 0), 7);
	must_eq(filtered, 2);
	must_eq(heard, 0);
	must(!mprotect(page, PAGE, PROT_NONE));
	verdict = MODISO_VERDICT_PASS;
	must_eq(enter(caller, thunk, W(page) + 8, 0), 7);
	must_eq(filtered, 3);
	must_eq(heard, 1);
}
END_TEST

/* --- a handler interrupts the service --- */

static volatile int in_handler;

static void touch_in_handler(int signo)
{
	(void)signo;
	in_handler++;
	poke_load1(page + 8);
}

static uintptr_t raise_then_touch(uintptr_t at, uintptr_t stores)
{
	raise(SIGUSR1);
	return touch(at, stores);
}

static void handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	must(!sigaction(signo, &action, NULL));
}

static uintptr_t raise_thunk;

static void call_raise(int signo)
{
	(void)signo;
	(void)!modiso_gate_call(caller, WORDS(raise_thunk, W(page) + 8, 0),
				NULL);
}

static void make_raise(int flags)
{
	page = pages_map(1, PROT_NONE);
	handle(SIGUSR1, touch_in_handler, flags);
	make_scene();
	raise_thunk = make_handed("raise", raise_then_touch, 1);
}

static void fault_in_handler(void *flags)
{
	make_raise(*(int *)flags);
	call_raise(0);
}

START_TEST(test_in_handler)
{
	static const int flags[] = {0, SA_ONSTACK};

	must_die(child_status(fault_in_handler, (void *)&flags[_i]), SIGSEGV);
}
END_TEST

/* Both on a signal stack of the program's own, one right below the other. */
static void fault_on_signal_stack(void *unused)
{
	stack_t own = {.ss_size = 64 * PAGE};

	(void)unused;
	own.ss_sp = pages_map(64, PROT_READ | PROT_WRITE);
	must(!sigaltstack(&own, NULL));
	make_raise(SA_ONSTACK);
	handle(SIGUSR2, call_raise, SA_ONSTACK);
	raise(SIGUSR2);
}

START_TEST(test_on_signal_stack)
{
	must_die(child_status(fault_on_signal_stack, NULL), SIGSEGV);
}
END_TEST

static void count_in_handler(int signo)
{
	(void)signo;
	in_handler++;
}

/* When the handler has returned it is the service's again. */
START_TEST(test_behind_handler)
{
	uintptr_t thunk;

	page = pages_map(1, PROT_NONE);
	handle(SIGUSR1, count_in_handler, _i ? SA_ONSTACK : 0);
	make_scene();
	thunk = make_handed("raise", raise_then_touch, 1);
	for (int round = 1; round <= 50; round++) {
		must_end_call(thunk, W(page) + 8, 0, W(page) + 8);
		must_eq(in_handler, round);
		must_work(thunk);
		in_handler--;
	}
}
END_TEST

static struct modiso_gate *in_handlers;
static uintptr_t touch_thunk;

static void call_in_handler(int signo)
{
	(void)signo;
	in_handler++;
	enter_fault(module, in_handlers, touch_thunk, W(page) + 8, 0);
}

/* A gate call in the handler has services of its own. */
START_TEST(test_call_in_handler)
{
	uintptr_t thunk;

	page = pages_map(1, PROT_NONE);
	handle(SIGUSR1, call_in_handler, 0);
	make_scene();
	in_handlers = caller;
	touch_thunk = make_handed("touch", touch, 1);
	thunk = make_handed("raise", raise_then_touch, 1);
	for (int round = 1; round <= 50; round++) {
		expect(MODISO_ERR_FAULT,
		       modiso_gate_call(caller,
					WORDS(thunk, W(page) + 8, 0), NULL));
		must_eq(in_handler, round);
		must_eq(modiso_fault_count(), 2 * (uint64_t)round);
	}
}
END_TEST

static sigjmp_buf out;

static void jump_out(int signo)
{
	(void)signo;
	siglongjmp(out, 1);
}

/* A service that a handler has left by a jump concerns no later one. */
START_TEST(test_handler_jumps)
{
	volatile uintptr_t thunk;
	volatile int round;

	page = pages_map(1, PROT_NONE);
	handle(SIGUSR1, jump_out, 0);
	make_scene();
	thunk = make_handed("raise", raise_then_touch, 1);
	touch_thunk = make_handed("touch", touch, 1);
	for (round = 0; round < 50; round++) {
		if (sigsetjmp(out, 1) == 0)
			enter(caller, thunk, W(page) + 8, 0);
		must_end_call(touch_thunk, W(page) + 8, 0, W(page) + 8);
		must_work(touch_thunk);
	}
}
END_TEST

/* The mask and the state of the host's are those of the service. */
static uintptr_t block_then_touch(uintptr_t at, uintptr_t stores)
{
	sigset_t mask;

	sigemptyset(&mask);
	sigaddset(&mask, SIGUSR2);
	must(!pthread_sigmask(SIG_BLOCK, &mask, NULL));
	return touch(at, stores);
}

START_TEST(test_mask_stays)
{
	uintptr_t at = W(pages_nowhere());
	sigset_t mask;

	make_scene();
	must_end_call(make_handed("block", block_then_touch, 1), at, 0, at);
	must(!pthread_sigmask(SIG_SETMASK, NULL, &mask));
	must_eq(sigismember(&mask, SIGUSR2), 1);
	must_eq(sigismember(&mask, SIGSEGV), 0);
	must_eq(sigismember(&mask, SIGUSR1), 0);
}
END_TEST

/* --- windows --- */

static struct modiso_region *closed;

static uintptr_t open_then_touch(uintptr_t at, uintptr_t stores)
{
	expect(MODISO_OK, modiso_window_open(closed, MODISO_READ));
	return touch(at, stores);
}

/* One that the service has opened stays open, and can be closed. */
START_TEST(test_window_stays)
{
	struct modiso_region_options options = MODISO_REGION_OPTIONS_INIT;
	uintptr_t at = W(pages_nowhere()), thunk;

	make_scene();
	options.flags = MODISO_REGION_CLOSED;
	expect(MODISO_OK,
	       modiso_region_create(NULL, PAGE, RW, &options, &closed));
	thunk = make_handed("open", open_then_touch, 1);
	for (int round = 0; round < 10; round++) {
		must_end_call(thunk, at, 0, at);
		must_eq(*region_bytes(closed), 0);
		expect(MODISO_OK, modiso_window_close(closed));
	}
}
END_TEST

/* --- another stack --- */

static ucontext_t here, there;
static unsigned char *stack;

static void touch_there(void)
{
	poke_load1(page + 8);
}

static uintptr_t switch_then_touch(uintptr_t at, uintptr_t unused)
{
	(void)at, (void)unused;
	getcontext(&there);
	there.uc_stack.ss_sp = stack;
	there.uc_stack.ss_size = 16 * PAGE;
	there.uc_link = &here;
	makecontext(&there, touch_there, 0);
	swapcontext(&here, &there);
	return 0;
}

/* What runs on it is not known: it need not be the service. */
static void fault_on_own_stack(void *unused)
{
	(void)unused;
	page = pages_map(1, PROT_NONE);
	stack = pages_map(32, PROT_READ | PROT_WRITE);
	make_scene();
	(void)!modiso_gate_call(
		caller,
		WORDS(make_handed("switch", switch_then_touch, 1), W(page) + 8,
		      0),
		NULL);
}

START_TEST(test_own_stack)
{
	must_die(child_status(fault_on_own_stack, NULL), SIGSEGV);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("service handlers");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_own_handler);
	tcase_add_test(tcase, test_filter);
	tcase_add_loop_test(tcase, test_in_handler, 0, 2);
	tcase_add_test(tcase, test_on_signal_stack);
	tcase_add_loop_test(tcase, test_behind_handler, 0, 2);
	tcase_add_test(tcase, test_call_in_handler);
	tcase_add_test(tcase, test_handler_jumps);
	tcase_add_test(tcase, test_mask_stays);
	if (on_pkey())
		tcase_add_test(tcase, test_window_stays);
	tcase_add_test(tcase, test_own_stack);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
