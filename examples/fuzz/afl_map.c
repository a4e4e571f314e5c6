/* SPDX-License-Identifier: MIT */
/*
 * afl_map.c - the module's counters become part of AFL's map, as the places of
 * a library would that this program has loaded. Compiled without AFL, whose
 * compiler has variables of these names of its own in each file.
 */
#include "afl_map.h"

#include "target.h"

extern uint8_t *__afl_area_ptr;
void __sanitizer_cov_trace_pc_guard_init(uint32_t *start, uint32_t *stop);

static uint32_t places[TARGET_COUNTERS]; /* in the map; 0: left out */

void afl_map_start(void)
{
	__sanitizer_cov_trace_pc_guard_init(places,
					    places + target_counter_count);
}

void afl_map_add(void)
{
	for (size_t i = 0; i < target_counter_count; i++)
		if (places[i] != 0)
			__afl_area_ptr[places[i]] = target_counters[i];
}
