/* SPDX-License-Identifier: MIT */
/*
 * contract/leaver.h - ways to leave a module, and a look at whether all is well
 * afterwards.
 */
#ifndef TESTS_CONTRACT_LEAVER_H
#define TESTS_CONTRACT_LEAVER_H

#include "support/world.h"


/* More than calls can nest: a call that is not ended would be noticed. */
enum { ROUNDS = 150 };

extern struct modiso_module *module, *other;
extern struct modiso_region *own, *hosts;

void make_scene(void);

/* Host rights, on this thread: what every module is closed to. */
void be_host(void);

/* The host is the host, the modules are as closed as ever, and work. */
void all_well(void);

/* Nobody is in any module, and the library can end. */
void nothing_left(void);

void need_cxx(void);

const struct modiso_fault *leave(struct modiso_gate *gate, uint32_t kind,
				 uintptr_t a, uintptr_t b);

extern volatile int ends, ends_below;

extern uintptr_t (MODISO_CALL *volatile service)(uintptr_t);
extern struct modiso_gate *gates[2];

MODISO_CALL uintptr_t call_service(uintptr_t value);

uintptr_t gate_call(uintptr_t what, void *gate);

extern int asked;

enum modiso_verdict refuse(const struct modiso_fault *fault, void *arg);

#endif /* TESTS_CONTRACT_LEAVER_H */
