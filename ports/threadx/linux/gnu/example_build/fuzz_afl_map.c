/* SPDX-License-Identifier: MIT */
/*
 * fuzz_afl_map.c - the module's counters become part of AFL++'s map, as the
 * places of a library would that this program has loaded. Compiled without
 * AFL++'s compiler, which has variables of these names in each file.
 */
#include "fuzz_afl.h"

#include "fuzz_target.h"

extern uint8_t *__afl_area_ptr;
void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);

/* The map's size is settled before there is a module: as many as may be. */
static uint32_t places[FUZZ_COUNTERS]; /* in the map; 0: left out */

void fuzz_afl_start(void)
{
	__sanitizer_cov_trace_pc_guard_init(places, places + FUZZ_COUNTERS);
}

void fuzz_afl_add(void)
{
	for (size_t i = 0; i < fuzz_counter_count; i++)
		if (places[i] != 0)
			__afl_area_ptr[places[i]] = fuzz_counters[i];
}
