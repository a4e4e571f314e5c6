/* SPDX-License-Identifier: MIT */
/*
 * contract/image_maker.h - an image that a test makes piece by piece, loads,
 * and calls.
 */
#ifndef TESTS_CONTRACT_IMAGE_MAKER_H
#define TESTS_CONTRACT_IMAGE_MAKER_H

#include "support/world.h"
#include "support/elf.h"

extern struct modiso_module *module;
extern struct elf_image elf;
extern struct modiso_service *service;
extern struct modiso_export export;
extern struct modiso_image_options options;

extern uintptr_t seen;

MODISO_CALL uintptr_t import(uintptr_t value);

void begin_shape(const struct elf_shape *shape);

void begin(void);

void finish(void);

int load_code(struct modiso_image **out);

struct modiso_image *load(void);

/* The run-time address of something, as linked. */
char *at(const struct modiso_image *image, uint64_t vaddr);

struct modiso_gate *gate_to(const struct modiso_image *image, const char *name);

void close_gate(struct modiso_gate *gate);

void must_map_as(const char *first, size_t length, const char *perms);

void must_fault(struct modiso_gate *gate, const char *address, uintptr_t value);

#endif /* TESTS_CONTRACT_IMAGE_MAKER_H */
