/* SPDX-License-Identifier: MIT */
/*
 * map.h - for people: what protects, and who may touch which memory.
 */
#ifndef SIMULATOR_MAP_H
#define SIMULATOR_MAP_H

#include "isolation.h"

#include <stdio.h>

/*
 * Notes a region for map_print(). Returns 0, or a code after a message; @base
 * NULL is memory that could not be had.
 */
int map_add(const char *owner, const char *name, const void *base,
	    size_t length);

/* Which backend works here, which was taken, and why. */
void map_describe_backends(enum isolation_kind asked, FILE *out);

/* Every region: where, how large, whose. */
void map_print(FILE *out);

#endif /* SIMULATOR_MAP_H */
