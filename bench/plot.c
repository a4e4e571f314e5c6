/* SPDX-License-Identifier: MIT */
#include "plot.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define POINTS 100 /* of a distribution */

bool plot_possible(void)
{
	return system("command -v gnuplot >/dev/null 2>&1") == 0;
}

/* In the order of the picture, from below. */
static const struct {
	const char *row, *label;
} bars[] = {
	{ROW_FAULT, "fault, back in the host"},
	{ROW_ALTERNATE, "gate, another module ran last"},
	{ROW_GUARDED, "gate, a host region is guarded"},
	{ROW_SERVICE, "service, from a module and back"},
	{ROW_THUNK, "gate, into a module and back"},
	{ROW_PIPE, "pipe to a process and back"},
	{ROW_RECOVER, "sigsetjmp, SIGSEGV, siglongjmp"},
	{ROW_MPROTECT, "mprotect(2) pair"},
	{ROW_GETPID, "getpid(2)"},
	{ROW_PLAIN, "plain call"},
};

static const enum worker_place order[] = {PLACE_MPROTECT, PLACE_PKEY,
					  PLACE_BASE};

/* One with each number of threads; the name ends with it. */
static const struct {
	enum worker_place place;
	const char *name, *title;
} threads[] = {
	{PLACE_PKEY, ROW_THREADS_OWN, "a module each"},
	{PLACE_PKEY, ROW_THREADS_ONE, "one module"},
	{PLACE_MPROTECT, ROW_THREADS_OWN, "a module each"},
	{PLACE_MPROTECT, ROW_THREADS_ONE, "one module"},
};

static const struct {
	unsigned modules;
	const char *row;
} turns[] = {{1, ROW_THUNK},
	     {2, ROW_ALTERNATE},
	     {16, ROW_TURN_16},
	     {64, ROW_TURN_64},
	     {1000, ROW_TURN_1000}};

/* Ticks of the simulator. */
static const struct {
	const char *row, *label;
} ticks[] = {{ROW_TICK_2, "6 devices"},
	     {ROW_TICK_50, "50"},
	     {ROW_TICK_CROWD, "200"}};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static bool is_tick(const char *row)
{
	for (unsigned i = 0; i < COUNT(ticks); i++)
		if (strcmp(row, ticks[i].row) == 0)
			return true;
	return false;
}

/* Is it in any other chart? The spread is that of rows among the bars. */
static bool is_drawn(const char *row)
{
	unsigned i;

	for (i = 0; i < COUNT(bars); i++)
		if (strcmp(row, bars[i].row) == 0)
			return true;
	for (i = 0; i < COUNT(threads); i++)
		if (strncmp(row, threads[i].name, strlen(threads[i].name)) == 0)
			return true;
	for (i = 0; i < COUNT(turns); i++)
		if (strcmp(row, turns[i].row) == 0)
			return true;
	return false;
}

static bool any(const struct plan *plan, bool (*is)(const char *row))
{
	for (unsigned i = 0; i < plan->count; i++)
		if (is(plan->results[i].row->name))
			return true;
	return false;
}

bool plot_draws(const struct plan *plan)
{
	return any(plan, is_drawn) || any(plan, is_tick);
}

static const char *place_title(enum worker_place place)
{
	return place == PLACE_BASE ? "without libmodiso"
				   : worker_place_name(place);
}

/* A chart without anything in it. */
static void not_measured(FILE *out)
{
	fputs("set label 1 'not measured' at graph 0.4, 0.5\n"
	      "unset logscale\nset xrange [0:1]\nset yrange [0:1]\n"
	      "plot 2 notitle\nunset label 1\n",
	      out);
}

/* One block of data for each colour; each line: y, x, label. */
static unsigned write_bars_of(FILE *out, const struct plan *plan,
			      enum worker_place place, unsigned y)
{
	const struct result *result;
	unsigned i;

	for (i = 0; i < COUNT(bars); i++) {
		result = measure_find(plan, place, bars[i].row);
		if (result != NULL)
			fprintf(out, "%u %f \"%s\"\n", y++, result->median,
				bars[i].label);
	}
	return y;
}

