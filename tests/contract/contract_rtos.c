/* SPDX-License-Identifier: MIT */
/*
 * contract_rtos - an RTOS that schedules by itself, with its tasks in modules:
 * preempted at any instruction, faulting, restarted, killed; no wrong rights,
 * no wedge, no lost fault.
 *
 * MODISO_TEST_SECONDS in the environment asks for as many preemptions as come
 * in that time ("make stress": 60), MODISO_TEST_PREEMPTIONS for so many, as
 * fast as they come: without a clock.
 */
#include "support/world.h"
#include "support/mini_rtos.h"
#include "support/poke.h"
#include "support/proc.h"

#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a task in a module sees: its own memory, and the dispatcher. */
struct shared {
	rtos_dispatch_fn call;
	uintptr_t rest; /* ticks */
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

static struct modiso_module_options task_options = {
	.struct_size = sizeof(task_options),
};

static void start_external(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
	};

	if (task_options.confinement == MODISO_CONFINE_SEALED)
		options.closed = MODISO_CLOSED_DATA | MODISO_CLOSED_HEAP |
				 MODISO_CLOSED_STACKS;
	expect(MODISO_OK, modiso_init(&options));
}

/* --- for how long --- */

/* Without a clock: so that most ticks are a preemption. */
#define MANY_TICKS 256

static unsigned long wanted, tick_ns;
static time_t until;

static void run_for(unsigned long natively, unsigned long watched,
		    unsigned long a_tick)
{
	unsigned long asked = run_asked("MODISO_TEST_PREEMPTIONS");

	wanted = asked != 0 ? asked : run_times(natively, watched);
	tick_ns = asked != 0 ? 0 : a_tick;
	until = run_asked("MODISO_TEST_SECONDS");
	until += until != 0 ? time(NULL) : 0;
}

static bool long_enough(void)
{
	test_gets_on(rtos_counts().preemptions);
	return until != 0 ? time(NULL) >= until
			  : rtos_counts().preemptions >= wanted;
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
		if (own->count % (4096 * own->rest) == 0)
			own->call(RTOS_YIELD, 0, 0, 0);
	}
	return 0;
}

