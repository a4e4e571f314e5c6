/* SPDX-License-Identifier: MIT */
/*
 * machine.h - what numbers mean nothing without: CPU, kernel, mitigations.
 */
#ifndef BENCH_MACHINE_H
#define BENCH_MACHINE_H

#define FACT_SIZE 256
#define FACTS_MAX 48

struct fact {
	char name[48];
	char value[FACT_SIZE];
};

/* Returns how many of @facts were filled in. */
unsigned machine_facts(struct fact facts[FACTS_MAX]);

/* Adds one. */
void machine_add(struct fact *facts, unsigned *count, const char *name,
		 const char *format, ...) __attribute__((format(printf, 4, 5)));

#endif /* BENCH_MACHINE_H */
