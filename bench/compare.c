/* SPDX-License-Identifier: MIT */
#include "compare.h"

#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define UNLIKELY  0.01 /* for all rows together */
#define NOTICED   0.03 /* a difference of medians */
#define LINE_SIZE 16384

static struct old {
	char backend[16], row[64];
	double least, median;
	double blocks[BLOCKS];
	unsigned block_count;
} olds[RESULTS_MAX];
static unsigned old_count;

/* ------------------------------------------------------------------------
 * What report_json.c writes: a line for each row, its members in this order.
 */

/* The text between the quotes behind @name, without a backslash in it. */
static bool read_text(const char *line, const char *name, char *text,
		      size_t size)
{
	const char *from = strstr(line, name), *to;

	if (from == NULL)
		return false;
	from += strlen(name);
	to = strchr(from, '"');
	if (to == NULL || (size_t)(to - from) >= size)
		return false;
	memcpy(text, from, (size_t)(to - from));
	text[to - from] = '\0';
	return true;
}

static bool read_number(const char *line, const char *name, double *number)
{
	const char *from = strstr(line, name);
	char *end;

	if (from == NULL)
		return false;
	*number = strtod(from + strlen(name), &end);
	return end != from + strlen(name);
}

static unsigned read_blocks(const char *line, double blocks[BLOCKS])
{
	static const char name[] = "\"blocks\":[";
	const char *at = strstr(line, name);
	unsigned count = 0;
	char *end;

	if (at == NULL)
		return 0;
	for (at += strlen(name); count < BLOCKS; at = end + 1) {
		blocks[count] = strtod(at, &end);
		if (end == at)
			break;
		count++;
		if (*end != ',')
			break;
	}
	return count;
}

static void read_row(const char *line)
{
	struct old *old = &olds[old_count];

	if (old_count == RESULTS_MAX ||
	    !read_text(line, "\"backend\":\"", old->backend,
		       sizeof(old->backend)) ||
	    !read_text(line, "\"row\":\"", old->row, sizeof(old->row)) ||
	    !read_number(line, "\"least\":", &old->least) ||
	    !read_number(line, "\"median\":", &old->median))
		return;
	old->block_count = read_blocks(line, old->blocks);
	old_count++;
}

int compare_read(const char *name, bool counting)
{
	static char line[LINE_SIZE];
	const char *unit = counting ? "\"unit\":\"instructions\""
				    : "\"unit\":\"ns\"";
	FILE *file = fopen(name, "r");

	if (file == NULL) {
		fprintf(stderr, "modiso-bench: --compare: %s: %s\n", name,
			strerror(errno));
		return -1;
	}
	while (fgets(line, sizeof(line), file) != NULL)
		if (strstr(line, unit) != NULL)
			read_row(line);
	fclose(file);
	if (old_count > 0)
		return 0;
	fprintf(stderr,
		"modiso-bench: --compare: %s has no row in %s that "
		"modiso-bench --json wrote\n",
		name, counting ? "instructions" : "nanoseconds");
	return -1;
}

/* ------------------------------------------------------------------------ */

static const struct old *find(const struct result *result)
{
	unsigned i;

	for (i = 0; i < old_count; i++)
		if (strcmp(olds[i].row, result->row->name) == 0 &&
		    strcmp(olds[i].backend,
			   worker_place_name(result->worker->place)) == 0)
			return &olds[i];
	return NULL;
}

/*
 * How likely is a difference like this, or a larger one, by chance? By the
 * normal distribution that the number of pairs in order comes close to; a pair
 * of equals is half of one.
 */
static double chance(const double *a, unsigned m, const double *b, unsigned n)
{
	double pairs = 0, middle = m * (double)n / 2, spread;
	unsigned i, j;

	for (i = 0; i < m; i++)
		for (j = 0; j < n; j++)
			pairs += a[i] < b[j] ? 1 : a[i] > b[j] ? 0 : 0.5;
	spread = sqrt(m * (double)n * (m + n + 1) / 12);
	if (!(spread > 0))
		return 1;
	return erfc(fabs(pairs - middle) / spread / sqrt(2));
}

enum judgement { SAME, FASTER, SLOWER };

static enum judgement judge(const struct plan *plan, const struct old *old,
			    const struct result *result, unsigned compared,
			    double *p)
{
	double before = plan->counting ? old->least : old->median;
	double after = plan->counting ? result->least : result->median;

	*p = plan->counting ? (after == before ? 1 : 0)
			    : chance(old->blocks, old->block_count,
				     result->blocks, result->block_count);
	if (*p >= UNLIKELY / compared)
		return SAME;
	if (!plan->counting && fabs(after - before) < NOTICED * before)
		return SAME;
	return after < before ? FASTER : SLOWER;
}

bool compare_print(const struct plan *plan, FILE *out)
{
	static const char *const words[] = {"same", "FASTER", "SLOWER"};
	unsigned i, compared = 0, numbers[3] = {0, 0, 0};
	const struct result *result;
	const struct old *old;
	enum judgement judgement;
	double p, before, after;

	for (i = 0; i < plan->count; i++)
		compared += plan->results[i].rc == 0 &&
			    find(&plan->results[i]) != NULL;
	fprintf(out, "\n# compared: %-8s %-46s %10s %10s %8s %9s\n", "backend",
		"row", "before", "now", "change", "by chance");
	for (i = 0; i < plan->count; i++) {
		result = &plan->results[i];
		old = result->rc == 0 ? find(result) : NULL;
		if (old == NULL)
			continue;
		judgement = judge(plan, old, result, compared, &p);
		numbers[judgement]++;
		before = plan->counting ? old->least : old->median;
		after = plan->counting ? result->least : result->median;
		fprintf(out,
			"# %-8s  %-8s %-46s %10.2f %10.2f %+7.1f%% %9.1g\n",
			words[judgement], old->backend, old->row, before,
			after,
			before > 0 ? (after - before) / before * 100 : 0, p);
	}
	fprintf(out,
		"# %u rows: %u faster, %u slower, %u the same%s\n", compared,
		numbers[FASTER], numbers[SLOWER], numbers[SAME],
		plan->counting ? ", by their counts"
			       : "; Mann-Whitney test of the medians of 20 "
				 "stretches of each run");
	return numbers[SLOWER] > 0;
}
