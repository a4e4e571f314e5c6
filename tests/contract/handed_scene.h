/* SPDX-License-Identifier: MIT */
/*
 * contract/handed_scene.h - services that may be left where they touch what
 * their caller has handed to them, and a module that hands it.
 */
#ifndef TESTS_CONTRACT_HANDED_SCENE_H
#define TESTS_CONTRACT_HANDED_SCENE_H

#include "support/world.h"

extern struct modiso_module *module;
extern struct modiso_gate *caller; /* call_it() in the module */
extern unsigned served;            /* services that have come to their end */

/* Closed as far as this backend can have it without being asked to. */
struct modiso_module *make_closed(const char *name);
void make_scene(void);

/* Returns the thunk. @pointers: modiso_service_options.pointers. */
#define make_handed(name, function, pointers)                                  \
	make_handed_fn((name), (modiso_fn)(function), (pointers))
uintptr_t make_handed_fn(const char *name, modiso_fn function,
			 uint32_t pointers);

/* thunk(a, b) + 1; code of a module that needs no memory of the host's. */
MODISO_CALL uintptr_t call_it(uintptr_t thunk, uintptr_t a, uintptr_t b);

/* Reads the byte, or writes it if @stores. */
MODISO_CALL uintptr_t touch(uintptr_t at, uintptr_t stores);

/* A service is called that must end its caller's call by touching @at. */
#define must_end_call(thunk, a, b, at)                                         \
	must_end_call_at((thunk), (a), (b), (at), __FILE__, __LINE__)
const struct modiso_fault *must_end_call_at(uintptr_t thunk, uintptr_t a,
					    uintptr_t b, uintptr_t at,
					    const char *file, int line);

/* The module can be called, and its services. */
void must_work(uintptr_t thunk);

#endif /* TESTS_CONTRACT_HANDED_SCENE_H */
