/* SPDX-License-Identifier: MIT */
/*
 * support/symbols.h - what lies where in this program, and in the shared
 * libraries of this process.
 */
#ifndef TESTS_SUPPORT_SYMBOLS_H
#define TESTS_SUPPORT_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* The file that @address was loaded from: its writable pages that stay so. */
struct loaded {
	char path[512];
	uintptr_t bias, begin, end;
};
struct loaded loaded_from(const void *address);

/* For each variable of the file, thread-local ones left out. */
void each_variable(const struct loaded *file,
		   void (*visit)(const char *name, uintptr_t address,
				 size_t size, void *arg),
		   void *arg);

#endif /* TESTS_SUPPORT_SYMBOLS_H */
