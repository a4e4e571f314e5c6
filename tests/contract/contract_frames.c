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

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>

/* Where the first thread is. Out is the only one that is not in the module. */
enum place { OUT, IN, SERVICE, SERVICE_OTHER, HANDLER, HANDLER_OTHER };

/* It is to go to the one, and has come to the other. */
static atomic_int order, place;

static struct modiso_module *module, *other;
static struct modiso_gate *stay_gate, *other_gate, *other_leave_gate;
static uintptr_t (*volatile service)(void), (*volatile pass)(void);

static void arrive(int at)
{
	atomic_store(&place, at);
	while (atomic_load(&order) == at)
		;
}

/* In the module: every order but one leads to host code above it. */
MODULE_CODE static uintptr_t stay(void)
{
	int to;

	for (;;) {
		to = atomic_load(&order);
		if (to == OUT)
			return 0;
		if (to == SERVICE || to == SERVICE_OTHER)
			service();
		else
			atomic_store(&place, IN);
	}
}

MODULE_CODE static uintptr_t stay_other(uintptr_t at)
{
	atomic_store(&place, (int)at);
	while (atomic_load(&order) == (int)at)
		;
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
		switch (atomic_load(&order)) {
		case SERVICE:
			arrive(SERVICE);
			break;
		case SERVICE_OTHER:
			enter(other_gate, SERVICE_OTHER);
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
		switch (atomic_load(&order)) {
		case HANDLER:
			arrive(HANDLER);
			break;
		case HANDLER_OTHER:
			enter(other_gate, HANDLER_OTHER);
			break;
		default:
			return;
		}
	}
}

static void *first_thread(void *unused)
{
	for (;;) {
		enter(other_leave_gate, 0);
		atomic_store(&place, OUT);
		while (atomic_load(&order) == OUT)
			;
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

	atomic_store(&order, to);
	if (in_handler(to) && !was_in_handler)
		must_eq(pthread_kill(first, SIGUSR2), 0);
	while (atomic_load(&place) != (int)to)
		;
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
