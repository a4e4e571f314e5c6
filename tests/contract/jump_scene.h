/* SPDX-License-Identifier: MIT */
/*
 * contract/jump_scene.h - a module that jumps where it likes, with registers of
 * its choice, and what must be as it was then.
 *
 * It is the strongest one that there is: SEALED, guarded or not; one that is
 * not gets further where the library asks the kernel. With mprotect memory in
 * no region is open to it anyway, the library's own too; what is left there is
 * a jump by mistake.
 */
#ifndef TESTS_CONTRACT_JUMP_SCENE_H
#define TESTS_CONTRACT_JUMP_SCENE_H

#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include "arch/x86_64/frame.h"
#include "arch/x86_64/signal.h"

extern struct modiso_module *module;
/* With the bases of FS and GS as they are; GS 0 before; both. */
enum { WITH_BASES, WITHOUT_GS, WITHOUT_BASES, BASES };
extern struct modiso_gate *jump[BASES], *add;
extern struct poke_registers *state; /* in the module's region */
extern unsigned char *zeros;         /* a page of it: a context, too */

extern volatile uintptr_t stale_frame; /* where a signal's frame has been */

/* Code to jump into, and how far that has come: shared with the children. */
struct target {
	const char *name, *code;
	size_t size, at;
	unsigned variant, bases;
	unsigned long tries; /* of all code */
};
extern struct target *target;

/* Of the module; and that the test has begun the library itself. */
extern bool guarded, started;
void make_scene(void);

/* How a child ends that has seen what must not be. */
enum { LEAKED = 70, RIGHTS_LEFT, MOVED, BROKEN };

/* Whatever the jumps did: modules are modules, and the host is the host. */
void check_module(void);
void check_host(uintptr_t rights);

/* Where a frame of the kernel's is copied to, as it is aligned. */
uintptr_t own_frame(void);
/* As if threads were on their way into handlers at each place. */
void note_arrivals(uint64_t count);

/* The registers that a module would choose; false: there are no more. */
bool choose(unsigned variant, const void *place);
/* In the page of zeros: a fault of the host that goes away by itself. */
void forge_context(void);

/* So that none goes round for ever: CPU time passes only as it runs. */
void limit_time(void);

#endif /* TESTS_CONTRACT_JUMP_SCENE_H */
