/* SPDX-License-Identifier: MIT */
#ifndef MODISO_TOOLS_SYSCALLS_H
#define MODISO_TOOLS_SYSCALLS_H

#include <modiso.h>

#include <stdbool.h>

/*
 * What a module's system calls come to: a preset's name ("none", "compute",
 * "log"), or a file with a line for each call. The library runs. False: a
 * message on standard error says why not, of a file with line and column.
 */
bool syscalls_read(const char *word);

/* What its module is made with, and what is then said of single calls. */
uint32_t syscalls_preset(void);
bool syscalls_apply(struct modiso_module *module);

/* On standard error, what was logged, if anything was. 0, or -1 with errno. */
int syscalls_print(struct modiso_module *module);

#endif /* MODISO_TOOLS_SYSCALLS_H */
