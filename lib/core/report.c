/* SPDX-License-Identifier: MIT */
/* A fault in words, and in one line. */
#include "core/report.h"

#include "arch/arch.h"
#include "core/lines.h"
#include "core/recorder.h"
#include "core/state.h"
#include "os/event.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

static const char *const kinds[] = {
	[MODISO_FAULT_NONE] = "none",
	[MODISO_FAULT_ACCESS] = "access",
	[MODISO_FAULT_STACK] = "stack",
	[MODISO_FAULT_UNMAPPED] = "unmapped",
	[MODISO_FAULT_BUS] = "bus",
	[MODISO_FAULT_ILLEGAL] = "illegal",
	[MODISO_FAULT_ARITHMETIC] = "arithmetic",
	[MODISO_FAULT_TRAP] = "trap",
	[MODISO_FAULT_PRIVILEGED] = "privileged",
	[MODISO_FAULT_SYSCALL] = "syscall",
	[MODISO_FAULT_SERVICE] = "service",
	[MODISO_FAULT_GATE] = "gate",
	[MODISO_FAULT_EXCEPTION] = "exception",
	[MODISO_FAULT_EXIT] = "exit",
	[MODISO_FAULT_ABORT] = "abort",
	[MODISO_FAULT_JUMP] = "jump",
	[MODISO_FAULT_TIMEOUT] = "timeout",
};

const char *modiso_fault_kind_name(uint32_t kind)
{
	return kind < MDI_COUNT(kinds) ? kinds[kind] : "unknown";
}

/* What a service was called with, or would have been. */
static void print_words(const struct modiso_fault *f, FILE *out)
{
	if (f->service_words == 0)
		return;
	for (unsigned i = 0; i < mdi_report_words(f); i++)
		fprintf(out, "%s%#" PRIxPTR,
			i == 0 ? "  arguments  " : ", ", f->syscall_args[i]);
	if (f->kind != MODISO_FAULT_SERVICE && f->call_count > 1) {
		fprintf(out, MDI_REPORT_MORE "of service ");
		mdi_report_quoted(f->calls[1].service_name, out);
	}
	fprintf(out, "; the service may take fewer%s\n",
		mdi_report_words(f) < MDI_COUNT(f->syscall_args) ?
			", or more that are not known" :
			"");
}

/* --- frames --- */

static void print_spot(const char *name, uintptr_t offset, FILE *out)
{
	if (name[0] == '\0')
		return;
	fprintf(out, ", ");
	mdi_report_name(name, out);
	fprintf(out, " + %#" PRIxPTR, offset);
}

static void print_frame(const char *label, const struct mdi_report_frame *frame,
			FILE *out)
{
	const struct mdi_report_place *place = &frame->place;

	fprintf(out, "%s%#" PRIxPTR, label, frame->pc);
	print_spot(place->function, place->function_offset, out);
	if (place->line != 0) {
		fprintf(out, " at ");
		mdi_report_name(place->source, out);
		fprintf(out, ":%u", place->line);
	}
	print_spot(place->file, place->file_offset, out);
	fputc('\n', out);
}

/* How many frames from the second on are those of one recursion. */
static unsigned same_frames(const struct mdi_report_frame *frames,
			    unsigned count)
{
	unsigned same = 1;

	while (same < count && frames[same].pc == frames[0].pc)
		same++;
	return same;
}

static void print_module(const struct mdi_report *report, FILE *out)
{
	const char *end = mdi_report_frames_end(report->fault.frames_end);
	const struct mdi_report_frame *frames = report->module;
	unsigned count = report->module_count, same;

	for (unsigned i = 0; i < count; i += same) {
		same = same_frames(&frames[i], count - i);
		print_frame(i == 1                  ? "  from       "
			    : i != 0                ? "             "
			    : frames[0].behind != 0 ? "  at         "
						    : "  instruction ",
			    &frames[i], out);
		if (same > 1)
			fprintf(out, "             (%u times more)\n",
				same - 1);
	}
	if (end != NULL)
		fprintf(out, "             (%s)\n", end);
}

/* What of the way that the thread has come begins with a host's frame. */
static void print_way(const struct mdi_report_frame *frame, FILE *out)
{
	if (frame->served != NULL) {
		fprintf(out, "  service    ");
		mdi_report_quoted(frame->served->service_name, out);
		fprintf(out, ", called in module ");
		mdi_report_quoted(frame->served->module_name, out);
		fprintf(out, " by\n");
	}
	if (frame->entered != NULL) {
		fprintf(out, "  gate       into module ");
		mdi_report_quoted(frame->entered->module_name, out);
		fprintf(out, ", called by\n");
	}
}

