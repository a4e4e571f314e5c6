/* SPDX-License-Identifier: MIT */
/*
 * support/seeds.h - what the fuzzers begin with, and what tests run through
 * them without a fuzzer: inputs that lead to each part of the code.
 */
#ifndef TESTS_SUPPORT_SEEDS_H
#define TESTS_SUPPORT_SEEDS_H

#include <stddef.h>
#include <stdint.h>

/* The bytes lie in memory of just that length, which is freed afterwards. */
typedef void seed_fn(const char *name, const uint8_t *bytes, size_t length);

/* Of fuzz_image.c: made by hand, and what linkers made in modules/. */
void seeds_image(seed_fn *use);

/* Of fuzz_scan.c. */
void seeds_scan(seed_fn *use);

#endif /* TESTS_SUPPORT_SEEDS_H */
