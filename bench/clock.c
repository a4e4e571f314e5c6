/* SPDX-License-Identifier: MIT */
#include "clock.h"

#include <stdlib.h>
#include <time.h>

static bool counting;

static uint64_t read_counter(void)
{
	return __builtin_ia32_rdtsc();
}

/* Ticks that a loop of 2 * @rounds instructions takes at least. */
static uint64_t loop_ticks(uint64_t rounds)
{
	uint64_t least = UINT64_MAX;
	int i;

	for (i = 0; i < 32; i++) {
		uint64_t left = rounds;
		uint64_t began = read_counter();
		uint64_t ticks;

		__asm__ volatile("1: dec %0\n\tjnz 1b" : "+r"(left) : : "cc");
		ticks = read_counter() - began;
		if (ticks < least)
			least = ticks;
	}
	return least;
}

bool clock_count_instructions(void)
{
	/* A thousand rounds more are two thousand instructions, exactly. */
	uint64_t few = loop_ticks(1000), more = loop_ticks(2000);

	counting = more - few == 2000;
	return counting;
}

uint64_t clock_now(void)
{
	struct timespec now;

	if (counting)
		return read_counter();
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static int compare(const void *left, const void *right)
{
	double a = *(const double *)left, b = *(const double *)right;

	return (a > b) - (a < b);
}

double clock_cost_ns(void)
{
	enum { SAMPLES = 101, READINGS = 100 };
	double costs[SAMPLES];
	int i, j;

	for (i = 0; i < SAMPLES; i++) {
		uint64_t began = clock_now();

		for (j = 0; j < READINGS; j++)
			clock_now();
		costs[i] = (double)(clock_now() - began) / (READINGS + 1);
	}
	qsort(costs, SAMPLES, sizeof(costs[0]), compare);
	return costs[SAMPLES / 2];
}
