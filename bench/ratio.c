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
	{"mprotect: service of a SEALED module, data closed / the raw mprotect "
	 "calls",
	 PLACE_MPROTECT, ROW_CLOSED, PLACE_MPROTECT, ROW_CLOSED_RAW},
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
	{"pkey: getpid of the host on a guarded thread / getpid", PLACE_PKEY,
	 ROW_GUARD_GETPID, PLACE_BASE, ROW_GETPID},
	{"pkey: denied system call / fault", PLACE_PKEY, ROW_GUARD_DENIED,
	 PLACE_PKEY, ROW_FAULT},
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
	{"mprotect: gate to another module, 100 regions each / 1 region",
	 PLACE_MPROTECT, ROW_ALTERNATE_RICH, PLACE_MPROTECT, ROW_ALTERNATE},
	{"pkey: gate with 1000 modules there / with few", PLACE_PKEY,
	 ROW_HIT_1000, PLACE_PKEY, ROW_THUNK},
	{"pkey: 16 modules in turn / the raw calls of a miss", PLACE_PKEY,
	 ROW_TURN_16, PLACE_BASE, ROW_KEYS},
	{"pkey: 1000 modules in turn / the raw calls of a miss", PLACE_PKEY,
	 ROW_TURN_1000, PLACE_BASE, ROW_KEYS},
	{"mprotect: heap block / malloc and free", PLACE_MPROTECT, ROW_HEAP,
	 PLACE_MPROTECT, ROW_HEAP_MALLOC},
	{"pkey: heap block / malloc and free", PLACE_PKEY, ROW_HEAP, PLACE_PKEY,
	 ROW_HEAP_MALLOC},
	{"mprotect: --heap, a block in a module / service", PLACE_MPROTECT,
	 ROW_HEAP_BATCH, PLACE_MPROTECT, ROW_SERVICE},
	{"pkey: --heap, a block in a module / service", PLACE_PKEY,
	 ROW_HEAP_BATCH, PLACE_PKEY, ROW_SERVICE},
	{"mprotect: --heap, a block in a module / without", PLACE_MPROTECT,
	 ROW_HEAP_BATCH, PLACE_MPROTECT, ROW_HEAP_MODULE},
	{"pkey: --heap, a block in a module / without", PLACE_PKEY,
	 ROW_HEAP_BATCH, PLACE_PKEY, ROW_HEAP_MODULE},
	{"mprotect: thread with one call / thread", PLACE_MPROTECT,
	 ROW_THREAD_CALL, PLACE_BASE, ROW_THREAD},
	{"pkey: thread with one call / thread", PLACE_PKEY, ROW_THREAD_CALL,
	 PLACE_BASE, ROW_THREAD},
	{"mprotect: 1000 pages restored / the page faults by themselves",
	 PLACE_MPROTECT, ROW_RESTORE, PLACE_BASE, ROW_RESTORE_RAW},
	{"pkey: 1000 pages restored / the page faults by themselves",
	 PLACE_PKEY, ROW_RESTORE, PLACE_BASE, ROW_RESTORE_RAW},
	{"mprotect: expat in a module / as any library", PLACE_MPROTECT,
	 ROW_PARSER, PLACE_BASE, ROW_PARSER},
	{"pkey: expat in a module / as any library", PLACE_PKEY, ROW_PARSER,
	 PLACE_BASE, ROW_PARSER},
	{"expat in a process / as any library", PLACE_BASE, ROW_PARSER_PROCESS,
	 PLACE_BASE, ROW_PARSER},
	{"mprotect: a simulator's tick / without isolation", PLACE_MPROTECT,
	 ROW_TICK, PLACE_BASE, ROW_TICK},
	{"pkey: a simulator's tick / without isolation", PLACE_PKEY, ROW_TICK,
	 PLACE_BASE, ROW_TICK},
	{"mprotect: the same, 200 devices / without isolation", PLACE_MPROTECT,
	 ROW_TICK_CROWD, PLACE_BASE, ROW_TICK_CROWD},
	{"pkey: the same, 200 devices / without isolation", PLACE_PKEY,
	 ROW_TICK_CROWD, PLACE_BASE, ROW_TICK_CROWD},
	{"mprotect: 1000 modules in turn / two in turn", PLACE_MPROTECT,
	 ROW_TURN_1000, PLACE_MPROTECT, ROW_ALTERNATE},
	{"mprotect: a region of 100,000 / of 100, made and ended",
	 PLACE_MPROTECT, ROW_REGIONS_100000, PLACE_MPROTECT, ROW_REGIONS_100},
	{"pkey: a region of 100,000 / of 100, made and ended", PLACE_PKEY,
	 ROW_REGIONS_100000, PLACE_PKEY, ROW_REGIONS_100},
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
