/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "histogram.h"
#include "ratio.h"

#include <inttypes.h>
#include <string.h>

#define NUMBER_SIZE 24

const char *report_unit(const struct plan *plan)
{
	return plan->counting ? "instructions" : "ns";
}

/* An exact count has no decimals; anything else has. */
static void format(char text[NUMBER_SIZE], const struct plan *plan,
		   double value)
{
	bool whole = plan->counting && value == (double)(int64_t)value;

	snprintf(text, NUMBER_SIZE, "%.*f",
		 whole          ? 0
		 : value < 1000 ? 2
				: 0,
		 value);
}

/* Numbers of a row, with @between them; counts have fewer. */
static void print_numbers(const struct plan *plan, const struct result *result,
			  char between)
{
	const double numbers[] = {result->least, result->median, result->p90,
				  result->p99,	 result->p999,	 result->most};
	unsigned i, count = plan->counting ? 2 : 6;
	char text[NUMBER_SIZE];

	for (i = 0; i < count; i++) {
		format(text, plan, numbers[i]);
		printf("%s%c", text, between);
	}
	if (!plan->counting)
		printf("%u%c", result->count, between);
	printf("%" PRIu64 "%c%s\n", result->batch, between, report_unit(plan));
}

static void print_row(const struct plan *plan, const struct result *result)
{
	printf("%s\t%s\t%s\t", worker_place_name(result->worker->place),
	       result->row->name, result->row->way);
	print_numbers(plan, result, '\t');
}

const char *report_failure(const struct result *result)
{
	return result->rc == BENCH_ABSENT ? "left out" : "FAILED";
}

/*
 * @table: what no counting clock can count goes without saying, and so does
 * that there is no simulator.
 */
static void print_missing(const struct plan *plan, bool table)
{
	unsigned i;

	for (i = 0; i < plan->count; i++)
		if (plan->results[i].rc != 0 &&
		    !(table && plan->results[i].rc == BENCH_ABSENT &&
		      (plan->results[i].row->flags &
		       (plan->counting ? BENCH_TIMED | BENCH_RARE
				       : BENCH_RARE))))
			printf("# %s: %s, %s: %s\n", report_failure(&plan->results[i]),
			       worker_place_name(
				       plan->results[i].worker->place),
			       plan->results[i].row->name,
			       plan->results[i].reason);
}

static void print_tsv(const struct fact *facts, unsigned fact_count,
		      const struct plan *plan)
{
	struct ratio ratios[RATIOS_MAX];
	unsigned i, count = ratio_collect(plan, ratios);

	for (i = 0; i < fact_count; i++)
		printf("# %s: %s\n", facts[i].name, facts[i].value);
	printf("backend\trow\tway\tleast\tmedian\t%sbatch\tunit\n",
	       plan->counting ? "" : "p90\tp99\tp99.9\tmax\tsamples\t");
	for (i = 0; i < plan->count; i++)
		if (plan->results[i].rc == 0)
			print_row(plan, &plan->results[i]);
	print_missing(plan, false);
	for (i = 0; i < count; i++)
		printf("# ratio: %s: %.2f\n", ratios[i].name, ratios[i].value);
}

/* Only what a spreadsheet reads; names of rows have commas. */
static void print_csv(const struct plan *plan)
{
	unsigned i;

	printf("backend,row,way,least,median,%sbatch,unit\n",
	       plan->counting ? "" : "p90,p99,p99.9,max,samples,");
	for (i = 0; i < plan->count; i++) {
		const struct result *result = &plan->results[i];

		if (result->rc != 0)
			continue;
		printf("%s,\"%s\",%s,",
		       worker_place_name(result->worker->place),
		       result->row->name, result->row->way);
		print_numbers(plan, result, ',');
	}
}

/* ------------------------------------------------------------------------
 * For people.
 */

static bool begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* What a reader wants first; the rest is in the other forms. */
static void print_machine(const struct fact *facts, unsigned fact_count)
{
	static const char *const wanted[] = {"libmodiso", "cpu", "kernel",
					     "backend", "mitigation"};
	unsigned i, j;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		for (j = 0; j < fact_count; j++)
			if (begins(facts[j].name, wanted[i]))
				printf("%-34s %s\n", facts[j].name,
				       facts[j].value);
}

