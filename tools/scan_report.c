/* SPDX-License-Identifier: MIT */
#include "scan_report.h"

#include "json_string.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Whoever waits for less than this is told nothing. */
#define PATIENCE_NS UINT64_C(1000000000)
#define TERMINAL_NS UINT64_C(200000000)
#define LOG_NS      UINT64_C(5000000000)

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* --- strings that others chose --- */

/* A file's name must not move the cursor. */
static void put_text(FILE *out, const char *text)
{
	for (; *text != '\0'; text++)
		putc((unsigned char)*text < ' ' || *text == 0x7f ? '?' : *text,
		     out);
}

static void put_member(const char *name, const char *value)
{
	printf(",\"%s\":", name);
	if (value != NULL)
		json_string(value);
	else
		fputs("null", stdout);
}

static void put_bytes(const struct modiso_scan_hit *hit, const char *between)
{
	for (uint32_t i = 0; i < hit->length; i++)
		printf("%s%02x", i ? between : "", hit->bytes[i]);
}

/* --- progress --- */

static void wipe_progress(struct scan_report *report)
{
	if (report->shown_ns != 0 && isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
}

void report_progress(struct scan_report *report, const char *file)
{
	const struct scan_totals *totals = &report->totals;
	bool terminal;
	uint64_t now;

	if (!report->progress)
		return;
	now = now_ns();
	terminal = isatty(STDERR_FILENO);
	if ((!report->at_once && now - report->start_ns < PATIENCE_NS) ||
	    (report->shown_ns != 0 &&
	     now - report->shown_ns < (terminal ? TERMINAL_NS : LOG_NS)))
		return;
	wipe_progress(report);
	report->shown_ns = now;
	fprintf(stderr,
		"modiso-scan: %" PRIu64 " s, %" PRIu64 " files, %" PRIu64
		" MB, %" PRIu64 " hits",
		(now - report->start_ns) / 1000000000u, totals->files,
		totals->bytes / 1000000, totals->hits);
	/* On a terminal it must stay on one line, to be overwritten. */
	if (!terminal) {
		fputs(": ", stderr);
		put_text(stderr, file);
		putc('\n', stderr);
	}
	fflush(stderr);
}

/* --- results --- */

void report_start(struct scan_report *report)
{
	report->start_ns = now_ns();
}

static void text_hit(const struct modiso_scan_hit *hit)
{
	put_text(stdout, hit->file);
	printf(": %s at offset %#" PRIx64 ", address %#" PRIx64 ", %s",
	       modiso_scan_kind_name(hit->kind), hit->offset, hit->address,
	       hit->section ? hit->section : "no section");
	if (hit->symbol != NULL)
		printf(", %s+%#" PRIx64, hit->symbol, hit->symbol_offset);
	fputs(": ", stdout);
	put_bytes(hit, " ");
	putchar('\n');
}

static void json_hit(const struct modiso_scan_hit *hit)
{
	printf("{\"type\":\"hit\",\"class\":\"%s\"",
	       modiso_scan_kind_name(hit->kind));
	put_member("file", hit->file);
	printf(",\"offset\":%" PRIu64 ",\"address\":%" PRIu64, hit->offset,
	       hit->address);
	put_member("section", hit->section);
	put_member("symbol", hit->symbol);
	if (hit->symbol != NULL)
		printf(",\"symbol_offset\":%" PRIu64, hit->symbol_offset);
	fputs(",\"bytes\":\"", stdout);
	put_bytes(hit, "");
	fputs("\"}\n", stdout);
}

void report_hit(struct scan_report *report, const struct modiso_scan_hit *hit)
{
	report->totals.hits++;
	if (report->format == SCAN_QUIET)
		return;
	wipe_progress(report);
	if (report->format == SCAN_JSON)
		json_hit(hit);
	else
		text_hit(hit);
}

void report_writable(struct scan_report *report, const char *file)
{
	static const char text[] = "asks for memory that is writable and "
				   "executable: what is clean now need not "
				   "stay so";

	wipe_progress(report);
	if (report->format == SCAN_JSON) {
		fputs("{\"type\":\"warning\"", stdout);
		put_member("file", file);
		put_member("text", text);
		fputs("}\n", stdout);
		return;
	}
	fputs("modiso-scan: ", stderr);
	put_text(stderr, file);
	fprintf(stderr, ": %s\n", text);
}

void report_error(struct scan_report *report, const char *file, int code,
		  const char *text)
{
	report->totals.errors++;
	wipe_progress(report);
	if (report->format == SCAN_JSON) {
		fputs("{\"type\":\"error\"", stdout);
		put_member("file", file);
		put_member("code", modiso_error_name(code));
		put_member("text", text);
		fputs("}\n", stdout);
		return;
	}
	fputs("modiso-scan: ", stderr);
	put_text(stderr, text);
	putc('\n', stderr);
}

bool report_end(struct scan_report *report)
{
	const struct scan_totals *totals = &report->totals;
	double seconds = (double)(now_ns() - report->start_ns) / 1e9;

	wipe_progress(report);
	if (report->format == SCAN_JSON)
		printf("{\"type\":\"summary\",\"files\":%" PRIu64
		       ",\"files_with_hits\":%" PRIu64 ",\"hits\":%" PRIu64
		       ",\"bytes\":%" PRIu64 ",\"skipped\":%" PRIu64
		       ",\"errors\":%" PRIu64 ",\"seconds\":%.3f}\n",
		       totals->files, totals->with_hits, totals->hits,
		       totals->bytes, totals->skipped, totals->errors, seconds);
	else if (report->format == SCAN_TEXT)
		printf("%" PRIu64 " hits in %" PRIu64 " of %" PRIu64
		       " files, %" PRIu64 " bytes of code\n",
		       totals->hits, totals->with_hits, totals->files,
		       totals->bytes);
	return fflush(stdout) == 0 && !ferror(stdout);
}
