/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include "clock.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* No row takes more than this many times its share of the time. */
#define GREED 3

/* Rounds of the two batches whose difference is counted. */
#define COUNT_FEW   1
#define COUNT_MORE  16
#define COUNT_HEAVY 4

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

static volatile sig_atomic_t stopped;

void measure_stop(int signo)
{
	(void)signo;
	stopped = 1;
}

double measure_quantile(const double *samples, unsigned count, double share)
{
	unsigned rank = (unsigned)(share * count);

	return samples[rank < count ? rank : count - 1];
}

/* Before they are sorted. */
static void divide(struct result *result)
{
	double block[SAMPLES_MAX / BLOCKS + 1];
	unsigned i, from, to;

	result->block_count = result->count < BLOCKS ? result->count : BLOCKS;
	for (i = 0; i < result->block_count; i++) {
		from = i * result->count / result->block_count;
		to = (i + 1) * result->count / result->block_count;
		memcpy(block, result->samples + from,
		       (to - from) * sizeof(double));
		qsort(block, to - from, sizeof(double), compare);
		result->blocks[i] = measure_quantile(block, to - from, 0.5);
	}
}

static void summarise(struct result *result)
{
	const double *samples = result->samples;
	unsigned count = result->count;

	if (count == 0)
		return;
	divide(result);
	qsort(result->samples, count, sizeof(double), compare);
	result->least = samples[0];
	result->median = measure_quantile(samples, count, 0.5);
	result->p90 = measure_quantile(samples, count, 0.9);
	result->p99 = measure_quantile(samples, count, 0.99);
	result->p999 = measure_quantile(samples, count, 0.999);
	result->most = samples[count - 1];
}

static unsigned calls(const struct result *result)
{
	return result->row->calls == 0 ? 1 : result->row->calls;
}

/* One batch; a failure is noted and takes the row out of the plan. */
static bool batch(struct result *result, uint64_t rounds, uint64_t *ticks)
{
	if (result->rc != 0)
		return false;
	result->rc =
		worker_measure(result->worker, result->number, rounds, ticks);
	if (result->rc != 0)
		snprintf(result->reason, sizeof(result->reason), "%s",
			 result->worker->reason);
	return result->rc == 0;
}

/*
 * How many rounds make a batch: so many that reading the clock twice, a
 * thousandth of batch_ns, does not show. One where a round takes that long.
 */
static void choose_batch(const struct plan *plan, struct result *result)
{
	uint64_t ticks = 0, rounds = 1;

	while (batch(result, rounds, &ticks) &&
	       (double)ticks < plan->batch_ns) {
		/* The last step by measure, so that batches are alike. */
		if ((double)ticks * 4 > plan->batch_ns)
			rounds = (uint64_t)((double)rounds * plan->batch_ns /
					    (double)ticks) +
				 1;
		else
			rounds *= 4;
	}
	result->batch = rounds;
}

static void allocate(struct plan *plan, unsigned each)
{
	unsigned i;

	for (i = 0; i < plan->count; i++) {
		plan->results[i].samples = calloc(each, sizeof(double));
		if (plan->results[i].samples == NULL) {
			fputs("modiso-bench: out of memory\n", stderr);
			exit(1);
		}
	}
}

static double now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

/*
 * How far it is, on standard error: a line that changes on a terminal, else
 * one for each tenth. The newest sample of a row shows that there are results.
 */
static void show(const struct plan *plan, double share,
		 const struct result *result)
{
	static int tenth = -1;
	static double said;
	bool terminal = isatty(STDERR_FILENO);
	double time = now();

	share = share > 1 ? 1 : share;
	if (terminal ? time - said < 0.2 && share < 1
		     : (int)(share * 10) <= tenth)
		return;
	said = time;
	tenth = (int)(share * 10);
	fprintf(stderr, "%smodiso-bench: %3.0f %%", terminal ? "\r" : "",
		share * 100);
	if (result != NULL && result->count > 0)
		fprintf(stderr, ", %-8s %-46s %10.1f ns",
			worker_place_name(result->worker->place),
			result->row->name,
			result->samples[result->count - 1]);
	else if (share < 1)
		fprintf(stderr, ", trying each of %u rows", plan->count);
	fputs(!terminal		? "\n"
	      : share >= 1	? "\r\033[K"
				: "\033[K",
	      stderr);
}

