/* SPDX-License-Identifier: MIT */
#include "code/scan_file.h"

#include "base/error.h"
#include "code/scan.h"
#include "code/scan_names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Read at a time: fits into the second-level cache, from where it is scanned */
#define CHUNK ((size_t)128 << 10)

/* The first hit's sentence, less than an error text can hold. */
#define SENTENCE 320

struct file_scan {
	struct mdi_scan_source source;
	struct mdi_scan_elf elf;
	struct mdi_scan_names names;
	struct modiso_scan_info *info;
	const char *file; /* what a hit says */
	modiso_scan_fn fn;
	void *arg;
	char first[SENTENCE];
};

static void describe(struct file_scan *file, const struct mdi_scan_place *place,
		     const struct modiso_scan_hit *hit)
{
	char what[80];

	mdi_scan_describe(place, what, sizeof(what));
	snprintf(file->first, sizeof(file->first),
		 "%s at file offset %#llx, address %#llx, section %s, "
		 "symbol %s+%#llx",
		 what, (unsigned long long)hit->offset,
		 (unsigned long long)hit->address,
		 hit->section ? hit->section : "(none)",
		 hit->symbol ? hit->symbol : "(none)",
		 (unsigned long long)hit->symbol_offset);
}

/* Positions of this scan are addresses. */
static int file_place(const struct mdi_scan_place *place, void *arg)
{
	struct file_scan *file = arg;
	const struct mdi_scan_segment *segment =
		mdi_scan_elf_segment(&file->elf, place->position);
	struct mdi_scan_name name =
		mdi_scan_names_find(&file->names, &file->source,
				    &file->elf.header, place->position);
	struct modiso_scan_hit hit = {
		.struct_size = sizeof(hit),
		.kind = place->kind,
		.offset = place->position - segment->address + segment->offset,
		.address = place->position,
		.file = file->file,
		.section = name.section,
		.symbol = name.symbol,
		.symbol_offset = name.symbol_offset,
		.length = place->length,
	};

	memcpy(hit.bytes, place->bytes, sizeof(hit.bytes));
	if (file->info->hit_count++ == 0)
		describe(file, place, &hit);
	return file->fn != NULL ? file->fn(&hit, file->arg) : 1;
}

/* 0, or 1 when the callback has had enough, or a code. */
static int scan_segment(struct file_scan *file, struct mdi_scan *scan,
			const struct mdi_scan_segment *segment, void *buffer)
{
	const struct mdi_scan_source *source = &file->source;
	uint64_t done = 0;
	int result;

	while (done < segment->length) {
		uint64_t left = segment->length - done;
		size_t part = left < CHUNK ? (size_t)left : CHUNK;
		const void *bytes = buffer;

		if (source->image != NULL)
			bytes = source->image + segment->offset + done;
		else {
			result = mdi_scan_source_read(
				source, segment->offset + done, buffer, part);
			if (result != 0)
				return result;
		}
		if (mdi_scan_feed(scan, bytes, part) != 0)
			return 1;
		done += part;
		file->info->bytes += part;
	}
	return 0;
}

static int scan_segments(struct file_scan *file, uint32_t kinds, void *buffer)
{
	const struct mdi_scan_elf *elf = &file->elf;
	struct mdi_scan scan;
	int result = 0;

	mdi_scan_start(&scan, kinds, file_place, file);
	for (size_t i = 0; i < elf->count && result == 0; i++) {
		const struct mdi_scan_segment *segment = &elf->segments[i];

		if (scan.position != segment->address)
			mdi_scan_seek(&scan, segment->address);
		result = scan_segment(file, &scan, segment, buffer);
	}
	return result < 0 ? result : 0;
}

static int scan_source(struct file_scan *file, uint32_t kinds)
{
	void *buffer = NULL;
	int result = mdi_scan_elf_parse(&file->source, &file->elf);

	if (result != 0)
		return result;
	file->info->segment_count = (uint32_t)file->elf.count;
	for (size_t i = 0; i < file->elf.count; i++)
		file->info->writable_count += file->elf.segments[i].writable;
	if (file->source.image == NULL) {
		buffer = malloc(CHUNK);
		if (buffer == NULL)
			return mdi_fail_memory("%zu bytes of %s", CHUNK,
					       file->source.name);
	}
	result = scan_segments(file, kinds, buffer);
	mdi_scan_names_fini(&file->names);
	free(buffer);
	if (result == 0 && file->info->hit_count > 0)
		result = mdi_fail(MODISO_ERR_GADGET, "%s: %s",
				  file->source.name, file->first);
	return result;
}

int mdi_scan_file(const char *path, uint32_t kinds, modiso_scan_fn fn,
		  void *arg, struct modiso_scan_info *info)
{
	struct file_scan file = {
		.info = info, .file = path, .fn = fn, .arg = arg
	};
	int result = mdi_scan_source_open(&file.source, path);

	if (result != 0)
		return result;
	result = scan_source(&file, kinds);
	mdi_scan_source_close(&file.source);
	return result;
}

int mdi_scan_elf(const void *image, size_t length, uint32_t kinds,
		 modiso_scan_fn fn, void *arg, struct modiso_scan_info *info)
{
	struct file_scan file = {
		.source = { .name = "image", .image = image, .size = length },
		.info = info,
		.fn = fn,
		.arg = arg,
	};

	return scan_source(&file, kinds);
}
