/* SPDX-License-Identifier: MIT */
/*
 * contract/fiber_scene.h - a scheduler of tasks, each with a stack of its own,
 * that enter modules and wait there in a service.
 */
#ifndef TESTS_CONTRACT_FIBER_SCENE_H
#define TESTS_CONTRACT_FIBER_SCENE_H

#include "support/world.h"

#include <ucontext.h>

enum { TASKS = 8, TASK_STACK = 131072 };

/* A stack of the host's, and what runs on it. */
struct task {
	struct modiso_fiber *fiber;
	ucontext_t self, *back;
	void (*act)(struct task *task);
	struct modiso_gate *gate; /* act's: call_gate() */
	uintptr_t word, result;
	int status;
	const struct modiso_module *blamed;
	volatile bool over;
};
extern struct task tasks[TASKS];

extern struct modiso_module *modules[2];
extern struct modiso_region *hosts; /* closed to all modules */

/* What module code of a task waits by: a service. */
extern uintptr_t (MODISO_CALL *volatile wait_thunk)(uintptr_t number);

void make_fiber_scene(void);
/* The same where the library runs already. */
void make_fiber_parts(void);

/* It calls the gate with its word. */
void make_task(int number, struct modiso_gate *gate, uintptr_t word);
/* It does what @act does, on its own stack. */
void make_actor(int number, void (*act)(struct task *task));

/* Until it waits again, or is over; on the calling thread. */
void go_on_with(int number);
/* The same on a thread that is new, and ends. */
void go_on_elsewhere(int number);
/* Host code of a task waits: goes back to who goes on with it. */
void wait_as(int number);

/* It is over, and its call of model() was as it should be; or is over alone. */
void end_task(int number);
void end_actor(int number);

/* Module code that waits three times, and then returns @number * 111. */
MODISO_CALL uintptr_t model(uintptr_t number);

/* The thread itself is in no module, and guarded memory is the host's. */
void be_host(void);

#endif /* TESTS_CONTRACT_FIBER_SCENE_H */
