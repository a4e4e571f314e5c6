/* SPDX-License-Identifier: MIT */
#include "core/entries.h"

#include "core/front.h"
#include "core/state.h"

void mdi_entries_start(void)
{
	mdi_arch_state.entries = (struct mdi_entries){
		.gate_slow = mdi_gate_slow,
		.gate_refuse = mdi_gate_refuse,
		.gate_too_deep = mdi_gate_too_deep,
		.gate_land = mdi_gate_land,
		.orphan_end = mdi_orphan_end,
		.plain_enter = mdi_plain_enter,
		.plain_leave = mdi_plain_leave,
		.plain_service_enter = mdi_plain_service_enter,
		.plain_service_leave = mdi_plain_service_leave,
		.service_direct = mdi_service_direct,
		.service_allowed = mdi_service_allowed,
		.unwind_over = mdi_unwind_over,
		.frames_switched = mdi_frames_switched,
		.service_stacked = mdi_service_stacked,
	};
	mdi_front_now->entries(&mdi_arch_state.entries);
}
