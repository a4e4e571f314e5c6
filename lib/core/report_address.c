/* SPDX-License-Identifier: MIT */
/* The address of a fault, in words: what is there, and what lies beside it. */
#include "core/report.h"

#include "core/state.h"
#include "os/guard.h"

#include <inttypes.h>

/* "region "store" (4096 bytes) of module "filter0"" */
static void print_neighbour(const struct modiso_fault_beside *beside, FILE *out)
{
	fprintf(out, "region ");
	mdi_report_quoted(beside->name, out);
	fprintf(out, " (%zu bytes) of ", beside->length);
	mdi_report_owner(beside->owner_id, beside->owner_name, out);
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
	fprintf(out, MDI_REPORT_MORE);
	if (turn)
		print_below(f, out);
	else
		print_above(f, out);
}

/* Of an image, and left out of its module by the loader. */
static bool print_left_out(uintptr_t address, FILE *out)
{
	const struct mdi_report_state *own = &mdi_core_state.report;
	struct mdi_report_place place = {.left_out = false};

	if (own->image == NULL || !own->image(address, &place) ||
	    !place.left_out)
		return false;
	fprintf(out, ", in no region: the headers of ");
	mdi_report_name(place.file, out);
	fprintf(out, ", which MODISO_IMAGE_HEADERS would leave readable");
	return true;
}

static void print_nowhere(const struct mdi_report *report, FILE *out)
{
	const struct modiso_fault *f = &report->fault;

	if (print_left_out(f->address, out))
		return;
	if (f->overrun == MODISO_OVERRUN_NONE)
		fprintf(out, ", in no region");
	if (report->memory[0] != '\0') {
		fprintf(out, ": ");
		mdi_report_name(report->memory, out);
	}
	if (f->below.length == 0 && f->above.length == 0)
		return;
	fprintf(out,
		f->overrun == MODISO_OVERRUN_NONE ? MDI_REPORT_MORE : ", ");
	print_beside(f, out);
}

/* A stack's region has its guard page at the beginning. */
static bool print_guard(const struct modiso_fault *f, FILE *out)
{
	if (f->kind != MODISO_FAULT_STACK || f->owner_id != f->module_id ||
	    f->region_offset >= MDI_GUARD_SIZE ||
	    f->region_length <= MDI_GUARD_SIZE)
		return false;
	fprintf(out, ", in the guard page below its stack of %zu bytes",
		f->region_length - MDI_GUARD_SIZE);
	return true;
}

static void print_region(const struct modiso_fault *f, FILE *out)
{
	if (print_guard(f, out))
		return;
	/* A guard page of the stack's is the end of what lies in front. */
	if (f->overrun == MODISO_OVERRUN_PAST && f->owner_id == f->module_id) {
		fprintf(out, ", ");
		print_beside(f, out);
		return;
	}
	fprintf(out, ", region ");
	mdi_report_quoted(f->region_name, out);
	fprintf(out, " + %#zx of %zu bytes, owner ", f->region_offset,
		f->region_length);
	mdi_report_owner(f->owner_id, f->owner_name, out);
	if (f->overrun == MODISO_OVERRUN_NONE || f->kind == MODISO_FAULT_STACK)
		return;
	fprintf(out, MDI_REPORT_MORE);
	print_beside(f, out);
}

void mdi_report_address(const struct mdi_report *report, FILE *out)
{
	const struct modiso_fault *f = &report->fault;

	if (f->signo == 0 || (f->access == 0 && f->address == 0))
		return;
	fprintf(out, "  address    %#" PRIxPTR, f->address);
	if (f->access != 0)
		fprintf(out, " (%s)", mdi_report_access_name(f->access));
	if (f->region_length != 0)
		print_region(f, out);
	else
		print_nowhere(report, out);
	fputc('\n', out);
}
