/* SPDX-License-Identifier: MIT */
#include "support/cxx.h"

#include <exception>
#include <stdexcept>

namespace
{

struct counter {
	volatile int *count;
	explicit counter(volatile int *where) : count(where)
	{
	}
	counter(const counter &from) : count(from.count)
	{
	}
	~counter()
	{
		if (count)
			*count = *count + 1;
	}
};

}

bool cxx_there(void)
{
	return true;
}

uintptr_t cxx_throw(uintptr_t what, volatile int *count)
{
	if (what == CXX_INT)
		throw 7;
	if (what == CXX_ERROR)
		throw std::runtime_error("thrown");
	throw counter(count);
}

uintptr_t cxx_beside(volatile int *count,
		     uintptr_t (*function)(uintptr_t, void *), uintptr_t a,
		     void *b)
{
	counter beside(count);

	return function(a, b);
}

uintptr_t cxx_catch(uintptr_t (*function)(uintptr_t, void *), uintptr_t a,
		    void *b)
{
	try {
		return function(a, b);
	} catch (int) {
		return CXX_CAUGHT_INT;
	} catch (const std::exception &) {
		return CXX_CAUGHT_ERROR;
	} catch (const counter &) {
		return CXX_CAUGHT_OTHER;
	}
}

void cxx_terminate(void)
{
	std::terminate();
}

int cxx_uncaught(void)
{
	return std::uncaught_exceptions();
}
