/* SPDX-License-Identifier: MIT */
/*
 * partner.h - another process that answers: what isolation costs where each
 * module is a process.
 */
#ifndef BENCH_PARTNER_H
#define BENCH_PARTNER_H

#include <stdint.h>

/* Starts one partner for each CPU that is used. Returns 0 or BENCH_FAILED. */
int partner_open(void);
void partner_close(void);

/* Begin of a row: which of them the next round trips go to. */
int partner_same_cpu(void);
int partner_other_cpu(void);

int partner_run_pipe(uint64_t rounds);
int partner_run_futex(uint64_t rounds);

#endif /* BENCH_PARTNER_H */
