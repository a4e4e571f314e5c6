/* SPDX-License-Identifier: MIT */
/*
 * Places in the program where accesses were let pass, for people: what the
 * handler has counted, with names, by the key that a summary of a fault has.
 */
#include "core/permit.h"

#include "base/error.h"
#include "base/settings.h"
#include "core/json.h"
#include "core/lines.h"
#include "core/report.h"
#include "core/runtime.h"
#include "core/vault.h"
#include "os/stream.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct mdi_permit_state *const own = &mdi_core_state.permit;

struct mdi_place {
	struct mdi_place *next;
	uint64_t key, count;
	bool known; /* it is in the file of those that are */
	uint32_t kind, access;
	char module[MODISO_NAME_SIZE];
	char what[256]; /* "wrote to memory that is not its own" */
	struct mdi_report_place at;
	uintptr_t pc; /* of at */
};

/* --- those that are known --- */

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static bool is_known(uint64_t key)
{
	return own->known_count != 0 &&
	       bsearch(&key, own->known, own->known_count, sizeof(key),
		       by_number) != NULL;
}

/* A line that begins with a key; true, and the key. */
static bool read_key(const char *line, uint64_t *key)
{
	char *end;

	if (strspn(line, "0123456789abcdef") != 16)
		return false;
	*key = strtoull(line, &end, 16);
	return end == line + 16;
}

/* Once to count them, once to keep them. */
static size_t read_keys(FILE *file, uint64_t *keys)
{
	char line[1024];
	bool begins = true;
	uint64_t key;
	size_t count = 0;

	rewind(file);
	while (fgets(line, sizeof(line), file) != NULL) {
		if (begins && read_key(line, &key)) {
			if (keys != NULL)
				keys[count] = key;
			count++;
		}
		begins = strchr(line, '\n') != NULL;
	}
	return count;
}

int mdi_permit_read_known(const char *path)
{
	FILE *file = fopen(path, "re");
	size_t count;

	if (file == NULL)
		return mdi_fail_os("fopen",
				   "the file %s, which MODISO_OPTIONS has as "
				   "known_sites",
				   path);
	count = read_keys(file, NULL);
	if (count != 0)
		own->known = mdi_vault_alloc(count * sizeof(*own->known));
	if (own->known != NULL) {
		own->known_count = read_keys(file, own->known);
		qsort(own->known, own->known_count, sizeof(*own->known),
		      by_number);
	}
	fclose(file);
	return count == 0 || own->known != NULL
		       ? 0
		       : mdi_fail_memory("%zu known places", count);
}

/* --- from a count to a place --- */

static void say_what(const struct modiso_fault *fault, char *text, size_t size)
{
	struct mdi_stream stream;
	FILE *out = mdi_stream_open(&stream);

	text[0] = '\0';
	if (out == NULL)
		return;
	mdi_report_verdict(fault, out);
	if (fault->overrun == MODISO_OVERRUN_NONE &&
	    fault->region_length != 0 && fault->owner_id != fault->module_id) {
		fprintf(out, ": region ");
		mdi_report_quoted(fault->region_name, out);
		fprintf(out, " of ");
		mdi_report_owner(fault->owner_id, fault->owner_name, out);
	}
	if (mdi_stream_close(&stream, out))
		snprintf(text, size, "%s", stream.text);
	free(stream.text);
}

static void describe(const struct mdi_report *report, struct mdi_place *place)
{
	const struct modiso_fault *fault = &report->fault;

	*place = (struct mdi_place){
		.key = report->key,
		.kind = fault->kind,
		.access = fault->access,
		.known = is_known(report->key),
	};
	memcpy(place->module, fault->module_name, sizeof(place->module));
	say_what(fault, place->what, sizeof(place->what));
	if (report->culprit != NULL) {
		place->at = report->culprit->place;
		place->pc = report->culprit->pc - report->culprit->behind;
	}
}

