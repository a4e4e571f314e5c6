/* SPDX-License-Identifier: MIT */
/* target.h - a parser in a module, for any fuzzer. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

#define TARGET_INPUT_MAX ((size_t)1 << 16) /* bytes; longer ones are cut */
#define TARGET_COUNTERS  4096

/* How often each place of the module's code was passed in the last run. */
extern uint8_t target_counters[TARGET_COUNTERS];
extern size_t target_counter_count;
/* For each of them an address in the module and what is there. */
extern uintptr_t target_pcs[2 * TARGET_COUNTERS];
extern size_t target_pc_words; /* 0, or twice target_counter_count */

/* Load the module: $MODISO_FUZZ_MODULE, or parser.so. Ends the process if it
 * cannot. */
void target_start(void);

/*
 * One input in a module that remembers nothing of those before. A stray access
 * or another fault of the module is printed, and then a signal of this process,
 * at the module's own instruction: whoever watches the process sees it there.
 */
void target_run(const uint8_t *bytes, size_t length);

#endif /* FUZZ_TARGET_H */
