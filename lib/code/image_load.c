/* SPDX-License-Identifier: MIT */
/*
 * An ELF image is built in pages that are not the module's yet, so that no
 * thread inside the module can change what was checked; each part then becomes
 * a region with its final protection at once.
 */
#include "code/image_load.h"

#include "base/error.h"
#include "core/region.h"
#include "core/runtime.h"
#include "core/vault.h"
#include "os/memory.h"
#include "os/process.h"

#include <modiso/region.h>

#include <stdlib.h>
#include <string.h>

/* Of a segment that may be left out, read to the heap first. */
#define ASIDE_MAX ((size_t)128 << 10)

static int check_abi(const struct mdi_load *load)
{
	const struct mdi_elf *elf = &load->elf;
	const char *want = load->request->options->abi;
	const char *has = (const char *)mdi_elf_at(elf, elf->abi.offset);

	if (want == NULL ||
	    (strlen(want) == elf->abi.length && elf->abi.length != 0 &&
	     memcmp(want, has, elf->abi.length) == 0))
		return 0;
	if (elf->abi.length == 0)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"image %s has no ABI tag; the host wants %s",
				elf->name, want);
	return mdi_fail(MODISO_ERR_NOTSUP,
			"image %s has ABI tag %.*s; the host wants %s",
			elf->name, (int)elf->abi.length, has, want);
}

/* --- building --- */

static const char *part_name(uint32_t access)
{
	return access & MODISO_EXEC    ? "code"
	       : access & MODISO_WRITE ? "data"
				       : "rodata";
}

/*
 * A segment of tables that are read by now, and that nothing of the image is
 * known to name: an access to it is a fault.
 */
static void leave_tables_out(struct mdi_load *load)
{
	const struct mdi_symbols *symbols = &load->image->symbols;
	const struct mdi_segment *tables = load->reloc.watched;

	if (tables == NULL || load->reloc.watched_named)
		return;
	for (size_t i = 0; i < symbols->export_count; i++)
		if (symbols->exports[i].vaddr - tables->vaddr < tables->size)
			return;
	load->left_out = tables;
	load->image->tables = tables->vaddr - load->elf.low;
	load->image->tables_length = tables->size;
}

/* NULL: all of it is to be the module's. */
static const struct mdi_segment *find_tables(const struct mdi_load *load)
{
	if (load->request->options->flags & MODISO_IMAGE_HEADERS ||
	    load->elf.segment_count == 1)
		return NULL;
	return mdi_elf_tables(&load->elf);
}

static size_t first_pages(const struct mdi_elf *elf)
{
	const struct mdi_segment *first = &elf->segment[0];

	return (first->vaddr - elf->low + first->size + MDI_PAGE_SIZE - 1) &
	       -MDI_PAGE_SIZE;
}

/*
 * The first segment mostly has tables alone, and then is not the module's: it
 * is read to where nothing has to be mapped and unmapped again. What turns out
 * to be more gets its pages after all (take_aside_in).
 */
static int read_aside(struct mdi_load *load)
{
	const struct mdi_segment *first = &load->elf.segment[0];
	size_t length = first->vaddr - load->elf.low + first->size;

	if (load->request->options->flags & MODISO_IMAGE_HEADERS ||
	    load->elf.segment_count == 1 || first->access != MODISO_READ ||
	    length > ASIDE_MAX)
		return 0;
	load->aside = malloc(length);
	if (load->aside == NULL)
		return mdi_fail_memory("%zu bytes of an image", length);
	/* What the file does not fill, in front and behind. */
	memset(load->aside, 0, first->vaddr - load->elf.low);
	memset(load->aside + length - (first->size - first->file_size), 0,
	       first->size - first->file_size);
	load->elf.aside = load->aside;
	load->elf.aside_length = length;
	return 0;
}

static int take_aside_in(struct mdi_load *load)
{
	struct modiso_image *image = load->image;
	size_t length = load->elf.aside_length;
	int result;

	if (length == 0 || load->left_out == &load->elf.segment[0])
		return 0;
	result = mdi_region_stage_pages(image->pages, image->bare);
	if (result != 0)
		return result;
	mdi_mem_populate(image->pages, image->bare);
	image->bare = 0;
	memcpy(image->pages, load->elf.aside, length);
	return 0;
}

