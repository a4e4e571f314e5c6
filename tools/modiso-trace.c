/* SPDX-License-Identifier: MIT */
/*
 * modiso-trace - what the flight recorder has written, as a table of modules,
 * gates and services, or for a viewer of traces.
 */
#include "json_string.h"
#include "output.h"
#include "recording.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { STATUS_OK, STATUS_FILE, STATUS_USAGE, STATUS_OUTPUT };

/* Tracks of a viewer are told apart by numbers; no thread has such a one. */
#define TRACK_BASE 0x40000000

static const char usage[] =
	"usage: modiso-trace [OPTION]... FILE\n"
	"Show what the flight recorder of libmodiso has written to a file.\n"
	"\n"
	"  --json      print a trace for ui.perfetto.dev or chrome://tracing\n"
	"  --last N    only the last N events of each thread\n"
	"  --version   print the version of the library\n"
	"  -h, --help  print this\n"
	"\n"
	"Without --json: calls, times, key misses and waits by module and "
	"gate.\n"
	"A program writes such a file, PATH.PID, with "
	"MODISO_OPTIONS=record_path=PATH\n"
	"in its environment. It can be read while the program runs.\n"
	"\n"
	"Status: 0 done, 1 the file is no recording or cannot be read, 2 "
	"usage, 3 the\n"
	"output could not be written.\n";

static const char *name_of(const struct event *event)
{
	static char number[32];

	if (event->name == NULL)
		snprintf(number, sizeof(number), "%#" PRIx64, event->what);
	else if (event->name->name[0] != '\0')
		return event->name->name;
	else
		snprintf(number, sizeof(number), "%#" PRIx64,
			 event->name->entry);
	return number;
}

static const char *module_of(const struct event *event)
{
	return event->name != NULL ? event->name->module_name : "";
}

static bool is_service(const struct event *event)
{
	return event->name != NULL &&
	       event->name->kind == MODISO_RECORD_SERVICE;
}

/* --- the table --- */

struct row {
	const struct event *of; /* one of them, for the names */
	uint64_t calls, ended, misses, waits;
	double total_ns, longest_ns, waited_ns;
};

static struct row *rows;
static size_t row_count;

static struct row *row_of(const struct event *event)
{
	struct row *row;

	for (row = rows; row != rows + row_count; row++)
		if (row->of->what == event->what &&
		    row->of->name == event->name)
			return row;
	row = realloc(rows, (row_count + 1) * sizeof(*row));
	if (row == NULL) {
		fprintf(stderr, "modiso-trace: there is no memory\n");
		exit(STATUS_FILE);
	}
	rows = row;
	row += row_count++;
	*row = (struct row){.of = event};
	return row;
}

static void count(const struct event *event)
{
	double ns = event->end_ns - event->begin_ns;
	struct row *row;

	if (event->kind == MODISO_RECORD_FAULT)
		return;
	row = row_of(event);
	switch (event->kind) {
	case MODISO_RECORD_MISS:
		row->misses++;
		return;
	case MODISO_RECORD_WAIT:
		row->waits++;
		row->waited_ns += ns;
		return;
	default:
		row->calls++;
		row->ended += event->kind == MODISO_RECORD_ENDED;
		row->total_ns += ns;
		if (row->longest_ns < ns)
			row->longest_ns = ns;
	}
}

static int by_time(const void *a, const void *b)
{
	const struct row *left = a, *right = b;
	double more = right->total_ns + right->waited_ns - left->total_ns -
		      left->waited_ns;

	return (more > 0) - (more < 0);
}

/* No escape sequence of a terminal gets out of a name. */
static void put_name(const char *name, int width)
{
	for (; *name != '\0'; name++, width--)
		putchar((unsigned char)*name < ' ' || *name == 0x7f ? '?'
								    : *name);
	printf("%*s", width > 0 ? width : 0, "");
}

static void print_row(const struct row *row)
{
	const struct event *of = row->of;

	put_name(is_service(of) ? "(service)" : module_of(of), 16);
	putchar(' ');
	put_name(of->kind == MODISO_RECORD_WAIT ? "-" : name_of(of), 24);
	printf(" %9" PRIu64 " %12.3f %10.0f %10.0f %6" PRIu64 " %6" PRIu64
	       " %6" PRIu64 " %10.3f\n",
	       row->calls, row->total_ns / 1e6,
	       row->calls != 0 ? row->total_ns / (double)row->calls : 0,
	       row->longest_ns, row->ended, row->misses, row->waits,
	       row->waited_ns / 1e6);
}

static void print_table(const struct recording *recording)
{
	uint64_t faults = 0, open = 0;

	for (size_t i = 0; i < recording->count; i++) {
		count(&recording->events[i]);
		open += recording->events[i].open;
		faults +=
			recording->events[i].kind == MODISO_RECORD_FAULT;
	}
	if (row_count != 0)
		qsort(rows, row_count, sizeof(*rows), by_time);
	put_name(recording->head.program, 0);
	printf(", process %" PRId32 ": %zu events, %" PRIu64
	       " fault%s, %" PRIu64 " call%s under way\n",
	       recording->head.process, recording->count, faults,
	       faults == 1 ? "" : "s", open, open == 1 ? "" : "s");
	printf("%-16s %-24s %9s %12s %10s %10s %6s %6s %6s %10s\n", "module",
	       "gate", "calls", "total ms", "mean ns", "longest ns", "ended",
	       "misses", "waits", "waited ms");
	for (size_t i = 0; i < row_count; i++)
		print_row(&rows[i]);
}

