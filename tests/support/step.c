/* SPDX-License-Identifier: MIT */
#include "support/step.h"

#include "support/proc.h"
#include "support/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* More than any work of a test has; a longer one is a loop without end. */
#define STEPS_MAX 200000
/*
 * The budget of a run: how often the child stops. A stop costs 3 microseconds
 * on one machine and 70 on another, so this counts, and no clock. What was
 * walked to because a breakpoint did not find it is not in it: how many points
 * these are is the machine's business. The round that is recorded goes step by
 * step, and may wait longer for something than any round that runs.
 */
#define STOPS_MAX 80000
#define WALKED_MAX(points) (20 + (points) / 2)
/* An instruction is interrupted the first so many times that it comes up. */
#define TIMES_MAX 3
/* How often a point that did not come up is tried again. */
#define TRIES 3
/* Who watches over the tests sees from the log that they go on. */
#define POINTS_PER_LINE 100

struct point {
	uintptr_t pc;
	unsigned times; /* it is to come up so often before */
};

/* What parent and child both see. */
struct shared {
	const struct step_plan *plan;
	volatile unsigned sent;
	volatile bool stepped, stop;
};

struct run {
	const struct step_plan *plan;
	struct shared *shared;
	struct tracer tracer;
	size_t walked; /* points, for want of another way */
};

/* --- the child --- */

static struct shared *told;

unsigned step_sent(void)
{
	return told->sent;
}

static void run_rounds(void *arg)
{
	const struct step_plan *plan;

	told = arg;
	plan = told->plan;
	plan->setup();
	while (!told->stop) {
		plan->round();
		plan->check(told->sent, told->stepped);
	}
}

/* --- the run --- */

static void start(struct run *run, const struct step_plan *plan)
{
	run->plan = plan;
	run->walked = 0;
	run->shared = mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE,
			   MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (run->shared == MAP_FAILED)
		ck_abort_msg("mmap: %s", strerror(errno));
	run->shared->plan = plan;
	tracer_start(&run->tracer, plan->name, run_rounds, run->shared);
}

/* On to one of the two marks, whatever signals come on the way. */
static void run_to(struct run *run, enum tracer_stop mark)
{
	enum tracer_stop stop = tracer_run(&run->tracer);

	if (stop != mark)
		ck_abort_msg("%s: stopped at %d, not at %d", run->plan->name,
			     stop, mark);
}

/* The signal comes now, before the instruction at which the child stands. */
static void put_in(struct run *run, const struct point *point)
{
	run->tracer.at = point->pc;
	run->tracer.at_times = point->times;
	run->shared->sent++;
	if (run->plan->company != 0)
		tracer_send(&run->tracer, run->plan->company);
	if (run->plan->send != NULL)
		run->plan->send(run->tracer.pid);
	else
		tracer_send(&run->tracer, run->plan->signo);
}

/* A round or two that make what is made once. */
static void warm_up(struct run *run)
{
	for (int i = 0; i < 2; i++) {
		run_to(run, AT_BEGIN);
		put_in(run, &(struct point){run->tracer.regs.rip, 0});
		run_to(run, AT_END);
	}
	proc_share_cpu(run->tracer.pid);
}

static void finish(struct run *run)
{
	run->shared->stop = true;
	if (tracer_run(&run->tracer) != GONE)
		ck_abort_msg("%s: the child goes on", run->plan->name);
	munmap(run->shared, sizeof(struct shared));
}

/* From the begin mark to @point; false: the round ended before. */
static bool go_to(struct run *run, const struct point *point)
{
	struct tracer *tracer = &run->tracer;
	enum tracer_stop stop;

	for (unsigned i = 0;; i++) {
		if (tracer->regs.rip != point->pc || i > 0) {
			stop = tracer_run_to(tracer, point->pc);
			if (stop == AT_END)
				return false;
			if (stop != AT_BREAKPOINT)
				ck_abort_msg("stopped at %d", stop);
		}
		if (i == point->times)
			return true;
		/* Over it: a signal that is on its way comes first. */
		if (tracer_step(tracer) == AT_END)
			return false;
	}
}

/* The same step by step: it cannot be missed. */
static bool walk_to(struct run *run, const struct point *point)
{
	struct tracer *tracer = &run->tracer;
	unsigned times = 0;
	enum tracer_stop stop;

	run->shared->stepped = true;
	for (stop = AT_STEP; stop != AT_END; stop = tracer_step(tracer))
		if (stop == AT_STEP && tracer->regs.rip == point->pc &&
		    times++ == point->times)
			return true;
	return false;
}

/* One round with the signal at @point; false: it did not come by. */
static bool try_point(struct run *run, const struct point *point, bool walk)
{
	run_to(run, AT_BEGIN);
	run->shared->stepped = false;
	if (!(walk ? walk_to(run, point) : go_to(run, point)))
		return false;
	put_in(run, point);
	run_to(run, AT_END);
	return true;
}

