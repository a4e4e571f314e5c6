/* SPDX-License-Identifier: MIT */
/*
 * contract/guard_scene.h - a guarded module, and the places from which it can
 * enter the kernel.
 */
#ifndef TESTS_CONTRACT_GUARD_SCENE_H
#define TESTS_CONTRACT_GUARD_SCENE_H

#include "contract/guard_code.h"

extern struct modiso_module *module, *open_module;
extern struct modiso_region *own, *hosts;

void make_scene(void);

/*
 * In each object of the process whose path holds @name, up to @room; NULL: in
 * the program itself.
 */
size_t guard_places(const char *name, const void **places, size_t room);

/* In the module's region, for arguments. */
uintptr_t *guard_args(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
		      uintptr_t e, uintptr_t f);

extern struct modiso_gate *call_gate;
/* It must be stopped, by a fault of kind SYSCALL with that number. */
void must_stop(uintptr_t number, const uintptr_t *args, const void *at);
/* One is, and the host's own are not. */
void must_be_guarded(void);

#endif /* TESTS_CONTRACT_GUARD_SCENE_H */
