/* SPDX-License-Identifier: MIT */
#include "code/scan_file.h"

#include "base/error.h"
#include "code/scan.h"
#include "code/scan_names.h"
#include "os/maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Read at a time. */
#define CHUNK ((size_t)128 << 10)

/* Of a mapping, or of several that are parts of one file. */
struct file_names {
	char path[384];
	bool open; /* what follows can be asked */
	struct mdi_scan_source source;
	struct mdi_scan_elf elf;
	struct mdi_scan_names names;
};

struct process_scan {
	struct mdi_scan scan;
	struct mdi_mapping map; /* the one that is looked at */
	char name[384];
	struct file_names file;
	struct modiso_scan_info *info;
	modiso_scan_fn fn;
	void *arg;
	char *buffer;
	int memory;
	struct mdi_scan_place first;
	char first_name[256];
	int result;
};

/* --- names, from the file: a service to the reader, which may fail --- */

static void close_names(struct file_names *file)
{
	if (file->open) {
		mdi_scan_names_fini(&file->names);
		mdi_scan_source_close(&file->source);
	}
	*file = (struct file_names){ 0 };
}

static void open_names(struct file_names *file, const char *path)
{
	struct mdi_error kept;
	int saved = errno;

	if (strcmp(file->path, path) == 0)
		return;
	close_names(file);
	memcpy(file->path, path, strlen(path) + 1);
	mdi_error_save(&kept);
	if (path[0] == '/' &&
	    mdi_scan_source_open(&file->source, path) == 0) {
		file->open = mdi_scan_elf_parse(&file->source, &file->elf) == 0;
		if (!file->open)
			mdi_scan_source_close(&file->source);
	}
	mdi_error_restore(&kept);
	errno = saved;
}

static struct mdi_scan_name name_of(struct file_names *file, uint64_t offset)
{
	for (size_t i = 0; file->open && i < file->elf.count; i++) {
		const struct mdi_scan_segment *segment = &file->elf.segments[i];

		if (offset - segment->offset < segment->length)
			return mdi_scan_names_find(
				&file->names, &file->source, &file->elf.header,
				segment->address + offset - segment->offset);
	}
	return (struct mdi_scan_name){ 0 };
}

/* --- the process --- */

static int process_place(const struct mdi_scan_place *place, void *arg)
{
	struct process_scan *process = arg;
	uint64_t offset = place->position - process->map.base +
			  process->map.offset;
	struct modiso_scan_hit hit = {
		.struct_size = sizeof(hit),
		.kind = place->kind,
		.offset = offset,
		.address = place->position,
		.file = process->name,
		.length = place->length,
	};
	struct mdi_scan_name name;

	memcpy(hit.bytes, place->bytes, sizeof(hit.bytes));
	if (process->info->hit_count++ == 0) {
		process->first = *place;
		memcpy(process->first_name, process->name,
		       sizeof(process->first_name) - 1);
	}
	if (process->fn == NULL)
		return 1;
	open_names(&process->file, process->name);
	name = name_of(&process->file, offset);
	hit.section = name.section;
	hit.symbol = name.symbol;
	hit.symbol_offset = name.symbol_offset;
	return process->fn(&hit, process->arg);
}

/* Made printable, as a file's names are. */
static void take_name(struct process_scan *process, const char *name)
{
	size_t i;

	if (name[0] == '\0')
		name = "[anonymous]";
	for (i = 0; name[i] != '\0' && i < sizeof(process->name) - 1; i++)
		process->name[i] = (unsigned char)name[i] < ' ' ||
						   name[i] == 0x7f
					   ? '?'
					   : name[i];
	process->name[i] = '\0';
}

static bool scan_mapping(const struct mdi_mapping *map, const char *name,
			 void *arg)
{
	struct process_scan *process = arg;
	size_t part;

	/* What the kernel does there cannot be read, and is known. */
	if (strcmp(name, "[vsyscall]") == 0)
		return true;
	process->map = *map;
	take_name(process, name);
	if (process->scan.position != map->base)
		mdi_scan_seek(&process->scan, map->base);
	process->info->segment_count++;
	process->info->writable_count += map->write;
	for (uintptr_t at = map->base; at < map->end; at += part) {
		part = map->end - at < CHUNK ? map->end - at : CHUNK;
		if (mdi_maps_read(process->memory, at, process->buffer, part) !=
		    0) {
			process->result = mdi_fail_os(
				"pread", "%zu bytes of %s at %#zx", part,
				process->name, (size_t)at);
			return false;
		}
		process->info->bytes += part;
		if (mdi_scan_feed(&process->scan, process->buffer, part) != 0)
			return false;
	}
	return true;
}

static int scan_memory_of(struct process_scan *process, uint32_t pid)
{
	char what[MDI_SCAN_DESCRIBED];

	if (mdi_maps_walk_code(pid, scan_mapping, process) != 0)
		return mdi_fail_os("open", "/proc/%u/maps", pid);
	if (process->result != 0 || process->info->hit_count == 0)
		return process->result;
	mdi_scan_describe(&process->first, what, sizeof(what));
	return mdi_fail(MODISO_ERR_GADGET, "%s: %s at address %#zx",
			process->first_name, what,
			(size_t)process->first.position);
}

int mdi_scan_process(uint32_t pid, uint32_t kinds, modiso_scan_fn fn, void *arg,
		     struct modiso_scan_info *info)
{
	struct process_scan *process = calloc(1, sizeof(*process) + CHUNK);
	int result;

	if (process == NULL)
		return mdi_fail_memory("%zu bytes of a process", CHUNK);
	process->buffer = (char *)(process + 1);
	process->info = info;
	process->fn = fn;
	process->arg = arg;
	mdi_scan_start(&process->scan, kinds, process_place, process);
	process->memory = mdi_maps_open_memory(pid);
	if (process->memory < 0) {
		result = mdi_fail_os("open", "/proc/%u/mem", pid);
	} else {
		result = scan_memory_of(process, pid);
		mdi_maps_close_memory(process->memory);
	}
	close_names(&process->file);
	free(process);
	return result;
}
