/* SPDX-License-Identifier: MIT */
/* A fault in words, and as JSON. */
#include <modiso/fault.h>

#include "base/error.h"
#include "base/text.h"
#include "core/host_frames.h"
#include "core/json.h"
#include "core/report.h"
#include "core/sizes.h"
#include "core/state.h"
#include "os/linux_maps.h"

#include <dlfcn.h>
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
};

const char *modiso_fault_kind_name(uint32_t kind)
{
	return kind < MDI_COUNT(kinds) ? kinds[kind] : "unknown";
}

static const char *verb(uint32_t access)
{
	switch (access) {
	case 1:
		return "read";
	case 2:
		return "wrote to";
	case 4:
		return "executed";
	default:
		return "touched";
	}
}

static const char *access_name(uint32_t access)
{
	static const char *const names[] = {"", "read", "write", "", "exec"};

	return access < MDI_COUNT(names) ? names[access] : "";
}

static struct mdi_report_state *const own = &mdi_core_state.report;

static void find_place(uintptr_t pc, struct mdi_report_place *place)
{
	Dl_info info;

	memset(place, 0, sizeof(*place));
	if (own->image != NULL && own->image(pc, place) && !place->left_out)
		return;
	memset(place, 0, sizeof(*place)); /* others lie there by now */
	if (!mdi_maps_file(pc, place->file, sizeof(place->file),
			   &place->file_offset))
		place->file[0] = '\0';
	if (dladdr((void *)pc, &info) != 0 && info.dli_sname != NULL) {
		snprintf(place->function, sizeof(place->function), "%s",
			 info.dli_sname);
		place->function_offset = pc - (uintptr_t)info.dli_saddr;
	}
}

/*
 * A name, which may hold anything: no line, no quotation mark and no escape
 * sequence of a terminal gets out of it.
 */
static void print_name(const char *name, FILE *out)
{
	uint32_t code;
	size_t length;

	for (; *name != '\0'; name += length) {
		length = mdi_text_character(name, &code);
		if (length != 0 && (code == '"' || code == '\\')) {
			fprintf(out, "\\%c", (int)code);
		} else if (length != 0 && mdi_text_prints(code)) {
			fwrite(name, 1, length, out);
		} else {
			fprintf(out, "\\x%02x", (unsigned char)*name);
			length = 1;
		}
	}
}

static void print_quoted(const char *name, FILE *out)
{
	fputc('"', out);
	print_name(name, out);
	fputc('"', out);
}

static void print_owner(uint64_t id, const char *name, FILE *out)
{
	if (id != 0) {
		fprintf(out, "module ");
		print_quoted(name, out);
	} else {
		fprintf(out, "the ");
		print_name(name, out);
	}
}

/* "region "store" (4096 bytes) of module "filter0"" */
static void print_neighbour(const struct modiso_fault_beside *beside, FILE *out)
{
	fprintf(out, "region ");
	print_quoted(beside->name, out);
	fprintf(out, " (%zu bytes) of ", beside->length);
	print_owner(beside->owner_id, beside->owner_name, out);
}

static void print_below(const struct modiso_fault *f, FILE *out)
{
	fprintf(out, "%zu bytes past the end of ", f->below.distance);
	print_neighbour(&f->below, out);
}

static void print_above(const struct modiso_fault *f, FILE *out)
{
	fprintf(out, "%zu bytes below ", f->above.distance);
	print_neighbour(&f->above, out);
}

/* The neighbours, the one that was overrun first. */
static void print_beside(const struct modiso_fault *f, FILE *out)
{
	bool below = f->below.length != 0, above = f->above.length != 0;
	bool turn = f->overrun == MODISO_OVERRUN_BEFORE && below && above;

	if (turn || (above && !below))
		print_above(f, out);
	else if (below)
		print_below(f, out);
	if (!below || !above)
		return;
	fprintf(out, "\n             ");
	if (turn)
		print_below(f, out);
	else
		print_above(f, out);
}

