/* SPDX-License-Identifier: MIT */
/*
 * modiso-bench - what isolation costs, beside what it replaces.
 */
#include "bench.h"

#include "clock.h"
#include "machine.h"
#include "measure.h"
#include "report.h"
#include "worker.h"

#include <errno.h>
#include <fnmatch.h>
#include <getopt.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_FAILED 1 /* a row failed */
#define EXIT_USAGE  2
#define EXIT_ABSENT 3 /* the backend, or a counting clock, cannot be had */

/* A batch is this much longer than reading the clock. */
#define CLOCK_FACTOR  1000
#define SAMPLES       5000
#define SAMPLES_QUICK 1000
#define SAMPLES_COUNT 64

static const char help[] =
	"usage: modiso-bench [options]\n"
	"Measures what isolation costs, beside what it replaces.\n"
	"\n"
	"  --backend WHICH       pkey, mprotect, none (only the comparisons),\n"
	"                        all (default: those that are usable here)\n"
	"  --rows PATTERN        rows with this in their name; with * or ? a\n"
	"                        pattern for the whole name\n"
	"  --quick               a short table in a few seconds\n"
	"  --table               columns for people; default: tabs between\n"
	"  --json                one JSON object\n"
	"  --count-instructions  instructions, not time: for a machine whose\n"
	"                        clock counts them, as that of\n"
	"                        tests/vm/run.sh --icount does\n"
	"  --help                this\n"
	"\n"
	"A sample is the time of a batch of rounds, divided by their number.\n"
	"least, median and p99 are of the samples, so where a batch is more\n"
	"than one round p99 is that of batches. Ratios are of medians.\n"
	"Nothing is taken off times: the empty loop is in every row.\n"
	"\n"
	"Exit status: 0; 1 a row failed; 2 wrong usage; 3 that backend or\n"
	"clock is not to be had here.\n";

static const struct option long_options[] = {
	{"backend", required_argument, NULL, 'b'},
	{"rows", required_argument, NULL, 'r'},
	{"quick", no_argument, NULL, 'q'},
	{"table", no_argument, NULL, 't'},
	{"json", no_argument, NULL, 'j'},
	{"count-instructions", no_argument, NULL, 'c'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

struct choice {
	bool all; /* backends that cannot be had are then left out */
	bool places[PLACES];
	const char *rows; /* NULL: all */
	bool quick;
	bool counting;
	enum report_form form;
};

static struct plan plan;
static struct worker workers[PLACES];

static void choose_backend(struct choice *choice, const char *name)
{
	enum worker_place place;

	choice->all = strcmp(name, "all") == 0;
	for (place = PLACE_PKEY; place < PLACES; place++)
		choice->places[place] =
			choice->all ||
			strcmp(name, worker_place_name(place)) == 0;
	if (choice->places[PLACE_PKEY] || choice->places[PLACE_MPROTECT] ||
	    strcmp(name, "none") == 0)
		return;
	fprintf(stderr,
		"modiso-bench: --backend: expected pkey, mprotect, none or "
		"all, found '%s'\n",
		name);
	exit(EXIT_USAGE);
}

static void read_options(int argc, char **argv, struct choice *choice)
{
	int option;

	choose_backend(choice, "all");
	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		switch (option) {
		case 'b':
			choose_backend(choice, optarg);
			break;
		case 'r':
			choice->rows = optarg;
			break;
		case 'q':
			choice->quick = true;
			break;
		case 't':
			choice->form = REPORT_TABLE;
			break;
		case 'j':
			choice->form = REPORT_JSON;
			break;
		case 'c':
			choice->counting = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			fputs("Try modiso-bench --help.\n", stderr);
			exit(EXIT_USAGE);
		}
	if (optind != argc) {
		fputs("modiso-bench: takes no arguments but options. "
		      "Try modiso-bench --help.\n",
		      stderr);
		exit(EXIT_USAGE);
	}
}

static bool is_wanted(const struct choice *choice, const struct bench_row *row)
{
	if (choice->quick && !(row->flags & BENCH_QUICK))
		return false;
	if (choice->rows == NULL)
		return true;
	if (strpbrk(choice->rows, "*?[") != NULL)
		return fnmatch(choice->rows, row->name, 0) == 0;
	return strstr(row->name, choice->rows) != NULL;
}

static void plan_rows(const struct choice *choice, struct worker *worker)
{
	const struct bench_row *row;
	unsigned number;

	for (number = 0; (row = worker_row(worker->place, number)) != NULL;
	     number++) {
		/* What the loop itself takes is always needed for counting. */
		bool first = choice->counting && plan.count == 0;

		if ((!is_wanted(choice, row) && !first) ||
		    plan.count == RESULTS_MAX)
			continue;
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
		return;
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
		    "%u samples of each row, all rows in turn; a sample is a "
		    "batch of at least %.0f us, %d readings of the clock",
		    plan.samples, plan.batch_ns / 1000, CLOCK_FACTOR);
}

int main(int argc, char **argv)
{
	struct choice choice = {.form = REPORT_TSV};
	struct fact facts[FACTS_MAX];
	unsigned fact_count, i;
	int status;

	read_options(argc, argv, &choice);
	/* A worker that dies is an answer that does not come. */
	signal(SIGPIPE, SIG_IGN);
	choose_cpus();
	if (choice.counting && !clock_count_instructions()) {
		fputs("modiso-bench: the clock of this machine does not count "
		      "instructions: run it with tests/vm/run.sh --icount\n",
		      stderr);
		return EXIT_ABSENT;
	}
	plan.counting = choice.counting;
	plan.samples = choice.counting ? SAMPLES_COUNT
		       : choice.quick  ? SAMPLES_QUICK
				       : SAMPLES;
	plan.batch_ns = clock_cost_ns() * CLOCK_FACTOR;
	fact_count = machine_facts(facts);
	describe_method(facts, &fact_count);
	status = start_workers(&choice);
	if (status == 0) {
		if (plan.counting)
			measure_instructions(&plan);
		else
			measure_time(&plan);
		report_print(choice.form, facts, fact_count, &plan);
		for (i = 0; i < plan.count; i++)
			if (plan.results[i].rc == BENCH_FAILED)
				status = EXIT_FAILED;
	}
	for (i = 0; i < PLACES; i++)
		worker_stop(&workers[i]);
	if (fflush(stdout) != 0) {
		perror("modiso-bench: standard output");
		return EXIT_FAILED;
	}
	return status;
}
