/* SPDX-License-Identifier: MIT */
/* What is looked up for a report: frames, the culprit among them, the key. */
#include "core/report.h"

#include "base/error.h"
#include "base/settings.h"
#include "core/disassemble.h"
#include "core/lines.h"
#include "core/record.h"
#include "core/sizes.h"
#include "os/objects.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* The call, not what comes behind it. */
static void look_up(struct mdi_lines *lines, struct mdi_report_frame *frame)
{
	mdi_report_find(lines, frame->pc - frame->behind, &frame->place);
	frame->place.function_offset += frame->behind;
	frame->place.file_offset += frame->behind;
}

/* --- the module's --- */

/* The door that abort() has led to is no place to look at. */
static void find_module(struct mdi_report *report, struct mdi_lines *lines)
{
	const struct modiso_fault *fault = &report->fault;
	uint32_t count = fault->frame_count;
	bool called = mdi_record_at_service(fault);

	if (count > MODISO_FAULT_FRAMES)
		count = MODISO_FAULT_FRAMES;
	for (uint32_t i = 0; i < count; i++) {
		struct mdi_report_frame *frame =
			&report->module[report->module_count];

		frame->pc = fault->frames[i];
		frame->behind = i != 0 || called;
		look_up(lines, frame);
		if (report->module_count != 0 || !frame->place.own)
			report->module_count++;
	}
	if (count != 0 || fault->pc == 0)
		return;
	report->module[0].pc = fault->pc;
	look_up(lines, &report->module[0]);
	report->module_count = 1;
}

/* Who has called a function of the C library, or that one when nobody has. */
static void find_culprit(struct mdi_report *report)
{
	for (unsigned i = 0; i < report->module_count; i++)
		if (!report->module[i].place.system &&
		    report->module[i].place.file[0] != '\0') {
			report->culprit = &report->module[i];
			return;
		}
	if (report->module_count != 0)
		report->culprit = &report->module[0];
}

/* --- the host's --- */

/* What calls main(), or a thread's function. */
static bool is_start(const struct mdi_report_frame *frame)
{
	return frame->place.system || mdi_object_begins(frame->pc) ||
	       strncmp(frame->place.function, "__libc_start_", 13) == 0 ||
	       strcmp(frame->place.function, "start_thread") == 0 ||
	       strncmp(frame->place.function, "clone", 5) == 0;
}

/* Which of the calls of the fault this return address is of. */
struct sites {
	const struct modiso_fault *fault;
	uint32_t count, next; /* of calls; those before were met */
	bool served; /* of the next one the call of the service was met */
	/* Met, and the library's own frame: the next one is its caller's. */
	const struct modiso_fault_call *entered;
};

static void mark(struct sites *sites, struct mdi_report_frame *frame)
{
	const struct modiso_fault_call *call;

	if (sites->next >= sites->count)
		return;
	call = &sites->fault->calls[sites->next];
	if (frame->pc == call->service_pc) {
		frame->served = call;
		sites->served = true;
	}
	if (frame->pc == call->host_pc) {
		sites->entered = call;
		sites->next++;
		sites->served = false;
	}
}

/* Own frames count where nothing else is known. */
static void add_host(struct mdi_report *report, struct mdi_lines *lines,
		     struct sites *sites, uintptr_t pc)
{
	struct mdi_report_frame *frame = &report->host[report->host_count];

	memset(frame, 0, sizeof(*frame));
	frame->pc = pc;
	frame->behind = 1;
	look_up(lines, frame);
	mark(sites, frame);
	if (frame->place.own)
		return;
	frame->entered = sites->entered;
	sites->entered = NULL;
	report->host_count++;
}

/* The unwinder has not come so far: what is known all the same. */
static void add_rest(struct mdi_report *report, struct mdi_lines *lines,
		     struct sites *sites)
{
	const struct modiso_fault_call *calls = sites->fault->calls;
	uint32_t i;

	for (i = sites->next; i < sites->count; i = sites->next) {
		if (calls[i].service_pc != 0 && !sites->served)
			add_host(report, lines, sites, calls[i].service_pc);
		sites->next = i;
		add_host(report, lines, sites, calls[i].host_pc);
		sites->next = i + 1;
	}
}

static void find_host(struct mdi_report *report, struct mdi_lines *lines)
{
	struct sites sites = {.fault = &report->fault, .next = 1};
	uintptr_t pcs[MDI_HOST_FRAMES];
	unsigned count = mdi_host_frames(&report->fault, pcs);

	sites.count = report->fault.call_count;
	if (sites.count > MODISO_FAULT_CALLS)
		sites.count = MODISO_FAULT_CALLS;
	for (unsigned i = 0; i < count; i++)
		add_host(report, lines, &sites, pcs[i]);
	for (unsigned n = report->host_count; n > 0; n--)
		if (!is_start(&report->host[n - 1])) {
			report->host_count = n;
			break;
		}
	report->host_all = mdi_host_frames_all(count);
	add_rest(report, lines, &sites);
}

