/* SPDX-License-Identifier: MIT */
/*
 * contract/raw_call.h - a system call that module code makes by itself.
 */
#ifndef TESTS_CONTRACT_RAW_CALL_H
#define TESTS_CONTRACT_RAW_CALL_H

#include "support/world.h"

MODULE_CODE static long call(long number, long a, long b, long c, long d,
			     long e, long f)
{
	register long r10 __asm__("r10") = d;
	register long r8 __asm__("r8") = e;
	register long r9 __asm__("r9") = f;
	long result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10),
			   "r"(r8), "r"(r9)
			 : "rcx", "r11", "memory");
	return result;
}

#define CALL(number, ...) call_words((number), __VA_ARGS__, 0, 0, 0, 0, 0, 0)
#define call_words(n, a, b, c, d, e, f, ...)                                   \
	call((n), (long)(a), (long)(b), (long)(c), (long)(d), (long)(e),       \
	     (long)(f))

#endif /* TESTS_CONTRACT_RAW_CALL_H */
