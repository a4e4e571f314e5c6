/* SPDX-License-Identifier: MIT */
/*
 * image_module.c - what bench_image.c loads: FUNCTIONS functions of some 150
 * bytes and a table of their addresses, each of them a relocation. 4 are a
 * small module; 640 are as much code, and as many relocations, as zlib has.
 */
#include <stdint.h>

#define EXPORT __attribute__((visibility("default")))

/* Weak, so that the dynamic loader, which finds none, loads it all the same. */
extern uintptr_t bench_import(uintptr_t value) __attribute__((weak));

/* Unlike each other, so that the compiler does not make one of them. */
#define ONE(n)                                                                 \
	static uint32_t function_##n(const uint8_t *bytes, uint32_t length)    \
	{                                                                      \
		uint32_t sum = 0x10000u + (n);                                 \
		for (uint32_t i = 0; i < length; i++) {                        \
			sum = (sum ^ bytes[i]) * 0x1000193u + (n) * i;         \
			if (sum % 7 == (n) % 7)                                \
				sum = sum << 3 | sum >> 29;                    \
		}                                                              \
		return sum;                                                    \
	}
#define FOUR(m, n) m(n##0) m(n##1) m(n##2) m(n##3)
#define SIXTEEN(m, n)                                                          \
	FOUR(m, n##0) FOUR(m, n##1) FOUR(m, n##2) FOUR(m, n##3)
#define ALL(m, n)                                                              \
	SIXTEEN(m, n##0) SIXTEEN(m, n##1) SIXTEEN(m, n##2) SIXTEEN(m, n##3)    \
	SIXTEEN(m, n##4) SIXTEEN(m, n##5) SIXTEEN(m, n##6) SIXTEEN(m, n##7)    \
	SIXTEEN(m, n##8) SIXTEEN(m, n##9)

#ifdef LARGE
#define EACH(m) ALL(m, 1) ALL(m, 2) ALL(m, 3) ALL(m, 4)
#else
#define EACH(m) FOUR(m, 1)
#endif

EACH(ONE)

typedef uint32_t function(const uint8_t *bytes, uint32_t length);
#define ADDRESS(n) function_##n,
static function *const table[] = {EACH(ADDRESS)};

EXPORT uint32_t bench_sum(const uint8_t *bytes, uint32_t length)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		sum += table[i](bytes, length);
	return sum;
}

EXPORT uintptr_t bench_loop(uintptr_t rounds)
{
	while (rounds-- > 0)
		bench_import(1);
	return 0;
}