static void print_nowhere(const struct modiso_fault *f, FILE *out)
{
	struct mdi_report_place place = {.left_out = false};

	if (f->overrun == MODISO_OVERRUN_NONE)
		fprintf(out, ", in no region");
	if (f->below.length != 0 || f->above.length != 0) {
		fprintf(out, f->overrun == MODISO_OVERRUN_NONE
				     ? "\n             "
				     : ", ");
		print_beside(f, out);
	}
	if (own->image == NULL || !own->image(f->address, &place) ||
	    !place.left_out)
		return;
	fprintf(out, ": the headers of ");
	print_name(place.file, out);
	fprintf(out, ", which MODISO_IMAGE_HEADERS would leave readable");
}

static const char *verb_over(uint32_t access)
{
	switch (access) {
	case 1:
		return "read";
	case 2:
		return "wrote";
	case 4:
		return "executed";
	default:
		return "went";
	}
}

static void print_overrun(const struct modiso_fault *f, FILE *out)
{
	bool past = f->overrun == MODISO_OVERRUN_PAST;
	const struct modiso_fault_beside *of = past ? &f->below : &f->above;

	fprintf(out, "%s %s of ", verb_over(f->access),
		past ? "past the end" : "before the beginning");
	if (of->owner_id == f->module_id) {
		fprintf(out, "its region ");
		print_quoted(of->name, out);
		return;
	}
	fprintf(out, "region ");
	print_quoted(of->name, out);
	fprintf(out, " of ");
	print_owner(of->owner_id, of->owner_name, out);
}

/* An access that was stopped, whatever stopped it. */
static void print_access(const struct modiso_fault *f, FILE *out)
{
	if (f->overrun != MODISO_OVERRUN_NONE) {
		print_overrun(f, out);
	} else if (f->kind == MODISO_FAULT_UNMAPPED) {
		fprintf(out, "%s an address where nothing is mapped",
			verb(f->access));
	} else if (f->kind == MODISO_FAULT_BUS) {
		fprintf(out, "%s memory that has no bytes: its file is too "
			     "short, or the hardware failed",
			verb(f->access));
	} else if (f->region_length != 0 && f->owner_id == f->module_id) {
		fprintf(out, "%s its region ", verb(f->access));
		print_quoted(f->region_name, out);
		fprintf(out, ", which it may not %s",
			f->access == 1   ? "read"
			: f->access == 2 ? "write"
			: f->access == 4 ? "execute"
					 : "touch");
	} else {
		fprintf(out, "%s memory that is not its own", verb(f->access));
	}
}

/* What happened, in one sentence. */
static void print_verdict(const struct modiso_fault *f, FILE *out)
{
	fprintf(out, "module ");
	print_quoted(f->module_name, out);
	fputc(' ', out);
	switch (f->kind) {
	case MODISO_FAULT_ACCESS:
	case MODISO_FAULT_BUS:
	case MODISO_FAULT_UNMAPPED:
		print_access(f, out);
		break;
	case MODISO_FAULT_STACK:
		fprintf(out, "ran off the end of its stack");
		break;
	case MODISO_FAULT_ILLEGAL:
		fprintf(out, "executed an instruction that does not exist");
		break;
	case MODISO_FAULT_ARITHMETIC:
		fprintf(out, "divided by zero or raised an arithmetic trap");
		break;
	case MODISO_FAULT_TRAP:
		fprintf(out, "hit a breakpoint or trap");
		break;
	case MODISO_FAULT_PRIVILEGED:
		fprintf(out, "used a privileged instruction or an address "
			     "that no program can have");
		break;
	case MODISO_FAULT_SYSCALL:
		fprintf(out, "made a system call that is forbidden to it");
		break;
	case MODISO_FAULT_SERVICE:
		fprintf(out, "called a service that it may not call: ");
		print_quoted(f->region_name, out);
		break;
	case MODISO_FAULT_GATE:
		fprintf(out, "came back with its way out damaged");
		break;
	case MODISO_FAULT_EXCEPTION:
		fprintf(out, "left an exception uncaught");
		break;
	case MODISO_FAULT_EXIT:
		fprintf(out, "asked for the end of the process, status %d",
			f->code);
		break;
	case MODISO_FAULT_ABORT:
		fprintf(out, "aborted");
		break;
	case MODISO_FAULT_JUMP:
		fprintf(out, "jumped to the host's stack");
		break;
	default:
		fprintf(out, "faulted");
		break;
	}
	fputc('\n', out);
}

