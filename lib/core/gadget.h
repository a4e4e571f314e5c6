/* SPDX-License-Identifier: MIT */
/*
 * core/gadget.h - what the host's own code offers a guarded module that jumps
 * there.
 *
 * Keys do not stop the execution of code: all code of the process can be jumped
 * to, with registers of the module's choice. An instruction that writes rights
 * (the C library's pkey_set(3) has one, the dynamic linker another) would give
 * it all of them, the selector of the guard among them (core/guard.h). So
 * before there is a guarded module, all that can be executed is searched, at
 * each byte, and each such instruction gets another in its place, as
 * arch/gadget.h says. Where that cannot be done there is no guarded module.
 *
 * The library's own are left: each is followed by a check (gate_pkey.S).
 *
 * An instruction can be changed without harm only if it is one: the function
 * that holds it, of which the call-frame information has beginning and end, is
 * read from one instruction to the next. Bytes that are a part of others are no
 * smaller danger, and are refused.
 */
#ifndef MDI_CORE_GADGET_H
#define MDI_CORE_GADGET_H

#include "arch/gadget.h"

/*
 * All of them are taken away; at once if no code has come since. 0; or
 * MODISO_ERR_GADGET, the sentence says which one cannot be, and why; or another
 * code. The library's lock is held.
 */
int mdi_gadgets_remove(void);

/* Has an object been loaded since? Then the same. The lock is held. */
int mdi_gadgets_look_again(void);

/* Was the search for a guarded module made, since the library runs? */
bool mdi_gadgets_removed(void);

/* Is there one that can never be put back: modiso_code_seal()? */
bool mdi_gadgets_sealed(void);

/* They are there again, in code that is: no thread is in a module. */
void mdi_gadgets_put_back(void);

/* The host has come to where one was; NULL: to something else. AS-Safe. */
const struct mdi_gadget *mdi_gadget_at(uintptr_t at);

#endif /* MDI_CORE_GADGET_H */