static void write_bars(FILE *out, const struct plan *plan)
{
	unsigned i, after[COUNT(order)], y = 0;
	const char *separator = "plot \\\n";

	for (i = 0; i < COUNT(order); i++) {
		fprintf(out, "$bars%u << EOD\n", i);
		y = after[i] = write_bars_of(out, plan, order[i], y);
		fputs("EOD\n", out);
	}
	fputs("set title 'Nanoseconds for each call, medians'\n"
	      "set logscale x\nset xrange [1:*]\nset yrange [-1:*]\n"
	      "set grid x\n",
	      out);
	for (i = 0; i < COUNT(order); i++) {
		if (after[i] == (i > 0 ? after[i - 1] : 0))
			continue;
		fprintf(out,
			"%s  $bars%u using 2:1:(1):2:($1-0.35):($1+0.35):"
			"ytic(3) with boxxyerror fill solid 0.7 lc %u "
			"title '%s'",
			separator, i, i + 1, place_title(order[i]));
		separator = ", \\\n";
	}
	fputc('\n', out);
	if (y == 0)
		not_measured(out);
	fputs("set ytics auto\nset autoscale y\nset autoscale x\n", out);
}

/* A curve of what is plotted next. */
static void curve(FILE *out, unsigned number, const char *place,
		  const char *title)
{
	fprintf(out, "%s  $curve%u using 1:2 with %s lw 2 title '%s%s%s'",
		number == 0 ? "plot \\\n" : ", \\\n", number,
		place == NULL ? "lines" : "linespoints",
		place == NULL ? "" : place, place == NULL ? "" : ", ", title);
}

static void end_curves(FILE *out, unsigned count)
{
	if (count == 0)
		not_measured(out);
	fputs("\nset autoscale x\nset autoscale y\n", out);
}

static void write_spread(FILE *out, const struct plan *plan)
{
	static const struct {
		enum worker_place place;
		const char *row, *title;
	} wanted[] = {
		{PLACE_PKEY, ROW_THUNK, "gate, pkey"},
		{PLACE_MPROTECT, ROW_THUNK, "gate, mprotect"},
		{PLACE_MPROTECT, ROW_ALTERNATE, "to another module, mprotect"},
		{PLACE_BASE, ROW_GETPID, "getpid(2)"},
		{PLACE_BASE, ROW_PIPE, "pipe and back"},
	};
	const struct result *found[COUNT(wanted)];
	unsigned i, j, count = 0;

	for (i = 0; i < COUNT(wanted); i++) {
		found[i] = measure_find(plan, wanted[i].place, wanted[i].row);
		if (found[i] == NULL)
			continue;
		fprintf(out, "$curve%u << EOD\n", count++);
		for (j = 0; j <= POINTS; j++)
			fprintf(out, "%f %f\n",
				measure_quantile(found[i]->samples,
						 found[i]->count,
						 (double)j / POINTS),
				100.0 * j / POINTS);
		fputs("EOD\n", out);
	}
	fputs("set title 'Samples that take no longer, per cent'\n"
	      "set logscale x\nset grid x y\n"
	      "set yrange [0:100]\nset xlabel 'nanoseconds'\n",
	      out);
	count = 0;
	for (i = 0; i < COUNT(wanted); i++)
		if (found[i] != NULL)
			curve(out, count++, NULL, wanted[i].title);
	end_curves(out, count);
}

/* From where to where on an axis; low 0: there is no point yet. */
struct extent {
	double low, high;
};

static void extend(struct extent *extent, double to)
{
	if (extent->low == 0 || to < extent->low)
		extent->low = to;
	if (to > extent->high)
		extent->high = to;
}

/* gnuplot finds the range of an axis itself, but warns when it is empty. */
static void set_range(FILE *out, char axis, const struct extent *extent)
{
	if (extent->low != 0 && extent->low == extent->high)
		fprintf(out, "set %crange [%f:%f]\n", axis, extent->low / 2,
			extent->high * 2);
}

static void point(FILE *out, unsigned number, double median,
		  struct extent extents[2])
{
	fprintf(out, "%u %f\n", number, median);
	extend(&extents[0], number);
	extend(&extents[1], median);
}

/* Threads: the rows whose names begin with @name, by their number. */
static void write_threads(FILE *out, const struct plan *plan)
{
	unsigned i, j, points[COUNT(threads)], count = 0;
	struct extent extents[2] = {{0, 0}, {0, 0}};
	const struct result *result;
	char name[64];

	for (i = 0; i < COUNT(threads); i++) {
		points[i] = 0;
		fprintf(out, "$curve%u << EOD\n", count);
		for (j = 1; j <= BENCH_THREADS_MAX; j *= 2) {
			snprintf(name, sizeof(name), "%s%u", threads[i].name, j);
			result = measure_find(plan, threads[i].place, name);
			if (result == NULL)
				continue;
			point(out, j, result->median, extents);
			points[i]++;
		}
		fputs("EOD\n", out);
		count += points[i] > 0;
	}
	fputs("set title 'A call, with so many threads at the same time'\n"
	      "set logscale x 2\nset logscale y\nset ylabel 'nanoseconds'\n"
	      "set xlabel 'threads'\n",
	      out);
	set_range(out, 'x', &extents[0]);
	set_range(out, 'y', &extents[1]);
	count = 0;
	for (i = 0; i < COUNT(threads); i++)
		if (points[i] > 0)
			curve(out, count++, worker_place_name(threads[i].place),
			      threads[i].title);
	end_curves(out, count);
}

