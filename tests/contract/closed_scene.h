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

/* All that there is, where one thread runs at a time; two levels. */
#define ALL (MODISO_CLOSED_DATA | MODISO_CLOSED_HEAP | MODISO_CLOSED_STACKS)
#define LEVELS 2 /* READONLY and SEALED */
void make_all_closed(int which);

/* The module's try to write there: its fault. The host goes on with it. */
const struct modiso_fault *check_closed(volatile unsigned char *byte);

/* What the report says of the address. */
void must_say(const struct modiso_fault *fault, const char *words);
void check_said(volatile unsigned char *byte, const char *words);

#define SMALL ((size_t)60000) /* no mapping of its own */
/* Until the heap has become larger by so much; the blocks are a list. */
void **grow(size_t much);
void give_back(void **blocks);

/* All closed; three pages of ones of it, the one in between the module's. */
unsigned char *adopt_middle(int which, struct modiso_region **region);

#define LARGE ((size_t)40 << 20) /* would have one */
void *allocate(void *size);

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
