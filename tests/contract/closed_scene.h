/* SPDX-License-Identifier: MIT */
/*
 * contract/closed_scene.h - a module that is READONLY or SEALED, with memory in
 * no region that is closed to it (modiso_options.closed).
 */
#ifndef TESTS_CONTRACT_CLOSED_SCENE_H
#define TESTS_CONTRACT_CLOSED_SCENE_H

#include "support/world.h"

#include <stdatomic.h>

extern struct modiso_module *module;
extern struct modiso_region *data; /* a page of it */
extern uint32_t level;             /* its confinement, and make_confined()'s */

/* Skips the case where a sanitizer is in the way. */
void start_closed(uint32_t closed, uint32_t exclusion, uint32_t confinement);
struct modiso_module *make_confined(const char *name);
void make_closed_scene(uint32_t closed, uint32_t exclusion,
		       uint32_t confinement);
void stop(void);

/* The module's try to write there: its fault. The host goes on with it. */
const struct modiso_fault *check_closed(volatile unsigned char *byte);

/* At the beginning of the region. */
struct shared {
	atomic_ulong turns;
	atomic_bool stop;
	volatile unsigned char *byte;
};
struct shared *shared(void);

/* Module code: turns until it is told to end; then a store. */
uintptr_t turn(struct shared *shared, uintptr_t value);

#endif /* TESTS_CONTRACT_CLOSED_SCENE_H */
