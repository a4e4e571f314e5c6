/* SPDX-License-Identifier: MIT */
/*
 * contract_frames - who is inside is always seen. One thread is in a module all
 * the time, and calls a service there, is interrupted by a handler of the
 * host's, calls another module from both, and comes back. Another thread asks
 * who is inside, and is stopped before each of its instructions in turn while
 * the first one takes its next step.
 */
#include "support/proc.h"
#include "support/step.h"
#include "support/world.h"

#include "arch/x86_64/frame.h"
#include "core/frames.h"
#include "core/module.h"
#include "core/runtime.h"
#include "core/thread.h"

#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/syscall.h>

/* Where the first thread is. Out is the only one that is not in the module. */
enum place { OUT, IN, SERVICE, SERVICE_OTHER, HANDLER, HANDLER_OTHER };

/*
 * It is to go to the one, and has come to the other. An order has a number
 * above its place, so that two are never the same word.
 */
static atomic_int order, place;

#define PLACE(word) (enum place)((word) & 7)
#define NUMBER      8

static struct modiso_module *module, *other;
static struct modiso_gate *stay_gate, *other_gate, *other_leave_gate;
static uintptr_t (*volatile service)(void), (*volatile pass)(void);

/*
 * Neither waits on a CPU: on a busy machine the other one would want that. Nor
 * is errno touched, which a signal's handler has to find.
 */
MODULE_CODE static void futex(atomic_int *word, long what, long value)
{
	register long no_timeout __asm__("r10") = 0;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(SYS_futex), "D"(word), "S"(what), "d"(value),
			   "r"(no_timeout)
			 : "rcx", "r11", "memory");
}

MODULE_CODE static void tell(atomic_int *word, int value)
{
	atomic_store(word, value);
	futex(word, FUTEX_WAKE_PRIVATE, INT_MAX);
}

MODULE_CODE static void wait_while(atomic_int *word, int value)
{
	while (atomic_load(word) == value)
		futex(word, FUTEX_WAIT_PRIVATE, value);
}

MODULE_CODE static void obey(int word)
{
	tell(&place, (int)PLACE(word));
	wait_while(&order, word);
}

/* In the module: every order but one leads to host code above it. */
MODULE_CODE static uintptr_t stay(void)
{
	for (;;) {
		int word = atomic_load(&order);

		switch (PLACE(word)) {
		case OUT:
			return 0;
		case SERVICE:
		case SERVICE_OTHER:
			service();
			break;
		default: /* a handler comes by itself */
			tell(&place, IN);
			wait_while(&order, word);
		}
	}
}

MODULE_CODE static uintptr_t stay_other(uintptr_t word)
{
	obey((int)word);
	return 0;
}

/* What the frame of a call that follows finds there. */
MODULE_CODE static uintptr_t call_service(void)
{
	return pass();
}

static uintptr_t nothing(void)
{
	return 0;
}

static uintptr_t serve(void)
{
	for (;;) {
		int word = atomic_load(&order);

		switch (PLACE(word)) {
		case SERVICE:
			obey(word);
			break;
		case SERVICE_OTHER:
			enter(other_gate, (unsigned)word);
			break;
		default:
			return 0;
		}
	}
}

static void handle(int signo)
{
	(void)signo;
	for (;;) {
		int word = atomic_load(&order);

		switch (PLACE(word)) {
		case HANDLER:
			obey(word);
			break;
		case HANDLER_OTHER:
			enter(other_gate, (unsigned)word);
			break;
		default:
			return;
		}
	}
}

static void *first_thread(void *unused)
{
	for (;;) {
		int word = atomic_load(&order);

		if (PLACE(word) == OUT) {
			enter(other_leave_gate, 0);
			obey(word);
		}
		enter(stay_gate, 0);
	}
	return unused;
}

/* --- the one that asks --- */

static pthread_t first;
static const enum place *way; /* what it does meanwhile; ends with OUT */
static enum place begin_at;
static bool seen;

static bool in_handler(enum place at)
{
	return at == HANDLER || at == HANDLER_OTHER;
}

/* Order of the one thread, from the other. */
static void send_to(enum place to)
{
	bool was_in_handler = in_handler(atomic_load(&place));
	int now;

	tell(&order, (atomic_load(&order) & -NUMBER) + NUMBER + (int)to);
	if (in_handler(to) && !was_in_handler)
		must_eq(pthread_kill(first, SIGUSR2), 0);
	while ((now = atomic_load(&place)) != (int)to)
		wait_while(&place, now);
}

static void go_on(int signo)
{
	(void)signo;
	for (const enum place *to = way; *to != OUT; to++)
		send_to(*to);
}

static void ask(void)
{
	send_to(OUT);
	send_to(IN);
	if (begin_at != IN)
		send_to(begin_at);
	step_begin();
	seen = mdi_threads_inside(&module->domain);
	step_end();
}

static void verify(unsigned sent, bool stepped)
{
	(void)sent;
	(void)stepped;
	must(seen);
}

static void set_scene(void)
{
	struct sigaction action = {.sa_handler = handle};

	world_start();
	module = make_module("module");
	other = make_module("other");
	stay_gate = make_gate(module, stay);
	other_gate = make_gate(other, stay_other);
	other_leave_gate = make_gate(other, call_service);
	service = (uintptr_t(*)(void))make_service("serve", serve);
	pass = (uintptr_t(*)(void))make_service("pass", nothing);
	must_eq(sigaction(SIGUSR2, &action, NULL), 0);
	action.sa_handler = go_on;
	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
	enter(other_leave_gate, 0); /* attached as well, so it is in the list */
	must_eq(pthread_create(&first, NULL, first_thread, NULL), 0);
}

/* The look at one thread's frames: nearly all of it are loads of them. */
static bool in_look(uintptr_t pc)
{
	return pc - (uintptr_t)mdi_frames_into < 32;
}

static const struct {
	enum place from;
	enum place way[4];
} cases[] = {
	{IN, {SERVICE}},
	{IN, {HANDLER}},
	{IN, {SERVICE_OTHER}},
	{IN, {HANDLER_OTHER}},
	{IN, {SERVICE, IN, SERVICE_OTHER}},
	{SERVICE, {IN}},
	{SERVICE, {SERVICE_OTHER, SERVICE, IN}},
	{SERVICE_OTHER, {SERVICE}},
	{SERVICE_OTHER, {SERVICE, IN, HANDLER}},
	{HANDLER, {IN}},
	{HANDLER, {HANDLER_OTHER, HANDLER, IN}},
	{HANDLER_OTHER, {HANDLER, IN, SERVICE}},
};
#define CASES (int)(sizeof(cases) / sizeof(cases[0]))

START_TEST(test_always_seen)
{
	struct step_plan plan = {
		.name = "who is inside",
		.setup = set_scene,
		.round = ask,
		.check = verify,
		.signo = SIGUSR1,
		.wanted = in_look,
	};
	struct step_count count;

	begin_at = cases[_i].from;
	way = cases[_i].way;
	count = step_run(&plan);
	ck_assert_uint_gt(count.wanted, 5);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("frames");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_always_seen, 0, CASES);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
