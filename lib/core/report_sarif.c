/* SPDX-License-Identifier: MIT */
/*
 * A fault as a SARIF 2.1.0 log with one result, or places of permissive modules
 * with one for each: what continuous integration shows beside the line.
 */
#include "core/report.h"

#include "core/json.h"
#include "os/stream.h"

#include <modiso/version.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* A path as a URI: RFC 3986, what is no plain character by its bytes. */
static void print_uri(const char *path, FILE *out)
{
	fputs(path[0] == '/' ? "\"file://" : "\"", out);
	for (; *path != '\0'; path++)
		if (isalnum((unsigned char)*path) ||
		    strchr("/-._~", *path) != NULL)
			fputc(*path, out);
		else
			fprintf(out, "%%%02X", (unsigned char)*path);
	fputc('"', out);
}

static void print_location(const struct mdi_report_place *place,
			   uintptr_t address, FILE *out)
{
	const char *path = place->line != 0         ? place->source
			   : place->path[0] != '\0' ? place->path
						    : place->file;

	fprintf(out,
		"{\"physicalLocation\":{\"address\":"
		"{\"absoluteAddress\":%" PRIuPTR "}",
		address);
	if (path[0] != '\0') {
		fprintf(out, ",\"artifactLocation\":{\"uri\":");
		print_uri(path, out);
		fputc('}', out);
	}
	if (place->line != 0)
		fprintf(out, ",\"region\":{\"startLine\":%u}", place->line);
	fputc('}', out);
	if (place->function[0] != '\0') {
		fprintf(out, ",\"logicalLocations\":[{\"kind\":\"function\","
			     "\"name\":");
		mdi_json_string(place->function, out);
		fprintf(out, "}]");
	}
	fputc('}', out);
}

static void print_frames(const struct mdi_report_frame *frames, unsigned count,
			 bool more, FILE *out)
{
	for (unsigned i = 0; i < count; i++) {
		fprintf(out, "%s{\"location\":", i != 0 || more ? "," : "");
		print_location(&frames[i].place,
			       frames[i].pc - frames[i].behind, out);
		if (frames[i].place.file[0] != '\0') {
			fprintf(out, ",\"module\":");
			mdi_json_string(frames[i].place.file, out);
		}
		fputc('}', out);
	}
}

/* "module "parser" wrote past the end of its region "store"" */
static char *sentence(const struct modiso_fault *fault)
{
	struct mdi_stream stream;
	FILE *memory = mdi_stream_open(&stream);

	if (memory == NULL)
		return NULL;
	fprintf(memory, "module ");
	mdi_report_quoted(fault->module_name, memory);
	fputc(' ', memory);
	mdi_report_verdict(fault, memory);
	return mdi_stream_close(&stream, memory) ? stream.text : NULL;
}

static void print_result(const struct mdi_report *report, FILE *out)
{
	char *text = sentence(&report->fault);

	fprintf(out,
		"{\"ruleId\":\"modiso/%s\",\"ruleIndex\":0,"
		"\"level\":\"%s\",\"message\":{\"text\":",
		modiso_fault_kind_name(report->fault.kind),
		report->fault.permitted ? "warning" : "error");
	mdi_json_string(text != NULL ? text : "a module faulted", out);
	free(text);
	fprintf(out, "},\"locations\":[");
	if (report->culprit != NULL)
		print_location(&report->culprit->place,
			       report->culprit->pc - report->culprit->behind,
			       out);
	fprintf(out, "],\"stacks\":[{\"frames\":[");
	print_frames(report->module, report->module_count, false, out);
	print_frames(report->host, report->host_count,
		     report->module_count != 0, out);
	fprintf(out,
		"]}],\"partialFingerprints\":{\"modisoFault/v1\":"
		"\"%016" PRIx64 "\"}}",
		report->key);
}

void mdi_report_sarif_begin(const char *rules, FILE *out)
{
	fprintf(out,
		"{\"version\":\"2.1.0\",\"runs\":[{"
		"\"tool\":{\"driver\":{\"name\":\"libmodiso\","
		"\"version\":\"%s\"%s}},\"results\":[",
		MODISO_VERSION_STRING, rules);
}

void mdi_report_sarif_end(FILE *out)
{
	fprintf(out, "]}]}\n");
}

void mdi_report_sarif_site(const struct mdi_report_site *site, FILE *out)
{
	fprintf(out,
		"{\"ruleId\":\"modiso/%s\",\"level\":\"warning\","
		"\"occurrenceCount\":%" PRIu64 ",\"message\":{\"text\":",
		modiso_fault_kind_name(site->kind), site->count);
	mdi_json_string(site->text, out);
	fprintf(out, "},\"locations\":[");
	print_location(site->at, site->pc, out);
	fprintf(out,
		"],\"partialFingerprints\":{\"modisoFault/v1\":"
		"\"%016" PRIx64 "\"}}",
		site->key);
}

int modiso_fault_print_sarif(const struct modiso_fault *fault, FILE *out)
{
	struct mdi_report *report;
	int saved = errno, result = mdi_report_begin(fault, out, &report);
	char rules[64];

	if (result != 0)
		return result;
	snprintf(rules, sizeof(rules), ",\"rules\":[{\"id\":\"modiso/%s\"}]",
		 modiso_fault_kind_name(report->fault.kind));
	mdi_report_sarif_begin(rules, out);
	print_result(report, out);
	mdi_report_sarif_end(out);
	return mdi_report_end(report, out, saved);
}
