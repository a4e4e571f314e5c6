/* SPDX-License-Identifier: MIT */
/*
 * core/handed.h - has a service faulted at what its caller has handed to it?
 *
 * Of services that say which of their words are pointers of the caller's, and
 * that they may be left anywhere (modiso_service_options.pointers). All of it
 * is AS-Safe.
 */
#ifndef MDI_CORE_HANDED_H
#define MDI_CORE_HANDED_H

#include "core/trap.h"

/*
 * Host code has faulted: sets trap->handed, and handed_at to the address. It
 * must run the service itself, on this thread: no handler of the host above
 * it, no critical section, no filter. Which stack it is on is asked later.
 */
void mdi_handed_decode(struct mdi_trap *trap);

/*
 * On the stack that the service was called on? Reads the list of mappings. If
 * so, @as is the same trap as if the module had touched the address itself,
 * where it calls the service.
 */
bool mdi_handed_as_modules(const struct mdi_trap *trap, struct mdi_trap *as);

/*
 * A handler of the host begins, and has interrupted code at @sp: a service that
 * runs below it is not left for what the handler does. Returns where that is
 * noted, for the handler's end; NULL: nowhere.
 */
uint64_t *mdi_handed_hide(const struct mdi_thread *thread, uintptr_t sp);
void mdi_handed_show(uint64_t *mark);

#endif /* MDI_CORE_HANDED_H */
