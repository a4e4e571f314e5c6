/* SPDX-License-Identifier: MIT */
/*
 * contract/limit_scene.h - modules and regions that must be as before, whatever
 * the kernel refused.
 */
#ifndef TESTS_CONTRACT_LIMIT_SCENE_H
#define TESTS_CONTRACT_LIMIT_SCENE_H

#include "support/world.h"

extern struct modiso_module *module, *other;
extern struct modiso_region *own, *foreign, *hosts, *adopted, *spare;
extern struct modiso_gate *store, *others_store;
extern unsigned char *lent; /* four pages, [1] and [2] are adopted */

void make_scene(void);

void refused(struct modiso_region *region, const void *address);

void check_scene(void);

void end_scene(void);

void write_file(const char *path, const char *text);

#endif /* TESTS_CONTRACT_LIMIT_SCENE_H */
