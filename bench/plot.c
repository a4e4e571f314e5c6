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

static const char *place_title(enum worker_place place)
{
	return place == PLACE_BASE ? "without libmodiso"
				   : worker_place_name(place);
}

/* Each line: y, x, half the height, label; colours are one data block each. */
static void write_bars(FILE *out, const struct plan *plan)
{
	const struct result *result;
	unsigned i, j, y = 0;

	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		fprintf(out, "$bars%u << EOD\n", i);
		for (j = 0; j < sizeof(bars) / sizeof(bars[0]); j++) {
			result = measure_find(plan, order[i], bars[j].row);
			if (result != NULL)
				fprintf(out, "%u %f \"%s\"\n", y++,
					result->median, bars[j].label);
		}
		fputs("EOD\n", out);
	}
	fputs("set title 'Nanoseconds for each call, medians'\n"
	      "set logscale x\nset xrange [1:*]\nset yrange [-1:*]\n"
	      "set grid x\nplot \\\n",
	      out);
	for (i = 0; i < sizeof(order) / sizeof(order[0]); i++)
		fprintf(out,
			"  $bars%u using 2:1:(1):2:($1-0.35):($1+0.35):"
			"ytic(3) with boxxyerror fill solid 0.7 lc %u "
			"title '%s'%s\n",
			i, i + 1, place_title(order[i]),
			i + 1 < sizeof(order) / sizeof(order[0]) ? ", \\"
								 : "");
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
	fputs(count == 0 ? "set label 1 'not measured' at graph 0.4, 0.5\n"
			   "unset logscale\nset xrange [0:1]\nset yrange [0:1]\n"
			   "plot 2 notitle\nunset label 1\n"
			 : "\n",
	      out);
	fputs("set autoscale x\nset autoscale y\n", out);
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
	const struct result *found[sizeof(wanted) / sizeof(wanted[0])];
	unsigned i, j, count = 0;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
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
	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++)
		if (found[i] != NULL)
			curve(out, count++, NULL, wanted[i].title);
	end_curves(out, count);
}

/* Threads: the rows whose names begin with @name, by their number. */
static void write_threads(FILE *out, const struct plan *plan)
{
	static const struct {
		enum worker_place place;
		const char *name, *title;
	} wanted[] = {
		{PLACE_PKEY, ROW_THREADS_OWN, "a module each"},
		{PLACE_PKEY, ROW_THREADS_ONE, "one module"},
		{PLACE_MPROTECT, ROW_THREADS_OWN, "a module each"},
		{PLACE_MPROTECT, ROW_THREADS_ONE, "one module"},
	};
	unsigned i, j, points[4], count = 0;
	const struct result *result;
	char name[64];

	for (i = 0; i < 4; i++) {
		points[i] = 0;
		fprintf(out, "$curve%u << EOD\n", count);
		for (j = 1; j <= BENCH_THREADS_MAX; j *= 2) {
			snprintf(name, sizeof(name), "%s%u", wanted[i].name, j);
			result = measure_find(plan, wanted[i].place, name);
			if (result == NULL)
				continue;
			fprintf(out, "%u %f\n", j, result->median);
			points[i]++;
		}
		fputs("EOD\n", out);
		count += points[i] > 0;
	}
	fputs("set title 'A call, with so many threads at the same time'\n"
	      "set logscale x 2\nset logscale y\nset ylabel 'nanoseconds'\n"
	      "set xlabel 'threads'\n",
	      out);
	count = 0;
	for (i = 0; i < 4; i++)
		if (points[i] > 0)
			curve(out, count++, worker_place_name(wanted[i].place),
			      wanted[i].title);
	end_curves(out, count);
}

static void write_turns(FILE *out, const struct plan *plan)
{
	static const struct {
		unsigned modules;
		const char *row;
	} wanted[] = {{1, ROW_THUNK},    {2, ROW_ALTERNATE},
		      {16, ROW_TURN_16}, {64, ROW_TURN_64},
		      {1000, ROW_TURN_1000}};
	static const enum worker_place places[] = {PLACE_PKEY, PLACE_MPROTECT};
	unsigned i, j, points[2], count = 0;
	const struct result *result;

	for (i = 0; i < 2; i++) {
		points[i] = 0;
		fprintf(out, "$curve%u << EOD\n", count);
		for (j = 0; j < sizeof(wanted) / sizeof(wanted[0]); j++) {
			result = measure_find(plan, places[i], wanted[j].row);
			if (result == NULL)
				continue;
			fprintf(out, "%u %f\n", wanted[j].modules,
				result->median);
			points[i]++;
		}
		fputs("EOD\n", out);
		count += points[i] > 0;
	}
	fputs("set title 'A call, with so many modules in turn'\n"
	      "set logscale x 10\nset logscale y\nset xlabel 'modules'\n",
	      out);
	count = 0;
	for (i = 0; i < 2; i++)
		if (points[i] > 0)
			curve(out, count++, worker_place_name(places[i]),
			      "modules in turn");
	end_curves(out, count);
}

int plot_write(const struct plan *plan, const struct fact *facts,
	       const char *file)
{
	bool svg = strcmp(file + strlen(file) - 4, ".svg") == 0;
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
		"set terminal %s size 1100,800 font ',12'\n"
		"set output '%s'\nset encoding utf8\n"
		"set key outside below horizontal\n"
		"set multiplot layout 2,2 title \"libmodiso %s on %s\"\n",
		svg ? "svg" : "png", file, facts[0].value, facts[1].value);
	write_bars(out, plan);
	write_spread(out, plan);
	write_threads(out, plan);
	write_turns(out, plan);
	fputs("unset multiplot\n", out);
	status = pclose(out);
	if (status == 0 && access(file, R_OK) == 0)
		return 0;
	fprintf(stderr, "modiso-bench: gnuplot has not made %s\n", file);
	return -1;
}