static void write_turns(FILE *out, const struct plan *plan)
{
	static const enum worker_place places[] = {PLACE_PKEY, PLACE_MPROTECT};
	unsigned i, j, points[2], count = 0;
	struct extent extents[2] = {{0, 0}, {0, 0}};
	const struct result *result;

	for (i = 0; i < 2; i++) {
		points[i] = 0;
		fprintf(out, "$curve%u << EOD\n", count);
		for (j = 0; j < COUNT(turns); j++) {
			result = measure_find(plan, places[i], turns[j].row);
			if (result == NULL)
				continue;
			point(out, turns[j].modules, result->median, extents);
			points[i]++;
		}
		fputs("EOD\n", out);
		count += points[i] > 0;
	}
	fputs("set title 'A call, with so many modules in turn'\n"
	      "set logscale x 10\nset logscale y\nset xlabel 'modules'\n",
	      out);
	set_range(out, 'x', &extents[0]);
	set_range(out, 'y', &extents[1]);
	count = 0;
	for (i = 0; i < 2; i++)
		if (points[i] > 0)
			curve(out, count++, worker_place_name(places[i]),
			      "modules in turn");
	end_curves(out, count);
}

/* Groups of bars, a colour for each place; a line of data for each group. */
static void write_ticks(FILE *out, const struct plan *plan)
{
	const char *separator = "plot \\\n";
	const struct result *result;
	unsigned i, j, found;

	fputs("set title 'Ticks of the simulator in a second, 2 threads'\n"
	      "unset logscale x\nset logscale y\nset ylabel 'ticks'\n"
	      "unset xlabel\nset style data histogram\n"
	      "set style fill solid 0.7\nset xtics auto\n",
	      out);
	for (i = COUNT(order); i-- > 0;) {
		fprintf(out, "$ticks%u << EOD\n", i);
		for (j = 0; j < COUNT(ticks); j++) {
			result = measure_find(plan, order[i], ticks[j].row);
			if (result != NULL)
				fprintf(out, "\"%s\" %f\n", ticks[j].label,
					1e9 / result->median);
			else
				fprintf(out, "\"%s\" NaN\n", ticks[j].label);
		}
		fputs("EOD\n", out);
	}
	for (i = COUNT(order); i-- > 0;) {
		for (j = found = 0; j < COUNT(ticks); j++)
			found += measure_find(plan, order[i], ticks[j].row) !=
				 NULL;
		if (found == 0)
			continue;
		fprintf(out, "%s  $ticks%u using 2:xtic(1) lc %u title '%s'",
			separator, i, i + 1, place_title(order[i]));
		separator = ", \\\n";
	}
	fputc('\n', out);
	if (*separator == 'p')
		not_measured(out);
}

int plot_write(const struct plan *plan, const struct fact *facts,
	       const char *file)
{
	bool svg = strcmp(file + strlen(file) - 4, ".svg") == 0;
	bool calls = any(plan, is_drawn), tick = any(plan, is_tick);
	FILE *out;
	int status;

	fflush(NULL);
	out = popen("gnuplot", "w");
	if (out == NULL) {
		fprintf(stderr, "modiso-bench: gnuplot: %s\n", strerror(errno));
		return -1;
	}
	/* The first two facts are the library and the CPU. */
	fprintf(out,
		"set terminal %s size 1100,%d font ',12'\n"
		"set output '%s'\nset encoding utf8\n"
		"set key outside below horizontal\n"
		"set multiplot layout %s title \"libmodiso %s on %s\"\n",
		svg ? "svg" : "png", calls && tick ? 1200 : 800, file,
		!tick	? "2,2" :
		calls	? "3,2" :
			  "1,1",
		facts[0].value, facts[1].value);
	if (calls) {
		write_bars(out, plan);
		write_spread(out, plan);
		write_threads(out, plan);
		write_turns(out, plan);
	}
	if (tick)
		write_ticks(out, plan);
	fputs("unset multiplot\n", out);
	status = pclose(out);
	if (status == 0 && access(file, R_OK) == 0)
		return 0;
	fprintf(stderr, "modiso-bench: gnuplot has not made %s\n", file);
	return -1;
}
