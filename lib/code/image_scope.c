/* SPDX-License-Identifier: MIT */
#include "code/image_scope.h"

#include "base/error.h"

#include <modiso/region.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION_GLOBAL 1 /* a symbol that is in no version */

enum mdi_kind mdi_kind_of(const struct mdi_elf *elf, const Elf64_Sym *symbol)
{
	switch (ELF64_ST_TYPE(symbol->st_info)) {
	case STT_FUNC:
	case STT_GNU_IFUNC:
		return MDI_KIND_FUNCTION;
	case STT_OBJECT:
	case STT_COMMON:
		return MDI_KIND_DATA;
	case STT_TLS:
		return MDI_KIND_TLS;
	default:
		break;
	}
	if (symbol->st_shndx == SHN_UNDEF)
		return MDI_KIND_ANY;
	return mdi_elf_is_code(elf, symbol->st_value) ? MDI_KIND_FUNCTION
						      : MDI_KIND_DATA;
}

/* --- versions --- */

static int note_version(void *arg, const struct mdi_version *version)
{
	struct mdi_scope_member *member = arg;
	size_t index = version->index;

	if (index <= VERSION_GLOBAL)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: version %.64s has number %zu, which "
				"stands for none",
				member->elf->name, version->name, index);
	if (index >= member->version_count) {
		size_t count = index + 16;
		struct mdi_scope_version *more =
			realloc(member->version, count * sizeof(*more));

		if (more == NULL)
			return mdi_fail_memory("%zu versions", count);
		memset(more + member->version_count, 0,
		       (count - member->version_count) * sizeof(*more));
		member->version = more;
		member->version_count = count;
	}
	if (member->version[index].name != 0)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: version %.64s has number %zu, which "
				"another one has",
				member->elf->name, version->name, index);
	member->version[index] = (struct mdi_scope_version){
		.name = 1 + (uint32_t)(version->name -
				       mdi_elf_string(member->elf, 0)),
		.own = version->file == NULL,
	};
	member->has_versions |= version->file == NULL;
	return 0;
}

static const char *version_name(const struct mdi_scope_member *member,
				size_t index)
{
	if (index >= member->version_count || member->version[index].name == 0)
		return NULL;
	return mdi_elf_string(member->elf, member->version[index].name - 1);
}

const char *mdi_scope_version(const struct mdi_scope_member *member,
			      size_t index)
{
	bool old;

	return version_name(member, mdi_elf_version(member->elf, index, &old));
}

bool mdi_scope_has_version(const struct mdi_scope_member *member,
			   const char *name)
{
	for (size_t i = 0; i < member->version_count; i++) {
		const char *has = version_name(member, i);

		if (has != NULL && member->version[i].own &&
		    strcmp(has, name) == 0)
			return true;
	}
	return !member->has_versions;
}

/* --- a member --- */

static const char *name_of(const struct mdi_elf *elf, size_t index)
{
	Elf64_Sym symbol;

	return mdi_elf_symbol(elf, index, &symbol)
		       ? mdi_elf_string(elf, symbol.st_name)
		       : NULL;
}

/* What symbols are sorted by: of one name, those for new programs first. */
struct key {
	const char *name;
	bool old;
	const char *version; /* "": none */
};

static struct key key_of(const struct mdi_scope_member *member, size_t index)
{
	struct key key = {.name = name_of(member->elf, index) ?: ""};
	size_t version = mdi_elf_version(member->elf, index, &key.old);

	key.version = version_name(member, version) ?: "";
	return key;
}

static int compare(const struct key *x, const struct key *y)
{
	int order = strcmp(x->name, y->name);

	if (order == 0)
		order = x->old - y->old;
	return order != 0 ? order : strcmp(x->version, y->version);
}

static int by_key(const void *a, const void *b, void *arg)
{
	const uint32_t *x = a, *y = b;
	struct key of_x = key_of(arg, *x), of_y = key_of(arg, *y);
	int order = compare(&of_x, &of_y);

	return order != 0 ? order : (*x > *y) - (*x < *y);
}

/* May others bind to it? */
static bool is_for_others(const struct mdi_elf *elf, size_t index)
{
	unsigned visibility;
	Elf64_Sym symbol;

	if (!mdi_elf_symbol(elf, index, &symbol))
		return false;
	visibility = ELF64_ST_VISIBILITY(symbol.st_other);
	if (symbol.st_shndx == SHN_UNDEF || symbol.st_shndx == SHN_ABS ||
	    ELF64_ST_BIND(symbol.st_info) == STB_LOCAL ||
	    (visibility != STV_DEFAULT && visibility != STV_PROTECTED))
		return false;
	return ELF64_ST_TYPE(symbol.st_info) == STT_TLS
		       ? elf->tls.is && symbol.st_value <= elf->tls.size
		       : mdi_elf_segment(elf, symbol.st_value, 0) != NULL;
}

static int check_version(const struct mdi_scope_member *member, size_t index)
{
	bool old;
	size_t version = mdi_elf_version(member->elf, index, &old);

	if (version <= VERSION_GLOBAL || version_name(member, version) != NULL)
		return 0;
	return mdi_fail(MODISO_ERR_FORMAT,
			"image %s: %.128s is of version number %zu, which no "
			"version has",
			member->elf->name,
			name_of(member->elf, index) ?: "a symbol", version);
}

