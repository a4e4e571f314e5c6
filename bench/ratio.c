/* SPDX-License-Identifier: MIT */
#include "ratio.h"

static const struct {
	const char *name;
	enum worker_place place;
	const char *row;
	enum worker_place base_place;
	const char *base_row;
} wanted[] = {
	{"mprotect: gate to another module / the raw mprotect calls it "
	 "cannot avoid",
	 PLACE_MPROTECT, ROW_ALTERNATE, PLACE_BASE, ROW_SWITCH},
	{"mprotect: gate to another module / those calls where a module has a "
	 "guard page inside",
	 PLACE_MPROTECT, ROW_ALTERNATE, PLACE_BASE, ROW_SWITCH_GUARD},
	{"mprotect: gate to another module / those calls, other CPU busy",
	 PLACE_MPROTECT, ROW_ALTERNATE_BUSY, PLACE_BASE, ROW_SWITCH_BUSY},
	{"mprotect: gate with a guarded host region / the raw mprotect pair "
	 "it cannot avoid",
	 PLACE_MPROTECT, ROW_GUARDED, PLACE_BASE, ROW_MPROTECT},
	{"mprotect: gate to another module / pipe round trip", PLACE_MPROTECT,
	 ROW_ALTERNATE, PLACE_BASE, ROW_PIPE},
	{"mprotect: gate to the same module / getpid", PLACE_MPROTECT,
	 ROW_THUNK, PLACE_BASE, ROW_GETPID},
	{"mprotect: fault / sigsetjmp+SIGSEGV+siglongjmp", PLACE_MPROTECT,
	 ROW_FAULT, PLACE_BASE, ROW_RECOVER},
	{"pkey: gate / getpid", PLACE_PKEY, ROW_THUNK, PLACE_BASE, ROW_GETPID},
	{"pkey: gate / raw mprotect pair", PLACE_PKEY, ROW_THUNK, PLACE_BASE,
	 ROW_MPROTECT},
	{"pkey: fault / sigsetjmp+SIGSEGV+siglongjmp", PLACE_PKEY, ROW_FAULT,
	 PLACE_BASE, ROW_RECOVER},
	{"mprotect: image load / dlopen, a small object", PLACE_MPROTECT,
	 ROW_LOAD_SMALL, PLACE_BASE, ROW_DLOPEN_SMALL},
	{"mprotect: image load / dlopen, one as large as zlib", PLACE_MPROTECT,
	 ROW_LOAD_LARGE, PLACE_BASE, ROW_DLOPEN_LARGE},
	{"mprotect: bound import / service", PLACE_MPROTECT, ROW_IMPORT,
	 PLACE_MPROTECT, ROW_SERVICE},
	{"mprotect: dispatcher / service", PLACE_MPROTECT, ROW_DISPATCH,
	 PLACE_MPROTECT, ROW_SERVICE},
	{"pkey: dispatcher / service", PLACE_PKEY, ROW_DISPATCH, PLACE_PKEY,
	 ROW_SERVICE},
	{"pkey: image load / dlopen, a small object", PLACE_PKEY,
	 ROW_LOAD_SMALL, PLACE_BASE, ROW_DLOPEN_SMALL},
	{"pkey: image load / dlopen, one as large as zlib", PLACE_PKEY,
	 ROW_LOAD_LARGE, PLACE_BASE, ROW_DLOPEN_LARGE},
	{"pkey: bound import / service", PLACE_PKEY, ROW_IMPORT, PLACE_PKEY,
	 ROW_SERVICE},
};

/* A count is exact, so its least is what it is; times have a middle. */
static double number(const struct plan *plan, const struct result *result)
{
	return plan->counting ? result->least : result->median;
}

unsigned ratio_collect(const struct plan *plan, struct ratio ratios[RATIOS_MAX])
{
	const struct result *above, *below;
	unsigned i, count = 0;

	for (i = 0; i < sizeof(wanted) / sizeof(wanted[0]); i++) {
		above = measure_find(plan, wanted[i].place, wanted[i].row);
		below = measure_find(plan, wanted[i].base_place,
				     wanted[i].base_row);
		if (above == NULL || below == NULL || number(plan, below) <= 0)
			continue;
		ratios[count].name = wanted[i].name;
		ratios[count++].value =
			number(plan, above) / number(plan, below);
	}
	return count;
}
