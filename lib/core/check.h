/* SPDX-License-Identifier: MIT */
/*
 * core/check.h - what the exported functions ask of their arguments.
 *
 * Each returns 0 or a code with its sentence. What is used after it was
 * destroyed is the program's mistake, and ends the process.
 */
#ifndef MDI_CORE_CHECK_H
#define MDI_CORE_CHECK_H

#include "core/gate.h"
#include "core/module.h"
#include "core/region.h"
#include "core/service.h"
#include "core/stale.h"
#include "os/misuse.h"

static inline void mdi_mark_module(const struct modiso_module *module)
{
	if (module->mark != MDI_MARK_MODULE)
		mdi_stale("module", module->name, module->mark,
			  "modiso_module_destroy()");
}

static inline void mdi_mark_region(const struct modiso_region *region)
{
	if (region->mark != MDI_MARK_REGION)
		mdi_stale("region", region->name, region->mark,
			  "modiso_region_destroy()");
}

static inline bool mdi_mark_is_gate(uint32_t mark)
{
	return mark == MDI_MARK_GATE || mark == MDI_MARK_GATE_MANY;
}

static inline void mdi_mark_gate(const struct modiso_gate *gate)
{
	if (!mdi_mark_is_gate(gate->mark))
		mdi_stale("gate into module",
			  gate->mark == 0 ? gate->module->name : NULL,
			  gate->mark, "modiso_gate_destroy()");
}

/* By modiso_gate_call(), which may have left its own frame for another one. */
static inline void mdi_mark_gate_called(const struct modiso_gate *gate,
					uintptr_t pc)
{
	if (!mdi_mark_is_gate(gate->mark))
		mdi_stale_call("gate into module",
			       gate->mark == 0 ? gate->module->name : NULL,
			       gate->mark, "modiso_gate_destroy()",
			       "modiso_gate_call", pc);
}

static inline void mdi_mark_service(const struct modiso_service *service)
{
	if (service->mark != MDI_MARK_SERVICE)
		mdi_stale("service", service->name, service->mark,
			  "modiso_service_destroy()");
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

/* @words: the arguments of a call into a module, all that there can be. */
int mdi_check_call(const struct modiso_gate *gate, const uintptr_t *args,
		   unsigned count, uintptr_t words[MODISO_WORDS_MAX]);

#endif /* MDI_CORE_CHECK_H */
