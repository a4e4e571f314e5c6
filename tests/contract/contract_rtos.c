/* SPDX-License-Identifier: MIT */
/*
 * contract_rtos - an RTOS that schedules by itself, with its tasks in modules:
 * preempted at any instruction, faulting, restarted, killed; no wrong rights,
 * no wedge, no lost fault.
 *
 * MODISO_TEST_LONG in the environment asks for a million preemptions.
 */
#include "support/world.h"
#include "support/mini_rtos.h"
#include "support/proc.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a task in a module sees: its own memory, and the dispatcher. */
struct shared {
	rtos_dispatch_fn call;
	volatile uintptr_t count, sum, wrong;
	volatile unsigned char *victim; /* another module's */
	uintptr_t word;
	char text[16];
};

static struct scene {
	struct modiso_module *module;
	struct modiso_region *region;
	struct shared *shared;
	unsigned task;
} scenes[5];

enum { SPINNER, OTHER_SPINNER, PRODUCER, CONSUMER, BAD };

static void start_external(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
	};

	expect(MODISO_OK, modiso_init(&options));
}

/* --- tasks in modules --- */

/* Two words that only ever differ between two instructions. */
MODULE_CODE static uintptr_t spin(struct shared *own)
{
	for (;;) {
		own->count++;
		own->sum++;
		if (own->count != own->sum)
			own->wrong++;
		if (own->count % 4096 == 0)
			own->call(RTOS_YIELD, 0, 0, 0);
	}
	return 0;
}

MODULE_CODE static uintptr_t produce(struct shared *own)
{
	for (;;) {
		own->call(RTOS_SEND, 1, own->count++, 0);
		if (own->count % 16 == 0)
			own->call(RTOS_SLEEP, 1, 0, 0);
	}
	return 0;
}

/* Every word once, in order. */
MODULE_CODE static uintptr_t consume(struct shared *own)
{
	for (;;) {
		own->call(RTOS_RECEIVE, 1, (uintptr_t)&own->word, 0);
		own->wrong += own->word != own->count++;
	}
	return 0;
}

/* Works for a while, then breaks out; the supervisor starts it again. */
MODULE_CODE static uintptr_t break_out(struct shared *own)
{
	volatile unsigned i;

	own->count++;
	for (i = 0; i < 2000; i++)
		own->sum++;
	own->call(RTOS_SLEEP, own->count % 3, 0, 0);
	*own->victim = 0x66;
	own->wrong++;
	return 0;
}

/* --- the supervisor, a task of the host --- */

static unsigned long restarts;

static void create(struct scene *scene, const char *name, unsigned priority,
		   modiso_fn entry)
{
	struct rtos_task_options options = {
		.name = name,
		.priority = priority,
		.module = scene->module,
		.gate = make_gate_fn(scene->module, entry),
		.args = {W(scene->shared)},
	};

	scene->task = rtos_create(&options);
}

static struct modiso_gate *bad_gate;

static void supervise(void *unused)
{
	struct scene *bad = &scenes[BAD];
	struct rtos_task_options options = {
		.name = "bad",
		.priority = 2,
		.module = bad->module,
		.gate = bad_gate,
		.args = {W(bad->shared)},
	};
	struct rtos_end end;

	(void)unused;
	for (;;) {
		end = rtos_wait_end();
		must_eq(end.task, bad->task);
		must_eq(end.status, MODISO_ERR_FAULT);
		restarts++;
		bad->task = rtos_create(&options);
	}
}

static void make_scenes(void)
{
	static const char *const names[] = {"spinner", "other spinner",
					    "producer", "consumer", "bad"};
	unsigned i;

	start_external();
	rtos_init();
	for (i = 0; i < 5; i++) {
		scenes[i].module = make_module(names[i]);
		scenes[i].region =
			make_region(scenes[i].module, PAGE, names[i]);
		scenes[i].shared = modiso_region_base(scenes[i].region);
		scenes[i].shared->call = rtos_dispatcher();
	}
}

/* A handle of a page of each spinner that the bad task writes to. */
static atomic_ulong landed;

static void count_landing(const struct modiso_fault *fault, void *arg)
{
	must(arg == &scenes[BAD]);
	must(fault->module == scenes[BAD].module);
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	must_eq(fault->address, scenes[BAD].shared->victim);
	landed++;
}

static unsigned long wanted;

static bool enough(void)
{
	return rtos_counts().preemptions >= wanted && restarts >= 3;
}

