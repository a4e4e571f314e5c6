/* SPDX-License-Identifier: MIT */
/*
 * contract/step_scene.h - what a signal at each instruction interrupts, its
 * handler, and what must hold after each round.
 *
 * The handler works: guarded memory, a window, calls into the module that it
 * interrupted and into another one, a service; in half of the variants modules
 * fault under it. All of it is the traced child's.
 */
#ifndef TESTS_CONTRACT_STEP_SCENE_H
#define TESTS_CONTRACT_STEP_SCENE_H

#include "support/poke.h"
#include "support/proc.h"
#include "support/step.h"
#include "support/world.h"

#include "arch/arch.h"
#include "arch/x86_64/frame.h"
#include "arch/x86_64/rights.h"
#include "arch/x86_64/signal.h"
#include "backend/backend.h"
#include "core/module.h"
#include "os/memory.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>


extern struct modiso_module *module, *other;
extern struct modiso_region *own, *hosts, *closed;
extern struct modiso_gate *sum_gate, *other_sum_gate, *store_gate,
	*other_store_gate;
extern uintptr_t (*volatile service)(uintptr_t);
/* For modules: the library's records are not for them. */
extern unsigned char *own_bytes, *scene_of_crime;

/* Offsets into the host's region: who writes where. */
enum {
	BY_HANDLER = 1,
	BY_WINDOW,
	BY_SERVICE,
	CRIME,         /* a module's, in a round */
	HANDLER_CRIME, /* a module's, under a handler */
	CHECK_CRIME    /* a module's, after a round */
};

uintptr_t sum(uintptr_t a, uintptr_t b);
uintptr_t host_sum(uintptr_t a, uintptr_t b);
uintptr_t serve(uintptr_t value);

/* --- the handler --- */

extern atomic_uint handled;
extern void (*handler)(int signo); /* handle(), unless a test has its own */
extern void (*work)(void);
extern bool no_windows; /* the work opens none */
void handle(int signo);
void work_and_fault(void);
/* Nothing that has to wait for anybody. */
void work_light(void);

/* One kind of work without SA_ONSTACK, the other one with it. */
#define VARIANTS 2
extern int variant;
extern bool no_signal_stack; /* of the program's own */

/* --- what must be as before --- */

struct outside {
	struct cpu_seen cpu;
	uint32_t pkru;
	sigset_t mask;
	stack_t altstack;
	uint64_t links[2];
};
extern struct outside before;

extern struct cpu_seen seen;
extern volatile uintptr_t result;
extern uintptr_t want;
extern unsigned rounds, served;
extern void (*verify)(void);
extern bool links_change;
/* The thread is in no call, with the host's rights and signal mask. */
void must_be_outside(void);
/* Rights and blame, of both modules. */
void must_be_closed(void);

/* --- a run --- */

void set_scene(void);
bool in_gate(uintptr_t pc);
struct step_plan plan_of(const char *name, void (*setup)(void),
			 void (*round)(void));
/* At each instruction of a round, of which gates have at least @least. */
void step_each(const char *name, void (*setup)(void), void (*round)(void),
	       int which, unsigned least);
/* Emulation has time for one variant, and for what it alone can show. */
int step_first(void);
bool step_all(void);

/* --- what is called --- */

extern modiso_fn entry;
void round_call(void);
modiso_fn thunk_of(modiso_fn function, uint32_t words, uint32_t floats,
		   uint32_t flags, uintptr_t value);
/* A module that calls a service; one whose service asks a list. */
void set_service(void);
extern struct modiso_service *listed_service;
extern uintptr_t (*volatile listed)(uintptr_t);
uintptr_t call_listed(uintptr_t a, uintptr_t b);
void set_listed(void);
/* One that faults, behind a service. */
uintptr_t commit_crime(uintptr_t a, uintptr_t b);

/* --- what a fault is told to --- */

extern unsigned filtered, landed;
enum modiso_verdict filter(const struct modiso_fault *fault, void *arg);
void land(const struct modiso_fault *fault, void *arg);

#endif /* TESTS_CONTRACT_STEP_SCENE_H */