static void print_host(const struct mdi_report *report, FILE *out)
{
	for (unsigned i = 0; i < report->host_count; i++) {
		print_way(&report->host[i], out);
		print_frame(i == 0 ? "  called by  " : "             ",
			    &report->host[i], out);
	}
	if (!report->host_all)
		fprintf(out,
			"             (its callers are in the report only if "
			"thread %d prints it before this function returns)\n",
			report->fault.thread);
}

/* --- for whom no line was found --- */

/* With the address as the file has it: what every such tool wants. */
static void print_command(const struct mdi_report_frame *frames, unsigned count,
			  FILE *out)
{
	const char *path = "";

	for (unsigned i = 0; i < count; i++) {
		const struct mdi_report_place *place = &frames[i].place;

		if (place->line != 0 || place->path[0] == '\0')
			continue;
		if (strcmp(path, place->path) != 0) {
			fprintf(out, "%s  lines      addr2line -fe '",
				path[0] != '\0' ? "\n" : "");
			mdi_report_name(place->path, out);
			fputc('\'', out);
		}
		path = place->path;
		fprintf(out, " %#" PRIxPTR,
			frames[i].pc - frames[i].behind - place->bias);
	}
	if (path[0] != '\0')
		fputc('\n', out);
}

static void print_commands(const struct mdi_report *report, FILE *out)
{
	if (mdi_lines_there())
		return;
	print_command(report->module, report->module_count, out);
	print_command(report->host, report->host_count, out);
}

/* The same where the instruction has no words. */
static void print_objdump(const struct mdi_report_frame *frame, FILE *out)
{
	uintptr_t at = frame->pc - frame->place.bias;

	if (frame->place.path[0] == '\0' || frame->behind != 0)
		return;
	fprintf(out,
		"  assembly   objdump -d --start-address=%#" PRIxPTR
		" --stop-address=%#" PRIxPTR " '",
		at, at + 16);
	mdi_report_name(frame->place.path, out);
	fprintf(out, "'\n");
}

/* --- the machine --- */

/*
 * All that the rights say: a module has few keys, and the others are closed.
 * Without keys there are no rights of that kind; a module never has all.
 */
static void print_keys(const struct modiso_fault *f, FILE *out)
{
	const char *role;

	if (f->pkru == 0)
		return;
	fprintf(out, "  rights     ");
	for (int key = 0; key < MDI_RIGHTS_KEYS; key++) {
		if (!mdi_rights_opened(f->pkru, 1u << key))
			continue;
		role = mdi_report_key_role(key);
		fprintf(out, "key %d%s%s: %s" MDI_REPORT_MORE, key,
			role[0] != '\0' ? ", " : "", role,
			mdi_rights_words(f->pkru, key));
	}
	fprintf(out, "all other keys: no access\n");
}

static void print_signal(const struct modiso_fault *f, FILE *out)
{
	const char *code = mdi_event_code_name(f->signo, f->code);

	if (f->signo == 0)
		return;
	fprintf(out, "  signal     SIG%s, code %d", mdi_event_name(f->signo),
		f->code);
	if (code[0] != '\0')
		fprintf(out, " (%s)", code);
	fputc('\n', out);
	if (f->pkey < 0)
		return;
	fprintf(out, "  key        %d", f->pkey);
	if (mdi_report_key_role(f->pkey)[0] != '\0')
		fprintf(out, ", %s", mdi_report_key_role(f->pkey));
	fprintf(out, ": %s (" MDI_RIGHTS_NAME " %#x)\n",
		mdi_rights_words(f->pkru, f->pkey), f->pkru);
	print_keys(f, out);
}

static void print_registers(const struct modiso_fault *f, FILE *out)
{
	if (f->signo == 0)
		return;
	for (unsigned i = 0; i < MDI_COUNT(f->registers); i++)
		fprintf(out, "%s%-6s %016" PRIxPTR,
			i == 0       ? "  registers  "
			: i % 3 == 0 ? MDI_REPORT_MORE
				     : "  ",
			mdi_register_name(i), f->registers[i]);
	fputc('\n', out);
}

static void print_bytes(const struct mdi_report *report, FILE *out)
{
	const struct modiso_fault *f = &report->fault;

	if (f->instruction_length == 0 ||
	    f->instruction_length > sizeof(f->instruction))
		return;
	fprintf(out, "  code      ");
	for (uint32_t i = 0; i < f->instruction_length; i++)
		fprintf(out, " %02x", f->instruction[i]);
	fputc('\n', out);
	if (report->assembly[0] != '\0')
		fprintf(out, "  assembly   %s\n", report->assembly);
	else
		print_objdump(&report->module[0], out);
}

