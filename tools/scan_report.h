/* SPDX-License-Identifier: MIT */
/*
 * scan_report.h - what modiso-scan says: on standard output for people or for
 * programs, on standard error how far it is.
 */
#ifndef TOOLS_SCAN_REPORT_H
#define TOOLS_SCAN_REPORT_H

#include <modiso.h>

#include <stdbool.h>
#include <stdint.h>

enum scan_format { SCAN_TEXT = 0, SCAN_JSON = 1, SCAN_QUIET = 2 };

struct scan_totals {
	uint64_t files; /* looked at, to the end */
	uint64_t with_hits;
	uint64_t hits;
	uint64_t bytes;   /* of executable segments */
	uint64_t skipped; /* in directories: no ELF, or another machine's */
	uint64_t errors;
};

struct scan_report {
	enum scan_format format;
	bool progress; /* show it, after a while */
	bool at_once;  /* show it from the first file on */
	struct scan_totals totals;
	uint64_t start_ns, shown_ns; /* shown: when progress was, 0 never */
};

void report_start(struct scan_report *report);
void report_hit(struct scan_report *report, const struct modiso_scan_hit *hit);

/* Not an error: the file asks for memory that is writable and executable. */
void report_writable(struct scan_report *report, const char *file);
void report_error(struct scan_report *report, const char *file, int code,
		  const char *text);

/* To be called for each file: shows how far it is, if it takes long. */
void report_progress(struct scan_report *report, const char *file);

/* The totals. False when standard output could not be written. */
bool report_end(struct scan_report *report);

#endif /* TOOLS_SCAN_REPORT_H */
