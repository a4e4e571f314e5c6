/* SPDX-License-Identifier: MIT */
/* Something in each kind of segment: code, constants, RELRO, data and bss. */
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

static uintptr_t total[512];

static uintptr_t add(uintptr_t value)
{
	return total[511] += value;
}

static uintptr_t subtract(uintptr_t value)
{
	return total[511] -= value;
}

static const unsigned char weights[] = {1, 1, 2, 3, 5, 8, 13, 21};
static uintptr_t (*const functions[])(uintptr_t) = {add, subtract};
static volatile unsigned which = 2;

/* Adds up the weights of what it is called with. */
EXPORT uintptr_t count(uintptr_t value)
{
	return functions[which & 1](weights[value & 7]);
}

extern const volatile unsigned char __ehdr_start[]
	__attribute__((visibility("hidden")));

/* The first byte of the ELF file that this is. */
EXPORT uintptr_t first_byte(void)
{
	return *__ehdr_start;
}