#define BAR 40

static void print_bars(const struct result *result)
{
	static const char bar[] = "########################################";
	struct bucket buckets[BUCKETS];
	unsigned i, count = histogram_make(result, buckets), most = 1;

	for (i = 0; i < count; i++)
		if (buckets[i].count > most)
			most = buckets[i].count;
	for (i = 0; i < count; i++)
		if (buckets[i].count > 0)
			printf("%16s %12.2f %6u %.*s\n", "to", buckets[i].most,
			       buckets[i].count,
			       (int)(buckets[i].count * (uint64_t)BAR / most),
			       bar);
}

static void print_table_rows(const struct plan *plan, enum worker_place place,
			     bool histogram)
{
	const struct result *result;
	char text[NUMBER_SIZE];
	unsigned i, j;

	for (i = 0; i < plan->count; i++) {
		result = &plan->results[i];
		if (result->worker->place != place || result->rc != 0)
			continue;
		printf("  %-42s", result->row->name);
		const double counts[] = {result->least, result->median};
		const double times[] = {result->median, result->p90,
					result->p99, result->p999,
					result->most};
		for (j = 0; j < (plan->counting ? 2 : 5); j++) {
			format(text, plan,
			       plan->counting ? counts[j] : times[j]);
			printf(" %9s", text);
		}
		if (!plan->counting)
			printf(" %7u", result->count);
		putchar('\n');
		if (histogram && !plan->counting)
			print_bars(result);
	}
}

static bool has_rows(const struct plan *plan, enum worker_place place)
{
	unsigned i;

	for (i = 0; i < plan->count; i++)
		if (plan->results[i].worker->place == place &&
		    plan->results[i].rc == 0)
			return true;
	return false;
}

static const char words[] =
	"gate      from the host into a module and back; a thunk is called like\n"
	"          any function\n"
	"service   from a module into the host and back\n"
	"window    host code opens a closed region for itself\n"
	"fault     a module's stray write is stopped and recorded, and the call\n"
	"          into it returns an error\n"
	"guard     a module whose system calls are stopped\n";

static void print_table(const struct fact *facts, unsigned fact_count,
			const struct plan *plan, bool histogram)
{
	struct ratio ratios[RATIOS_MAX];
	unsigned i, count = ratio_collect(plan, ratios);
	enum worker_place place;

	print_machine(facts, fact_count);
	if (plan->counting)
		printf("\n%-44s %9s %9s\n", "instructions for each call",
		       "least", "median");
	else
		printf("\n%-44s %9s %9s %9s %9s %9s %7s\n",
		       "nanoseconds for each call", "median", "p90", "p99",
		       "p99.9", "max", "samples");
	for (place = PLACE_BASE; place < PLACES; place++) {
		if (!has_rows(plan, place))
			continue;
		printf("%s%s\n",
		       place == PLACE_BASE ? "without libmodiso"
					   : "libmodiso, backend ",
		       place == PLACE_BASE ? "" : worker_place_name(place));
		print_table_rows(plan, place, histogram);
	}
	print_missing(plan, true);
	if (plan->counting)
		puts("Rows with a second thread or process are left out: a "
		     "count says nothing there.");
	if (count > 0)
		printf("\nhow many times as %s\n",
		       plan->counting ? "many" : "long");
	for (i = 0; i < count; i++)
		printf("%7.2f  %s\n", ratios[i].value, ratios[i].name);
	printf("\n%s", words);
}

void report_print(enum report_form form, const struct fact *facts,
		  unsigned fact_count, const struct plan *plan)
{
	if (form == REPORT_JSON)
		report_json(facts, fact_count, plan);
	else if (form == REPORT_CSV)
		print_csv(plan);
	else if (form == REPORT_TABLE || form == REPORT_HISTOGRAM)
		print_table(facts, fact_count, plan, form == REPORT_HISTOGRAM);
	else
		print_tsv(facts, fact_count, plan);
}
