/* SPDX-License-Identifier: MIT */
/*
 * contract_walk_stack - unwinders that run in the program: one that a module
 * runs, as backtrace(3) and a panic's report do, comes to the gate and ends;
 * one that host code above a module runs goes on to the gate's caller.
 */
#include "support/proc.h"
#include "support/stayer.h"
#include "support/world.h"

#include "core/gate.h"
#include "core/thread.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>
#include <unwind.h>

static struct modiso_module *module;
static uintptr_t (*service)(uintptr_t value);

#define FRAMES 200 /* more than there are: a walk that does not end */

struct walk {
	uint32_t frames;
	uintptr_t pc[FRAMES];
};

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;

	walk->pc[walk->frames++] = _Unwind_GetIP(context);
	return walk->frames == FRAMES ? _URC_END_OF_STACK : _URC_NO_REASON;
}

/* Host code: what tells a gate's code is closed to modules. */
static bool met_gate(const struct walk *walk)
{
	for (uint32_t i = 0; i < walk->frames; i++)
		if (mdi_is_gate_code(walk->pc[i]))
			return true;
	return false;
}

/* Module code. What it finds is in the module's memory. */
MODULE_CODE static uintptr_t walks(struct walk *walk)
{
	_Unwind_Backtrace(visit, walk);
	return walk->frames;
}

START_TEST(test_in_a_module)
{
	struct modiso_region *region;
	const struct walk *walk;

	module = world_module();
	region = make_region(module, PAGE, "walk");
	walk = (const struct walk *)(void *)region_bytes(region);
	for (int i = 0; i < 3; i++) {
		memset(region_bytes(region), 0, sizeof(*walk));
		enter(make_gate(module, walks), W(walk));
		must(walk->frames >= 2 && walk->frames < FRAMES);
		must(met_gate(walk));
		/* With keys the host's stack is not for modules to walk. */
		if (on_pkey())
			must(walk->frames <= 3); /* the last one is at 0 */
	}
}
END_TEST

/* --- by frame pointers, as a profiler walks --- */

/* A module's function with one: what it has found in the register. */
MODULE_CODE static uintptr_t callers_frame(void)
{
	return *(const uintptr_t *)__builtin_frame_address(0);
}

static __attribute__((noinline)) void frame_in_host(modiso_fn thunk)
{
	must_eq(((uintptr_t(*)(void))thunk)(), __builtin_frame_address(0));
}

/* With as many words as have a gate of their own. */
START_TEST(test_frame_pointers)
{
	const struct modiso_gate_options options = {
		.struct_size = sizeof(options),
		.word_args = _i ? 6 : 2,
	};
	struct modiso_gate *gate;
	modiso_fn thunk;

	module = world_module();
	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)callers_frame, &options,
				  &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	for (int i = 0; i < 3; i++)
		frame_in_host(thunk);
}
END_TEST

/* --- host code above a module --- */

static struct walk found;

static void walk_from_host(void)
{
	memset(&found, 0, sizeof(found));
	_Unwind_Backtrace(visit, &found);
	must(met_gate(&found));
	/* Beyond the test: Check's and the C library's. */
	must(found.frames > 6 && found.frames < FRAMES);
}

static uintptr_t from_service(uintptr_t value)
{
	walk_from_host();
	return value;
}

MODULE_CODE static uintptr_t calls_service(void)
{
	return service(3) + 1;
}

START_TEST(test_in_a_service)
{
	module = world_module();
	service = (uintptr_t(*)(uintptr_t))make_service("walk", from_service);
	must_eq(enter(make_gate(module, calls_service)), 4);
	must(found.frames != 0);
}
END_TEST

static sem_t walked;

static void in_handler(int signo)
{
	(void)signo;
	walk_from_host();
	sem_post(&walked);
}

START_TEST(test_in_a_handler)
{
	const struct sigaction action = {.sa_handler = in_handler};
	pthread_t thread;

	module = world_module();
	must(!sem_init(&walked, 0, 0));
	must(!sigaction(SIGUSR1, &action, NULL));
	thread = stayer_start(module);
	for (int i = 0; i < 3; i++) {
		must(!pthread_kill(thread, SIGUSR1));
		while (sem_wait(&walked) != 0)
			must_eq(errno, EINTR);
	}
	stayers_leave();
	thread_join(thread);
}
END_TEST

/* --- what is no walk is a fault as ever --- */

MODULE_CODE static uintptr_t reads(const volatile uintptr_t *word)
{
	return *word;
}

MODULE_CODE static uintptr_t reads_half(const volatile uint32_t *word)
{
	return *word;
}

MODULE_CODE static uintptr_t writes(volatile uintptr_t *word)
{
	*word = 0;
	return 0;
}

/* With keys: a module's own frame. */
START_TEST(test_no_walk)
{
	const struct mdi_frame *frame;

	module = world_module();
	expect(MODISO_OK, modiso_thread_attach());
	frame = mdi_thread_self()->frame;
	must_eq(enter(make_gate(module, reads), W(&frame->sp)), 0);
	enter_fault(module, make_gate(module, reads_half), W(&frame->sp));
	enter_fault(module, make_gate(module, writes), W(&frame->sp));
	enter_fault(module, make_gate(module, reads), W(&frame->rbx));
	enter_fault(module, make_gate(module, reads), W(&frame->sp + 1));
	enter_fault(module, make_gate(module, reads), W(&(frame + 1)->sp));
	enter_fault(module, make_gate(module, reads),
		    W(&mdi_thread_self()->frame));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("walk_stack");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_in_a_module);
	tcase_add_loop_test(tcase, test_frame_pointers, 0, 2);
	tcase_add_test(tcase, test_in_a_service);
	tcase_add_test(tcase, test_in_a_handler);
	if (on_pkey())
		tcase_add_test(tcase, test_no_walk);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
