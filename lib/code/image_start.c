/* SPDX-License-Identifier: MIT */
/*
 * The images of a load from their files to their initialisers: all are read,
 * then all are built, then all become the module's, then their code runs.
 */
#include "code/image_load.h"

#include "base/error.h"
#include "code/image_debug.h"
#include "core/range.h"
#include "core/region.h"
#include "core/runtime.h"
#include "core/vault.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

static int resolve_late(struct mdi_load *load)
{
	struct modiso_image *image = load->image;
	uintptr_t value = 0;
	int result;

	for (size_t i = 0; i < load->reloc.late_count; i++) {
		const struct mdi_late *late = &load->reloc.late[i];

		result = mdi_image_call(image, late->resolver, &value);
		if (result != 0)
			return result;
		value += late->addend;
		result = mdi_range_copy((void *)(image->bias + late->target),
					&value, sizeof(value),
					(void *)(image->bias + late->target));
		if (result != 0)
			return result;
	}
	return 0;
}

static int close_relro(struct modiso_image *image)
{
	int result = 0;

	mdi_runtime_lock();
	for (unsigned i = 0; result == 0 && i < image->part_count; i++) {
		if (strcmp(image->part[i].what, "relro") != 0)
			continue;
		result = mdi_region_protect(image->part[i].region, MODISO_READ);
	}
	mdi_runtime_unlock();
	return result;
}

/* In its pages, which become the module's; the lock is held. */
static int settle(struct mdi_group *group)
{
	int result;

	for (unsigned i = 0; i < group->count; i++)
		mdi_image_publish(group->load[i]->image);
	result = mdi_image_tls_begin(group);
	for (unsigned i = 0; result == 0 && i < group->count; i++)
		result = mdi_image_settle(group->load[i]->image);
	return result;
}

static int resolve(struct mdi_load *load)
{
	int result;

	if (load->reloc.late_count == 0)
		return 0;
	result = resolve_late(load);
	return result != 0 ? result : close_relro(load->image);
}

static int initialise(struct mdi_load *load)
{
	int result = 0;

	for (size_t i = 0; result == 0 && i < load->init_count; i++)
		result = mdi_image_call(load->image, load->init[i], NULL);
	return result;
}

/* Who is needed is started before who needs it. */
static int start(struct mdi_group *group)
{
	struct mdi_load **load = group->load;
	int result;

	mdi_runtime_lock();
	result = settle(group);
	mdi_runtime_unlock();
	for (unsigned i = 0; result == 0 && i < group->count; i++)
		result = mdi_image_debug_add(load[i]->image, load[i]->request);
	for (unsigned i = 0; result == 0 && i < group->count; i++)
		result = resolve(load[group->order[i]]);
	for (unsigned i = 0; result == 0 && i < group->count; i++)
		result = initialise(load[group->order[i]]);
	return result;
}

/* Those of the image asked for come first; zeroes at the end are not run. */
static size_t add_finalisers(const struct modiso_image *image, uintptr_t *to)
{
	size_t n = 0;

	for (; n < image->fini_count && image->fini[n] != 0; n++)
		if (to != NULL)
			to[n] = image->fini[n];
	return n;
}

/* One image has all finalisers, and leads to the others. */
static int join(struct mdi_group *group)
{
	struct modiso_image *image = group->load[0]->image;
	size_t count = 1, used = 0;
	uintptr_t *fini;

	if (group->count == 1)
		return 0;
	for (unsigned i = 0; i < group->count; i++)
		count += add_finalisers(group->load[i]->image, NULL);
	mdi_runtime_lock();
	fini = mdi_vault_alloc(count * sizeof(*fini));
	if (fini != NULL) {
		for (unsigned i = group->count; i-- > 0;)
			used += add_finalisers(
				group->load[group->order[i]]->image,
				fini + used);
		mdi_vault_free(image->fini,
			       image->fini_count * sizeof(*image->fini));
		image->fini = fini;
		image->fini_count = count;
	}
	mdi_runtime_unlock();
	return fini != NULL ? 0
			    : mdi_fail_memory("%zu fini functions", count);
}

/* Complete: they may be used, found by the first, and end with it. */
static void open_all(const struct mdi_group *group)
{
	for (unsigned i = 0; i < group->count; i++) {
		struct modiso_image *image = group->load[i]->image;

		image->sealed = true;
		if (i + 1 < group->count)
			image->library = group->load[i + 1]->image;
	}
}

static int load_all(struct mdi_group *group)
{
	int result = mdi_load_read(group->load[0]);

	if (result == 0 &&
	    group->load[0]->request->options->needed_dir_count != 0)
		result = mdi_needed_read(group);
	for (unsigned i = 0; result == 0 && i < group->count; i++)
		result = mdi_load_build(group, i);
	if (result == 0)
		result = join(group);
	if (result == 0)
		result = start(group);
	if (result == 0)
		open_all(group);
	for (unsigned i = group->count; result != 0 && i-- > 0;)
		if (group->load[i]->image != NULL)
			mdi_image_discard(group->load[i]->image);
	return result;
}

int mdi_image_load(struct mdi_image_request *request, struct modiso_image **out)
{
	const struct modiso_image_options *options = request->options;
	struct mdi_group group;
	struct mdi_load load;
	int saved = errno, result;

	memset(&load, 0, offsetof(struct mdi_load, elf));
	load.request = request;
	group.load[0] = &load;
	group.count = 1;
	group.order[0] = 0;
	group.scope.count = 0;
	group.needed = NULL;
	result = mdi_bindings_init(&group.bindings, options->exports,
				   options->export_count);
	if (result == 0)
		result = load_all(&group);
	mdi_bindings_fini(&group.bindings);
	mdi_needed_free(&group);
	free(load.reloc.late);
	free(load.init);
	free(load.aside);
	if (result == 0)
		*out = load.image;
	if (result != MODISO_ERR_OS)
		errno = saved;
	return result;
}
