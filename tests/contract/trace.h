/* SPDX-License-Identifier: MIT */
/*
 * contract/trace.h - a child that is traced: the system calls that it makes,
 * and the instructions between two of them.
 */
#ifndef TESTS_CONTRACT_TRACE_H
#define TESTS_CONTRACT_TRACE_H

#include "support/world.h"

#include <signal.h>
#include <unistd.h>

#define ROUNDS 64
/* No system call has this number: the kernel refuses it, the tracer sees it. */
#define MARK 0x7777

enum { REGIONS = 100 };

/* Between the two marks. */
struct counts {
	unsigned all;
	unsigned mprotect;
	unsigned sigreturn;
	unsigned clock;  /* where the kernel has no clock in user memory */
	unsigned gettid; /* where user code cannot read the FS base */
	unsigned tgkill;
	unsigned sigmask;
	unsigned altstack;
	unsigned keys; /* pkey_mprotect(2) */
	unsigned barrier;
};

void mark(void);

/*
 * What @body does in a child, with all its threads, between its first mark()
 * and its second.
 */
struct counts trace(void (*body)(void));

/* A mark for count_steps(): the tracer is told, and nobody else. */
static inline void stop_here(void)
{
	__asm__ volatile("int3");
}

/*
 * The instructions in user space between the first two stop_here() of @body,
 * between the next two, and so on.
 */
void count_steps(void (*body)(void), unsigned *steps, unsigned parts);

uintptr_t same(uintptr_t value);

void make_regions(struct modiso_module *module, unsigned count);

#endif /* TESTS_CONTRACT_TRACE_H */
