/* SPDX-License-Identifier: MIT */
#include <ucontext.h>

#include <stdio.h>
#include <windows.h>

static void fail(const char *call)
{
	printf("# %s: error %lu\n", call, GetLastError());
	fflush(stdout);
	_Exit(EXIT_FAILURE);
}

static CALLBACK void start(void *context)
{
	const ucontext_t *self = context;

	self->run(self->number);
	fail("a fiber has returned");
}

void makecontext(ucontext_t *context, void (*run)(void), int count, int number)
{
	(void)count;
	context->run = (void (*)(int))run;
	context->number = number;
	context->fiber = CreateFiberEx(0, context->uc_stack.ss_size,
				       FIBER_FLAG_FLOAT_SWITCH, start, context);
	if (context->fiber == NULL)
		fail("CreateFiberEx");
}

static void become_fiber(void)
{
	if (!IsThreadAFiber() &&
	    ConvertThreadToFiberEx(NULL, FIBER_FLAG_FLOAT_SWITCH) == NULL)
		fail("ConvertThreadToFiberEx");
}

int swapcontext(ucontext_t *from, ucontext_t *to)
{
	become_fiber();
	from->fiber = GetCurrentFiber();
	from->ended = NULL;
	SwitchToFiber(to->fiber);
	if (from->ended != NULL)
		DeleteFiber(from->ended);
	return 0;
}

/* One that makecontext() has made ends where it leaves for good. */
int setcontext(ucontext_t *to)
{
	become_fiber();
	to->ended = GetFiberData() != NULL ? GetCurrentFiber() : NULL;
	SwitchToFiber(to->fiber);
	return -1;
}
