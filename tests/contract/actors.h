/* SPDX-License-Identifier: MIT */
/*
 * contract/actors.h - modules that load and store, regions that they share, and
 * what each of them may do with every one.
 */
#ifndef TESTS_CONTRACT_ACTORS_H
#define TESTS_CONTRACT_ACTORS_H

#include "support/world.h"

#include <pthread.h>
#include <stdatomic.h>

struct actor {
	struct modiso_module *module;
	struct modiso_gate *load, *store;
};

extern struct actor a, b, c;

void make_actor(struct actor *actor, const char *name);

/* Returns the region that is to be granted. */
struct modiso_region *make_actors(void);

/* The owner's region lies between others of its own. */
struct modiso_region *make_scene(void);

void must_be_clean(void);

/* What @actor may do with every byte's like of @region: that and no more. */
void must_have(const struct actor *actor, struct modiso_region *region,
	       uint32_t access);

void must_be(struct modiso_region *region, uint32_t of_a, uint32_t of_b,
	     uint32_t of_c);

void through_all_rights(struct modiso_region *region, uint32_t owners);

extern struct modiso_region *common;
extern uintptr_t (MODISO_CALL *volatile ask)(uintptr_t what);

enum { MANY = 24 };

extern struct actor many[MANY];
extern struct modiso_region *regions[MANY];

extern atomic_int looks, wanted_looks;
extern atomic_bool look_no_more;

MODISO_CALL uintptr_t leave_looker(pthread_t *thread, uintptr_t address);

void ask_for_look(void);

/* A fault handler reads who has rights while they change, by design. */
#define HANDLER                                                                \
	"a fault handler takes no lock to read what another thread changes"

#endif /* TESTS_CONTRACT_ACTORS_H */
