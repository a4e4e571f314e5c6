/* SPDX-License-Identifier: MIT */
/*
 * What the numbers in the recorder's file stand for: a list that grows. A
 * number that is used again has another entry, of a later time.
 */
#include "core/recorder.h"

#include "core/gate.h"
#include "core/lines.h"
#include "core/runtime.h"
#include "core/service.h"

#include <errno.h>
#include <string.h>

static struct mdi_recorder_state *const own = &mdi_core_state.recorder;

static struct modiso_record_name *add(uint64_t what,
				      enum modiso_record_named kind)
{
	struct modiso_record_name *name;

	if (own->names == NULL)
		return NULL;
	if (own->file->names_count == MODISO_RECORD_NAMES) {
		own->file->names_lost++;
		return NULL;
	}
	name = &own->names[own->file->names_count];
	memset(name, 0, sizeof(*name));
	name->time = mdi_clock();
	name->what = what;
	name->kind = kind;
	return name;
}

/* It is whole: who reads may see it. */
static void added(void)
{
	__atomic_store_n(&own->file->names_count, own->file->names_count + 1,
			 __ATOMIC_RELEASE);
}

/* The rest of @to is zero. */
static void copy(char *to, const char *from, size_t size)
{
	for (size_t i = 0; i < size - 1 && from[i] != '\0'; i++)
		to[i] = from[i];
}

static void set_module(struct modiso_record_name *name,
		       const struct modiso_module *module)
{
	name->module_id = module->id;
	copy(name->module_name, module->name, sizeof(name->module_name));
}

void mdi_recorder_module(const struct modiso_module *module)
{
	struct modiso_record_name *name =
		add(module->domain.head.link, MODISO_RECORD_MODULE);

	if (name == NULL)
		return;
	set_module(name, module);
	copy(name->name, module->name, sizeof(name->name));
	added();
}

void mdi_recorder_service(const struct modiso_service *service)
{
	struct modiso_record_name *name =
		add(service->number, MODISO_RECORD_SERVICE);

	if (name == NULL)
		return;
	copy(name->name, service->name, sizeof(name->name));
	added();
}

static void add_gate(const struct modiso_gate *gate, const char *function)
{
	struct modiso_record_name *name =
		add((uintptr_t)gate->slot, MODISO_RECORD_GATE);

	if (name == NULL)
		return;
	set_module(name, gate->module);
	name->entry = (uintptr_t)gate->slot->entry;
	copy(name->name, function, sizeof(name->name));
	added();
}

void mdi_recorder_gate(const struct modiso_gate *gate)
{
	add_gate(gate, "");
}

void mdi_recorder_gate_moved(const struct modiso_gate *gate)
{
	uint32_t i = own->names != NULL ? own->file->names_count : 0;

	while (i-- > 0)
		if (own->names[i].what == (uintptr_t)&gate->own) {
			add_gate(gate, own->names[i].name);
			return;
		}
}

/* As in a report. */
void mdi_recorder_gate_named(const struct modiso_gate *gate)
{
	struct mdi_report_place place;
	struct mdi_lines lines = { NULL };
	int saved = errno;

	if (own->names == NULL)
		return;
	mdi_report_find(&lines, (uintptr_t)gate->slot->entry, &place);
	mdi_lines_end(&lines);
	errno = saved;
	if (place.function[0] == '\0' || place.function_offset != 0)
		return;
	mdi_runtime_lock();
	add_gate(gate, place.function);
	mdi_runtime_unlock();
}
