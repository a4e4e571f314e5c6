/* SPDX-License-Identifier: MIT */
/*
 * Libraries that an image names (DT_NEEDED), and those that they name: read
 * breadth first, which is the order that symbols are looked for in, from
 * directories of the host's and from nowhere else. What a file says of paths
 * (DT_RPATH, DT_RUNPATH) is not read.
 */
#include "code/image_load.h"

#include "base/error.h"
#include "code/image_missing.h"
#include "core/tls.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_SIZE 256
#define PATH_SIZE 4096
#define ABSENT    (-1)
#define UNKNOWN   (-2)

/* One that came with the image that was asked for. */
struct library {
	struct mdi_image_request request;
	char name[NAME_SIZE];
	struct mdi_load load; /* last: large, and not zeroed */
};

struct mdi_needed {
	struct modiso_image_options options; /* of libraries */
	struct mdi_missing missing;
	struct {
		char name[NAME_SIZE];
		int member; /* of the group; or ABSENT */
	} named[MDI_SCOPE_MAX];
	unsigned named_count;
	bool seen[MDI_SCOPE_MAX];
	unsigned ordered;
};

/* --- names --- */

static const char *soname(const struct mdi_elf *elf)
{
	const char *name =
		elf->soname != 0 ? mdi_elf_string(elf, elf->soname) : NULL;

	return name != NULL ? name : "";
}

/* Which image of the group a name stands for, ABSENT or UNKNOWN. */
static int member_of(const struct mdi_group *group, const char *name)
{
	const struct mdi_needed *needed = group->needed;

	for (unsigned i = 0; i < needed->named_count; i++)
		if (strcmp(needed->named[i].name, name) == 0)
			return needed->named[i].member;
	for (unsigned i = 0; i < group->count; i++)
		if (strcmp(soname(&group->load[i]->elf), name) == 0 ||
		    strcmp(group->load[i]->request->source.name, name) == 0)
			return (int)i;
	return UNKNOWN;
}

/* The same file under another name. */
static int member_with(const struct mdi_group *group,
		       const struct mdi_scan_source *source)
{
	for (unsigned i = 0; i < group->count && source->inode != 0; i++) {
		const struct mdi_scan_source *other =
			&group->load[i]->request->source;

		if (other->inode == source->inode &&
		    other->device == source->device)
			return (int)i;
	}
	return UNKNOWN;
}

static int check_name(const struct mdi_elf *elf, const char *name)
{
	if (name == NULL)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s needs a library whose name has no "
				"end", elf->name);
	if (*name != '\0' && strlen(name) < NAME_SIZE &&
	    strpbrk(name, "/\\") == NULL)
		return 0;
	return mdi_fail(MODISO_ERR_ACCESS,
			"image %s needs library \"%.64s\"; a library is named "
			"by up to %d characters without a path",
			elf->name, name, NAME_SIZE - 1);
}

/* --- files --- */

/* MODISO_ERR_NOENT: no directory has it. */
static int open_library(const struct modiso_image_options *options,
			struct mdi_scan_source *source)
{
	int result = MODISO_ERR_NOENT;
	char path[PATH_SIZE];

	for (size_t i = 0; result == MODISO_ERR_NOENT &&
			   i < options->needed_dir_count; i++) {
		const char *directory = options->needed_dirs[i];

		if (directory == NULL || *directory == '\0')
			return mdi_fail(MODISO_ERR_INVAL,
					"options.needed_dirs[%zu] is %s", i,
					directory ? "empty" : "NULL");
		if (snprintf(path, sizeof(path), "%s/%s", directory,
			     source->name) >= (int)sizeof(path))
			return mdi_fail(MODISO_ERR_INVAL,
					"options.needed_dirs[%zu] is too long",
					i);
		result = mdi_image_file_open(source, path);
	}
	return result;
}

static void free_library(struct mdi_load *load)
{
	struct library *library = mdi_container_of(load, struct library, load);

	mdi_scan_source_close(&library->request.source);
	free(load->reloc.late);
	free(load->init);
	free(load->aside);
	free(library);
}

/* Opened, and not read; *@out is NULL where it is there already, or absent. */
static int make_library(struct mdi_group *group, const char *name, int *member,
			struct mdi_load **out)
{
	struct library *library = malloc(sizeof(*library));
	int result;

	*out = NULL;
	if (library == NULL)
		return mdi_fail_memory("library %.64s", name);
	memset(library, 0, offsetof(struct library, load.elf));
	strcpy(library->name, name);
	library->request.module = group->load[0]->request->module;
	library->request.options = &group->needed->options;
	library->request.source.name = library->name;
	library->load.request = &library->request;
	result = open_library(&group->needed->options,
			      &library->request.source);
	*member = ABSENT;
	if (result == 0)
		*member = member_with(group, &library->request.source);
	if (*member == UNKNOWN) {
		*out = &library->load;
		return 0;
	}
	if (result == 0)
		mdi_scan_source_close(&library->request.source);
	free(library);
	return result == MODISO_ERR_NOENT ? 0 : result;
}

/* --- the graph --- */