/*
 * Another thread can take the int3 away at the wrong moment, or make this one
 * take another path, so a point is tried again; the last time step by step.
 */
static bool do_point(struct run *run, const struct point *point)
{
	size_t stops;
	bool done;

	for (int try = 1; try < TRIES; try++)
		if (try_point(run, point, run->plan->walk))
			return true;
	stops = run->tracer.stops;
	done = try_point(run, point, true);
	run->tracer.stops = stops;
	run->walked++;
	return done;
}

/* --- the plan --- */

static unsigned times_before(const struct point *points, size_t count,
			     uintptr_t pc)
{
	while (count-- > 0)
		if (points[count].pc == pc)
			return points[count].times + 1;
	return 0;
}

/* One round step by step; the points of it, in the order that they come up. */
static size_t record(struct run *run, struct point *points, size_t *steps)
{
	const struct step_plan *plan = run->plan;
	size_t count = 0;
	enum tracer_stop stop = AT_STEP;

	run_to(run, AT_BEGIN);
	*steps = 0;
	run->shared->stepped = true;
	while (stop != AT_END) {
		uintptr_t pc = run->tracer.regs.rip;

		if (stop == AT_STEP) {
			unsigned times = times_before(points, count, pc);

			if (*steps + 1 == STEPS_MAX)
				ck_abort_msg("%s: more than %d steps",
					     plan->name, STEPS_MAX);
			if (times < TIMES_MAX && pc != (uintptr_t)step_end &&
			    (!plan->only || plan->wanted(pc)))
				points[count++] = (struct point){pc, times};
			++*steps;
		}
		stop = tracer_step(&run->tracer);
	}
	return count;
}

static void log_count(const struct step_plan *plan,
		      const struct step_count *count)
{
	printf("# step: %s: %zu instructions, a signal at %zu points "
	       "(%zu addresses, %zu of gates); %zu points missed, "
	       "%zu walked to; %zu stops\n",
	       plan->name, count->steps, count->points, count->places,
	       count->wanted, count->missed, count->walked, count->stops);
}

struct step_count step_run(const struct step_plan *plan)
{
	struct point *points = calloc(STEPS_MAX, sizeof(*points));
	unsigned stride = plan->stride ? plan->stride : 1;
	struct step_count count = {0};
	struct run run;
	size_t found, i;

	if (!points)
		ck_abort_msg("no memory");
	start(&run, plan);
	warm_up(&run);
	found = record(&run, points, &count.steps);
	for (i = 0; i < found; i++) {
		const struct point *point = &points[i];
		bool wanted = plan->wanted(point->pc) && point->times == 0;
		bool done;

		if (i % stride != 0 && !wanted)
			continue;
		done = do_point(&run, point);
		if (!done && wanted) {
			run.tracer.at = point->pc;
			run.tracer.at_times = point->times;
			tracer_report(&run.tracer, "a point is missed");
			ck_abort_msg("%s: a gate's instruction is missed",
				     plan->name);
		}
		count.points += done;
		count.places += done && point->times == 0;
		count.wanted += wanted;
		count.missed += !done;
		if ((count.points + count.missed) % POINTS_PER_LINE == 0)
			printf("# step: %s: point %zu of %zu\n", plan->name, i,
			       found);
	}
	finish(&run);
	free(points);
	count.stops = run.tracer.stops;
	count.walked = run.walked;
	log_count(plan, &count);
	if (count.walked > WALKED_MAX(count.points))
		ck_abort_msg("%s: %zu points were walked to", plan->name,
			     count.walked);
	/* A sanitizer's own instructions are counted as well. */
	if (!TEST_SANITIZED && count.stops > STOPS_MAX)
		ck_abort_msg("%s: %zu stops; a run has %d", plan->name,
			     count.stops, STOPS_MAX);
	return count;
}

static bool is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL ||
	       signo == SIGFPE || signo == SIGTRAP || signo == SIGSYS;
}

struct step_count step_at_faults(const struct step_plan *plan, unsigned rounds)
{
	struct step_count count = {0};
	struct run run;

	start(&run, plan);
	warm_up(&run);
	while (rounds-- > 0) {
		enum tracer_stop stop;

		run_to(&run, AT_BEGIN);
		do
			stop = tracer_continue(&run.tracer);
		while (stop == AT_SIGNAL && !is_fault(run.tracer.signo));
		if (stop != AT_SIGNAL)
			ck_abort_msg("%s: no fault", plan->name);
		put_in(&run, &(struct point){run.tracer.regs.rip, 0});
		count.points++;
		run_to(&run, AT_END);
	}
	finish(&run);
	count.stops = run.tracer.stops;
	printf("# step: %s: a signal at %zu faults; %zu stops\n", plan->name,
	       count.points, count.stops);
	return count;
}
