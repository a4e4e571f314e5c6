/* SPDX-License-Identifier: MIT */
/*
 * contract/inject_scene.h - modules, regions and partners before a call that
 * is made to fail, and what must hold after it.
 */
#ifndef TESTS_CONTRACT_INJECT_SCENE_H
#define TESTS_CONTRACT_INJECT_SCENE_H

#include "support/elf.h"
#include "support/world.h"

extern struct modiso_module *module, *other, *confined;
extern struct modiso_region *own, *foreign, *hosts, *adopted, *made;
extern struct modiso_service *service;
extern struct modiso_image *image;
extern struct modiso_gate *store, *others_store;
extern unsigned char *lent; /* four pages, [1] and [2] are adopted */
extern int file;            /* two pages */
extern struct elf_image elf;

uintptr_t import(uintptr_t value);

int adopt(void);

void scene(void);

/* Both modules have run on this thread. */
void before_adopt(void);

/* And the other one has two ranges. */
void entered_scene(void);

void refused(struct modiso_region *region, const void *address);

/* What is the module's is open to it, and what is not is not. */
void closed(void);

/* Keys enough that a set leaves its own for the module's, not by the host's. */
void crowded_scene(void);

void crowd_works(void);

void crowd_as_before(void);

void end_scene(void);

void only_module(void);

void with_made(void);

/* All that a module can have; the image is the other one's. */
void with_everything(void);

void other_was_last(void);

void with_file(void);

void with_window(void);

/* It keeps modules of other threads out, and this one from ending. */
void window_is_open(void);

void window_closes(void);

void with_snapshot(void);

#endif /* TESTS_CONTRACT_INJECT_SCENE_H */
