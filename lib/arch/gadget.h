/* SPDX-License-Identifier: MIT */
/*
 * arch/gadget.h - an instruction of the host's that gives a thread rights of
 * its choice, and what takes its place (core/gadget.h).
 *
 *	writes rights      a trap. The trap handler does what the instruction
 *	                   would have done, for host code alone
 *	loads all state    a jump to a detour, a copy of the instruction that a
 *	                   check follows: were rights asked for, it ends in a
 *	                   trap. Nothing else of what it loads is of interest
 */
#ifndef MDI_ARCH_GADGET_H
#define MDI_ARCH_GADGET_H

#include "arch/context.h"
#include "base/common.h"

#define MDI_GADGET_LENGTH 15
#define MDI_DETOUR_SIZE 32u

struct mdi_gadget {
	uintptr_t at;
	uint8_t length;
	uint8_t was[MDI_GADGET_LENGTH], now[MDI_GADGET_LENGTH];
	bool detours; /* else it traps */
	bool removed; /* just now */
	uintptr_t detour; /* where, once there is one */
};

/* The kinds of <modiso/scan.h> that are such instructions on this CPU. */
uint32_t mdi_gadget_kinds(void);

/* "wrpkru" and so on. */
const char *mdi_gadget_name(uint32_t kind);

/* Is that what these bytes are? Some kinds hold other encodings as well. */
bool mdi_gadget_is(uint32_t kind, const uint8_t *bytes, size_t length);

/*
 * What would take the place of the instruction at @at, of this kind, in a
 * function of that extent, all of which can be read. NULL; or why nothing can.
 */
const char *mdi_gadget_plan(struct mdi_gadget *gadget, uintptr_t at,
			    uint32_t kind, uintptr_t start, uintptr_t end);

/*
 * The detour of a gadget, for the place gadget->detour, and the jump to it.
 * False: it is too far away.
 */
bool mdi_gadget_detour(struct mdi_gadget *gadget,
		       uint8_t code[MDI_DETOUR_SIZE]);

/* Is there an instruction that mdi_gadget_is() at @at in a detour by right? */
bool mdi_gadget_in_detour(const struct mdi_gadget *gadget, uintptr_t at);

/* The interrupted code has met the trap that takes its place: where? */
uintptr_t mdi_gadget_trapped_at(const struct mdi_context *context);
/* False: the instruction itself would have trapped. AS-Safe. */
bool mdi_gadget_carry_out(const struct mdi_gadget *gadget,
			  struct mdi_context *context, uint32_t offset);

#endif /* MDI_ARCH_GADGET_H */
