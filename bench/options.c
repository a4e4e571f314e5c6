/* SPDX-License-Identifier: MIT */
#include "options.h"

#include "../tools/output.h"

#include <fnmatch.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define SECONDS       40
#define SECONDS_QUICK 5

static const char help[] =
	"usage: modiso-bench [OPTION]...\n"
	"Measures what isolation costs, beside what it replaces.\n"
	"\n"
	"  --backend WHICH       pkey, mprotect, none (only the comparisons),\n"
	"                        all (default: those that are usable here)\n"
	"  --rows PATTERN        rows with this in their name; with * or ? a\n"
	"                        pattern for the whole name. Rows that take\n"
	"                        seconds each are there only when named\n"
	"  --threads LIST        how many threads call gates at the same time:\n"
	"                        some of 1,2,4,8,16,32 (1,2,4)\n"
	"  --seconds NUMBER      how long to measure, about (40)\n"
	"  --quick               a short list of rows, in a few seconds\n"
	"  --count-instructions  instructions, not time: for a machine whose\n"
	"                        clock counts them, such as modiso-vm can have\n"
	"\n"
	"  --table               columns for people; default: tabs between\n"
	"  --histogram           the same, and how the samples are spread\n"
	"  --csv                 commas between\n"
	"  --json                one JSON object\n"
	"  --compare FILE        which rows are faster or slower than in this\n"
	"                        file, which --json wrote\n"
	"  --plot FILE           a picture, .svg or .png; needs gnuplot\n"
	"  --version             print the version of the library\n"
	"  -h, --help            print this\n"
	"\n"
	"A sample is the time of a batch of rounds, divided by their number, so\n"
	"where a batch is more than one round p99 is that of batches. Ratios\n"
	"are of medians. Nothing is taken off times: the empty loop is in\n"
	"every row. Ctrl-C or SIGTERM ends the measuring, not the report.\n"
	"\n"
	"Exit status: 0; 1 a row failed, or the output cannot be written; 2 wrong\n"
	"usage; 3 that backend, clock or gnuplot is not to be had here; 4 a row\n"
	"is slower than in the file of --compare.\n";

static const struct option long_options[] = {
	{"backend", required_argument, NULL, 'b'},
	{"rows", required_argument, NULL, 'r'},
	{"threads", required_argument, NULL, 'n'},
	{"seconds", required_argument, NULL, 's'},
	{"quick", no_argument, NULL, 'q'},
	{"count-instructions", no_argument, NULL, 'c'},
	{"table", no_argument, NULL, 't'},
	{"histogram", no_argument, NULL, 'H'},
	{"csv", no_argument, NULL, 'C'},
	{"json", no_argument, NULL, 'j'},
	{"compare", required_argument, NULL, 'o'},
	{"plot", required_argument, NULL, 'p'},
	{"version", no_argument, NULL, 'V'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static void __attribute__((noreturn, format(printf, 1, 2)))
refuse(const char *format, ...)
{
	va_list arguments;

	fputs("modiso-bench: ", stderr);
	va_start(arguments, format);
	vfprintf(stderr, format, arguments);
	va_end(arguments);
	fputc('\n', stderr);
	exit(EXIT_USAGE);
}

static void choose_backend(struct choice *choice, const char *name)
{
	enum worker_place place;

	choice->all = strcmp(name, "all") == 0;
	for (place = PLACE_PKEY; place < PLACES; place++)
		choice->places[place] =
			choice->all ||
			strcmp(name, worker_place_name(place)) == 0;
	if (!choice->places[PLACE_PKEY] && !choice->places[PLACE_MPROTECT] &&
	    strcmp(name, "none") != 0)
		refuse("--backend: expected pkey, mprotect, none or all, "
		       "found '%s'",
		       name);
}

static void choose_threads(struct choice *choice, const char *list)
{
	const char *rest = list;
	unsigned long count;
	char *end;

	choice->threads = 0;
	do {
		count = strtoul(rest, &end, 10);
		if (end == rest || (*end != ',' && *end != '\0') ||
		    count == 0 || count > BENCH_THREADS_MAX ||
		    (count & (count - 1)) != 0)
			refuse("--threads: expected some of 1,2,4,8,16,32, "
			       "found '%s'",
			       list);
		choice->threads |= (uint64_t)1 << count;
		rest = end + 1;
	} while (*end == ',');
}

static void choose_seconds(struct choice *choice, const char *text)
{
	char *end;

	choice->seconds = strtod(text, &end);
	if (end == text || *end != '\0' || !(choice->seconds > 0) ||
	    choice->seconds > 86400)
		refuse("--seconds: expected a number above 0, found '%s'",
		       text);
}

static void choose_plot(struct choice *choice, const char *file)
{
	const char *dot = strrchr(file, '.');

	if (dot == NULL ||
	    (strcmp(dot, ".svg") != 0 && strcmp(dot, ".png") != 0))
		refuse("--plot: expected a name that ends in .svg or .png, "
		       "found '%s'",
		       file);
	/* They would end the string that gnuplot reads. */
	if (strpbrk(file, "'\"\\\n") != NULL)
		refuse("--plot: no quotes and no backslash in the name, please");
	choice->plot = file;
}

static void read_one(struct choice *choice, int option)
{
	switch (option) {
	case 'b':
		choose_backend(choice, optarg);
		break;
	case 'r':
		choice->rows = optarg;
		break;
	case 'n':
		choose_threads(choice, optarg);
		break;
	case 's':
		choose_seconds(choice, optarg);
		break;
	case 'q':
		choice->quick = true;
		break;
	case 'c':
		choice->counting = true;
		break;
	case 't':
		choice->form = REPORT_TABLE;
		break;
	case 'H':
		choice->form = REPORT_HISTOGRAM;
		break;
	case 'C':
		choice->form = REPORT_CSV;
		break;
	case 'j':
		choice->form = REPORT_JSON;
		break;
	case 'o':
		choice->compare = optarg;
		break;
	case 'p':
		choose_plot(choice, optarg);
		break;
	case 'V':
		printf("modiso-bench (libmodiso) %s\n", modiso_version());
		exit(output_written("modiso-bench") ? 0 : EXIT_FAILED);
	case 'h':
		fputs(help, stdout);
		exit(output_written("modiso-bench") ? 0 : EXIT_FAILED);
	default:
		fputs("Try modiso-bench --help.\n", stderr);
		exit(EXIT_USAGE);
	}
}

void options_read(int argc, char **argv, struct choice *choice)
{
	int option;

	choose_backend(choice, "all");
	choose_threads(choice, "1,2,4");
	while ((option = getopt_long(argc, argv, "h", long_options, NULL)) !=
	       -1)
		read_one(choice, option);
	if (optind != argc)
		refuse("takes no arguments but options; try --help");
	if (choice->counting && choice->plot != NULL)
		refuse("--plot is of times, not of instructions");
	if (choice->seconds <= 0)
		choice->seconds = choice->quick ? SECONDS_QUICK : SECONDS;
}

bool options_want(const struct choice *choice, const struct bench_row *row)
{
	unsigned threads = row->flags / BENCH_THREADS(1);

	if (threads != 0 && !(choice->threads & (uint64_t)1 << threads))
		return false;
	if (choice->quick && !(row->flags & BENCH_QUICK))
		return false;
	if (choice->rows == NULL)
		return !(row->flags & BENCH_RARE);
	if (strpbrk(choice->rows, "*?[") != NULL)
		return fnmatch(choice->rows, row->name, 0) == 0;
	return strstr(row->name, choice->rows) != NULL;
}