/* --- the key --- */

static void hash(uint64_t *key, const void *bytes, size_t length)
{
	const unsigned char *byte = bytes;

	while (length-- > 0) /* FNV-1a */
		*key = (*key ^ *byte++) * 0x100000001b3u;
}

/* By name where there is one: it stays when other code is compiled anew. */
static void hash_frame(uint64_t *key, const struct mdi_report_place *place)
{
	uintptr_t offset = place->file_offset;

	hash(key, base_name(place->file), strlen(base_name(place->file)) + 1);
	if (place->function[0] != '\0')
		hash(key, place->function, strlen(place->function) + 1);
	else
		hash(key, &offset, sizeof(offset));
}

/*
 * Where in its function, as two mistakes can be in one: by the line, counted
 * from the function's first, since a line may be several instructions. So it
 * stays when other functions change.
 */
static void hash_spot(uint64_t *key, struct mdi_lines *lines,
		      const struct mdi_report_frame *frame)
{
	uintptr_t spot = frame->place.function_offset;
	struct mdi_report_place first;

	if (frame->place.function[0] == '\0')
		return;
	mdi_report_find(lines, frame->pc - spot, &first);
	if (frame->place.line != 0 && first.line != 0)
		spot = (uintptr_t)frame->place.line - first.line;
	hash(key, &spot, sizeof(spot));
}

/* Frames that tell two mistakes of one kind apart. */
#define KEY_FRAMES 3

/*
 * What was done, and from where: no address, no number, no name of a region or
 * module, as programs make these from counters.
 */
static void find_key(struct mdi_report *report, struct mdi_lines *lines)
{
	const struct modiso_fault *fault = &report->fault;
	unsigned used = 0;

	report->key = 0xcbf29ce484222325u;
	hash(&report->key, &fault->kind, sizeof(fault->kind));
	hash(&report->key, &fault->access, sizeof(fault->access));
	hash(&report->key, &fault->overrun, sizeof(fault->overrun));
	for (unsigned i = 0; i < report->module_count && used < KEY_FRAMES; i++)
		if (&report->module[i] >= report->culprit) {
			hash_frame(&report->key, &report->module[i].place);
			used++;
		}
	if (report->culprit != NULL)
		hash_spot(&report->key, lines, report->culprit);
}

/* --- all of it --- */

static void find_memory(struct mdi_report *report, struct mdi_lines *lines)
{
	const struct modiso_fault *fault = &report->fault;

	if (fault->region_length == 0 && fault->access != 0 &&
	    fault->overrun == MODISO_OVERRUN_NONE)
		mdi_report_memory(lines, fault->address, report->memory,
				  sizeof(report->memory));
}

/* The bytes are those at pc: of an abort(), the door's, which say nothing. */
static void find_assembly(struct mdi_report *report)
{
	struct modiso_fault *fault = &report->fault;

	if (report->module_count == 0 || report->module[0].pc != fault->pc) {
		fault->instruction_length = 0;
		return;
	}
	if (fault->instruction_length > sizeof(fault->instruction))
		return;
	if (mdi_disassemble(fault->instruction, fault->instruction_length,
			    fault->pc, report->assembly,
			    sizeof(report->assembly)) ||
	    !mdi_settings()->objdump)
		return;
	(void)mdi_disassemble_objdump(
		fault->instruction, fault->instruction_length, fault->pc,
		report->assembly, sizeof(report->assembly));
}

int mdi_report_begin(const struct modiso_fault *fault, const FILE *stream,
		     struct mdi_report **out)
{
	uint32_t size = fault != NULL ? fault->struct_size : 0;
	struct mdi_lines lines = {NULL};
	struct mdi_report *report;

	if (size < MDI_SIZE_FAULT || stream == NULL ||
	    fault->kind == MODISO_FAULT_NONE)
		return mdi_fail(MODISO_ERR_INVAL,
				"no fault record, or no stream");
	report = calloc(1, sizeof(*report));
	if (report == NULL)
		return mdi_fail_memory("a report of %zu bytes",
				       sizeof(*report));
	if (size > sizeof(report->fault))
		size = sizeof(report->fault);
	memcpy(&report->fault, fault, size);
	mdi_report_place_it(report, &lines);
	find_host(report, &lines);
	find_memory(report, &lines);
	find_assembly(report);
	mdi_lines_end(&lines);
	*out = report;
	return 0;
}

void mdi_report_place_it(struct mdi_report *report, struct mdi_lines *lines)
{
	find_module(report, lines);
	find_culprit(report);
	find_key(report, lines);
}

int mdi_report_end(struct mdi_report *report, FILE *stream, int saved_errno)
{
	free(report);
	if (ferror(stream) || fflush(stream) != 0)
		return mdi_fail_os("fprintf", "a fault report");
	errno = saved_errno;
	return 0;
}
