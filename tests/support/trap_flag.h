/* SPDX-License-Identifier: MIT */
/*
 * support/trap_flag.h - a SIGTRAP behind each instruction of this thread: its
 * handler sees, or changes, what a piece of code has done half.
 */
#ifndef TESTS_SUPPORT_TRAP_FLAG_H
#define TESTS_SUPPORT_TRAP_FLAG_H

static inline void trap_flag_set(void)
{
	__asm__ volatile("pushfq\n\t"
			 "orq $0x100, (%%rsp)\n\t"
			 "popfq"
			 :
			 :
			 : "memory", "cc");
}

static inline void trap_flag_clear(void)
{
	__asm__ volatile("pushfq\n\t"
			 "andq $~0x100, (%%rsp)\n\t"
			 "popfq"
			 :
			 :
			 : "memory", "cc");
}

#endif /* TESTS_SUPPORT_TRAP_FLAG_H */
