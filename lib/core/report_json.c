/* SPDX-License-Identifier: MIT */
/* A fault as one JSON object on one line: doc/fault.schema.json. */
#include "core/report.h"

#include "arch/arch.h"
#include "core/call_names.h"
#include "core/json.h"
#include "core/recorder.h"
#include "os/event.h"

#include <errno.h>
#include <inttypes.h>

/* Of the schema. A field that is added leaves it; any other change does not. */
#define SCHEMA 1

static void json_text(const char *name, const char *text, FILE *out)
{
	fprintf(out, ",\"%s\":", name);
	mdi_json_string(text, out);
}

static void json_region(const struct modiso_fault *f, FILE *out)
{
	if (f->region_length == 0) {
		fprintf(out, ",\"region\":null");
		return;
	}
	fprintf(out, ",\"region\":{\"name\":");
	mdi_json_string(f->region_name, out);
	fprintf(out,
		",\"base\":\"%#" PRIxPTR "\",\"length\":%zu,\"offset\":%zu,"
		"\"owner\":",
		f->region_base, f->region_length, f->region_offset);
	mdi_json_string(f->owner_name, out);
	fprintf(out, ",\"owner_id\":%" PRIu64 "}", f->owner_id);
}

static void json_neighbour(const char *name,
			   const struct modiso_fault_beside *beside, FILE *out)
{
	if (beside->length == 0) {
		fprintf(out, ",\"%s\":null", name);
		return;
	}
	fprintf(out, ",\"%s\":{\"name\":", name);
	mdi_json_string(beside->name, out);
	fprintf(out,
		",\"base\":\"%#" PRIxPTR "\",\"length\":%zu,"
		"\"distance\":%zu,\"owner\":",
		beside->base, beside->length, beside->distance);
	mdi_json_string(beside->owner_name, out);
	fprintf(out, ",\"owner_id\":%" PRIu64 "}", beside->owner_id);
}

static void json_beside(const struct mdi_report *report, FILE *out)
{
	static const char *const names[] = {"null", "\"past\"", "\"before\""};
	const struct modiso_fault *f = &report->fault;

	json_neighbour("below", &f->below, out);
	json_neighbour("above", &f->above, out);
	fprintf(out, ",\"overrun\":%s",
		f->overrun < MDI_COUNT(names) ? names[f->overrun] : "null");
	json_text("memory", report->memory, out);
}

static void json_place(const struct mdi_report_frame *frame, FILE *out)
{
	const struct mdi_report_place *place = &frame->place;

	fprintf(out, "\"pc\":\"%#" PRIxPTR "\"", frame->pc);
	if (place->function[0] != '\0') {
		json_text("function", place->function, out);
		fprintf(out, ",\"function_offset\":%" PRIuPTR,
			place->function_offset);
	}
	if (place->file[0] != '\0') {
		json_text("file", place->file, out);
		fprintf(out, ",\"file_offset\":%" PRIuPTR, place->file_offset);
	}
	if (place->path[0] != '\0') {
		json_text("path", place->path, out);
		fprintf(out, ",\"address\":\"%#" PRIxPTR "\"",
			frame->pc - frame->behind - place->bias);
	}
	if (place->line != 0) {
		json_text("source", place->source, out);
		fprintf(out, ",\"line\":%u", place->line);
	}
}

static void json_frames(const char *name, const struct mdi_report_frame *frames,
			unsigned count, FILE *out)
{
	fprintf(out, ",\"%s\":[", name);
	for (unsigned i = 0; i < count; i++) {
		fprintf(out, "%s{", i == 0 ? "" : ",");
		json_place(&frames[i], out);
		fputc('}', out);
	}
	fputc(']', out);
}

static void json_stack(const struct mdi_report *report, FILE *out)
{
	static const char *const ends[] = {"none",    "gate",     "limit",
					   "no info", "damaged",  "stack",
					   "lost",    "outermost"};
	uint32_t end = report->fault.frames_end;

	json_frames("frames", report->module, report->module_count, out);
	json_text("frames_end", end < MDI_COUNT(ends) ? ends[end] : "unknown",
		  out);
	if (report->culprit != NULL)
		fprintf(out, ",\"culprit\":%td",
			report->culprit - report->module);
	json_frames("host", report->host, report->host_count, out);
	fprintf(out, ",\"host_all\":%s", report->host_all ? "true" : "false");
}

static void json_words(const uintptr_t *words, unsigned count, FILE *out)
{
	fputc('[', out);
	for (unsigned i = 0; i < count; i++)
		fprintf(out, "%s\"0x%" PRIxPTR "\"", i == 0 ? "" : ",",
			words[i]);
	fputc(']', out);
}

static void json_calls(const struct modiso_fault *f, FILE *out)
{
	uint32_t count = f->call_count;

	if (count > MODISO_FAULT_CALLS)
		count = MODISO_FAULT_CALLS;
	fprintf(out, ",\"gates\":[");
	for (uint32_t i = 0; i < count; i++) {
		fprintf(out, "%s{\"module_id\":%" PRIu64, i == 0 ? "" : ",",
			f->calls[i].module_id);
		json_text("module", f->calls[i].module_name, out);
		json_text("service", f->calls[i].service_name, out);
		fprintf(out, ",\"host_pc\":\"%#" PRIxPTR "\"",
			f->calls[i].host_pc);
		if (f->calls[i].service_pc != 0)
			fprintf(out, ",\"service_pc\":\"%#" PRIxPTR "\"",
				f->calls[i].service_pc);
		if (f->calls[i].service_name[0] != '\0')
			fprintf(out, ",\"service_request\":\"%#" PRIxPTR "\"",
				f->calls[i].service_request);
		if (i == 1 && f->service_words != 0 &&
		    f->kind != MODISO_FAULT_SERVICE) {
			fputs(",\"service_args\":", out);
			json_words(f->syscall_args, mdi_report_words(f), out);
		}
		fputc('}', out);
	}
	fputc(']', out);
}