/* A writable segment is cut where RELRO begins and ends. */
static void add_parts(struct mdi_load *load)
{
	const struct mdi_elf *elf = &load->elf;
	size_t relro = elf->relro - elf->low;
	size_t relro_end = elf->relro_end - elf->low;
	/* Indirect functions are resolved when code runs: RELRO comes then. */
	uint32_t closed = MODISO_READ;

	if (load->reloc.late_count != 0)
		closed |= MODISO_WRITE;
	for (unsigned i = 0; i < elf->segment_count; i++) {
		const struct mdi_segment *segment = &elf->segment[i];
		size_t from = (segment->vaddr - elf->low) & -MDI_PAGE_SIZE;
		size_t to = (segment->vaddr + segment->size - elf->low +
			     MDI_PAGE_SIZE - 1) &
			    -MDI_PAGE_SIZE;

		if (segment == load->left_out)
			continue;
		if (relro < relro_end && relro >= from && relro_end <= to &&
		    segment->access & MODISO_WRITE) {
			mdi_image_add_part(load->image, from, relro,
					   segment->access, "data");
			mdi_image_add_part(load->image, relro, relro_end,
					   closed, "relro");
			from = relro_end;
		}
		mdi_image_add_part(load->image, from, to, segment->access,
				   part_name(segment->access));
	}
}

/* Pages that the file fills, in as few calls as there are gaps. */
static void populate(const struct mdi_load *load)
{
	const struct mdi_elf *elf = &load->elf;
	size_t from = 0, to = 0;

	for (unsigned i = 0; i < elf->segment_count; i++) {
		size_t start = elf->segment[i].vaddr - elf->low;
		size_t end = start + elf->segment[i].file_size;

		if (end == start || start < elf->aside_length)
			continue;
		start &= -MDI_PAGE_SIZE;
		if (start != to) {
			if (to != from)
				mdi_mem_populate(load->image->pages + from,
						 to - from);
			from = start;
		}
		to = (end + MDI_PAGE_SIZE - 1) & -MDI_PAGE_SIZE;
	}
	if (to != from)
		mdi_mem_populate(load->image->pages + from, to - from);
}

/* The canary of the stack protector differs from load to load. */
static void set_guard(const struct mdi_load *load)
{
	const struct mdi_symbol *symbol =
		mdi_symbols_find(&load->image->symbols, "__stack_chk_guard");
	const struct mdi_segment *segment;
	uint64_t guard;

	if (symbol == NULL)
		return;
	segment = mdi_elf_segment(&load->elf, symbol->vaddr, sizeof(guard));
	if (segment == NULL || !(segment->access & MODISO_WRITE) ||
	    mdi_os_random(&guard, sizeof(guard)) != 0)
		return;
	guard &= ~(uint64_t)0xff; /* ends strings that run into it */
	memcpy(load->image->pages + (symbol->vaddr - load->elf.low), &guard,
	       sizeof(guard));
}

/* A symbol of another image's may stand before one that it has itself. */
static bool is_code(const struct mdi_load *load, uintptr_t function)
{
	const struct mdi_scope *scope = load->reloc.scope;
	bool found = mdi_image_is_code(load->image, function);

	for (unsigned i = 0; scope != NULL && i < scope->count && !found; i++)
		found = mdi_elf_is_code(scope->member[i].elf,
					function - scope->member[i].bias);
	return found;
}

/* What the relocated array holds now; the module can change it later. */
static int read_hooks(const struct mdi_load *load,
		      const struct mdi_hooks *hooks, bool backwards,
		      uintptr_t *list, size_t *count)
{
	uint64_t array = hooks->array - load->elf.low;
	uintptr_t function;
	size_t n = 0;

	if (hooks->function != 0 && !backwards)
		list[n++] = load->image->bias + hooks->function;
	for (size_t i = 0; i < hooks->count; i++) {
		size_t from = backwards ? hooks->count - 1 - i : i;

		memcpy(&function,
		       mdi_elf_at(&load->elf, array + from * sizeof(function)),
		       sizeof(function));
		if (!is_code(load, function))
			return mdi_fail(MODISO_ERR_FORMAT,
					"image %s: entry %zu of its %s array "
					"is %#zx, which is not in its code",
					load->elf.name, from,
					backwards ? "fini" : "init",
					(size_t)function);
		list[n++] = function;
	}
	if (hooks->function != 0 && backwards)
		list[n++] = load->image->bias + hooks->function;
	*count = n;
	return 0;
}

