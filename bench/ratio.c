/* SPDX-License-Identifier: MIT */
#include "ratio.h"

static const struct {
	const char *name;
	enum worker_place place;
	const char *row;
	const char *base_row;
} wanted[] = {
	{"mprotect: gate to another module / the raw mprotect calls it "
	 "cannot avoid",
	 PLACE_MPROTECT, ROW_ALTERNATE, ROW_SWITCH},
	{"mprotect: gate to another module / those calls where a module has a "
	 "guard page inside",
	 PLACE_MPROTECT, ROW_ALTERNATE, ROW_SWITCH_GUARD},
	{"mprotect: gate to another module / those calls, other CPU busy",
	 PLACE_MPROTECT, ROW_ALTERNATE_BUSY, ROW_SWITCH_BUSY},
	{"mprotect: gate with a guarded host region / raw mprotect pair",
	 PLACE_MPROTECT, ROW_GUARDED, ROW_MPROTECT},
	{"mprotect: gate to another module / pipe round trip", PLACE_MPROTECT,
	 ROW_ALTERNATE, ROW_PIPE},
	{"mprotect: gate to the same module / getpid", PLACE_MPROTECT,
	 ROW_THUNK, ROW_GETPID},
	{"mprotect: fault / sigsetjmp+SIGSEGV+siglongjmp", PLACE_MPROTECT,
	 ROW_FAULT, ROW_RECOVER},
	{"pkey: gate / getpid", PLACE_PKEY, ROW_THUNK, ROW_GETPID},
	{"pkey: gate / raw mprotect pair", PLACE_PKEY, ROW_THUNK, ROW_MPROTECT},
	{"pkey: fault / sigsetjmp+SIGSEGV+siglongjmp", PLACE_PKEY, ROW_FAULT,
	 ROW_RECOVER},
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
		below = measure_find(plan, PLACE_BASE, wanted[i].base_row);
		if (above == NULL || below == NULL || number(plan, below) <= 0)
			continue;
		ratios[count].name = wanted[i].name;
		ratios[count++].value =
			number(plan, above) / number(plan, below);
	}
	return count;
}
