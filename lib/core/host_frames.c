/* SPDX-License-Identifier: MIT */
#include "core/host_frames.h"

#include "core/state.h"
#include "os/process.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unwind.h>

static struct mdi_host_frames_state *const own = &mdi_core_state.host_frames;

static void find_unwinder(void)
{
	void *library = dlopen("libgcc_s.so.1", RTLD_NOW);

	if (library == NULL)
		return;
	own->backtrace =
		(__typeof__(own->backtrace))dlsym(library, "_Unwind_Backtrace");
	own->ip = (__typeof__(own->ip))dlsym(library, "_Unwind_GetIP");
	own->cfa = (__typeof__(own->cfa))dlsym(library, "_Unwind_GetCFA");
	own->function = (__typeof__(own->function))dlsym(
		library, "_Unwind_FindEnclosingFunction");
	own->there = own->backtrace != NULL && own->ip != NULL &&
		     own->cfa != NULL && own->function != NULL;
}

struct walk {
	const struct modiso_fault *fault;
	uintptr_t *pcs;
	unsigned count; /* 0: the caller of the gate was not met yet */
};

/* Both are behind a call, which may be the last instruction of a function. */
static bool same_function(uintptr_t a, uintptr_t b)
{
	void *function = own->function((void *)(a - 1));

	return function != NULL && function == own->function((void *)(b - 1));
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	uintptr_t pc = own->ip(context), sp = own->cfa(context);

	if (pc == 0)
		return _URC_END_OF_STACK;
	if (walk->count != 0) {
		walk->pcs[walk->count++] = pc;
		return walk->count == MDI_HOST_FRAMES ? _URC_END_OF_STACK
						      : _URC_NO_REASON;
	}
	/* It stands where it stood when it called the gate. */
	if (sp == walk->fault->host_sp &&
	    same_function(pc, walk->fault->host_pc))
		walk->pcs[walk->count++] = walk->fault->host_pc;
	return sp > walk->fault->host_sp ? _URC_END_OF_STACK : _URC_NO_REASON;
}

unsigned mdi_host_frames(const struct modiso_fault *fault,
			 uintptr_t pcs[MDI_HOST_FRAMES])
{
	struct walk walk = {.fault = fault, .pcs = pcs};

	if (fault->host_pc == 0)
		return 0;
	pthread_once(&own->once, find_unwinder);
	if (own->there && fault->thread == mdi_os_thread_id())
		(void)own->backtrace(visit, &walk);
	if (walk.count == 0)
		pcs[walk.count++] = fault->host_pc;
	return walk.count;
}

bool mdi_host_frames_all(unsigned count)
{
	return count != 1 || !own->there;
}

struct here {
	uintptr_t *pcs;
	unsigned count, max;
};

static _Unwind_Reason_Code note(struct _Unwind_Context *context, void *arg)
{
	struct here *here = arg;

	here->pcs[here->count++] = own->ip(context);
	return here->count == here->max ? _URC_END_OF_STACK : _URC_NO_REASON;
}

unsigned mdi_frames_here(uintptr_t *pcs, unsigned max)
{
	struct here here = { .pcs = pcs, .max = max };

	pthread_once(&own->once, find_unwinder);
	if (own->there)
		(void)own->backtrace(note, &here);
	return here.count;
}