START_TEST(test_load)
{
	struct rtos_task_options supervisor = {
		.name = "supervisor", .priority = 0, .host = supervise};
	unsigned i;

	wanted = getenv("MODISO_TEST_LONG") ? 1000000 : times(400, 150);
	make_scenes();
	scenes[BAD].shared->victim =
		_i ? region_bytes(make_region(NULL, PAGE, "kernel"))
		   : (unsigned char *)scenes[SPINNER].shared + 2048;
	expect(MODISO_OK,
	       modiso_fault_notify(scenes[BAD].module, NULL, count_landing,
				   &scenes[BAD]));
	create(&scenes[SPINNER], "spinner", 5, (modiso_fn)spin);
	create(&scenes[OTHER_SPINNER], "other", 5, (modiso_fn)spin);
	create(&scenes[PRODUCER], "producer", 4, (modiso_fn)produce);
	create(&scenes[CONSUMER], "consumer", 3, (modiso_fn)consume);
	bad_gate = make_gate(scenes[BAD].module, break_out);
	create(&scenes[BAD], "bad", 2, (modiso_fn)break_out);
	rtos_create(&supervisor);
	rtos_run(times(200000, 1000000), enough);
	for (i = 0; i < 5; i++)
		must_eq(scenes[i].shared->wrong, 0);
	must(scenes[SPINNER].shared->count > 0);
	must(scenes[OTHER_SPINNER].shared->count > 0);
	must(scenes[CONSUMER].shared->count > 0);
	must(scenes[PRODUCER].shared->count >= scenes[CONSUMER].shared->count);
	must(scenes[PRODUCER].shared->count <=
	     scenes[CONSUMER].shared->count + RTOS_QUEUE_DEPTH + 1);
	must_eq(rtos_counts().refused, 0);
	must_eq(*scenes[BAD].shared->victim, 0);
	must(landed == rtos_counts().faults);
	must(rtos_counts().faults >= restarts);
	printf("# %lu preemptions, %lu switches, %lu restarts\n",
	       rtos_counts().preemptions, rtos_counts().switches, restarts);
	rtos_fini();
	for (i = 0; i < 5; i++)
		expect(MODISO_OK, modiso_module_destroy(scenes[i].module));
}
END_TEST

/* --- what modules hand the kernel --- */

MODULE_CODE static uintptr_t hand_over(struct shared *own, uintptr_t host_word)
{
	rtos_dispatch_fn call = own->call;
	unsigned i;

	/* Where to: the host's, wrapped, past the end, nowhere, half out. */
	own->count += call(RTOS_RECEIVE, 1, host_word, 0) == RTOS_REFUSED;
	own->count += call(RTOS_RECEIVE, 1, (uintptr_t)-4, 0) == RTOS_REFUSED;
	own->count += call(RTOS_RECEIVE, 1, (uintptr_t)own + 4096, 0) ==
		      RTOS_REFUSED;
	own->count += call(RTOS_RECEIVE, 1, 0, 0) == RTOS_REFUSED;
	own->count += call(RTOS_RECEIVE, 1, (uintptr_t)own + 4090, 0) ==
		      RTOS_REFUSED;
	/* Queues and requests that there are not. */
	own->count += call(RTOS_SEND, 1000, 0, 0) == RTOS_REFUSED;
	own->count += call(99, 0, 0, 0) == RTOS_REFUSED;
	/* A string with an end, one that has none inside, the host's. */
	own->count += call(RTOS_LOG, (uintptr_t)own->text, 0, 0) == 0;
	for (i = 4000; i < 4096; i++)
		((volatile char *)own)[i] = 'x';
	own->count += call(RTOS_LOG, (uintptr_t)own + 4090, 0, 0) ==
		      RTOS_REFUSED;
	own->count += call(RTOS_LOG, host_word, 0, 0) == RTOS_REFUSED;
	own->call(RTOS_KILL, own->sum, 0, 0);
	own->wrong++;
	return 0;
}

static bool killed_itself(void)
{
	return scenes[0].shared->count == 10 && rtos_counts().ticks > 20;
}

START_TEST(test_hand_over)
{
	static uintptr_t host_word;

	make_scenes();
	create(&scenes[0], "hands", 1, (modiso_fn)hand_over);
	scenes[0].shared->sum = scenes[0].task;
	/* Its second argument. */
	rtos_kill(scenes[0].task);
	scenes[0].task = rtos_create(&(struct rtos_task_options){
		.name = "hands",
		.priority = 1,
		.module = scenes[0].module,
		.gate = make_gate(scenes[0].module, hand_over),
		.args = {W(scenes[0].shared), W(&host_word)},
	});
	scenes[0].shared->sum = scenes[0].task;
	rtos_run(200000, killed_itself);
	must_eq(scenes[0].shared->count, 10);
	must_eq(scenes[0].shared->wrong, 0);
	must_eq(rtos_counts().refused, 9);
	must_eq(rtos_counts().last_refused, RTOS_LOG);
	must_eq(host_word, 0);
}
END_TEST

/* One runs at a time because another one is frozen, not for a lock. */
#define SCHEDULED "it does not see that a frozen thread waits"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("rtos");
	TCase *tcase = tcase_create("contract");

	tcase_set_timeout(tcase, getenv("MODISO_TEST_LONG") ? 3000 : 240);
	add_loop_test_but_tsan(tcase, test_load, 0, 2, SCHEDULED);
	add_test_but_tsan(tcase, test_hand_over, SCHEDULED);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
