/* SPDX-License-Identifier: MIT */
/*
 * contract/confined.h - modules that are confined, at each level that there is.
 */
#ifndef TESTS_CONTRACT_CONFINED_H
#define TESTS_CONTRACT_CONFINED_H

#include "support/world.h"

extern struct modiso_module *module, *other;
extern struct modiso_region *data, *others, *hosts;
extern uint32_t level;

extern const uint32_t levels[];

struct modiso_module *make_confined(const char *name, uint32_t wanted);

void make_scene_at(uint32_t wanted);

void make_scene(int which);

extern unsigned char global[64];

uintptr_t sum(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d, uintptr_t e,
	      uintptr_t f);

uint32_t backend_caps(void);

#endif /* TESTS_CONTRACT_CONFINED_H */