/* --- the trace --- */

static bool first = true;

/* "{", and all that each event has. */
static void begin_event(const char *phase, const char *name,
			const struct recording *recording, uint32_t track)
{
	const struct track *of = &recording->tracks[track];

	fputs(first ? "\n{\"name\":" : ",\n{\"name\":", stdout);
	first = false;
	json_string(name);
	printf(",\"ph\":\"%s\",\"pid\":%" PRId32 ",\"tid\":%" PRId32, phase,
	       recording->head.process,
	       of->thread != 0 && !of->fiber ? of->thread
					     : TRACK_BASE + (int32_t)track);
}

static void name_track(const struct recording *recording, uint32_t track)
{
	const struct track *of = &recording->tracks[track];
	char name[64];

	if (of->fiber)
		snprintf(name, sizeof(name), "fiber %" PRIu32, track);
	else if (of->thread != 0)
		snprintf(name, sizeof(name), "thread %" PRId32, of->thread);
	else
		snprintf(name, sizeof(name), "a thread before");
	begin_event("M", "thread_name", recording, track);
	fputs(",\"args\":{\"name\":", stdout);
	json_string(name);
	fputs("}}", stdout);
}

static void print_instant(const struct recording *recording,
			  const struct event *event)
{
	char name[64];

	snprintf(name, sizeof(name), "fault: %s",
		 modiso_fault_kind_name(event->what & 255));
	begin_event("i", name, recording, event->track);
	printf(",\"cat\":\"fault\",\"s\":\"t\",\"ts\":%.3f,"
	       "\"args\":{\"number\":%" PRIu64 ",\"address\":\"%#" PRIx64
	       "\"}}",
	       event->begin_ns / 1e3, event->what >> 8, event->end);
}

static const char *category(const struct event *event)
{
	switch (event->kind) {
	case MODISO_RECORD_MISS:
		return "miss";
	case MODISO_RECORD_WAIT:
		return "wait";
	default:
		return is_service(event) ? "service" : "gate";
	}
}

static void print_event(const struct recording *recording,
			const struct event *event)
{
	if (event->kind == MODISO_RECORD_FAULT) {
		print_instant(recording, event);
		return;
	}
	/* One under way has a beginning alone. */
	begin_event(event->open ? "B" : "X", name_of(event), recording,
		    event->track);
	printf(",\"cat\":\"%s\",\"ts\":%.3f", category(event),
	       event->begin_ns / 1e3);
	if (!event->open)
		printf(",\"dur\":%.3f",
		       (event->end_ns - event->begin_ns) / 1e3);
	fputs(",\"args\":{\"module\":", stdout);
	json_string(module_of(event));
	if (event->kind == MODISO_RECORD_ENDED)
		fputs(",\"ended\":true", stdout);
	fputs("}}", stdout);
}

static void print_json(const struct recording *recording)
{
	fputs("{\"displayTimeUnit\":\"ns\",\"otherData\":{\"program\":",
	      stdout);
	json_string(recording->head.program);
	printf(",\"names_lost\":%" PRIu32 "},\"traceEvents\":[",
	       recording->head.names_lost);
	for (size_t i = 0; i < recording->count; i++) {
		const struct event *event = &recording->events[i];

		if (i == 0 || event->track != event[-1].track)
			name_track(recording, event->track);
		print_event(recording, event);
	}
	fputs("\n]}\n", stdout);
}

/* --- the command line --- */

static int wrong(const char *what, const char *word)
{
	fprintf(stderr, "modiso-trace: %s%s%s\ntry modiso-trace --help\n",
		what, word != NULL ? ": " : "", word != NULL ? word : "");
	return STATUS_USAGE;
}

static bool number(const char *word, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(word, &end, 10);
	return *word >= '0' && *word <= '9' && *end == '\0' && errno == 0 &&
	       *out != 0;
}

static int told(void)
{
	return output_written("modiso-trace") ? STATUS_OK : STATUS_OUTPUT;
}

int main(int argc, char **argv)
{
	static const struct option options[] = {
		{"json", no_argument, NULL, 'j'},
		{"last", required_argument, NULL, 'l'},
		{"help", no_argument, NULL, 'h'},
		{"version", no_argument, NULL, 'v'},
		{NULL, 0, NULL, 0},
	};
	struct recording recording;
	bool json = false;
	uint64_t last = 0;
	const char *what;
	int option;

	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'j':
			json = true;
			break;
		case 'l':
			if (!number(optarg, &last))
				return wrong("no number above 0", optarg);
			break;
		case 'h':
			fputs(usage, stdout);
			return told();
		case 'v':
			printf("modiso-trace (libmodiso) %s\n",
			       modiso_version());
			return told();
		default:
			fputs("try modiso-trace --help\n", stderr);
			return STATUS_USAGE;
		}
	}
	if (optind + 1 != argc)
		return optind == argc ?
			       wrong("name the file that was recorded", NULL) :
			       wrong("a second file", argv[optind + 1]);
	what = recording_read(argv[optind], last, &recording);
	if (what != NULL) {
		fprintf(stderr, "modiso-trace: %s: %s%s%s\n", argv[optind],
			what, errno != 0 ? ": " : "",
			errno != 0 ? strerror(errno) : "");
		return STATUS_FILE;
	}
	if (json)
		print_json(&recording);
	else
		print_table(&recording);
	return told();
}
