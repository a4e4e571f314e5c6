/* SPDX-License-Identifier: MIT */
#include "measure.h"

#include <stdlib.h>
#include <string.h>

#define LONG_SHARE 50
#define RARE_SHARE 1000

/* Rounds of the two batches whose difference is counted. */
#define COUNT_FEW   1
#define COUNT_MORE  16
#define COUNT_HEAVY 4

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

/* The smallest sample that @share of all do not exceed; sorted samples. */
static double quantile(const double *samples, unsigned count, double share)
{
	unsigned rank = (unsigned)(share * count);

	return samples[rank < count ? rank : count - 1];
}

static void summarise(struct result *result)
{
	qsort(result->samples, result->count, sizeof(double), compare);
	result->least = result->samples[0];
	result->median = quantile(result->samples, result->count, 0.5);
	result->p99 = quantile(result->samples, result->count, 0.99);
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

/* Is it this row's turn? A long one's is every LONG_SHARE-th time. */
static bool turn(const struct bench_row *row, unsigned sample)
{
	if (row->flags & BENCH_RARE)
		return sample % RARE_SHARE == 0;
	return !(row->flags & BENCH_LONG) || sample % LONG_SHARE == 0;
}

void measure_time(struct plan *plan)
{
	unsigned sample, i;
	uint64_t ticks;

	allocate(plan, plan->samples);
	for (i = 0; i < plan->count; i++)
		choose_batch(plan, &plan->results[i]);
	/* All rows in turn, so that a noisy second hits each of them. */
	for (sample = 0; sample < plan->samples; sample++)
		for (i = 0; i < plan->count; i++) {
			struct result *result = &plan->results[i];

			if (!turn(result->row, sample) ||
			    !batch(result, result->batch, &ticks))
				continue;
			result->samples[result->count++] =
				(double)ticks /
				((double)result->batch * calls(result));
		}
	for (i = 0; i < plan->count; i++)
		if (plan->results[i].rc == 0)
			summarise(&plan->results[i]);
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
	for (i = 0; i < plan->count; i++) {
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
