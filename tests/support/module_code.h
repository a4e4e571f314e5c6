/* SPDX-License-Identifier: MIT */
/*
 * support/module_code.h - the mark of a test's functions that run in modules.
 */
#ifndef TESTS_SUPPORT_MODULE_CODE_H
#define TESTS_SUPPORT_MODULE_CODE_H

/*
 * Module code in C and C++. It is not inlined into the host's and not
 * instrumented: a sanitizer's run-time library is host code, and would be told
 * of accesses that are meant to trap. It goes by MODISO_CALL, as services do.
 */
#include <modiso/export.h>

#ifdef __clang__
#	define UNWATCHED                                                      \
		__attribute__((noinline, no_sanitize("address", "undefined",   \
						     "thread", "memory")))
#else
#	define UNWATCHED                                                      \
		__attribute__((noinline, noclone, no_sanitize("address"),      \
			       no_sanitize("undefined"),                       \
			       no_sanitize("thread")))
#endif
#define MODULE_CODE MODISO_CALL UNWATCHED

/* The type of a pointer to such a function, or to its thunk. */
#define CALLED(result, ...) result(MODISO_CALL *)(__VA_ARGS__)

/* Its variable arguments, and a list of them: by the same convention. */
#ifdef _WIN32
#	define MODULE_LIST __builtin_sysv_va_list
#	define module_list_start(list, last)                                  \
		__builtin_sysv_va_start(list, last)
#	define module_list_end(list) __builtin_sysv_va_end(list)
#else
#	define MODULE_LIST __builtin_va_list
#	define module_list_start(list, last) __builtin_va_start(list, last)
#	define module_list_end(list) __builtin_va_end(list)
#endif

#endif /* TESTS_SUPPORT_MODULE_CODE_H */
