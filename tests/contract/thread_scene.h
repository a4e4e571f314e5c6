/* SPDX-License-Identifier: MIT */
/*
 * contract/thread_scene.h - modules and what every thread, however it came to
 * be, can do with them.
 */
#ifndef TESTS_CONTRACT_THREAD_SCENE_H
#define TESTS_CONTRACT_THREAD_SCENE_H

#include "support/world.h"

#include <stdatomic.h>

extern struct modiso_module *module, *other;
extern struct modiso_region *data, *others, *hosts;

void make_scene(void);
/*
 * The host looks at no module's stack after a fault: with page permissions that
 * has all modules stand aside.
 */
void make_scene_without_walks(void);

extern volatile int inside, leave;
extern atomic_int touched, tid;

MODISO_CALL uintptr_t stay(uintptr_t value);

#endif /* TESTS_CONTRACT_THREAD_SCENE_H */
