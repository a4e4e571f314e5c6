/* SPDX-License-Identifier: MIT */
/*
 * core/limit_tick.h - the thread that looks how long calls last: limit.h.
 */
#ifndef MDI_CORE_LIMIT_TICK_H
#define MDI_CORE_LIMIT_TICK_H

#include "core/thread.h"

/* How often it must look for a limit like this. */
uint64_t mdi_limit_tick_of(uint64_t limit_ns);

/* The library's lock is held in these. It runs: 0, or a code. */
int mdi_limit_tick_start(void);
void mdi_limit_tick_stop(void);
/* There is something to look at. */
void mdi_limit_tick_wake(void);

/*
 * A tick: whoever may have run is looked at. @now_ns: the time; @cpu_ns: how
 * long the process has run, UINT64_MAX where that cannot be told. When is the
 * next one: in so many nanoseconds at most.
 */
uint64_t mdi_limit_round(uint64_t now_ns, uint64_t cpu_ns);

/* How long it waits instead, which nobody can foresee: 3/4 of it or more. */
uint64_t mdi_limit_wait(uint64_t due_ns);

/* One look at one thread, @now_ns; the last one was @passed_ns ago. */
void mdi_limit_look(struct mdi_thread *thread, uint64_t now_ns,
		    uint64_t passed_ns);

#endif /* MDI_CORE_LIMIT_TICK_H */