static void print_region(const struct modiso_fault *f, FILE *out)
{
	/* A guard page of the stack's is the end of what lies in front. */
	if (f->overrun == MODISO_OVERRUN_PAST && f->owner_id == f->module_id) {
		fprintf(out, ", ");
		print_beside(f, out);
		return;
	}
	fprintf(out, ", region ");
	print_quoted(f->region_name, out);
	fprintf(out, " + %#zx of %zu bytes, owner ", f->region_offset,
		f->region_length);
	print_owner(f->owner_id, f->owner_name, out);
	if (f->overrun == MODISO_OVERRUN_NONE)
		return;
	fprintf(out, "\n             ");
	print_beside(f, out);
}

static void print_address(const struct modiso_fault *f, FILE *out)
{
	if (f->signo == 0 || (f->access == 0 && f->address == 0))
		return;
	fprintf(out, "  address    %#" PRIxPTR, f->address);
	if (f->access != 0)
		fprintf(out, " (%s)", access_name(f->access));
	if (f->region_length != 0)
		print_region(f, out);
	else
		print_nowhere(f, out);
	fputc('\n', out);
}

static void print_spot(const char *name, uintptr_t offset, FILE *out)
{
	if (name[0] == '\0')
		return;
	fprintf(out, ", ");
	print_name(name, out);
	fprintf(out, " + %#" PRIxPTR, offset);
}

static void print_place(const struct modiso_fault *f, FILE *out)
{
	struct mdi_report_place place;

	if (f->pc == 0)
		return;
	find_place(f->pc, &place);
	fprintf(out, "  instruction %#" PRIxPTR, f->pc);
	print_spot(place.function, place.function_offset, out);
	print_spot(place.file, place.file_offset, out);
	fputc('\n', out);
}

static void print_host(const struct modiso_fault *f, FILE *out)
{
	uintptr_t pcs[MDI_HOST_FRAMES];
	struct mdi_report_place place;
	unsigned count = mdi_host_frames(f, pcs);

	for (unsigned i = 0; i < count; i++) {
		/* The call, not what comes behind it. */
		find_place(pcs[i] - 1, &place);
		fprintf(out, "  %s %#" PRIxPTR,
			i == 0 ? "called by " : "          ", pcs[i]);
		print_spot(place.function, place.function_offset + 1, out);
		print_spot(place.file, place.file_offset + 1, out);
		fputc('\n', out);
	}
}

static int finish(FILE *out, int saved_errno)
{
	if (ferror(out) || fflush(out) != 0)
		return mdi_fail_os("fprintf", "a fault report");
	errno = saved_errno;
	return 0;
}

/* A caller's record, which an older or a newer version can have given it. */
static int take(const struct modiso_fault *fault, const FILE *stream,
		struct modiso_fault *known)
{
	uint32_t size = fault != NULL ? fault->struct_size : 0;

	if (size < MDI_SIZE_FAULT || stream == NULL ||
	    fault->kind == MODISO_FAULT_NONE)
		return mdi_fail(MODISO_ERR_INVAL,
				"no fault record, or no stream");
	memset(known, 0, sizeof(*known));
	memcpy(known, fault, size < sizeof(*known) ? size : sizeof(*known));
	return 0;
}

