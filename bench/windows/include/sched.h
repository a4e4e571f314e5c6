/* SPDX-License-Identifier: MIT */
/* sched.h - and the CPUs that a thread may run on: up to 64. */
#ifndef BENCH_WINDOWS_SCHED_H
#define BENCH_WINDOWS_SCHED_H

#include_next <sched.h>

#include <stddef.h>
#include <stdint.h>

#define CPU_SETSIZE 64

typedef uint64_t cpu_set_t;

#define CPU_ZERO(set)       (*(set) = 0)
#define CPU_SET(cpu, set)   (*(set) |= UINT64_C(1) << (cpu))
#define CPU_ISSET(cpu, set) ((*(set) >> (cpu) & 1) != 0)
#define CPU_COUNT(set)      __builtin_popcountll(*(set))

/* Of the calling thread; @pid is 0. */
int bench_getaffinity(int pid, size_t size, cpu_set_t *set);
int bench_setaffinity(int pid, size_t size, const cpu_set_t *set);
#define sched_getaffinity bench_getaffinity
#define sched_setaffinity bench_setaffinity

#endif /* BENCH_WINDOWS_SCHED_H */
