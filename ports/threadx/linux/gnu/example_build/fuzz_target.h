/* SPDX-License-Identifier: MIT */
/* fuzz_target.h - a module's input, for any fuzzer. */
#ifndef FUZZ_TARGET_H
#define FUZZ_TARGET_H

#include <stddef.h>
#include <stdint.h>

#define FUZZ_COUNTERS 4096u /* at most */

/* How often each place of the module was passed with the last input. */
extern uint8_t fuzz_counters[FUZZ_COUNTERS];
extern size_t fuzz_counter_count;
/* For each of them an address in the module, and what is there. */
extern uintptr_t fuzz_pcs[2 * FUZZ_COUNTERS];

/*
 * Start the kernel, load the module and have it make its objects; then call
 * @loop on a thread of the kernel. Does not return. The module is the file
 * TXM_FUZZ_MODULE.bin of that variable in the environment, made from .elf;
 * without one it is fuzz_module.
 */
void fuzz_start(void (*loop)(void));

/*
 * On that thread: one input, at most a page of it. The module's memory is as it
 * was before the first one. A fault of the module is printed and ends the
 * process by SIGABRT.
 */
void fuzz_one(const uint8_t *bytes, size_t length);

#endif /* FUZZ_TARGET_H */
