/* SPDX-License-Identifier: MIT */
/*
 * modiso-bench - what isolation costs, beside what it replaces.
 */
#include "bench.h"

#include "clock.h"
#include "compare.h"
#include "machine.h"
#include "measure.h"
#include "options.h"
#include "plot.h"
#include "report.h"
#include "worker.h"
#include "../tools/output.h"

#include <sched.h>
#include <signal.h>
#include <string.h>

/* A batch is this much longer than reading the clock. */
#define CLOCK_FACTOR  1000
#define SAMPLES_QUICK 1000
#define SAMPLES_COUNT 64

static struct plan plan;
static struct worker workers[PLACES];
static unsigned wanted; /* rows; plan has one more where instructions count */

static void plan_rows(const struct choice *choice, struct worker *worker)
{
	const struct bench_row *row;
	unsigned number;

	for (number = 0; (row = worker_row(worker->place, number)) != NULL;
	     number++) {
		/* What the loop itself takes is always needed for counting. */
		bool first = choice->counting && plan.count == 0;

		bool want = options_want(choice, row);

		if ((!want && !first) || plan.count == RESULTS_MAX)
			continue;
		wanted += want;
		plan.results[plan.count].row = row;
		plan.results[plan.count].worker = worker;
		plan.results[plan.count++].number = number;
	}
}

/* Starts a worker for each place. Returns an exit status. */
static int start_workers(const struct choice *choice)
{
	enum worker_place place;
	int rc;

	for (place = PLACE_BASE; place < PLACES; place++) {
		workers[place].gone = true;
		if (place != PLACE_BASE && !choice->places[place])
			continue;
		rc = worker_start(&workers[place], place);
		if (rc == 0) {
			plan_rows(choice, &workers[place]);
			continue;
		}
		/* The header says why a backend is not usable. */
		if (rc == BENCH_ABSENT && choice->all)
			continue;
		fprintf(stderr, "modiso-bench: %s: %s\n",
			worker_place_name(place), workers[place].reason);
		return rc == BENCH_ABSENT ? EXIT_ABSENT : EXIT_FAILED;
	}
	return 0;
}

/* The last CPU that is allowed for the work: the first has the interrupts. */
static void choose_cpus(void)
{
	cpu_set_t set;
	int cpu;

	if (sched_getaffinity(0, sizeof(set), &set) != 0)
		CPU_ZERO(&set);
	if (CPU_COUNT(&set) == 0)
		CPU_SET(0, &set);
	bench_cpus = set;
	for (cpu = 0; cpu < CPU_SETSIZE; cpu++)
		if (CPU_ISSET(cpu, &set)) {
			bench_other_cpu = bench_cpu;
			bench_cpu = cpu;
		}
	bench_pin(bench_cpu);
}

static void describe_method(struct fact *facts, unsigned *count)
{
	if (bench_other_cpu == -1)
		machine_add(facts, count, "runs on cpu", "%d, the only one",
			    bench_cpu);
	else
		machine_add(facts, count, "runs on cpu",
			    "%d, what disturbs it on %d", bench_cpu,
			    bench_other_cpu);
	machine_add(facts, count, "unit", "%s for each call",
		    plan.counting ? "instructions" : "nanoseconds");
	if (plan.counting) {
		machine_add(facts, count, "method",
			    "instructions of %u batches; what a batch of many "
			    "has more than a batch of one, less an empty loop; "
			    "the least is exact",
			    plan.samples);
		return;
	}
	machine_add(facts, count, "clock", "CLOCK_MONOTONIC, %.1f ns a reading",
		    plan.batch_ns / CLOCK_FACTOR);
	machine_add(facts, count, "method",
		    "up to %u samples of each row in %.0f s, all rows in turn; "
		    "a sample is a batch of at least %.0f us, %d readings of "
		    "the clock",
		    plan.samples, plan.seconds, plan.batch_ns / 1000,
		    CLOCK_FACTOR);
}

/* The sum of what there is to say. Returns an exit status. */
static int report(const struct choice *choice, const struct fact *facts,
		  unsigned fact_count)
{
	int status = 0;
	unsigned i;

	report_print(choice->form, facts, fact_count, &plan);
	if (choice->compare != NULL &&
	    compare_print(&plan, choice->form == REPORT_JSON ? stderr : stdout))
		status = EXIT_SLOWER;
	if (choice->plot != NULL && plot_write(&plan, facts, choice->plot) != 0)
		status = EXIT_FAILED;
	for (i = 0; i < plan.count; i++)
		if (plan.results[i].rc == BENCH_FAILED)
			status = EXIT_FAILED;
	return status;
}

/* What would be a pity to find out after a minute. */
static int prepare(const struct choice *choice)
{
	if (choice->counting && !clock_count_instructions()) {
		fputs("modiso-bench: the clock of this machine does not count "
		      "instructions: run it with modiso-vm --icount\n",
		      stderr);
		return EXIT_ABSENT;
	}
	if (choice->plot != NULL && !plot_possible()) {
		fputs("modiso-bench: --plot: gnuplot is missing: install the "
		      "Debian package gnuplot-nox\n",
		      stderr);
		return EXIT_ABSENT;
	}
	if (choice->compare != NULL &&
	    compare_read(choice->compare, choice->counting) != 0)
		return EXIT_USAGE;
	return 0;
}

int main(int argc, char **argv)
{
	struct choice choice = {.form = REPORT_TSV};
	const struct sigaction interrupt = {.sa_handler = measure_stop,
					    .sa_flags = SA_RESTART};
	struct fact facts[FACTS_MAX];
	unsigned fact_count, i;
	int status;

	options_read(argc, argv, &choice);
	/* A worker that dies is an answer that does not come. */
	signal(SIGPIPE, SIG_IGN);
	status = prepare(&choice);
	if (status != 0)
		return status;
	choose_cpus();
	plan.counting = choice.counting;
	plan.seconds = choice.seconds;
	plan.samples = choice.counting ? SAMPLES_COUNT
		       : choice.quick  ? SAMPLES_QUICK
				       : SAMPLES_MAX;
	plan.batch_ns = clock_cost_ns() * CLOCK_FACTOR;
	fact_count = machine_facts(facts);
	describe_method(facts, &fact_count);
	status = start_workers(&choice);
	if (status == 0 && wanted == 0) {
		fprintf(stderr,
			"modiso-bench: --rows: no row here has '%s' in its "
			"name%s\n",
			choice.rows == NULL ? "" : choice.rows,
			choice.quick ? " and is in the short list of --quick"
				     : "");
		status = EXIT_USAGE;
	}
	if (status == 0 && choice.plot != NULL && !plot_draws(&plan)) {
		fputs("modiso-bench: --plot: the picture has no chart for the "
		      "rows that are chosen; without --rows it has four\n",
		      stderr);
		status = EXIT_USAGE;
	}
	if (status == 0) {
		sigaction(SIGINT, &interrupt, NULL);
		sigaction(SIGTERM, &interrupt, NULL);
		if (plan.counting)
			measure_instructions(&plan);
		else
			measure_time(&plan);
		status = report(&choice, facts, fact_count);
	}
	for (i = 0; i < PLACES; i++)
		worker_stop(&workers[i]);
	return output_written("modiso-bench") ? status : EXIT_FAILED;
}