static int read_all_hooks(struct mdi_load *load)
{
	const struct mdi_elf *elf = &load->elf;
	struct modiso_image *image = load->image;
	size_t init = elf->preinit.count + elf->init.count + 1;
	size_t fini = elf->fini.count + 1, used;
	int result;

	load->init = calloc(init, sizeof(*load->init));
	mdi_runtime_lock();
	image->fini = mdi_vault_alloc(fini * sizeof(*image->fini));
	mdi_runtime_unlock();
	if (load->init == NULL || image->fini == NULL)
		return mdi_fail_memory("%zu init and fini functions",
				       init + fini);
	image->fini_count = fini; /* zeroes at the end are not run */
	result = read_hooks(load, &elf->preinit, false, load->init,
			    &load->init_count);
	if (result == 0)
		result = read_hooks(load, &elf->init, false,
				    load->init + load->init_count, &used);
	if (result == 0)
		load->init_count += used;
	if (result == 0)
		result = read_hooks(load, &elf->fini, true, image->fini, &used);
	return result;
}

static int name_symbols(struct mdi_load *load)
{
	const struct mdi_scan_source *source = &load->request->source;
	struct modiso_image *image = load->image;
	struct mdi_symbol_table table;
	int result;

	result = mdi_symbols_measure(&load->elf, source, &table,
				     &image->symbols);
	if (result == 0)
		result = mdi_image_reserve_names(image);
	if (result == 0)
		result = mdi_symbols_fill(&load->elf, source, &table,
					  &image->symbols, image->names);
	return result;
}

/* The pages as the file has them, and all that is said in them. */
static int read_image(struct mdi_load *load)
{
	struct mdi_image_request *request = load->request;
	uint32_t flags = request->options->flags;
	int result;

	populate(load);
	result = mdi_elf_segments(&load->elf, &request->source,
				  load->image->pages);
	if (result == 0)
		result = mdi_elf_contents(&load->elf,
					  flags & MODISO_IMAGE_IGNORE_NEEDED ||
					  request->options->needed_dir_count);
	return result != 0 ? result : check_abi(load);
}

static bool data_is_last(const struct mdi_elf *elf)
{
	const struct mdi_segment *last = &elf->segment[elf->segment_count - 1];

	return last->access & MODISO_WRITE &&
	       (elf->relro == elf->relro_end ||
		elf->relro_end != elf->low + elf->span);
}

int mdi_load_read(struct mdi_load *load)
{
	struct mdi_image_request *request = load->request;
	const struct mdi_elf *elf = &load->elf;
	struct modiso_image *image;
	int result;

	result = mdi_elf_headers(&load->elf, &request->source);
	if (result == 0)
		result = read_aside(load);
	if (result == 0)
		result = mdi_image_create(request, elf->span,
					  load->aside ? first_pages(elf) : 0,
					  data_is_last(elf), &load->image);
	if (result != 0)
		return result;
	image = load->image;
	image->bias = (uintptr_t)image->pages - elf->low;
	if (elf->unwind != 0)
		image->unwind = image->bias + elf->unwind;
	mdi_scan_source_path(&request->source, image->path,
			     sizeof(image->path));
	result = read_image(load);
	/* Linkers give libraries one, too: where their code begins. */
	if (elf->entry != 0 && elf->soname == 0)
		image->entry = image->bias + elf->entry;
	return result;
}

int mdi_load_build(struct mdi_group *group, unsigned self)
{
	struct mdi_load *load = group->load[self];
	const struct mdi_elf *elf = &load->elf;
	int result;

	load->reloc = (struct mdi_reloc){
		.elf = elf,
		.bindings = &group->bindings,
		.options = load->request->options,
		.scope = group->count > 1 ? &group->scope : NULL,
		.self = self,
		.pages = load->image->pages,
		.bias = load->image->bias,
		.watched = find_tables(load),
	};
	result = mdi_relocate(&load->reloc);
	if (result == 0)
		result = name_symbols(load);
	if (result != 0)
		return result;
	leave_tables_out(load);
	result = take_aside_in(load);
	if (result != 0)
		return result;
	add_parts(load);
	set_guard(load);
	result = read_all_hooks(load);
	return result != 0 ? result
			   : mdi_image_scan(load->image, load->request, elf);
}
