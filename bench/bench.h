/* SPDX-License-Identifier: MIT */
/*
 * bench.h - what is measured, and what the measurer needs to know of it.
 *
 * A row is one thing that a program can do many times over. Rows live in
 * subjects, one file each. Each backend has a process of its own, a worker, in
 * which the subjects are opened once; the measurer asks the workers in turn
 * for one batch of one row, so that what disturbs the machine for a while
 * disturbs every row alike.
 */
#ifndef BENCH_H
#define BENCH_H

#include <modiso.h>

#include <sched.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* bench_row.flags */
#define BENCH_QUICK (1u << 0) /* in the short table too */
#define BENCH_TIMED (1u << 1) /* two threads or processes: not to be counted */
#define BENCH_HEAVY (1u << 2) /* thousands of instructions */
#define BENCH_RARE  (1u << 3) /* a second: a few samples, not counted */
#define BENCH_THREADS(count) ((uint32_t)(count) << 8) /* at the same time */

/* What a row's functions return beside 0, after bench_say(). */
#define BENCH_FAILED (-1)
#define BENCH_ABSENT (-2) /* this machine does not have it */

/* Module code, a service, and their thunks. */
typedef MODISO_CALL uintptr_t bench_call(uintptr_t argument);

struct bench_row {
	const char *name;
	const char *way; /* "one way" or "round trip" */
	uint32_t flags;
	uint32_t calls; /* of what the name says in each round; 0 is 1 */
	int (*run)(uint64_t rounds);
	/* Around each batch, not measured; NULL for nothing. */
	int (*begin)(void);
	void (*end)(void);
};

struct bench_subject {
	const struct bench_row *rows; /* the last one's name is NULL */
	/*
	 * Once in each worker; NULL for nothing. The backend's have
	 * modiso_init() behind them.
	 */
	int (*open)(void);
	void (*close)(void);
};

extern const struct bench_subject bench_base;
extern const struct bench_subject bench_dlopen;
extern const struct bench_subject bench_scan;
extern const struct bench_subject bench_start;
extern const struct bench_subject bench_touch;
extern const struct bench_subject bench_first;
extern const struct bench_subject bench_simulator;
extern const struct bench_subject bench_parser_plain;
extern const struct bench_subject bench_parser;
extern const struct bench_subject bench_gate;
extern const struct bench_subject bench_region;
extern const struct bench_subject bench_crowd;
extern const struct bench_subject bench_fault;
extern const struct bench_subject bench_guard;
extern const struct bench_subject bench_closed;
extern const struct bench_subject bench_heap;
extern const struct bench_subject bench_heap_batch;
extern const struct bench_subject bench_snapshot;
extern const struct bench_subject bench_image;
extern const struct bench_subject bench_threads;

#define BENCH_THREADS_MAX 32

/* Rows that a ratio is made of, by name. */
#define ROW_PLAIN          "plain call, 1 argument"
#define ROW_GETPID         "getpid, the bare system call"
#define ROW_MPROTECT       "mprotect pair, 1 page"
#define ROW_SWITCH         "mprotect: close one module, open another"
#define ROW_SWITCH_GUARD   "mprotect: close, open, with a guard page"
#define ROW_SWITCH_BUSY    "mprotect: close, open, other CPU busy"
#define ROW_PIPE           "pipe to a process on the same CPU"
#define ROW_RECOVER        "sigsetjmp + SIGSEGV + siglongjmp"
#define ROW_THUNK          "gate: thunk, 1 argument"
#define ROW_ALTERNATE      "gate: two modules in turn, per call"
#define ROW_ALTERNATE_BUSY "gate: two modules in turn, other CPU busy"
#define ROW_ALTERNATE_HOST "gate: two in turn, a host region is guarded"
#define ROW_ALTERNATE_RICH "gate: two modules of 100 regions, per call"
#define ROW_TURN_16        "gate: 16 modules in turn, per call"
#define ROW_TURN_64        "gate: 64 modules in turn, per call"
#define ROW_TURN_1000      "gate: 1000 modules in turn, per call"
#define ROW_HIT_1000       "gate: thunk, 1000 modules are there"
#define ROW_REGIONS_100    "region: 100 made and ended, each"
#define ROW_REGIONS_10000  "region: 10,000 made and ended, each"
#define ROW_REGIONS_100000 "region: 100,000 made and ended, each"
#define ROW_KEYS           "pkey_mprotect: one goes, one comes"
#define ROW_GUARDED        "gate: thunk, a host region is guarded"
#define ROW_FAULT          "fault: stray write, back in the host"
#define ROW_GUARD_GETPID   "guard: getpid of the host, thread is guarded"
#define ROW_GUARD_DENIED   "guard: denied system call, back in the host"
#define ROW_CLOSED         "service: of a SEALED module, data closed"
#define ROW_CLOSED_RAW     "mprotect: the program's data closed, opened"
#define ROW_SERVICE        "service: called by a module"
#define ROW_DISPATCH       "service: a dispatcher, request and 3 words"
#define ROW_DLOPEN_SMALL   "dlopen: a small object"
#define ROW_DLOPEN_LARGE   "dlopen: one as large as zlib"
#define ROW_LOAD_SMALL     "image: load a small one"
#define ROW_LOAD_LARGE     "image: load one as large as zlib"
#define ROW_IMPORT         "service: as an image's bound import"
#define ROW_HEAP           "heap: host takes and gives 64 bytes"
#define ROW_HEAP_MODULE    "heap: module takes and gives 64 bytes"
#define ROW_HEAP_BATCH     "heap: module, 64 bytes, modiso-cc --heap"
#define ROW_HEAP_MALLOC    "heap: malloc and free of 64 bytes instead"
#define ROW_THREAD         "thread: made and ended"
#define ROW_THREAD_CALL    "thread: made, one call, ended"
#define ROW_RESTORE        "snapshot: write, restore 1000 of 16384"
#define ROW_THREADS_OWN    "threads: a call, module each, threads: "
#define ROW_THREADS_ONE    "threads: a call, one module, threads: "
#define ROW_TICK           "simulator: a tick, 1 thread"
#define ROW_TICK_2         "simulator: a tick, 2 threads"
#define ROW_TICK_50        "simulator: a tick, 50 devices, 2 threads"
#define ROW_PARSER         "parser: a MB of XML by expat"
#define ROW_PARSER_PROCESS "parser: a MB of XML, a process instead"
#define ROW_TICK_CROWD     "simulator: a tick, 200 devices, 2 threads"
#define ROW_RESTORE_RAW    "raw: write, drop 1000 private pages of 16384"

/*
 * Keeps the reason of a failure for the measurer; returns @code, so that a row
 * can say "return bench_say(BENCH_FAILED, ...)".
 */
int bench_say(int code, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
const char *bench_said(void);
/* The same for a code of libmodiso; 0 is 0. */
int bench_check(const char *call, int rc);

/* CPUs that the work and its disturbance run on; other is -1 if there is one */
extern int bench_cpu;
extern int bench_other_cpu;
extern cpu_set_t bench_cpus; /* all that are allowed */
void bench_pin(int cpu);

/* A row's run(): a call with one argument; the same but for the call. */
int bench_run_plain(uint64_t rounds);
int bench_run_empty(uint64_t rounds);

/* A thread that keeps the other CPU busy: begin and end of a row. */
int bench_busy_begin(void);
void bench_busy_end(void);

#endif /* BENCH_H */
