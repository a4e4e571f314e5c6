/* SPDX-License-Identifier: MIT */
/*
 * modiso-scan - find instructions in ELF files that would undo the isolation
 * of a module.
 */
#include "output.h"
#include "scan_report.h"

#include <errno.h>
#include <fcntl.h>
#include <fts.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define EXIT_CLEAN   0
#define EXIT_HITS    1
#define EXIT_TROUBLE 2

static const struct {
	const char *name;
	uint32_t kinds;
} groups[] = {
	{ "all", MODISO_SCAN_ALL },
	{ "pkru", MODISO_SCAN_PKRU },
	{ "kernel", MODISO_SCAN_KERNEL },
	{ "base", MODISO_SCAN_BASE },
};

static uint32_t kinds = MODISO_SCAN_ALL;
static struct scan_report report;

static void usage(FILE *out)
{
	fprintf(out,
		"usage: modiso-scan [OPTION]... FILE|DIRECTORY...\n"
		"       modiso-scan [OPTION]... --process PID|self\n"
		"Find instructions in executable segments of ELF files that "
		"would undo the\nisolation of a module, at every offset.\n\n"
		"  --class LIST  what to look for, separated by commas:");
	for (unsigned bit = 0; 1u << bit <= MODISO_SCAN_ALL; bit++)
		fprintf(out, "%s%s%s", bit > 0 ? "," : "",
			bit % 6 > 0 ? " " : "\n                  ",
			modiso_scan_kind_name(1u << bit));
	fprintf(out,
		";\n                  or pkru, kernel, base, all (the default)"
		"\n"
		"  --process P   what a module of that process can jump to: "
		"all that is mapped\n                executable, under the "
		"addresses it has there\n"
		"  --json        one JSON object to a line\n"
		"  --quiet       no hits, no totals: the exit status is all\n"
		"  --progress    say at once and on any standard error how far "
		"it is, not only\n                on a terminal and when it "
		"takes long\n"
		"  --no-progress never\n"
		"  --version     print the version of the library\n"
		"  -h, --help    print this\n\n"
		"Files in directories are looked at when they are ELF files "
		"for x86-64; symbolic\nlinks in them are not followed. The "
		"status is 0 if there is nothing, 1 if there\nare hits, 2 for "
		"wrong usage or a file that could not be looked at.\n");
}

/* --- options --- */

static uint32_t class_by_name(const char *name, size_t length)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (strlen(groups[i].name) == length &&
		    memcmp(groups[i].name, name, length) == 0)
			return groups[i].kinds;
	for (uint32_t kind = 1; kind <= MODISO_SCAN_ALL; kind <<= 1)
		if (strlen(modiso_scan_kind_name(kind)) == length &&
		    memcmp(modiso_scan_kind_name(kind), name, length) == 0)
			return kind;
	return 0;
}

static bool parse_classes(const char *list)
{
	uint32_t one, all = 0;
	size_t length;

	for (;; list += length + 1) {
		length = strcspn(list, ",");
		one = class_by_name(list, length);
		if (one == 0) {
			fprintf(stderr, "modiso-scan: no class \"%.*s\"; "
				"try modiso-scan --help\n",
				(int)length, list);
			return false;
		}
		all |= one;
		if (list[length] == '\0')
			break;
	}
	kinds = all;
	return true;
}

static bool process_asked;
static uint32_t process;

static bool parse_process(const char *text)
{
	unsigned long number;
	char *end;

	process_asked = true;
	if (strcmp(text, "self") == 0)
		return true;
	errno = 0;
	number = strtoul(text, &end, 10);
	if (*text >= '0' && *text <= '9' && *end == '\0' && errno == 0 &&
	    number != 0 && number <= INT32_MAX) {
		process = (uint32_t)number;
		return true;
	}
	fprintf(stderr, "modiso-scan: --process: \"%s\" is no process number, "
			"nor self\n", text);
	return false;
}

/* -1 to go on, else the exit status. */
static int parse_options(int argc, char **argv)
{
	static const struct option options[] = {
		{ "class", required_argument, NULL, 'c' },
		{ "process", required_argument, NULL, 'P' },
		{ "json", no_argument, NULL, 'j' },
		{ "quiet", no_argument, NULL, 'q' },
		{ "progress", no_argument, NULL, 'p' },
		{ "no-progress", no_argument, NULL, 'n' },
		{ "version", no_argument, NULL, 'v' },
		{ "help", no_argument, NULL, 'h' },
		{ NULL, 0, NULL, 0 },
	};
	int option;

	report.progress = isatty(STDERR_FILENO);
	while ((option = getopt_long(argc, argv, "h", options, NULL)) != -1) {
		switch (option) {
		case 'c':
			if (!parse_classes(optarg))
				return EXIT_TROUBLE;
			break;
		case 'P':
			if (!parse_process(optarg))
				return EXIT_TROUBLE;
			break;
		case 'j':
			report.format = SCAN_JSON;
			break;
		case 'q':
			report.format = SCAN_QUIET;
			break;
		case 'p':
			report.progress = report.at_once = true;
			break;
		case 'n':
			report.progress = report.at_once = false;
			break;
		case 'v':
			printf("modiso-scan (libmodiso) %s\n",
			       modiso_version());
			return output_written("modiso-scan") ?
				       EXIT_CLEAN :
				       EXIT_TROUBLE;
		case 'h':
			usage(stdout);
			return output_written("modiso-scan") ?
				       EXIT_CLEAN :
				       EXIT_TROUBLE;
		default:
			usage(stderr);
			return EXIT_TROUBLE;
		}
	}
	if (process_asked && optind < argc) {
		fprintf(stderr, "modiso-scan: with --process no file can be "
				"named\n");
		return EXIT_TROUBLE;
	}
	if (process_asked || optind < argc)
		return -1;
	fprintf(stderr, "modiso-scan: no file or directory to look at\n"
			"try modiso-scan --help\n");
	return EXIT_TROUBLE;
}

