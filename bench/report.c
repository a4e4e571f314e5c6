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

/* One column: a tab behind it, or blanks up to @width (negative: in front). */
static void cell(bool table, int width, const char *text)
{
	if (table)
		printf("%*s", -width, text);
	else
		printf("%s\t", text);
}

static void print_header(bool table, const struct plan *plan)
{
	cell(table, 9, "backend");
	cell(table, 44, "row");
	cell(table, 10, "way");
	cell(table, -10, "least");
	cell(table, -10, "median");
	if (!plan->counting)
		cell(table, -10, "p99");
	cell(table, -10, "batch");
	printf("%s\n", table ? "" : "unit");
}

static void print_row(bool table, const struct plan *plan,
		      const struct result *result)
{
	char text[NUMBER_SIZE];

	cell(table, 9, worker_place_name(result->worker->place));
	cell(table, 44, result->row->name);
	cell(table, 10, result->row->way);
	format(text, plan, result->least);
	cell(table, -10, text);
	format(text, plan, result->median);
	cell(table, -10, text);
	if (!plan->counting) {
		format(text, plan, result->p99);
		cell(table, -10, text);
	}
	snprintf(text, sizeof(text), "%" PRIu64, result->batch);
	cell(table, -10, text);
	printf("%s\n", table ? "" : unit(plan));
}

static const char *failure(const struct result *result)
{
	return result->rc == BENCH_ABSENT ? "left out" : "FAILED";
}

static void print_text(bool table, const struct fact *facts,
		       unsigned fact_count, const struct plan *plan)
{
	struct ratio ratios[RATIOS_MAX];
	unsigned i, count = ratio_collect(plan, ratios);

	for (i = 0; i < fact_count; i++)
		printf("# %s: %s\n", facts[i].name, facts[i].value);
	print_header(table, plan);
	for (i = 0; i < plan->count; i++)
		if (plan->results[i].rc == 0)
			print_row(table, plan, &plan->results[i]);
	for (i = 0; i < plan->count; i++)
		if (plan->results[i].rc != 0)
			printf("# %s: %s, %s: %s\n", failure(&plan->results[i]),
			       worker_place_name(
				       plan->results[i].worker->place),
			       plan->results[i].row->name,
			       plan->results[i].reason);
	for (i = 0; i < count; i++)
		printf("# ratio: %s: %.2f\n", ratios[i].name, ratios[i].value);
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
	else
		print_text(form == REPORT_TABLE, facts, fact_count, plan);
}
