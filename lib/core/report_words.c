/* SPDX-License-Identifier: MIT */
/* What happened in a fault, in words that every form of a report uses. */
#include "core/report.h"

#include "backend/backend.h"
#include "base/text.h"
#include "core/call_names.h"
#include "core/record.h"
#include "os/event.h"

#include <inttypes.h>
#include <stdio.h>

void mdi_report_name(const char *name, FILE *out)
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

void mdi_report_quoted(const char *name, FILE *out)
{
	fputc('"', out);
	mdi_report_name(name, out);
	fputc('"', out);
}

void mdi_report_owner(uint64_t id, const char *name, FILE *out)
{
	if (id != 0) {
		fprintf(out, "module ");
		mdi_report_quoted(name, out);
	} else {
		fprintf(out, "the ");
		mdi_report_name(name, out);
	}
}

const char *mdi_report_access_name(uint32_t access)
{
	static const char *const names[] = {"", "read", "write", "", "exec"};

	return access < MDI_COUNT(names) ? names[access] : "";
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

static const char *verb_may(uint32_t access)
{
	switch (access) {
	case 1:
		return "read";
	case 2:
		return "write";
	case 4:
		return "execute";
	default:
		return "touch";
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
		mdi_report_quoted(of->name, out);
		return;
	}
	fprintf(out, "region ");
	mdi_report_quoted(of->name, out);
	fprintf(out, " of ");
	mdi_report_owner(of->owner_id, of->owner_name, out);
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
		fprintf(out,
			"%s memory that has no bytes: its file is too "
			"short, or the hardware failed",
			verb(f->access));
	} else if (f->region_length != 0 && f->owner_id == f->module_id) {
		fprintf(out, "%s its region ", verb(f->access));
		mdi_report_quoted(f->region_name, out);
		fprintf(out, ", which it may not %s", verb_may(f->access));
	} else {
		fprintf(out, "%s memory that is not its own", verb(f->access));
	}
}

void mdi_call_print(uint32_t arch, uint32_t number, const uintptr_t args[6],
		    FILE *out)
{
	char name[MDI_CALL_NAME_SIZE];

	fprintf(out, "system call %" PRIu32 " of %s", number,
		mdi_event_call_arch(arch));
	if (mdi_call_name(arch, number, name))
		fprintf(out, ", %s", name);
	for (unsigned i = 0; i < 6; i++)
		fprintf(out, "%s%#" PRIxPTR, i == 0 ? " (" : ", ", args[i]);
	fputc(')', out);
}

static void print_call(const struct modiso_fault *f, FILE *out)
{
	fputs("made ", out);
	mdi_call_print(f->syscall_arch, f->syscall_number, f->syscall_args,
		       out);
	fputs(", which it may not", out);
}

void mdi_report_verdict(const struct modiso_fault *f, FILE *out)
{
	static const char *const words[] = {
		[MODISO_FAULT_STACK] = "ran off the end of its stack",
		[MODISO_FAULT_ILLEGAL] =
			"executed an instruction that does not exist",
		[MODISO_FAULT_ARITHMETIC] =
			"divided by zero or raised an arithmetic trap",
		[MODISO_FAULT_TRAP] = "hit a breakpoint or trap",
		[MODISO_FAULT_PRIVILEGED] =
			"used a privileged instruction or an address that no "
			"program can have",
		[MODISO_FAULT_SYSCALL] =
			"made a system call that is forbidden to it",
		[MODISO_FAULT_GATE] = "returned to its gate with a damaged stack",
		[MODISO_FAULT_EXCEPTION] = "left an exception uncaught",
		[MODISO_FAULT_ABORT] = "aborted",
		[MODISO_FAULT_JUMP] = "jumped to the host's stack",
		[MODISO_FAULT_TIMEOUT] = "ran longer than its time limit",
	};

	if (f->kind == MODISO_FAULT_ACCESS || f->kind == MODISO_FAULT_BUS ||
	    f->kind == MODISO_FAULT_UNMAPPED) {
		print_access(f, out);
	} else if (f->kind == MODISO_FAULT_SERVICE) {
		fprintf(out, "called a service that it may not call: ");
		mdi_report_quoted(f->region_name, out);
	} else if (f->kind == MODISO_FAULT_SYSCALL && f->syscall_arch != 0) {
		print_call(f, out);
	} else if (f->kind == MODISO_FAULT_EXIT) {
		fprintf(out, "asked for the end of the process, status %d",
			f->code);
	} else if (f->kind < MDI_COUNT(words) && words[f->kind] != NULL) {
		fputs(words[f->kind], out);
	} else {
		fprintf(out, "faulted");
	}
	if (f->kind != MODISO_FAULT_SERVICE && mdi_record_at_service(f)) {
		fprintf(out, ", in its call of service ");
		mdi_report_quoted(f->calls[0].service_name, out);
	}
}

