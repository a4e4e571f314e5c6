/* SPDX-License-Identifier: MIT */
/*
 * What typed_LIBRARY.cc does: work(), by calls that modiso-bind has written
 * from the library's header, of the library in a module.
 */
#ifndef TESTS_REAL_TYPED_H
#define TESTS_REAL_TYPED_H

/* Made by modiso-bind. */
#include "typed_sandbox.hpp"

#include <cstddef>

/* What is given and taken as other bytes. */
inline const char *text_of(const unsigned char *bytes)
{
	return reinterpret_cast<const char *>(bytes);
}

long typed(const typed_sandbox &box, const unsigned char *in,
	   std::size_t length, unsigned char *out, std::size_t room);

#endif /* TESTS_REAL_TYPED_H */
