/* SPDX-License-Identifier: MIT */
/*
 * contract/hostile_scene.h - two modules and what neither of them may touch.
 */
#ifndef TESTS_CONTRACT_HOSTILE_SCENE_H
#define TESTS_CONTRACT_HOSTILE_SCENE_H

#include "support/world.h"

#include <sys/rseq.h>

extern struct modiso_module *module, *other;
extern struct modiso_region *own, *foreign, *hosts;

void make_scene(void);

#endif /* TESTS_CONTRACT_HOSTILE_SCENE_H */
