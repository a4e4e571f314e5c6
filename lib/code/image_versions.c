/* SPDX-License-Identifier: MIT */
/*
 * Versions of symbols, as the linker has written them down: a half word for
 * each symbol (DT_VERSYM), and two lists of what these numbers mean, the
 * image's own versions (DT_VERDEF) and those that it wants of others
 * (DT_VERNEED). An entry of a list says how far behind it the next one is, so a
 * walk cannot go round; it ends where entries are more than any linker writes.
 */
#include "code/image_elf.h"

#include "base/error.h"

#include <inttypes.h>
#include <string.h>

/* Bit 15 of a symbol's number: only programs linked before may bind to it. */
#define OLD 0x8000u

#define NAME_MAX_SIZE 1024

struct walk {
	const struct mdi_elf *elf;
	mdi_version_fn *each;
	void *arg;
	uint64_t end;    /* of all that was read of a list, as linked */
	unsigned steps;
};

static int damaged(const struct walk *walk, const char *what)
{
	return mdi_fail(MODISO_ERR_FORMAT, "image %s: its versions %s",
			walk->elf->name, what);
}

/* An entry of @size bytes. */
static int take(struct walk *walk, uint64_t vaddr, void *to, size_t size)
{
	struct mdi_part part;

	if (++walk->steps > MDI_VERSIONS_MAX)
		return damaged(walk, "are more than 4,096 entries");
	if (vaddr % 4 != 0 || !mdi_elf_part(walk->elf, vaddr, size, &part))
		return damaged(walk, "are not in the file, or not in one "
				     "segment");
	memcpy(to, mdi_elf_at(walk->elf, part.offset), size);
	if (vaddr + size > walk->end)
		walk->end = vaddr + size;
	return 0;
}

/* The System V hash, which stands beside each name. */
static uint32_t hash_of(const char *name)
{
	uint32_t hash = 0, high;

	for (; *name != '\0'; name++) {
		hash = (hash << 4) + (unsigned char)*name;
		high = hash & 0xf0000000u;
		hash = (hash ^ high >> 24) & ~high;
	}
	return hash;
}

static int tell(struct walk *walk, uint32_t name, uint32_t hash,
		struct mdi_version *version)
{
	version->name = mdi_elf_string(walk->elf, name);
	if (version->name == NULL)
		return damaged(walk, "have a name that has no end");
	if (strnlen(version->name, NAME_MAX_SIZE) == NAME_MAX_SIZE)
		return damaged(walk, "have a name of 1,024 characters or more");
	if (hash_of(version->name) != hash)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: version %.64s has the hash %#" PRIx32
				", which is another name's",
				walk->elf->name, version->name, hash);
	version->index &= (uint16_t)~OLD;
	return walk->each != NULL ? walk->each(walk->arg, version) : 0;
}

/* Its name comes first, then those of versions that it goes on from. */
static int walk_names(struct walk *walk, uint64_t at, const Elf64_Verdef *entry,
		      uint32_t *first)
{
	uint64_t next = at + entry->vd_aux;
	Elf64_Verdaux name = {0};
	int result = 0;

	if (entry->vd_cnt == 0)
		return damaged(walk, "have no names");
	for (unsigned left = entry->vd_cnt; left > 0 && result == 0;
	     left--, next += name.vda_next) {
		result = take(walk, next, &name, sizeof(name));
		if (left == entry->vd_cnt)
			*first = name.vda_name;
		if (result == 0 && name.vda_next == 0 && left > 1)
			result = damaged(walk, "end too early");
	}
	return result;
}

static int walk_defined(struct walk *walk)
{
	uint64_t at = walk->elf->defined, left = walk->elf->defined_count;
	Elf64_Verdef entry = {0};
	uint32_t name = 0;
	int result = 0;

	for (; left > 0 && result == 0; left--, at += entry.vd_next) {
		struct mdi_version version = {0};

		result = take(walk, at, &entry, sizeof(entry));
		if (result == 0 && entry.vd_version != VER_DEF_CURRENT)
			result = damaged(walk, "are of an unknown kind");
		if (result == 0)
			result = walk_names(walk, at, &entry, &name);
		version.index = entry.vd_ndx;
		/* The first one is the file's own name. */
		if (result == 0 && !(entry.vd_flags & VER_FLG_BASE))
			result = tell(walk, name, entry.vd_hash, &version);
		if (result == 0 && entry.vd_next == 0 && left > 1)
			result = damaged(walk, "end too early");
	}
	return result;
}

static int walk_library(struct walk *walk, uint64_t at,
			const Elf64_Verneed *library)
{
	uint64_t next = at + library->vn_aux;
	Elf64_Vernaux entry = {0};
	int result = 0;

	for (unsigned left = library->vn_cnt; left > 0 && result == 0;
	     left--, next += entry.vna_next) {
		struct mdi_version version = {
			.file = mdi_elf_string(walk->elf, library->vn_file),
		};

		result = take(walk, next, &entry, sizeof(entry));
		version.index = entry.vna_other;
		version.weak = entry.vna_flags & VER_FLG_WEAK;
		if (result == 0 && version.file == NULL)
			result = damaged(walk, "are of a library whose name "
					       "has no end");
		if (result == 0)
			result = tell(walk, entry.vna_name, entry.vna_hash,
				      &version);
		if (result == 0 && entry.vna_next == 0 && left > 1)
			result = damaged(walk, "end too early");
	}
	return result;
}

static int walk_needed(struct walk *walk)
{
	uint64_t at = walk->elf->needed, left = walk->elf->needed_count;
	Elf64_Verneed entry = {0};
	int result = 0;

	for (; left > 0 && result == 0; left--, at += entry.vn_next) {
		result = take(walk, at, &entry, sizeof(entry));
		if (result == 0 && entry.vn_version != VER_NEED_CURRENT)
			result = damaged(walk, "are of an unknown kind");
		if (result == 0)
			result = walk_library(walk, at, &entry);
		if (result == 0 && entry.vn_next == 0 && left > 1)
			result = damaged(walk, "end too early");
	}
	return result;
}

int mdi_elf_each_version(const struct mdi_elf *elf, mdi_version_fn *each,
			 void *arg)
{
	struct walk walk = {.elf = elf, .each = each, .arg = arg};
	int result = walk_defined(&walk);

	return result != 0 ? result : walk_needed(&walk);
}

int mdi_elf_check_versions(struct mdi_elf *elf)
{
	struct walk walk = {.elf = elf};
	int result = walk_defined(&walk);

	if (result == 0 && walk.end != 0)
		mdi_elf_add_table(elf, elf->defined, walk.end - elf->defined);
	walk.end = 0;
	if (result == 0)
		result = walk_needed(&walk);
	if (result == 0 && walk.end != 0)
		mdi_elf_add_table(elf, elf->needed, walk.end - elf->needed);
	return result;
}

uint16_t mdi_elf_version(const struct mdi_elf *elf, size_t index, bool *old)
{
	uint16_t version = 0;

	if (index < elf->versions.length / sizeof(version))
		memcpy(&version,
		       mdi_elf_at(elf, elf->versions.offset +
					       index * sizeof(version)),
		       sizeof(version));
	*old = version & OLD;
	return version & (uint16_t)~OLD;
}