static void print_thread(const struct modiso_fault *f, FILE *out)
{
	uint32_t count = f->call_count;

	fprintf(out, "  thread     %d, in module ", f->thread);
	mdi_report_quoted(f->module_name, out);
	fprintf(out, " (id %" PRIu64 "), %u gate%s deep\n", f->module_id,
		f->depth, f->depth == 1 ? "" : "s");
	if (count < 2 || count > MODISO_FAULT_CALLS)
		return;
	fprintf(out, "  gates      %s", f->depth > count ? "... into " : "");
	for (uint32_t i = count; i-- > 0;) {
		const struct modiso_fault_call *call = &f->calls[i];

		mdi_report_quoted(call->module_name, out);
		if (i == 0)
			break;
		if (call->service_name[0] != '\0') {
			fprintf(out, ", its service ");
			mdi_report_quoted(call->service_name, out);
			fprintf(out, " (%#" PRIxPTR ", ...)",
				call->service_request);
		} else {
			fprintf(out, ", interrupted by a signal handler");
		}
		fprintf(out, ", into ");
	}
	fputc('\n', out);
}

/* "gate work of module "uart", 3.200 us before, for 0.170 us" */
static void print_past(const struct modiso_fault *f, FILE *out)
{
	static const char *const words[] = {
		[MODISO_RECORD_CALL] = "",
		[MODISO_RECORD_ENDED] = ", ended by a fault or a jump",
		[MODISO_RECORD_MISS] = ", without a protection key at first",
		[MODISO_RECORD_WAIT] = ", waited for others",
	};
	struct mdi_past past[MDI_PAST];
	unsigned count = mdi_recorder_past(f, past);

	for (unsigned i = 0; i < count; i++) {
		fprintf(out, "%s%s ",
			i == 0 ? "  before     " : "             ",
			past[i].of);
		mdi_report_quoted(past[i].name, out);
		if (past[i].module_name[0] != '\0') {
			fprintf(out, " of module ");
			mdi_report_quoted(past[i].module_name, out);
		}
		fprintf(out, ", %.3f us before, for %.3f us%s\n",
			(double)past[i].before_ns / 1e3,
			(double)past[i].length_ns / 1e3,
			past[i].kind < MDI_COUNT(words) ? words[past[i].kind] :
							  "");
	}
}

int modiso_fault_print(const struct modiso_fault *fault, FILE *out)
{
	struct mdi_report *report;
	int saved = errno, result = mdi_report_begin(fault, out, &report);
	const struct modiso_fault *f;

	if (result != 0)
		return result;
	f = &report->fault;
	fprintf(out, "%s %" PRIu64 ": module ",
		f->permitted ? "let pass" : "fault", f->number);
	mdi_report_quoted(f->module_name, out);
	fputc(' ', out);
	mdi_report_verdict(f, out);
	fputc('\n', out);
	mdi_report_address(report, out);
	print_module(report, out);
	print_host(report, out);
	print_words(&report->fault, out);
	print_commands(report, out);
	print_thread(f, out);
	print_past(f, out);
	print_signal(f, out);
	if (f->retries != 0)
		fprintf(out, "  tried again %" PRIu32 " times\n", f->retries);
	print_bytes(report, out);
	print_registers(f, out);
	if (mdi_report_hint(f) != NULL)
		fprintf(out, "  hint       %s\n", mdi_report_hint(f));
	return mdi_report_end(report, out, saved);
}

int modiso_fault_print_summary(const struct modiso_fault *fault, FILE *out)
{
	struct mdi_report *report;
	int saved = errno, result = mdi_report_begin(fault, out, &report);
	const struct mdi_report_place *place;

	if (result != 0)
		return result;
	fprintf(out, "SUMMARY: libmodiso: module ");
	mdi_report_quoted(report->fault.module_name, out);
	fputc(' ', out);
	mdi_report_verdict(&report->fault, out);
	if (report->culprit != NULL) {
		place = &report->culprit->place;
		fprintf(out, ", ");
		mdi_report_name(place->line != 0 ? place->source : place->file,
				out);
		if (place->line != 0)
			fprintf(out, ":%u", place->line);
		else
			fprintf(out, " + %#" PRIxPTR, place->file_offset);
		if (place->function[0] != '\0') {
			fprintf(out, " in ");
			mdi_report_name(place->function, out);
		}
	}
	fprintf(out, " (%s, key %016" PRIx64 ")\n",
		modiso_fault_kind_name(report->fault.kind), report->key);
	return mdi_report_end(report, out, saved);
}