int modiso_fault_print(const struct modiso_fault *fault, FILE *out)
{
	struct modiso_fault known, *f = &known;
	int saved = errno, result = take(fault, out, f);

	if (result != 0)
		return result;
	fprintf(out, "fault %" PRIu64 ": ", f->number);
	print_verdict(f, out);
	print_address(f, out);
	print_place(f, out);
	fprintf(out, "  thread     %d, in module ", f->thread);
	print_quoted(f->module_name, out);
	fprintf(out, " (id %" PRIu64 "), %u gate%s deep\n", f->module_id,
		f->depth, f->depth == 1 ? "" : "s");
	if (f->signo != 0) {
		fprintf(out, "  signal     SIG%s, code %d",
			sigabbrev_np(f->signo), f->code);
		if (f->pkey >= 0)
			fprintf(out, ", protection key %d, PKRU %#x", f->pkey,
				f->pkru);
		fputc('\n', out);
	}
	if (f->retries != 0)
		fprintf(out, "  tried again %" PRIu32 " times\n", f->retries);
	print_host(f, out);
	return finish(out, saved);
}

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

static void json_beside(const struct modiso_fault *f, FILE *out)
{
	static const char *const names[] = {"null", "\"past\"", "\"before\""};

	json_neighbour("below", &f->below, out);
	json_neighbour("above", &f->above, out);
	fprintf(out, ",\"overrun\":%s",
		f->overrun < MDI_COUNT(names) ? names[f->overrun] : "null");
}

static void json_place(uintptr_t pc, unsigned behind, FILE *out)
{
	struct mdi_report_place place;

	find_place(pc - behind, &place);
	fprintf(out, "\"pc\":\"%#" PRIxPTR "\"", pc);
	if (place.function[0] != '\0') {
		json_text("function", place.function, out);
		fprintf(out, ",\"function_offset\":%" PRIuPTR,
			place.function_offset + behind);
	}
	if (place.file[0] != '\0') {
		json_text("file", place.file, out);
		fprintf(out, ",\"file_offset\":%" PRIuPTR,
			place.file_offset + behind);
	}
}

static void json_host(const struct modiso_fault *f, FILE *out)
{
	uintptr_t pcs[MDI_HOST_FRAMES];
	unsigned count = mdi_host_frames(f, pcs);

	fprintf(out, ",\"host\":[");
	for (unsigned i = 0; i < count; i++) {
		fprintf(out, "%s{", i == 0 ? "" : ",");
		json_place(pcs[i], 1, out);
		fputc('}', out);
	}
	fputc(']', out);
}

int modiso_fault_print_json(const struct modiso_fault *fault, FILE *out)
{
	struct modiso_fault known, *f = &known;
	int saved = errno, result = take(fault, out, f);

	if (result != 0)
		return result;
	fprintf(out, "{\"fault\":%" PRIu64 ",\"time_ns\":%" PRIu64, f->number,
		f->time_ns);
	json_text("kind", modiso_fault_kind_name(f->kind), out);
	json_text("module", f->module_name, out);
	fprintf(out, ",\"module_id\":%" PRIu64 ",\"thread\":%d,\"depth\":%u",
		f->module_id, f->thread, f->depth);
	json_text("access", access_name(f->access), out);
	fprintf(out, ",\"address\":\"%#" PRIxPTR "\"", f->address);
	json_region(f, out);
	json_beside(f, out);
	fputc(',', out);
	json_place(f->pc, 0, out);
	json_host(f, out);
	if (f->kind == MODISO_FAULT_SERVICE)
		json_text("service", f->region_name, out);
	fprintf(out,
		",\"signal\":%d,\"code\":%d,\"pkey\":%d,\"pkru\":\"%#x\","
		"\"retries\":%" PRIu32 "}\n",
		f->signo, f->code, f->pkey, f->pkru, f->retries);
	return finish(out, saved);
}
