/* SPDX-License-Identifier: MIT */
#include "core/host_frames.h"

#include "os/linux_sys.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unwind.h>

/*
 * The compiler's unwinder, loaded as backtrace(3) of the C library loads it:
 * who prints no report does not need it.
 */
static struct {
	__typeof__(_Unwind_Backtrace) *backtrace;
	__typeof__(_Unwind_GetIP) *ip;
	__typeof__(_Unwind_GetCFA) *cfa;
	__typeof__(_Unwind_FindEnclosingFunction) *function;
	bool there;
} unwinder;

static void find_unwinder(void)
{
	void *library = dlopen("libgcc_s.so.1", RTLD_NOW);

	if (library == NULL)
		return;
	unwinder.backtrace = (__typeof__(unwinder.backtrace))dlsym(
		library, "_Unwind_Backtrace");
	unwinder.ip = (__typeof__(unwinder.ip))dlsym(library, "_Unwind_GetIP");
	unwinder.cfa =
		(__typeof__(unwinder.cfa))dlsym(library, "_Unwind_GetCFA");
	unwinder.function = (__typeof__(unwinder.function))dlsym(
		library, "_Unwind_FindEnclosingFunction");
	unwinder.there = unwinder.backtrace != NULL && unwinder.ip != NULL &&
			 unwinder.cfa != NULL && unwinder.function != NULL;
}

struct walk {
	const struct modiso_fault *fault;
	uintptr_t *pcs;
	unsigned count; /* 0: the caller of the gate was not met yet */
};

/* Both are behind a call, which may be the last instruction of a function. */
static bool same_function(uintptr_t a, uintptr_t b)
{
	void *function = unwinder.function((void *)(a - 1));

	return function != NULL &&
	       function == unwinder.function((void *)(b - 1));
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	struct walk *walk = arg;
	uintptr_t pc = unwinder.ip(context), sp = unwinder.cfa(context);

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
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	struct walk walk = {.fault = fault, .pcs = pcs};

	if (fault->host_pc == 0)
		return 0;
	pthread_once(&once, find_unwinder);
	if (unwinder.there && fault->thread == mdi_sys_gettid())
		(void)unwinder.backtrace(visit, &walk);
	if (walk.count == 0)
		pcs[walk.count++] = fault->host_pc;
	return walk.count;
}
