/* SPDX-License-Identifier: MIT */
#include "contract/fiber_scene.h"

#include "support/proc.h"

#include <string.h>

struct task tasks[TASKS];
static unsigned char stacks[TASKS][TASK_STACK] __attribute__((aligned(16)));

struct modiso_module *modules[2];
struct modiso_region *hosts;
uintptr_t (MODISO_CALL *volatile wait_thunk)(uintptr_t);

/* --- the host's scheduler --- */

static void body(int number)
{
	struct task *task = &tasks[number];

	task->act(task);
	task->over = true;
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	setcontext(task->back);
}

static void call_gate(struct task *task)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	task->status =
		modiso_gate_call(task->gate, &task->word, 1, &task->result);
	if (task->status == MODISO_ERR_FAULT) {
		expect(MODISO_OK, modiso_fault_last(&fault));
		task->blamed = fault.module;
	}
}

void make_actor(int number, void (*act)(struct task *task))
{
	struct task *task = &tasks[number];

	memset(task, 0, sizeof(*task));
	expect(MODISO_OK, modiso_fiber_create(&task->fiber));
	task->act = act;
	getcontext(&task->self);
	task->self.uc_stack.ss_sp = stacks[number];
	task->self.uc_stack.ss_size = TASK_STACK;
	makecontext(&task->self, (void (*)(void))body, 1, number);
}

void make_task(int number, struct modiso_gate *gate, uintptr_t word)
{
	make_actor(number, call_gate);
	tasks[number].gate = gate;
	tasks[number].word = word;
}

void go_on_with(int number)
{
	struct task *task = &tasks[number];
	ucontext_t here;

	must(!task->over);
	task->back = &here;
	expect(MODISO_OK, modiso_fiber_switch(task->fiber));
	swapcontext(&here, &task->self);
}

static void *one_step(void *number)
{
	go_on_with(*(int *)number);
	return NULL;
}

void go_on_elsewhere(int number)
{
	thread_join(thread_start(one_step, &number));
}

void wait_as(int number)
{
	struct task *task = &tasks[number];

	expect(MODISO_OK, modiso_fiber_switch(NULL));
	swapcontext(&task->self, task->back);
}

MODISO_CALL static uintptr_t wait_here(uintptr_t number)
{
	region_bytes(hosts)[0]++;
	wait_as((int)(number % TASKS));
	region_bytes(hosts)[1]++;
	return number + 100;
}

MODULE_CODE uintptr_t model(uintptr_t number)
{
	uintptr_t kept = number * 111;

	for (int i = 0; i < 3; i++)
		if (wait_thunk(number) != number + 100)
			return 0;
	return kept;
}

void end_actor(int number)
{
	must(tasks[number].over);
	expect(MODISO_OK, modiso_fiber_destroy(tasks[number].fiber));
}

void end_task(int number)
{
	struct task *task = &tasks[number];

	must(task->over);
	must_eq(task->status, MODISO_OK);
	must_eq(task->result, task->word * 111);
	end_actor(number);
}

void make_fiber_parts(void)
{
	modules[0] = make_module("first");
	modules[1] = make_module("second");
	hosts = make_region(NULL, PAGE, "hosts");
	wait_thunk = (CALLED(uintptr_t, uintptr_t))make_service("wait",
								wait_here);
}

void make_fiber_scene(void)
{
	world_start();
	make_fiber_parts();
}

void be_host(void)
{
	must(modiso_module_caller() == NULL);
	region_bytes(hosts)[2]++;
}
