/* SPDX-License-Identifier: MIT */
/*
 * simulator - a small machine whose device models are isolated from its
 * kernel and from each other. The demonstration of libmodiso.
 */
#include "apart.h"
#include "machine.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_USAGE     2 /* the command line or the scenario */
#define EXIT_ISOLATION 3 /* the isolation asked for cannot be had */

static const char help[] =
	"usage: simulator [options] SCENARIO\n"
	"Runs the machine that SCENARIO describes; see the file SCENARIOS.\n"
	"\n"
	"  --threads N         threads that run device models (default 2);\n"
	"                      the result does not depend on it\n"
	"  --isolation WHICH   auto (default), pkey, mprotect, or none: call\n"
	"                      models directly, to see what then happens\n"
	"  --until TICK        stop after this tick\n"
	"  --json              JSON on standard output, a line for each fault\n"
	"                      and one for the result; text on standard error\n"
	"  --quiet             of the text only the verdict\n"
	"  --help              this\n"
	"\n"
	"Exit status: 0 the kernel's tables are intact; 1 they are not, or "
	"the\n"
	"simulation died; 2 wrong usage or scenario; 3 no such isolation "
	"here.\n";

static const struct option long_options[] = {
	{"threads", required_argument, NULL, 't'},
	{"isolation", required_argument, NULL, 'i'},
	{"until", required_argument, NULL, 'u'},
	{"json", no_argument, NULL, 'j'},
	{"quiet", no_argument, NULL, 'q'},
	{"help", no_argument, NULL, 'h'},
	{NULL, 0, NULL, 0},
};

static uint32_t number(const char *option, const char *text, uint32_t most)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || value == 0 ||
	    value > most) {
		fprintf(stderr,
			"simulator: --%s: expected 1 to %u, found '%s'\n",
			option, most, text);
		exit(EXIT_USAGE);
	}
	return (uint32_t)value;
}

static enum isolation_kind isolation_kind(const char *text)
{
	static const char *const names[] = {"auto", "pkey", "mprotect", "none"};
	int i;

	for (i = ISOLATION_AUTO; i <= ISOLATION_NONE; i++)
		if (strcmp(text, names[i]) == 0)
			return (enum isolation_kind)i;
	fprintf(stderr,
		"simulator: --isolation: expected auto, pkey, mprotect or "
		"none, found '%s'\n",
		text);
	exit(EXIT_USAGE);
}

/* Returns the path of the scenario. */
static const char *read_options(int argc, char **argv, struct report *report)
{
	int option;

	while ((option = getopt_long(argc, argv, "", long_options, NULL)) != -1)
		switch (option) {
		case 't':
			report->threads =
				number("threads", optarg, WORKERS_MAX);
			break;
		case 'i':
			report->asked = isolation_kind(optarg);
			break;
		case 'u':
			report->until = number("until", optarg, UINT32_MAX);
			break;
		case 'j':
			report->json = stdout;
			report->text = stderr;
			break;
		case 'q':
			report->quiet = true;
			break;
		case 'h':
			fputs(help, stdout);
			exit(0);
		default:
			fputs("Try simulator --help.\n", stderr);
			exit(EXIT_USAGE);
		}
	if (optind != argc - 1) {
		fputs("simulator: expected one scenario. "
		      "Try simulator --help.\n",
		      stderr);
		exit(EXIT_USAGE);
	}
	return argv[optind];
}

static int simulate(const struct scenario *scenario, struct report *report,
		    struct machine *machine)
{
	int status = EXIT_DAMAGED;

	if (isolation_start(report->asked) != 0)
		return EXIT_ISOLATION;
	if (machine_create(machine, scenario, report) == 0) {
		report_begin(report, machine);
		if (machine_run(machine, report->until, report->threads) == 0) {
			report_end(report, machine);
			if (machine->kernel.corruptions == 0)
				status = 0;
		}
	}
	machine_destroy(machine);
	if (isolation_stop() != 0)
		status = EXIT_DAMAGED;
	return status;
}

int main(int argc, char **argv)
{
	struct report report = {.text = stdout, .threads = 2};
	struct scenario scenario;
	struct machine *machine;
	int status;

	if (scenario_read(read_options(argc, argv, &report), &scenario,
			  stderr) != 0)
		return EXIT_USAGE;
	if (report.until == 0 || report.until > scenario.ticks)
		report.until = scenario.ticks;
	machine = apart_machine();
	if (machine == NULL) {
		perror("simulator: memory");
		return EXIT_DAMAGED;
	}
	status = report.asked == ISOLATION_NONE
			 ? apart_simulate(simulate, &scenario, &report, machine)
			 : simulate(&scenario, &report, machine);
	scenario_free(&scenario);
	if (fflush(stdout) != 0) {
		perror("simulator: standard output");
		return EXIT_DAMAGED;
	}
	return status;
}
