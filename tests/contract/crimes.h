/* SPDX-License-Identifier: MIT */
/*
 * contract/crimes.h - what a module can be caught at, and what is then written
 * down.
 */
#ifndef TESTS_CONTRACT_CRIMES_H
#define TESTS_CONTRACT_CRIMES_H

#include "support/world.h"

extern struct modiso_module *module, *other;
extern struct modiso_region *own, *foreign, *hosts;
extern unsigned char *unmapped, *forbidden, *truncated;

/* Everything that the cases below may touch. */
void make_scene(void);

/* The scene after any of them: nothing has changed, and all works. */
void check_scene(void);

enum where {
	AT_NULL,
	AT_UNMAPPED,
	AT_FORBIDDEN,
	AT_NON_CANONICAL,
	AT_KERNEL,
	AT_OWN,
	AT_FOREIGN,
	AT_HOSTS,
	AT_TRUNCATED,
	AT_STACK_FAR,
	AT_RODATA,
	NOWHERE
};

uintptr_t address_of(enum where where);

struct crime {
	const char *name;
	modiso_fn entry;
	enum where where;
	uint32_t kind;
	int signo;
	uint32_t access;
	const void *pc; /* NULL: the address itself, an execution */
	bool no_tcg;    /* emulation does not raise it */
};

extern const struct crime crimes[];
extern const int crime_count;

#endif /* TESTS_CONTRACT_CRIMES_H */
