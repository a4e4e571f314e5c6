/* SPDX-License-Identifier: MIT */
/* Where an instruction is, and what a piece of the host's memory is. */
#include "core/report.h"

#include "arch/arch.h"
#include "core/lines.h"
#include "core/runtime.h"
#include "core/state.h"
#include "os/maps.h"
#include "os/objects.h"
#include "os/program.h"

#include <stdio.h>
#include <string.h>

static struct mdi_report_state *const own = &mdi_core_state.report;

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash != NULL ? slash + 1 : path;
}

/* Nobody's mistake is in these. */
static bool is_system(const char *path)
{
	static const char *const names[] = {
		"libc.so",      "libc-",       "libm.so",
		"libstdc++.so", "libgcc_s.so", "libc++.so",
		"libc++abi.so", "ld-linux",    "libpthread.so"};

	for (size_t i = 0; i < MDI_COUNT(names); i++)
		if (strncmp(base_name(path), names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/*
 * Where the library is linked into the program itself, its functions are known
 * by their names.
 */
static bool is_own_name(const char *name)
{
	static const char *const names[] = {
		"abort", "__assert_fail", "__stack_chk_fail", "exit",
		"_exit", "_Exit",         "quick_exit"};

	if (strncmp(name, "mdi_", 4) == 0 || strncmp(name, "modiso_", 7) == 0)
		return true;
	for (size_t i = 0; i < MDI_COUNT(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static void find_object(uintptr_t pc, struct mdi_report_place *place)
{
	struct mdi_object object;
	uintptr_t begin;

	if (!mdi_maps_file(pc, place->file, sizeof(place->file),
			   &place->file_offset))
		place->file[0] = '\0';
	if (mdi_object_find(pc, &object)) {
		mdi_object_path(&object, place->path, sizeof(place->path));
		place->bias = object.bias;
		place->system = is_system(object.name);
		place->own = object.own;
	}
	if (mdi_object_function(pc, place->function, sizeof(place->function),
				&begin, &place->function_length))
		place->function_offset = pc - begin;
}

void mdi_report_find(struct mdi_lines *lines, uintptr_t pc,
		     struct mdi_report_place *place)
{
	struct mdi_object object;

	memset(place, 0, sizeof(*place));
	if (own->image == NULL || !own->image(pc, place) || place->left_out) {
		memset(place, 0, sizeof(*place)); /* others lie there by now */
		find_object(pc, place);
	}
	mdi_lines_find(lines, pc, place);
	if (place->own && mdi_object_find(pc, &object) &&
	    object.name[0] == '\0')
		place->own =
			mdi_is_gate_code(pc) || is_own_name(place->function);
}

/* --- memory of the host's --- */

/* The C library keeps a thread's own data on top of its stack. */
static int32_t thread_in(const struct mdi_mapping *map)
{
	const struct mdi_thread *thread;
	int32_t tid = 0;

	mdi_runtime_lock();
	for (thread = mdi_core_state.thread.attached; thread != NULL;
	     thread = thread->next)
		if (thread->thread_pointer >= map->base &&
		    thread->thread_pointer < map->end)
			tid = thread->tid;
	mdi_runtime_unlock();
	return tid;
}

static void name_anonymous(const struct mdi_mapping *map, char *text,
			   size_t size)
{
	int32_t tid = mdi_backend_now != NULL ? thread_in(map) : 0;

	if (tid != 0)
		snprintf(text, size, "the stack of thread %d", tid);
	else if (!map->read && !map->write && !map->exec)
		snprintf(text, size, "reserved addresses, where nothing is");
	else
		snprintf(text, size, "anonymous memory of %zu bytes",
			 (size_t)(map->end - map->base));
}

static const char *kind_of(const struct mdi_mapping *map)
{
	return map->exec  ? "code" :
	       map->write ? "writable data" :
			    "constants";
}

/* "table + 0x10 (64 bytes, writable data of filter)" */
static void name_symbol(const struct mdi_report_place *place,
			const struct mdi_mapping *map, char *text, size_t size)
{
	const char *file = place->path[0] != '\0' ? place->path : place->file;
	char length[32] = "";

	if (place->function_length != 0)
		snprintf(length, sizeof(length), "%zu bytes, ",
			 place->function_length);
	snprintf(text, size, "%s + %#zx (%s%s of %s)", place->function,
		 (size_t)place->function_offset, length, kind_of(map),
		 base_name(file));
}

static void name_heap(uintptr_t address, char *text, size_t size)
{
	uintptr_t block;
	size_t length;

	if (!mdi_heap_block(address, &block, &length))
		snprintf(text, size, "the heap of the C library");
	else if (address < block)
		snprintf(text, size,
			 "%zu bytes below a block of %zu bytes of the heap",
			 (size_t)(block - address), length);
	else
		snprintf(text, size,
			 "%zu bytes into a block of %zu bytes of the heap",
			 (size_t)(address - block), length);
}

void mdi_report_memory(struct mdi_lines *lines, uintptr_t address, char *text,
		       size_t size)
{
	struct mdi_report_place place;
	struct mdi_mapping map;
	char name[256];

	text[0] = '\0';
	if (!mdi_maps_name(address, &map, name, sizeof(name)))
		return;
	mdi_report_find(lines, address, &place);
	if (place.function[0] != '\0')
		name_symbol(&place, &map, text, size);
	else if (place.path[0] != '\0') /* .bss is in no mapping of a file */
		snprintf(text, size, "%s of %s", kind_of(&map),
			 base_name(place.path));
	else if (strcmp(name, "[heap]") == 0)
		name_heap(address, text, size);
	else if (strcmp(name, "[stack]") == 0)
		snprintf(text, size, "the stack of the main thread");
	else if (name[0] == '\0')
		name_anonymous(&map, text, size);
	else
		snprintf(text, size, "the mapping of %s", name);
}
