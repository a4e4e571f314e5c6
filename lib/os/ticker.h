/* SPDX-License-Identifier: MIT */
/*
 * os/ticker.h - a thread of the library's own, the clocks of other threads, and
 * a signal that brings a thread into the library.
 */
#ifndef MDI_OS_TICKER_H
#define MDI_OS_TICKER_H

#include "base/common.h"

#include <pthread.h>

/*
 * The thread gets no signal of the program's; those that faults raise, and
 * those that the C library sends to all threads, it can serve. 0 or an errno.
 */
int mdi_ticker_start(pthread_t *ticker, void *(*run)(void *arg));
void mdi_ticker_join(pthread_t ticker);

/* CPU time of a thread of this process; UINT64_MAX: it cannot be told. */
uint64_t mdi_thread_cpu_ns(int32_t tid);
/* Of all of its threads, those that have ended included; the same. */
uint64_t mdi_process_cpu_ns(void);

/*
 * One of the fault signals comes to the thread, so no module keeps it away.
 * When it is taken for another one that comes at the same moment, it is lost:
 * that other one is of an instruction which is run again, and faults again.
 */
void mdi_call_thread(int32_t tid);

#endif /* MDI_OS_TICKER_H */