static int sort_symbols(struct mdi_scope_member *member)
{
	const struct mdi_elf *elf = member->elf;
	int result = 0;

	if (elf->symbol_count > UINT32_MAX)
		return mdi_fail(MODISO_ERR_FORMAT, "image %s has %zu symbols",
				elf->name, elf->symbol_count);
	member->order = malloc((elf->symbol_count + 1) * sizeof(uint32_t));
	if (member->order == NULL)
		return mdi_fail_memory("%zu symbols", elf->symbol_count);
	for (size_t i = 1; i < elf->symbol_count && result == 0; i++) {
		if (elf->versions.length != 0)
			result = check_version(member, i);
		if (is_for_others(elf, i))
			member->order[member->count++] = (uint32_t)i;
	}
	if (result == 0 && member->count > 1)
		qsort_r(member->order, member->count, sizeof(*member->order),
			by_key, member);
	return result;
}

int mdi_scope_add(struct mdi_scope *scope, const struct mdi_elf *elf,
		  uintptr_t bias)
{
	struct mdi_scope_member *member = &scope->member[scope->count++];
	int result;

	*member = (struct mdi_scope_member){.elf = elf, .bias = bias};
	result = mdi_elf_each_version(elf, note_version, member);
	return result != 0 ? result : sort_symbols(member);
}

void mdi_scope_fini(struct mdi_scope *scope)
{
	for (unsigned i = 0; i < scope->count; i++) {
		free(scope->member[i].order);
		free(scope->member[i].version);
	}
	scope->count = 0;
}

/* --- search --- */

static bool is_version(const struct mdi_scope_member *member, size_t index,
		       const char *wanted)
{
	bool old;
	size_t version = mdi_elf_version(member->elf, index, &old);
	const char *name = version_name(member, version);

	if (!member->has_versions)
		return true;
	if (wanted == NULL || name == NULL)
		return !old;
	return strcmp(name, wanted) == 0;
}

/* The first one that is not before @key. */
static size_t first_of(const struct mdi_scope_member *member,
		       const struct key *key)
{
	size_t low = 0, high = member->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		struct key has = key_of(member, member->order[middle]);

		if (compare(&has, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static bool is_kind(enum mdi_kind has, enum mdi_kind wanted)
{
	return has == wanted ||
	       (wanted == MDI_KIND_ANY && has != MDI_KIND_TLS);
}

/* What comes nearest is kept, to say why it is not the one. */
static void look_at(const struct mdi_scope_member *member,
		    const struct key *key, const struct mdi_wanted *wanted,
		    struct mdi_found *found)
{
	const struct mdi_elf *elf = member->elf;
	enum mdi_found_how how = MDI_FOUND;
	size_t i = first_of(member, key);
	const char *name = NULL;
	Elf64_Sym symbol;

	if (i < member->count)
		name = name_of(elf, member->order[i]);
	if (name == NULL || strcmp(name, wanted->name) != 0 ||
	    !mdi_elf_symbol(elf, member->order[i], &symbol))
		return;
	if (!is_version(member, member->order[i], wanted->version))
		how = MDI_FOUND_OTHER_VERSION;
	else if (!is_kind(mdi_kind_of(elf, &symbol), wanted->kind))
		how = MDI_FOUND_OTHER_KIND;
	if (how > found->how)
		*found = (struct mdi_found){member, symbol, how};
}

/*
 * There can be any number of symbols of one name, and of relocations that want
 * it: no more than three are looked at, the one of the wanted version, that one
 * among those for old programs, and the one of no version.
 */
static void look_in(const struct mdi_scope_member *member,
		    const struct mdi_wanted *wanted, struct mdi_found *found)
{
	const char *version = wanted->version ?: "";
	const struct key keys[] = {
		{wanted->name, false, version},
		{wanted->name, true, version},
		{wanted->name, false, ""},
	};

	for (size_t i = 0; i < MDI_COUNT(keys) && found->how != MDI_FOUND; i++)
		look_at(member, &keys[i], wanted, found);
}

void mdi_scope_find(const struct mdi_scope *scope,
		    const struct mdi_wanted *wanted, struct mdi_found *found)
{
	*found = (struct mdi_found){.how = MDI_FOUND_NOWHERE};
	for (unsigned i = 0; i < scope->count && found->how != MDI_FOUND; i++)
		look_in(&scope->member[i], wanted, found);
}

void mdi_scope_why(const struct mdi_wanted *wanted,
		   const struct mdi_found *found, char *why, size_t size)
{
	static const char *const kinds[] = {
		[MDI_KIND_ANY] = "something",
		[MDI_KIND_FUNCTION] = "a function",
		[MDI_KIND_DATA] = "data",
		[MDI_KIND_TLS] = "thread-local",
	};
	const struct mdi_elf *elf = found->member ? found->member->elf : NULL;

	if (found->how == MDI_FOUND_OTHER_VERSION && wanted->version != NULL)
		snprintf(why, size, "%.64s does not have it in version %.64s",
			 elf->name, wanted->version);
	else if (found->how == MDI_FOUND_OTHER_VERSION)
		snprintf(why, size, "%.64s has it in old versions alone",
			 elf->name);
	else if (found->how == MDI_FOUND_OTHER_KIND)
		snprintf(why, size, "wanted as %s, %s in %.64s",
			 kinds[wanted->kind],
			 kinds[mdi_kind_of(elf, &found->symbol)], elf->name);
	else
		snprintf(why, size, "no library has it");
}