/* An address this small is a member of a structure that is not there. */
#define NULL_REACH 65536

static bool is_beside_own(const struct modiso_fault *f)
{
	return (f->below.length != 0 && f->below.owner_id == f->module_id) ||
	       (f->above.length != 0 && f->above.owner_id == f->module_id);
}

static const char *hint_access(const struct modiso_fault *f)
{
	if (f->overrun == MODISO_OVERRUN_PAST)
		return "compare the index or the length with the region's "
		       "length";
	if (f->overrun == MODISO_OVERRUN_BEFORE)
		return "look for an index below 0, or a pointer moved back "
		       "too far";
	if (f->kind == MODISO_FAULT_UNMAPPED && f->address < NULL_REACH)
		return "a null pointer, or a member or element of one";
	if (f->kind == MODISO_FAULT_UNMAPPED)
		return "a pointer that was never set, or to memory that was "
		       "given back";
	if (f->kind == MODISO_FAULT_BUS)
		return "a file that is made shorter takes its mapped pages "
		       "away; sealing it prevents that (F_SEAL_SHRINK)";
	if (f->region_length != 0 && f->owner_id == f->module_id)
		return "modiso_region_protect() changes what its owner may do";
	if (f->region_length != 0)
		return "if the module is meant to do this: grant it the region "
		       "(modiso_region_grant()), or have a service do it";
	if (is_beside_own(f))
		return "an index or a pointer that is far off: the regions "
		       "near it are the module's own";
	return "memory of the host that the module needs must be in a region "
	       "of the module's, or in one that is granted to it";
}

const char *mdi_report_hint(const struct modiso_fault *f)
{
	switch (f->kind) {
	case MODISO_FAULT_ACCESS:
	case MODISO_FAULT_UNMAPPED:
	case MODISO_FAULT_BUS:
		return hint_access(f);
	case MODISO_FAULT_STACK:
		return "a recursion without end, a large local array, or a "
		       "stack too small: modiso_module_options.stack_size";
	case MODISO_FAULT_SERVICE:
		return "if the module may call it: modiso_service_allow()";
	case MODISO_FAULT_PRIVILEGED:
		return "often a pointer that was overwritten: see the "
		       "registers";
	case MODISO_FAULT_GATE:
		return "the module's stack was overwritten where it returns "
		       "to the gate";
	default:
		return NULL;
	}
}

const char *mdi_report_frames_end(uint32_t end)
{
	static const char *const words[] = {
		[MODISO_FRAMES_LIMIT] = "there are more frames",
		[MODISO_FRAMES_NO_INFO] =
			"there is no call-frame information here: this is no code, "
			"or compiled without -fasynchronous-unwind-tables",
		[MODISO_FRAMES_DAMAGED] =
			"the call-frame information of this code makes no "
			"sense",
		[MODISO_FRAMES_STACK] =
			"from here the stack is broken: the next frame would be "
			"below this one, or where the module may not read",
		[MODISO_FRAMES_LOST] =
			"a register that leads to its caller is not known",
	};

	return end < MDI_COUNT(words) ? words[end] : NULL;
}

const char *mdi_report_key_role(int32_t key)
{
	const struct mdi_open_state *open = &mdi_open.state;

	if (key < 0 || mdi_backend_running() == NULL)
		return "";
	if (key == 0)
		return "memory in no region";
	if (key == open->host_key)
		return "guarded host regions, and modules that have no key "
		       "just now";
	if (key == open->open_key)
		return "what modules may read of the library";
	if (key == open->closed_key)
		return "host regions that need a window";
	if (key == open->signal_key)
		return "signal stacks";
	return "a module, or regions that modules share";
}