/* A name that was not met before. */
static int take_name(struct mdi_group *group, const struct mdi_elf *elf,
		     const char *name)
{
	struct mdi_needed *needed = group->needed;
	struct mdi_load *load = NULL;
	int member = member_of(group, name), result = 0;

	if (needed->named_count == MDI_SCOPE_MAX - 1)
		return mdi_fail(MODISO_ERR_LIMIT,
				"image %s and its libraries need more than %d "
				"libraries",
				group->load[0]->elf.name, MDI_SCOPE_MAX - 1);
	if (member == UNKNOWN)
		result = make_library(group, name, &member, &load);
	if (result != 0)
		return result;
	if (load != NULL) {
		member = (int)group->count;
		group->load[group->count++] = load;
	}
	if (member == ABSENT &&
	    !(needed->options.flags & MODISO_IMAGE_IGNORE_NEEDED))
		mdi_missing_add(&needed->missing, elf->name, name,
				"no directory has this library", false);
	strcpy(needed->named[needed->named_count].name, name);
	needed->named[needed->named_count++].member = member;
	return load != NULL ? mdi_load_read(load) : 0;
}

static bool is_named(const struct mdi_needed *needed, const char *name)
{
	for (unsigned i = 0; i < needed->named_count; i++)
		if (strcmp(needed->named[i].name, name) == 0)
			return true;
	return false;
}

static int read_all(struct mdi_group *group)
{
	int result = 0;

	for (unsigned i = 0; i < group->count && result == 0; i++) {
		const struct mdi_elf *elf = &group->load[i]->elf;
		const char *name;
		size_t at = 0;

		while (result == 0 && mdi_elf_next_needed(elf, &at, &name)) {
			result = check_name(elf, name);
			if (result == 0 && !is_named(group->needed, name))
				result = take_name(group, elf, name);
		}
	}
	return result;
}

/* Who is needed comes first; where they need each other, whoever is met. */
static void put_in_order(struct mdi_group *group, unsigned i)
{
	struct mdi_needed *needed = group->needed;
	const char *name;
	size_t at = 0;

	needed->seen[i] = true;
	while (mdi_elf_next_needed(&group->load[i]->elf, &at, &name)) {
		int member = name != NULL ? member_of(group, name) : ABSENT;

		if (member >= 0 && !needed->seen[member])
			put_in_order(group, (unsigned)member);
	}
	group->order[needed->ordered++] = (uint8_t)i;
}

/* --- versions --- */

struct check {
	struct mdi_group *group;
	const struct mdi_elf *elf;
};

static int check_version(void *arg, const struct mdi_version *version)
{
	struct check *check = arg;
	struct mdi_group *group = check->group;
	char why[128];
	int member;

	if (version->file == NULL)
		return 0;
	member = member_of(group, version->file);
	if (member == UNKNOWN)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s wants version %.64s of %.64s, a "
				"library that it does not need",
				check->elf->name, version->name, version->file);
	if (member == ABSENT || version->weak ||
	    mdi_scope_has_version(&group->scope.member[member], version->name))
		return 0;
	snprintf(why, sizeof(why), "%.64s has no such version", version->file);
	mdi_missing_add(&group->needed->missing, check->elf->name,
			version->name, why, true);
	return 0;
}

static int check_versions(struct mdi_group *group)
{
	int result = 0;

	for (unsigned i = 0; i < group->count && result == 0; i++)
		result = mdi_scope_add(&group->scope, &group->load[i]->elf,
				       group->load[i]->image->bias);
	for (unsigned i = 0; i < group->count && result == 0; i++) {
		struct check check = {group, &group->load[i]->elf};

		result = mdi_elf_each_version(check.elf, check_version, &check);
	}
	return result;
}

/* --- thread-local storage --- */

static int place_tls(struct mdi_group *group)
{
	uint64_t below = 0;

	for (unsigned i = 0; i < group->count; i++) {
		struct mdi_elf *elf = &group->load[i]->elf;

		if (!elf->tls.is)
			continue;
		mdi_elf_place_tls(elf, below);
		below = elf->tls.below;
	}
	if (below <= MDI_TLS_MAX)
		return 0;
	return mdi_fail(MODISO_ERR_NOTSUP,
			"image %s and its libraries have thread-local storage "
			"of %#" PRIx64 " bytes; %#zx are possible",
			group->load[0]->elf.name, below, MDI_TLS_MAX);
}

/* --- */

static int fail_missing(const struct mdi_group *group, const char *what)
{
	const struct mdi_missing *missing = &group->needed->missing;

	return mdi_missing_any(missing)
		       ? mdi_missing_fail(missing, group->load[0]->elf.name,
					  what)
		       : 0;
}

int mdi_needed_read(struct mdi_group *group)
{
	struct mdi_needed *needed = calloc(1, sizeof(*needed));
	int result;

	if (needed == NULL)
		return mdi_fail_memory("a list of libraries");
	group->needed = needed;
	needed->options = *group->load[0]->request->options;
	needed->options.abi = needed->options.name = NULL;
	needed->missing.options = &needed->options;
	result = read_all(group);
	if (result == 0)
		result = fail_missing(group, "which no directory of "
					     "needed_dirs has");
	if (result != 0 || group->count == 1)
		return result;
	put_in_order(group, 0);
	result = check_versions(group);
	if (result == 0)
		result = fail_missing(group, "versions that no library has");
	return result != 0 ? result : place_tls(group);
}

void mdi_needed_free(struct mdi_group *group)
{
	for (unsigned i = 1; i < group->count; i++)
		free_library(group->load[i]);
	mdi_scope_fini(&group->scope);
	free(group->needed);
}
