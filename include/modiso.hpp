/* SPDX-License-Identifier: MIT */
/*
 * modiso.hpp - libmodiso for C++17 and later: handles that clean up (RAII),
 * gates and services with the types of their functions, results that are a
 * value or an error. modiso.hpp(3) is its manual.
 *
 * All of it is host code, inline, on top of <modiso.h>, whose pages say what
 * each call does, which codes it returns, what it costs and which threads may
 * call it. handle() is what the functions of C take; check() makes a result of
 * what they return. The structures of options are C's, so that a member that is
 * new there can be set here.
 */
#ifndef MODISO_HPP
#define MODISO_HPP

#ifdef _WIN32
#	error modiso.hpp is not for Windows; see modiso-windows(7)
#endif

#include <modiso.h>
#include <modiso/result.hpp>
#include <modiso/typed.hpp>
#include <modiso/memory.hpp>
#include <modiso/objects.hpp>

#endif /* MODISO_HPP */