static void sample_row(struct result *result)
{
	double began = now();
	uint64_t ticks;

	if (batch(result, result->batch, &ticks))
		result->samples[result->count++] =
			(double)ticks / ((double)result->batch * calls(result));
	result->seconds += now() - began;
}

void measure_time(struct plan *plan)
{
	double began = now(), end = began + plan->seconds, first;
	unsigned sample, i;

	allocate(plan, plan->samples);
	for (i = 0; i < plan->count && !stopped; i++) {
		show(plan, (now() - began) / plan->seconds, NULL);
		choose_batch(plan, &plan->results[i]);
	}
	first = now();
	/* All rows in turn, so that a noisy second hits each of them. */
	for (sample = 0; sample < plan->samples; sample++)
		for (i = 0; i < plan->count; i++) {
			double time = now();

			if (stopped || (sample > 0 && time > end))
				goto done;
			if (sample > 0 && plan->results[i].seconds >
						  GREED * (time - first) /
							  plan->count)
				continue;
			sample_row(&plan->results[i]);
			show(plan, (time - began) / plan->seconds,
			     &plan->results[i]);
		}
done:
	show(plan, 1, NULL);
	for (i = 0; i < plan->count; i++) {
		if (plan->results[i].rc != 0)
			continue;
		summarise(&plan->results[i]);
		if (plan->results[i].count > 0)
			continue;
		plan->results[i].rc = BENCH_ABSENT;
		snprintf(plan->results[i].reason,
			 sizeof(plan->results[i].reason), "interrupted");
	}
}

/*
 * The instructions of a round: what a batch of many has more than a batch of
 * one. The clock, the call of the row and its preparation cancel out; so do
 * the loop and the argument, when the same of an empty loop that loads one is
 * taken off. The least is exact: a timer interrupt can only add.
 */
static void count_rounds(struct plan *plan, struct result *result,
			 double *least, double *median)
{
	unsigned more =
		result->row->flags & BENCH_HEAVY ? COUNT_HEAVY : COUNT_MORE;
	double few_least, few_median;
	uint64_t ticks;
	unsigned pass, sample;

	for (pass = 0; pass < 2; pass++) {
		few_least = result->least;
		few_median = result->median;
		result->count = 0;
		for (sample = 0; sample < plan->samples; sample++)
			if (batch(result,
				  pass == 0 ? COUNT_FEW : COUNT_FEW + more,
				  &ticks))
				result->samples[result->count++] =
					(double)ticks;
		if (result->rc != 0)
			return;
		summarise(result);
	}
	result->batch = more;
	*least = (result->least - few_least) / more;
	*median = (result->median - few_median) / more;
}

void measure_instructions(struct plan *plan)
{
	double loop_least = 0, loop_median = 0, least = 0, median = 0;
	struct result *result;
	unsigned i;

	allocate(plan, plan->samples);
	for (i = 0; i < plan->count && !stopped; i++) {
		result = &plan->results[i];
		if (result->row->flags & (BENCH_TIMED | BENCH_RARE)) {
			result->rc = BENCH_ABSENT;
			snprintf(result->reason, sizeof(result->reason), "%s",
				 result->row->flags & BENCH_RARE ?
					 "takes too long to be counted" :
					 "has a second thread or process: its "
					 "instructions say nothing");
			continue;
		}
		count_rounds(plan, result, &least, &median);
		if (result->rc != 0)
			continue;
		/* The first row of all is the empty loop. */
		if (i == 0) {
			loop_least = least;
			loop_median = median;
			result->least = least;
			result->median = median;
			continue;
		}
		result->least = (least - loop_least) / calls(result);
		result->median = (median - loop_median) / calls(result);
	}
}

const struct result *measure_find(const struct plan *plan,
				  enum worker_place place, const char *name)
{
	unsigned i;

	for (i = 0; i < plan->count; i++)
		if (plan->results[i].worker->place == place &&
		    plan->results[i].rc == 0 &&
		    strcmp(plan->results[i].row->name, name) == 0)
			return &plan->results[i];
	return NULL;
}
