/* SPDX-License-Identifier: MIT */
/*
 * contract_limit_round - what the thread that keeps time limits looks at when
 * it ticks, and what it leaves alone: who cannot have run is not looked at, and
 * whose limit cannot be over is not asked for its clock. Here the test ticks,
 * with clocks of its own.
 */
#include "contract/trace.h"
#include "support/proc.h"

#include "core/limit_tick.h"
#include "core/state.h"
#include "os/ticker.h"

#include <sched.h>
#include <stdatomic.h>

/* So long that no thread uses it up while this runs. */
#define LIMIT_MS 1000000u
#define MS       ((uint64_t)1000000)
#define TICK     (50 * MS) /* the longest that there is */
#define IDLE     (2 * TICK)
#define ASLEEP   (5 * TICK) /* nobody runs */

static struct mdi_limit_state *const ticking = &mdi_core_state.limit;
static uint64_t now, cpu;

/* Of a tick, @ms later; the process has run for @run_us of them. */
static uint64_t tick(uint64_t ms, uint64_t run_us)
{
	now += ms * MS;
	cpu += run_us * 1000;
	return mdi_limit_round(now, cpu);
}

static bool has_looked(void)
{
	return ticking->looked_ns == now;
}

/* --- a thread that is in a module with a limit --- */

static struct modiso_gate *add, *stay;
static struct mdi_thread *_Atomic inside;
static pthread_t thread;
static int ends[2]; /* a pipe */
static volatile atomic_int enters, entered, leaves;

MODULE_CODE static uintptr_t wait_in_module(uintptr_t fd)
{
	char byte;

	entered = 1;
	while (read((int)fd, &byte, 1) < 0)
		;
	return 1;
}

MODULE_CODE static uintptr_t run_in_module(uintptr_t value)
{
	entered = 1;
	while (!leaves)
		;
	return value;
}

static void *be_inside(void *unused)
{
	must_eq(enter(add, 1), 2);
	atomic_store(&inside, mdi_thread_self());
	while (!enters)
		sched_yield();
	(void)enter(stay, (uintptr_t)ends[0]);
	return unused;
}

static void begin(uint32_t flags, uintptr_t (*entry)(uintptr_t))
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.time_limit_ms = LIMIT_MS,
		.flags = flags,
	};
	struct modiso_module *module;

	world_start();
	expect(MODISO_OK, modiso_module_create("limited", &options, &module));
	add = make_gate(module, module_add_one);
	stay = make_gate(module, entry);
	must(!pipe(ends));
	thread = thread_start(be_inside, NULL);
	while (!atomic_load(&inside))
		sched_yield();
	mdi_limit_tick_stop();
	now = ticking->looked_ns;
	cpu = ticking->looked_cpu_ns;
	enters = 1;
	while (!entered)
		sched_yield();
}

static void end(void)
{
	leaves = 1;
	must(write(ends[1], "x", 1) == 1);
	thread_join(thread);
	must_eq(modiso_fault_count(), 0);
}

static void begin_waiting(uint32_t flags)
{
	begin(flags, wait_in_module);
	proc_wait_asleep(atomic_load(&inside)->tid);
}

static void wait_until_known(void)
{
	const struct mdi_thread *known = atomic_load(&inside);

	while (!__atomic_load_n(&known->limit.known, __ATOMIC_ACQUIRE))
		sched_yield();
}

/* --- what is looked at --- */

START_TEST(test_waiting)
{
	begin_waiting(0);
	must_eq(tick(100, 50000), TICK);
	must(has_looked());
	must_eq(ticking->asked, 1);
	/* All threads have run for less than a quarter of a tick. */
	must_eq(tick(50, 12499), ASLEEP);
	must(!has_looked());
	must_eq(tick(250, 0), ASLEEP);
	must(!has_looked());
	must_eq(tick(100, 1), IDLE);
	must(has_looked());
	/* It was asked, and has not run: it is left alone. */
	must_eq(ticking->asked, 1);
	must_eq(__atomic_load_n(&atomic_load(&inside)->limit.sent,
				__ATOMIC_ACQUIRE),
		0);
	end();
}
END_TEST

/* Its clock is read when counting begins, and when its time could be over. */
START_TEST(test_running)
{
	const struct mdi_thread *runs;

	begin(0, run_in_module);
	runs = atomic_load(&inside);
	must_eq(tick(100, 50000), TICK);
	while (mdi_thread_cpu_ns(runs->tid) == runs->limit.clock_ns)
		sched_yield();
	must_eq(tick(50, 50000), TICK);
	must_eq(ticking->asked, 1);
	wait_until_known();
	must_eq(tick(50, 50000), IDLE);
	for (int i = 0; i < 9; i++) {
		must_eq(tick(100000, 50000), IDLE);
		must_eq(ticking->asked, 0);
	}
	must_eq(tick(99970, 50000), 30 * MS);
	must_eq(ticking->asked, 0);
	must_eq(tick(30, 50000), IDLE);
	must_eq(ticking->asked, 1);
	must_eq(tick(100000, 50000), IDLE);
	must_eq(ticking->asked, 0);
	end();
}
END_TEST

/* On the wall time passes, whoever runs. */
START_TEST(test_by_wall)
{
	begin_waiting(MODISO_MODULE_WALL_TIME);
	must_eq(tick(100, 0), TICK);
	must_eq(tick(50, 0), TICK);
	wait_until_known();
	for (int i = 0; i < 3; i++) {
		must_eq(tick(50, 0), IDLE);
		must(has_looked());
		must_eq(ticking->asked, 0);
	}
	end();
}
END_TEST

/* --- when --- */

/*
 * A module that has seen one look, and takes the others to be as far apart as
 * can be: then it is in a service, for a fifth of the time. Two looks in a row
 * find it in its own code nearly as often as if it knew nothing: 64 of 100.
 */
START_TEST(test_unforeseen)
{
	unsigned found = 0, looks = 10000;
	bool before = false, own;
	uint64_t at = 0, wait;

	ticking->random = (unsigned)_i;
	for (unsigned i = 0; i < looks; i++) {
		wait = mdi_limit_wait(IDLE);
		must(wait <= IDLE && wait >= IDLE / 4 * 3);
		at += wait;
		own = at % IDLE >= IDLE / 10 && at % IDLE < IDLE / 10 * 9;
		found += own && before;
		before = own;
	}
	must(found > looks / 2);
}
END_TEST

/* --- in system calls --- */

static void ticks_of_nobody(void)
{
	begin_waiting(0);
	(void)tick(100, 50000);
	mark();
	for (int i = 0; i < ROUNDS; i++)
		must_eq(tick(250, 100), ASLEEP);
	mark();
	end();
}

static void ticks_of_others(void)
{
	begin_waiting(0);
	(void)tick(100, 50000);
	mark();
	for (int i = 0; i < ROUNDS; i++)
		must_eq(tick(100, 50000), IDLE);
	mark();
	end();
}

START_TEST(test_calls)
{
	struct counts counts = trace(ticks_of_nobody);

	must_eq(counts.all, 0);
	counts = trace(ticks_of_others);
	must_eq(counts.clock, ROUNDS);
	must_eq(counts.all, counts.clock);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("limit_round");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_waiting);
	tcase_add_test(tcase, test_running);
	tcase_add_test(tcase, test_by_wall);
	tcase_add_loop_test(tcase, test_unforeseen, 0, 3);
	add_test_but_tsan(tcase, test_calls, "it makes calls of its own");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
