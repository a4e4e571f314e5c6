/* SPDX-License-Identifier: MIT */
/*
 * The libraries that an image names, and the versions that it wants of them,
 * for libFuzzer. A name in four is in no directory; each other one is a file by
 * its length, with the bytes of the image itself. So images need each other and
 * themselves, in circles, and what one of them says of versions and of
 * thread-local storage all of them say.
 */
#include "support/parse.h"

#include "code/image_load.h"

#include <modiso/error.h>

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static struct mdi_scan_source whole;
static struct modiso_image built; /* of which nothing but the bias is read */

int mdi_image_file_open(struct mdi_scan_source *source, const char *path)
{
	size_t length = strlen(path);

	if (path[length - 1] % 4 == 0)
		return MODISO_ERR_NOENT;
	source->image = whole.image;
	source->size = whole.size;
	source->fd = -1;
	source->device = 1;
	source->inode = length;
	return 0;
}

/* What is freed with the load are the pages. */
int mdi_load_read(struct mdi_load *load)
{
	const struct mdi_scan_source *source = &load->request->source;
	char *pages = NULL;
	int result;

	load->image = &built;
	result = parse_image(&load->elf, source, true, &pages);
	load->aside = (unsigned char *)pages;
	return result == 0 && pages == NULL ? MODISO_ERR_LIMIT : result;
}

/* Each image once, and every library has its place in the scope. */
static void check(const struct mdi_group *group)
{
	bool seen[MDI_SCOPE_MAX] = {false};
	uint64_t below = 0;

	for (unsigned i = 0; group->count > 1 && i < group->count; i++) {
		unsigned at = group->order[i];

		if (at >= group->count || seen[at] ||
		    group->scope.member[i].elf != &group->load[i]->elf)
			abort();
		seen[at] = true;
	}
	for (unsigned i = 0; group->count > 1 && i < group->count; i++) {
		const struct mdi_elf *elf = &group->load[i]->elf;

		if (elf->tls.is && elf->tls.below < below + elf->tls.size)
			abort();
		if (elf->tls.is)
			below = elf->tls.below;
	}
}

static void gather(struct mdi_image_request *request, struct mdi_load *load)
{
	static struct mdi_group group;

	group.load[0] = load;
	group.count = 1;
	group.scope.count = 0;
	group.needed = NULL;
	if (mdi_needed_read(&group) == 0)
		check(&group);
	else if (request->options->flags == 0 &&
		 *modiso_last_error_text() == '\0')
		abort();
	mdi_needed_free(&group);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	static const char *const directories[] = {"/", "/libraries"};
	static struct mdi_load load;
	struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.needed_dirs = directories,
		.needed_dir_count = 2,
		/* Where libraries that are not there do not matter, or do. */
		.flags = length % 2 ? MODISO_IMAGE_IGNORE_NEEDED : 0,
	};
	struct mdi_image_request request = {.options = &options};

	whole = request.source = parse_source(bytes, length);
	memset(&load, 0, offsetof(struct mdi_load, elf));
	load.request = &request;
	if (mdi_load_read(&load) == 0)
		gather(&request, &load);
	free(load.aside);
	return 0;
}
