/* SPDX-License-Identifier: MIT */
#include "report.h"

#include "../tools/json_string.h"
#include "histogram.h"
#include "ratio.h"

#include <inttypes.h>

static void print_spread(const struct result *result)
{
	struct bucket buckets[BUCKETS];
	unsigned i, count = histogram_make(result, buckets);

	printf(",\"p90\":%.3f,\"p99\":%.3f,\"p99.9\":%.3f,\"max\":%.3f,"
	       "\"histogram\":[",
	       result->p90, result->p99, result->p999, result->most);
	for (i = 0; i < count; i++)
		printf("%s[%.3f,%u]", i == 0 ? "" : ",", buckets[i].most,
		       buckets[i].count);
	printf("],\"blocks\":[");
	for (i = 0; i < result->block_count; i++)
		printf("%s%.3f", i == 0 ? "" : ",", result->blocks[i]);
	putchar(']');
}

/* A line for each row: compare.c reads it. */
static void print_result(const struct plan *plan, const struct result *result)
{
	printf("{\"backend\":");
	json_string(worker_place_name(result->worker->place));
	printf(",\"row\":");
	json_string(result->row->name);
	printf(",\"way\":\"%s\",", result->row->way);
	if (result->rc != 0) {
		printf("\"missing\":\"%s\",\"reason\":", report_failure(result));
		json_string(result->reason);
		putchar('}');
		return;
	}
	printf("\"unit\":\"%s\",\"least\":%.3f,\"median\":%.3f,"
	       "\"batch\":%" PRIu64 ",\"samples\":%u",
	       report_unit(plan), result->least, result->median, result->batch,
	       result->count);
	if (!plan->counting)
		print_spread(result);
	putchar('}');
}

void report_json(const struct fact *facts, unsigned fact_count,
		       const struct plan *plan)
{
	struct ratio ratios[RATIOS_MAX];
	unsigned i, count = ratio_collect(plan, ratios);

	printf("{\"format\":1,\"machine\":{");
	for (i = 0; i < fact_count; i++) {
		fputs(i == 0 ? "" : ",", stdout);
		json_string(facts[i].name);
		putchar(':');
		json_string(facts[i].value);
	}
	printf("},\n\"rows\":[\n");
	for (i = 0; i < plan->count; i++) {
		print_result(plan, &plan->results[i]);
		puts(i + 1 < plan->count ? "," : "");
	}
	printf("],\n\"ratios\":{\n");
	for (i = 0; i < count; i++) {
		json_string(ratios[i].name);
		printf(":%.3f%s\n", ratios[i].value, i + 1 < count ? "," : "");
	}
	printf("}}\n");
}