MODULE_CODE static uintptr_t produce(struct shared *own)
{
	for (;;) {
		own->call(RTOS_SEND, 1, own->count++, 0);
		if (own->count % 16 == 0)
			own->call(RTOS_SLEEP, own->rest, 0, 0);
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
	own->call(RTOS_SLEEP, own->count % 3 * own->rest, 0, 0);
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
		expect(MODISO_OK,
		       modiso_module_create(names[i], &task_options,
					    &scenes[i].module));
		scenes[i].region =
			make_region(scenes[i].module, PAGE, names[i]);
		scenes[i].shared = modiso_region_base(scenes[i].region);
		scenes[i].shared->call = rtos_dispatcher();
		scenes[i].shared->rest = tick_ns != 0 ? 1 : MANY_TICKS;
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

static unsigned char kernel_variable; /* in no region */

static unsigned long ticks_seen, *ticks_in_heap;

/*
 * At each tick, while a task is frozen wherever it was: the host's memory is
 * as it was left, so is a module's, each in turn, and all faults but the one
 * that may be under way were told of.
 */
static void check_all(void)
{
	const struct shared *own = scenes[++ticks_seen % 5].shared;

	must_eq(++*ticks_in_heap, ticks_seen);
	must_eq(kernel_variable, 0);
	must_eq(own->wrong, 0);
	if (ticks_seen % 5 <= OTHER_SPINNER)
		must(own->count - own->sum <= 1);
	must(landed - rtos_counts().faults <= 1);
}

/* Where ticks are short beside a switch, the least urgent ones come late. */
static bool enough(void)
{
	check_all();
	if (!long_enough() || restarts < 3)
		return false;
	for (unsigned i = SPINNER; i <= CONSUMER; i++)
		if (scenes[i].shared->count == 0)
			return false;
	return true;
}

/* The bad task writes to a task's memory, a host's region, or neither. */
static void load(unsigned which)
{
	struct rtos_task_options supervisor = {
		.name = "supervisor", .priority = 0, .host = supervise};
	unsigned i;

	run_for(400, 150, run_times(200000, 1000000));
	make_scenes();
	scenes[BAD].shared->victim =
		which == 2   ? &kernel_variable
		: which == 1 ? region_bytes(make_region(NULL, PAGE, "kernel"))
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
	ticks_in_heap = calloc(1, sizeof(*ticks_in_heap));
	rtos_run(tick_ns, enough);
	free(ticks_in_heap);
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
	printf("# %lu preemptions of %lu ticks, %lu switches, %lu faults\n",
	       rtos_counts().preemptions, rtos_counts().ticks,
	       rtos_counts().switches, rtos_counts().faults);
	rtos_fini();
	for (i = 0; i < 5; i++)
		expect(MODISO_OK, modiso_module_destroy(scenes[i].module));
}

START_TEST(test_load)
{
	load((unsigned)_i);
}
END_TEST

/* Tasks that see nothing of the program. */
START_TEST(test_sealed)
{
	if (TEST_SANITIZED && !on_pkey())
		test_skip("unsanitized", "a sanitizer's data cannot be closed");
	task_options.confinement = MODISO_CONFINE_SEALED;
	load((unsigned)_i);
}
END_TEST

/*
 * --- at random instructions of two modules and the host ---
 *
 * Three tasks of the same priority, so that nearly every tick has one of them
 * stand aside for the next. Two spend their time on the ways into a module of
 * theirs, in it, in a service, in faults and back; the third one in what only
 * the host may touch.
 */
struct party {
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_gate *work, *load;
	unsigned char *others; /* what the module may not read: first byte */
	struct modiso_region *others_region;
	unsigned long rounds, faults;
};

static struct party parties[2];
static struct modiso_region *hosts;
static uintptr_t (*volatile count_thunk)(uintptr_t party);
static atomic_bool over;
static atomic_uint finished;

enum { COUNTED, TOUCHED, PARTY_BYTES };

static volatile unsigned long *host_words(void)
{
	return modiso_region_base(hosts);
}

/* Host code, called by a module. */
static uintptr_t count_service(uintptr_t party)
{
	return ++host_words()[party * PARTY_BYTES + COUNTED];
}

/* The module's own: whether it runs, and two words as in spin(). */
struct inside {
	volatile unsigned long running, count, sum, wrong;
};

MODULE_CODE static uintptr_t work_a_while(struct inside *own, uintptr_t party,
					  uintptr_t rounds)
{
	uintptr_t served;

	own->running = 1;
	while (rounds-- > 0) {
		own->count++;
		own->sum++;
		own->wrong += own->count != own->sum;
	}
	served = count_thunk(party);
	own->running = 0;
	return served;
}

static void enter_again_and_again(void *arg)
{
	struct party *me = arg;
	uintptr_t number = (uintptr_t)(me - parties);
	uint64_t random = number + 1;

	while (!atomic_load(&over)) {
		random = random * 6364136223846793005ul + 1442695040888963407ul;
		me->rounds++;
		must_eq(enter(me->work, W(region_bytes(me->region)), number,
			      random >> 56),
			me->rounds);
		host_words()[number * PARTY_BYTES + TOUCHED]++;
		if (random >> 54 & 1)
			continue;
		must_blame(enter_fault(me->module, me->load, W(me->others)),
			   MODISO_READ, me->others, me->others_region);
		me->faults++;
	}
	must_eq(modiso_fault_count(), me->faults);
	must_eq(modiso_module_caller(), NULL);
	atomic_fetch_add(&finished, 1);
}

/* What only the host may touch, and both modules' memory. */
static void touch_again_and_again(void *arg)
{
	volatile unsigned char *byte;
	unsigned long count = 0;

	while (!atomic_load(&over)) {
		count++;
		host_words()[2 * PARTY_BYTES] = count;
		for (unsigned i = 0; i < 2; i++) {
			byte = region_bytes(parties[i].region) + PAGE - 1;
			*byte = (unsigned char)count;
			must_eq(*byte, (unsigned char)count);
		}
		must_eq(host_words()[2 * PARTY_BYTES], count);
	}
	*(unsigned long *)arg = count;
	atomic_fetch_add(&finished, 1);
}

static unsigned long seen_inside, looks;
static atomic_ulong told;

static void count_told(const struct modiso_fault *fault, void *arg)
{
	must(fault->module == ((struct party *)arg)->module);
	told++;
}

/* Asked while whatever ran is frozen. */
static bool preempted_enough(void)
{
	unsigned i;

	looks++;
	for (i = 0; i < 2; i++)
		seen_inside += ((struct inside *)region_bytes(
					parties[i].region))
				       ->running;
	if (long_enough() && seen_inside > 20)
		atomic_store(&over, true);
	return atomic_load(&finished) == 3;
}

static void make_party(struct party *party, const char *name)
{
	party->module = make_module(name);
	party->region = make_region(party->module, PAGE, name);
	party->work = make_gate(party->module, work_a_while);
	party->load = make_gate(party->module, poke_load1);
	expect(MODISO_OK, modiso_fault_notify(party->module, NULL, count_told,
					      party));
}

START_TEST(test_preempt_anywhere)
{
	struct rtos_task_options task = {.priority = 3};
	unsigned long touched = 0;
	unsigned i;

	run_for(400, 150, run_times(40000, 400000));
	start_external();
	rtos_init();
	hosts = make_region(NULL, PAGE, "host's");
	count_thunk = (uintptr_t(*)(uintptr_t))make_service("count",
							    count_service);
	make_party(&parties[0], "first");
	make_party(&parties[1], "second");
	for (i = 0; i < 2; i++) {
		/* The other module's, or the host's. */
		parties[i].others_region = i ? hosts : parties[1].region;
		parties[i].others = region_bytes(parties[i].others_region);
		task.host = enter_again_and_again;
		task.args[0] = W(&parties[i]);
		rtos_create(&task);
	}
	task.host = touch_again_and_again;
	task.args[0] = W(&touched);
	rtos_create(&task);
	rtos_run(tick_ns, preempted_enough);
	for (i = 0; i < 2; i++) {
		const struct inside *inside =
			(void *)region_bytes(parties[i].region);

		must_eq(inside->wrong, 0);
		must_eq(inside->running, 0);
		must_eq(inside->count, inside->sum);
		must_eq(host_words()[i * PARTY_BYTES + COUNTED],
			parties[i].rounds);
		must_eq(host_words()[i * PARTY_BYTES + TOUCHED],
			parties[i].rounds);
	}
	must(touched > 0);
	must_eq(told, parties[0].faults + parties[1].faults);
	printf("# %lu preemptions, in a module at %lu of %lu looks, %lu + %lu "
	       "calls, %lu faults\n",
	       rtos_counts().preemptions, seen_inside, looks, parties[0].rounds,
	       parties[1].rounds, atomic_load(&told));
	rtos_fini();
	for (i = 0; i < 2; i++)
		expect(MODISO_OK, modiso_module_destroy(parties[i].module));
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
	TCase *tcase = tcase_create("contract"), *stress;

	add_loop_test_but_tsan(tcase, test_load, 0, 2, SCHEDULED);
	add_test_but_tsan(tcase, test_hand_over, SCHEDULED);
	suite_add_tcase(suite, tcase);
	tcase = tcase_create("sealed");
	add_loop_test_but_tsan(tcase, test_sealed, 2, 3, SCHEDULED);
	suite_add_tcase(suite, tcase);
	stress = tcase_create("stress");
	add_test_but_tsan(stress, test_preempt_anywhere, SCHEDULED);
	suite_add_tcase(suite, stress);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