/* --- files --- */

static int on_hit(const struct modiso_scan_hit *hit, void *arg)
{
	(void)arg;
	report_hit(&report, hit);
	return 0;
}

static void scan_file(const char *path, bool named)
{
	struct modiso_scan_info info = { .struct_size = sizeof(info) };
	int result;

	report_progress(&report, path);
	result = modiso_scan_file(path, kinds, on_hit, NULL, &info);
	report.totals.bytes += info.bytes;
	report.totals.with_hits += info.hit_count > 0;
	if (result == MODISO_ERR_NOTSUP && !named) {
		report.totals.skipped++;
		return;
	}
	if (result != MODISO_OK && result != MODISO_ERR_GADGET) {
		report_error(&report, path, result, modiso_last_error_text());
		return;
	}
	report.totals.files++;
	if (info.writable_count > 0)
		report_writable(&report, path);
}

static void scan_process(void)
{
	struct modiso_scan_info info = { .struct_size = sizeof(info) };
	int result = modiso_scan_process(process, kinds, on_hit, NULL, &info);
	char name[32] = "self";

	if (process != 0)
		snprintf(name, sizeof(name), "process %u", process);
	report.totals.bytes += info.bytes;
	report.totals.with_hits += info.hit_count > 0;
	if (result != MODISO_OK && result != MODISO_ERR_GADGET) {
		report_error(&report, name, result, modiso_last_error_text());
		return;
	}
	report.totals.files++;
	if (info.writable_count > 0)
		report_writable(&report, name);
}

/* A file that cannot be read might be one: it is for the library to say so. */
static bool may_be_elf(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	char magic[4];
	ssize_t got;

	if (fd < 0)
		return true;
	got = pread(fd, magic, sizeof(magic), 0);
	close(fd);
	return got < 0 || (got == 4 && memcmp(magic, "\177ELF", 4) == 0);
}

static void walk_error(const char *path, int error)
{
	char text[512];

	snprintf(text, sizeof(text), "%s: %s", path, strerror(error));
	report_error(&report, path, MODISO_ERR_OS, text);
}

static void visit(const FTSENT *entry)
{
	bool named = entry->fts_level == FTS_ROOTLEVEL;

	switch (entry->fts_info) {
	case FTS_F:
	case FTS_DEFAULT:
		if (named)
			scan_file(entry->fts_path, true);
		else if (entry->fts_info == FTS_F &&
			 may_be_elf(entry->fts_path))
			scan_file(entry->fts_path, false);
		else
			report.totals.skipped++;
		break;
	case FTS_DNR:
	case FTS_ERR:
	case FTS_NS:
		walk_error(entry->fts_path, entry->fts_errno);
		break;
	case FTS_SLNONE:
		if (named)
			walk_error(entry->fts_path, ENOENT);
		break;
	default:
		break;
	}
}

/* The same order on every machine, so that two runs can be compared. */
static int by_name(const FTSENT **left, const FTSENT **right)
{
	return strcmp((*left)->fts_name, (*right)->fts_name);
}

static void scan_path(char *path)
{
	char *paths[] = { path, NULL };
	FTS *tree = fts_open(paths, FTS_PHYSICAL | FTS_COMFOLLOW | FTS_NOCHDIR,
			     by_name);
	FTSENT *entry;

	if (tree == NULL) {
		walk_error(path, errno);
		return;
	}
	while (errno = 0, (entry = fts_read(tree)) != NULL)
		visit(entry);
	if (errno != 0)
		walk_error(path, errno);
	fts_close(tree);
}

int main(int argc, char **argv)
{
	int status = parse_options(argc, argv);

	if (status >= 0)
		return status;
	report_start(&report);
	if (process_asked)
		scan_process();
	for (int i = optind; i < argc; i++)
		scan_path(argv[i]);
	if (!report_end(&report)) {
		perror("modiso-scan: standard output");
		return EXIT_TROUBLE;
	}
	if (report.totals.errors > 0)
		return EXIT_TROUBLE;
	return report.totals.hits > 0 ? EXIT_HITS : EXIT_CLEAN;
}
