/* SPDX-License-Identifier: MIT */
/*
 * core/check.h - what the exported functions ask of their arguments.
 *
 * Each returns 0 or a code with its sentence. What is used after it was
 * destroyed is the program's mistake, and ends the process.
 */
#ifndef MDI_CORE_CHECK_H
#define MDI_CORE_CHECK_H

#include "base/misuse.h"
#include "core/gate.h"
#include "core/module.h"
#include "core/region.h"
#include "core/service.h"

static inline void mdi_mark_module(const struct modiso_module *module)
{
	mdi_check_mark(module->mark, MDI_MARK_MODULE,
		       "a module was used after modiso_module_destroy()");
}

static inline void mdi_mark_region(const struct modiso_region *region)
{
	mdi_check_mark(region->mark, MDI_MARK_REGION,
		       "a region was used after modiso_region_destroy()");
}

static inline void mdi_mark_gate(const struct modiso_gate *gate)
{
	mdi_check_mark(gate->mark, MDI_MARK_GATE,
		       "a gate was used after modiso_gate_destroy()");
}

static inline void mdi_mark_service(const struct modiso_service *service)
{
	mdi_check_mark(service->mark, MDI_MARK_SERVICE,
		       "a service was used after modiso_service_destroy()");
}

/* The library runs, and the argument is one. */
int mdi_check_module(const struct modiso_module *module);
int mdi_check_region(const struct modiso_region *region);

/* 1 to MODISO_NAME_SIZE - 1 bytes. @what is what the caller calls it. */
int mdi_check_name(const char *name, const char *what);

/* At least one byte; @rounded: in whole pages. */
int mdi_check_length(size_t length, size_t *rounded);

/* Read, read and write, read and execute; and without the last. */
int mdi_check_access(uint32_t access);
int mdi_check_data_access(uint32_t access);

/* @words: the arguments of a call into a module, all six. */
int mdi_check_call(const struct modiso_gate *gate, const uintptr_t *args,
		   unsigned count, uintptr_t words[MODISO_ARGS_MAX]);

#endif /* MDI_CORE_CHECK_H */
