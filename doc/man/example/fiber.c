/* SPDX-License-Identifier: MIT */
/* Two device models that wait for each other, on stacks of their own. */
#include <modiso.h>
#include <stdio.h>
#include <ucontext.h>

static struct model {
	struct modiso_fiber *fiber;
	ucontext_t stack;
	struct modiso_gate *gate;
	uintptr_t result;
} models[2];
static char stacks[2][65536];
static ucontext_t scheduler;
static void (*wait_service)(int);
static int failed;

/* The service: the other one runs meanwhile. */
static void wait_for_other(int self)
{
	struct model *other = &models[!self];

	failed |= modiso_fiber_switch(other->fiber);
	swapcontext(&models[self].stack, &other->stack);
}

/* Module code. */
static int run_model(int self)
{
	int i;

	for (i = 0; i < 3; i++)
		wait_service(self);
	return self + 10;
}

static void start(int self)
{
	uintptr_t word = (uintptr_t)self;

	failed |= modiso_gate_call(models[self].gate, &word, 1,
				   &models[self].result);
	if (self == 0) {
		wait_for_other(0); /* which ends as well */
		return;
	}
	failed |= modiso_fiber_switch(NULL);
	setcontext(&scheduler);
}

int main(void)
{
	struct modiso_service *service;
	struct modiso_module *module;
	int i;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("models", NULL, &module) != 0 ||
	    modiso_service_create("wait", (modiso_fn)wait_for_other, NULL,
				  &service) != 0)
		return 1;
	wait_service = (void (*)(int))modiso_service_thunk(service);
	for (i = 0; i < 2; i++) {
		if (modiso_fiber_create(&models[i].fiber) != 0 ||
		    modiso_gate_create(module, (modiso_fn)run_model, NULL,
				       &models[i].gate) != 0)
			return 1;
		getcontext(&models[i].stack);
		models[i].stack.uc_stack.ss_sp = stacks[i];
		models[i].stack.uc_stack.ss_size = sizeof(stacks[i]);
		makecontext(&models[i].stack, (void (*)(void))start, 1, i);
	}
	failed |= modiso_fiber_switch(models[0].fiber);
	swapcontext(&scheduler, &models[0].stack);
	printf("%d %d\n", (int)models[0].result, (int)models[1].result);
	return failed || models[0].result != 10 || models[1].result != 11 ||
	       modiso_fiber_destroy(models[0].fiber) != 0 ||
	       modiso_fiber_destroy(models[1].fiber) != 0 ||
	       modiso_service_destroy(service) != 0 ||
	       modiso_module_destroy(module) != 0 || modiso_fini() != 0;
}
