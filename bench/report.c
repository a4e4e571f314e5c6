/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "ratio.h"

#include <inttypes.h>
#include <string.h>

#define NUMBER_SIZE 24

static const char *unit(const struct plan *plan)
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

static void print_row(const struct plan *plan, const struct result *result)
{
	char least[NUMBER_SIZE], median[NUMBER_SIZE], p99[NUMBER_SIZE];

	format(least, plan, result->least);
	format(median, plan, result->median);
	format(p99, plan, result->p99);
	printf("%s\t%s\t%s\t%s\t%s\t",
	       worker_place_name(result->worker->place), result->row->name,
	       result->row->way, least, median);
	if (!plan->counting)
		printf("%s\t", p99);
	printf("%" PRIu64 "\t%s\n", result->batch, unit(plan));
}

static const char *failure(const struct result *result)
{
	return result->rc == BENCH_ABSENT ? "left out" : "FAILED";
}

/* @table: what no counting clock can count goes without saying. */
static void print_missing(const struct plan *plan, bool table)
{
	unsigned i;

	for (i = 0; i < plan->count; i++)
		if (plan->results[i].rc != 0 &&
		    !(table && plan->counting &&
		      (plan->results[i].row->flags &
		       (BENCH_TIMED | BENCH_RARE))))
			printf("# %s: %s, %s: %s\n", failure(&plan->results[i]),
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
	       plan->counting ? "" : "p99\t");
	for (i = 0; i < plan->count; i++)
		if (plan->results[i].rc == 0)
			print_row(plan, &plan->results[i]);
	print_missing(plan, false);
	for (i = 0; i < count; i++)
		printf("# ratio: %s: %.2f\n", ratios[i].name, ratios[i].value);
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

static void print_table_rows(const struct plan *plan, enum worker_place place)
{
	char middle[NUMBER_SIZE], high[NUMBER_SIZE];
	const struct result *result;
	unsigned i;

	for (i = 0; i < plan->count; i++) {
		result = &plan->results[i];
		if (result->worker->place != place || result->rc != 0)
			continue;
		format(middle, plan,
		       plan->counting ? result->least : result->median);
		format(high, plan,
		       plan->counting ? result->median : result->p99);
		printf("  %-44s %-10s %10s %10s\n", result->row->name,
		       result->row->way, middle, high);
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
	"          into it returns an error\n";

static void print_table(const struct fact *facts, unsigned fact_count,
			const struct plan *plan)
{
	struct ratio ratios[RATIOS_MAX];
	unsigned i, count = ratio_collect(plan, ratios);
	enum worker_place place;

	print_machine(facts, fact_count);
	printf("\n%-46s %-10s %10s %10s\n",
	       plan->counting ? "instructions for each call"
			      : "nanoseconds for each call",
	       "", plan->counting ? "least" : "median",
	       plan->counting ? "median" : "p99");
	for (place = PLACE_BASE; place < PLACES; place++) {
		if (!has_rows(plan, place))
			continue;
		printf("%s%s\n",
		       place == PLACE_BASE ? "without libmodiso"
					   : "libmodiso, backend ",
		       place == PLACE_BASE ? "" : worker_place_name(place));
		print_table_rows(plan, place);
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

static void print_string(const char *text)
{
	putchar('"');
	for (; *text != '\0'; text++)
		if (*text == '"' || *text == '\\')
			printf("\\%c", *text);
		else if ((unsigned char)*text < ' ')
			printf("\\u%04x", (unsigned)*text);
		else
			putchar(*text);
	putchar('"');
}

static void print_result(const struct plan *plan, const struct result *result)
{
	printf("{\"backend\":");
	print_string(worker_place_name(result->worker->place));
	printf(",\"row\":");
	print_string(result->row->name);
	printf(",\"way\":\"%s\",", result->row->way);
	if (result->rc != 0) {
		printf("\"missing\":\"%s\",\"reason\":", failure(result));
		print_string(result->reason);
		putchar('}');
		return;
	}
	printf("\"unit\":\"%s\",\"least\":%.3f,\"median\":%.3f,", unit(plan),
	       result->least, result->median);
	if (!plan->counting)
		printf("\"p99\":%.3f,", result->p99);
	printf("\"batch\":%" PRIu64 ",\"samples\":%u}", result->batch,
	       result->count);
}

static void print_json(const struct fact *facts, unsigned fact_count,
		       const struct plan *plan)
{
	struct ratio ratios[RATIOS_MAX];
	unsigned i, count = ratio_collect(plan, ratios);

	printf("{\"machine\":{");
	for (i = 0; i < fact_count; i++) {
		fputs(i == 0 ? "" : ",", stdout);
		print_string(facts[i].name);
		putchar(':');
		print_string(facts[i].value);
	}
	printf("},\n\"rows\":[\n");
	for (i = 0; i < plan->count; i++) {
		print_result(plan, &plan->results[i]);
		puts(i + 1 < plan->count ? "," : "");
	}
	printf("],\n\"ratios\":{\n");
	for (i = 0; i < count; i++) {
		print_string(ratios[i].name);
		printf(":%.3f%s\n", ratios[i].value, i + 1 < count ? "," : "");
	}
	printf("}}\n");
}

void report_print(enum report_form form, const struct fact *facts,
		  unsigned fact_count, const struct plan *plan)
{
	if (form == REPORT_JSON)
		print_json(facts, fact_count, plan);
	else if (form == REPORT_TABLE)
		print_table(facts, fact_count, plan);
	else
		print_tsv(facts, fact_count, plan);
}
