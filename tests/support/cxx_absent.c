/* SPDX-License-Identifier: MIT */
/* In place of support/cxx.cc where there is no C++ compiler. */
#include "support/cxx.h"

bool cxx_there(void)
{
	return false;
}

uintptr_t cxx_throw(uintptr_t what, volatile int *count)
{
	(void)count;
	return what;
}

uintptr_t cxx_beside(volatile int *count,
		     uintptr_t (*function)(uintptr_t, void *), uintptr_t a,
		     void *b)
{
	(void)count;
	return function(a, b);
}

uintptr_t cxx_catch(uintptr_t (*function)(uintptr_t, void *), uintptr_t a,
		    void *b)
{
	return function(a, b);
}

void cxx_terminate(void)
{
}

int cxx_uncaught(void)
{
	return 0;
}