static void json_past(const struct modiso_fault *f, FILE *out)
{
	static const char *const kinds[] = {
		[MODISO_RECORD_CALL] = "call",
		[MODISO_RECORD_ENDED] = "ended",
		[MODISO_RECORD_MISS] = "miss",
		[MODISO_RECORD_WAIT] = "wait",
	};
	struct mdi_past past[MDI_PAST];
	unsigned count = mdi_recorder_past(f, past);

	fprintf(out, ",\"past\":[");
	for (unsigned i = 0; i < count; i++) {
		fprintf(out,
			"%s{\"before_ns\":%" PRIu64 ",\"length_ns\":%" PRIu64,
			i == 0 ? "" : ",", past[i].before_ns,
			past[i].length_ns);
		json_text("kind",
			  past[i].kind < MDI_COUNT(kinds) ?
				  kinds[past[i].kind] :
				  "unknown",
			  out);
		json_text("of", past[i].of, out);
		json_text("name", past[i].name, out);
		json_text("module", past[i].module_name, out);
		fputc('}', out);
	}
	fputc(']', out);
}

static void json_keys(const struct modiso_fault *f, FILE *out)
{
	fprintf(out, ",\"rights\":[");
	for (int key = 0; f->pkru != 0 && key < MDI_RIGHTS_KEYS; key++) {
		fprintf(out, "%s{\"key\":%d", key == 0 ? "" : ",", key);
		json_text("access", mdi_rights_words(f->pkru, key), out);
		json_text("role", mdi_report_key_role(key), out);
		fputc('}', out);
	}
	fputc(']', out);
}

static void json_machine(const struct modiso_fault *f, FILE *out)
{
	fprintf(out, ",\"signal\":%d,\"code\":%d", f->signo, f->code);
	json_text("code_name", mdi_event_code_name(f->signo, f->code), out);
	fprintf(out, ",\"pkey\":%d,\"pkru\":\"0x%x\"", f->pkey, f->pkru);
	json_keys(f, out);
	fprintf(out, ",\"registers\":{");
	for (unsigned i = 0; i < MDI_COUNT(f->registers); i++)
		fprintf(out, "%s\"%s\":\"0x%" PRIxPTR "\"", i == 0 ? "" : ",",
			mdi_register_name(i), f->registers[i]);
	fprintf(out, "},\"instruction\":\"");
	for (uint32_t i = 0;
	     i < f->instruction_length && i < sizeof(f->instruction); i++)
		fprintf(out, "%02x", f->instruction[i]);
	fprintf(out, "\",\"retries\":%" PRIu32, f->retries);
}

static void json_service(const struct modiso_fault *f, FILE *out)
{
	json_text("service", f->region_name, out);
	fputs(",\"service_args\":", out);
	json_words(f->syscall_args, mdi_report_words(f), out);
}

static void json_call(const struct modiso_fault *f, FILE *out)
{
	char name[MDI_CALL_NAME_SIZE];

	fprintf(out, ",\"syscall\":{\"number\":%" PRIu32, f->syscall_number);
	json_text("arch", mdi_event_call_arch(f->syscall_arch), out);
	if (mdi_call_name(f->syscall_arch, f->syscall_number, name))
		json_text("name", name, out);
	fputs(",\"args\":", out);
	json_words(f->syscall_args, MDI_COUNT(f->syscall_args), out);
	fputc('}', out);
}

int modiso_fault_print_json(const struct modiso_fault *fault, FILE *out)
{
	struct mdi_report *report;
	int saved = errno, result = mdi_report_begin(fault, out, &report);
	const struct modiso_fault *f;

	if (result != 0)
		return result;
	f = &report->fault;
	fprintf(out,
		"{\"version\":%d,\"fault\":%" PRIu64 ",\"time_ns\":%" PRIu64,
		SCHEMA, f->number, f->time_ns);
	json_text("kind", modiso_fault_kind_name(f->kind), out);
	json_text("module", f->module_name, out);
	fprintf(out, ",\"module_id\":%" PRIu64 ",\"thread\":%d,\"depth\":%u",
		f->module_id, f->thread, f->depth);
	json_text("access", mdi_report_access_name(f->access), out);
	fprintf(out, ",\"address\":\"0x%" PRIxPTR "\"", f->address);
	json_region(f, out);
	json_beside(report, out);
	fprintf(out, ",\"pc\":\"0x%" PRIxPTR "\"", f->pc);
	json_stack(report, out);
	json_calls(f, out);
	json_past(f, out);
	if (f->kind == MODISO_FAULT_SERVICE)
		json_service(f, out);
	json_machine(f, out);
	if (f->kind == MODISO_FAULT_SYSCALL && f->syscall_arch != 0)
		json_call(f, out);
	if (report->assembly[0] != '\0')
		json_text("assembly", report->assembly, out);
	if (mdi_report_hint(f) != NULL)
		json_text("hint", mdi_report_hint(f), out);
	fprintf(out, ",\"permitted\":%s", f->permitted ? "true" : "false");
	fprintf(out, ",\"key\":\"%016" PRIx64 "\"}\n", report->key);
	return mdi_report_end(report, out, saved);
}
