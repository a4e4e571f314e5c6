/* SPDX-License-Identifier: MIT */
/*
 * os/process.h - the process and its threads: who they are, waiting, the clock,
 * last words. All of it is AS-Safe and MT-Safe; what can fail returns -1 with
 * errno.
 */
#ifndef MDI_OS_PROCESS_H
#define MDI_OS_PROCESS_H

#include "base/common.h"

/* --- threads --- */

/* The calling thread's number, as the fault record has it. */
int32_t mdi_os_thread_id(void);
/* How many threads the process has; 0: it cannot be told. Keeps errno. */
uint32_t mdi_os_threads(void);
/* Is this surely a thread of the process? Keeps errno. */
bool mdi_os_thread_lives(int32_t tid);
/*
 * Does the system forbid this process, or the calling thread, what gates and
 * recovery do? NULL: no; else why, as a sentence. Keeps errno.
 */
const char *mdi_os_forbids(void);

/*
 * When it returns, each thread of the process that was running has passed
 * through a full memory barrier. A process registers for it once, and its
 * forked child once more.
 */
int mdi_os_barrier_register(void);
int mdi_os_barrier(void);

/*
 * Another thread of this process comes to its handler of fault signals, which
 * knows by mdi_signal_is_poke() why (os/linux/signal.h). Keeps errno. Nobody is
 * told when it fails.
 */
void mdi_os_poke(int32_t tid);

/* --- waiting --- */

/* Wait while *word is @value; @timeout_ns 0 waits for ever. Keeps errno. */
int mdi_os_wait(uint32_t *word, uint32_t value, uint64_t timeout_ns);
/* At most @count of those who wait go on. */
int mdi_os_wake(uint32_t *word, int count);

uint64_t mdi_os_now_ns(void); /* of a clock that is never set */

/* --- the process --- */

int32_t mdi_os_process_id(void);

/* 0 when all of the bytes are random, else -1. */
int mdi_os_random(void *bytes, size_t length);

/* On standard error; no cancellation point. Nobody is told when it fails. */
void mdi_os_say(const char *text, size_t length);

/* abort(3) without the library's data, and without the program's handler. */
MDI_NORETURN void mdi_os_abort(void);
/* The end of the process at once, where not even that can be trusted. */
MDI_NORETURN void mdi_os_kill(void);

#endif /* MDI_OS_PROCESS_H */