/* The lock is held. NULL: no memory, and the count stays where it is. */
static struct mdi_place *enlist(const struct mdi_place *described, bool *fresh)
{
	struct mdi_place **link = &own->places, *place;

	*fresh = false;
	for (; (place = *link) != NULL; link = &place->next)
		if (place->key == described->key)
			return place;
	place = mdi_vault_alloc(sizeof(*place));
	if (place == NULL)
		return NULL;
	*place = *described;
	place->next = NULL;
	*link = place;
	*fresh = true;
	return place;
}

static void settle_site(struct mdi_site *site, struct mdi_report *report,
			struct mdi_lines *lines)
{
	struct mdi_place described;
	bool fresh = false;

	memset(report, 0, sizeof(*report));
	report->fault = site->fault;
	mdi_report_place_it(report, lines);
	describe(report, &described);
	mdi_runtime_lock();
	site->place = enlist(&described, &fresh);
	mdi_runtime_unlock();
	if (fresh && !described.known)
		mdi_report_log(&site->fault);
}

/* Once: whoever comes first. */
static bool take(struct mdi_site *site)
{
	uint32_t nobody = 0;

	return __atomic_load_n(&site->ready, __ATOMIC_ACQUIRE) &&
	       __atomic_compare_exchange_n(&site->taken, &nobody, 1, false,
					   __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}

void mdi_permit_settle(void)
{
	struct mdi_lines lines = {NULL};
	struct mdi_report *report;

	if (!mdi_permit_begun())
		return;
	report = malloc(sizeof(*report));
	for (uint32_t i = 0; report != NULL && i < MDI_SITES; i++)
		if (take(&own->sites[i]))
			settle_site(&own->sites[i], report, &lines);
	mdi_lines_end(&lines);
	free(report);
}

/* The lock is held. Two rows of the table may be one place: two modules. */
static void add_up(void)
{
	for (struct mdi_place *place = own->places; place != NULL;
	     place = place->next)
		place->count = 0;
	for (uint32_t i = 0; i < MDI_SITES; i++)
		if (own->sites[i].place != NULL)
			own->sites[i].place->count +=
				__atomic_load_n(&own->sites[i].count,
						__ATOMIC_RELAXED);
}

/* --- the table --- */

static void print_row(const struct mdi_place *place, FILE *out)
{
	fprintf(out, "%016" PRIx64 " %10" PRIu64 "  %-7s  module ", place->key,
		place->count, modiso_fault_kind_name(place->kind));
	mdi_report_quoted(place->module, out);
	fprintf(out, " %s", place->what);
	if (place->at.file[0] != '\0') {
		fprintf(out, ", ");
		mdi_report_name(place->at.line != 0 ? place->at.source
						    : place->at.file,
				out);
		if (place->at.line != 0)
			fprintf(out, ":%u", place->at.line);
		else
			fprintf(out, " + %#zx", (size_t)place->at.file_offset);
	}
	if (place->at.function[0] != '\0') {
		fprintf(out, " in ");
		mdi_report_name(place->at.function, out);
	}
	fputc('\n', out);
}

static size_t count_known(bool known)
{
	size_t count = 0;

	for (const struct mdi_place *place = own->places; place != NULL;
	     place = place->next)
		count += place->known == known;
	return count;
}

static void print_places(FILE *out)
{
	size_t fresh = count_known(false), known = count_known(true);

	fprintf(out,
		"# libmodiso let %" PRIu64 " accesses pass, at %zu place%s",
		__atomic_load_n(&own->accesses, __ATOMIC_RELAXED), fresh,
		fresh == 1 ? "" : "s");
	if (known != 0)
		fprintf(out, " and %zu known one%s", known,
			known == 1 ? "" : "s");
	fprintf(out, "\n");
	if (own->lost != 0)
		fprintf(out,
			"# %" PRIu64 " of them at other places: the table "
			"holds %d\n",
			own->lost, MDI_SITES);
	if (fresh != 0)
		fprintf(out, "# key              count  kind     what, "
			     "where\n");
	for (const struct mdi_place *place = own->places; place != NULL;
	     place = place->next)
		if (!place->known)
			print_row(place, out);
}

void mdi_permit_print(FILE *out)
{
	mdi_permit_settle();
	mdi_runtime_lock();
	if (mdi_permit_begun())
		add_up();
	print_places(out);
	mdi_runtime_unlock();
}

/* --- as JSON: doc/permitted.schema.json --- */

static void json_text(const char *name, const char *text, FILE *out)
{
	fprintf(out, ",\"%s\":", name);
	mdi_json_string(text, out);
}

static void json_place(const struct mdi_place *place, FILE *out)
{
	fprintf(out,
		"{\"key\":\"%016" PRIx64 "\",\"count\":%" PRIu64
		",\"known\":%s",
		place->key, place->count, place->known ? "true" : "false");
	json_text("kind", modiso_fault_kind_name(place->kind), out);
	json_text("access", mdi_report_access_name(place->access), out);
	json_text("module", place->module, out);
	json_text("what", place->what, out);
	if (place->at.function[0] != '\0')
		json_text("function", place->at.function, out);
	if (place->at.file[0] != '\0') {
		json_text("file", place->at.file, out);
		fprintf(out, ",\"file_offset\":%zu",
			(size_t)place->at.file_offset);
	}
	if (place->at.line != 0) {
		json_text("source", place->at.source, out);
		fprintf(out, ",\"line\":%u", place->at.line);
	}
	fputc('}', out);
}

void mdi_permit_print_json(FILE *out)
{
	mdi_permit_settle();
	mdi_runtime_lock();
	if (mdi_permit_begun())
		add_up();
	fprintf(out,
		"{\"version\":1,\"accesses\":%" PRIu64 ",\"elsewhere\":%" PRIu64
		",\"places\":[",
		__atomic_load_n(&own->accesses, __ATOMIC_RELAXED), own->lost);
	for (const struct mdi_place *place = own->places; place != NULL;
	     place = place->next) {
		json_place(place, out);
		if (place->next != NULL)
			fputc(',', out);
	}
	fprintf(out, "]}\n");
	mdi_runtime_unlock();
}

/* --- as SARIF: a result for each place that is not known --- */

static void sarif_place(const struct mdi_place *place, FILE *out)
{
	char text[sizeof(place->module) + sizeof(place->what) + 16];
	const struct mdi_report_site site = {
		.at = &place->at,
		.pc = place->pc,
		.text = text,
		.kind = place->kind,
		.key = place->key,
		.count = place->count,
	};

	snprintf(text, sizeof(text), "module \"%s\" %s", place->module,
		 place->what);
	mdi_report_sarif_site(&site, out);
}

static void print_sarif(FILE *out)
{
	const char *comma = "";

	mdi_permit_settle();
	mdi_runtime_lock();
	if (mdi_permit_begun())
		add_up();
	mdi_report_sarif_begin("", out);
	for (const struct mdi_place *place = own->places; place != NULL;
	     place = place->next)
		if (!place->known) {
			fputs(comma, out);
			sarif_place(place, out);
			comma = ",";
		}
	mdi_report_sarif_end(out);
	mdi_runtime_unlock();
}

/* What the environment has asked for is made while the names are there. */
char *mdi_permit_last_words(void)
{
	struct mdi_stream stream;
	FILE *out;

	if (!mdi_settings()->permissive || !mdi_permit_begun())
		return NULL;
	out = mdi_stream_open(&stream);
	if (out == NULL)
		return NULL;
	if (mdi_settings()->format == MDI_FORMAT_JSON)
		mdi_permit_print_json(out);
	else if (mdi_settings()->format == MDI_FORMAT_SARIF)
		print_sarif(out);
	else
		mdi_permit_print(out);
	return mdi_stream_close(&stream, out) ? stream.text : NULL;
}
