/* SPDX-License-Identifier: MIT */
/*
 * core/entries.h - what gates, signal entries and unwinders call in core: see
 * struct mdi_entries, which says what each is for.
 */
#ifndef MDI_CORE_ENTRIES_H
#define MDI_CORE_ENTRIES_H

#include "arch/arch.h"

/* From now on these are called. */
void mdi_entries_start(void);

MODISO_CALL int mdi_gate_slow(struct mdi_gate_slot *slot);
MODISO_CALL void mdi_gate_refuse(struct mdi_gate_slot *slot);
MODISO_CALL void mdi_gate_too_deep(void);
MODISO_CALL void mdi_gate_land(struct mdi_thread *thread);
MODISO_CALL void mdi_orphan_end(struct modiso_fault *fault)
	__attribute__((noreturn));
MODISO_CALL struct mdi_frame *mdi_plain_enter(struct mdi_gate_slot *slot,
					      const uint64_t *saved);
MODISO_CALL void mdi_plain_leave(struct mdi_thread *thread);
MODISO_CALL int mdi_plain_service_enter(uint64_t number,
					struct mdi_thread *thread,
					uintptr_t sp);
MODISO_CALL uintptr_t mdi_plain_service_leave(const struct mdi_frame *frame,
					      uint64_t *real, uint64_t *scrub);
MODISO_CALL void *mdi_service_direct(uint64_t number);
MODISO_CALL void *mdi_service_stacked(uint64_t *words);
MODISO_CALL int mdi_service_allowed(uint64_t number, struct mdi_thread *thread);
MODISO_CALL void mdi_frames_switched(void) __attribute__((noreturn));
MODISO_CALL void mdi_unwind_over(void *exception, struct mdi_thread *thread);

#endif /* MDI_CORE_ENTRIES_H */
