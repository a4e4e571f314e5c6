/* SPDX-License-Identifier: MIT */
/*
 * support/cxx.h - a little C++ for tests in C. Each of these functions may run
 * in a module or in the host; none of them calls Check or the library.
 *
 * Where there was no C++ compiler support/cxx_absent.c stands in, cxx_there()
 * is false and the others may not be called.
 */
#ifndef TESTS_SUPPORT_CXX_H
#define TESTS_SUPPORT_CXX_H

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

bool cxx_there(void);

enum cxx_what {
	CXX_INT = 0,    /* throw 7 */
	CXX_ERROR = 1,  /* throw std::runtime_error("thrown") */
	CXX_OBJECT = 2  /* throw what counts its ends in *@count */
};

/* Does not return. */
uintptr_t cxx_throw(uintptr_t what, volatile int *count);

/*
 * Call function(a, b) with an object beside it that at its end, and only then,
 * adds one to *count.
 */
uintptr_t cxx_beside(volatile int *count,
		     uintptr_t (*function)(uintptr_t, void *), uintptr_t a,
		     void *b);

/* Call function(a, b): what it returns, or -1 and more for what it throws. */
#define CXX_CAUGHT_INT   ((uintptr_t)-1)
#define CXX_CAUGHT_ERROR ((uintptr_t)-2)
#define CXX_CAUGHT_OTHER ((uintptr_t)-3)
uintptr_t cxx_catch(uintptr_t (*function)(uintptr_t, void *), uintptr_t a,
		    void *b);

/* An exception where none may pass: std::terminate(). Does not return. */
void cxx_terminate(void);

/* std::uncaught_exceptions() */
int cxx_uncaught(void);

#ifdef __cplusplus
}
#endif

#endif /* TESTS_SUPPORT_CXX_H */
