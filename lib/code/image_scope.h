/* SPDX-License-Identifier: MIT */
/*
 * code/image_scope.h - the images of one load, and who has a symbol that one of
 * them wants: the image first that was asked for, then the libraries in the
 * order in which they were named. What lies in their pages is checked at each
 * use (code/image_elf.h).
 */
#ifndef MDI_CODE_IMAGE_SCOPE_H
#define MDI_CODE_IMAGE_SCOPE_H

#include "code/image_elf.h"

#define MDI_SCOPE_MAX 64

enum mdi_kind { MDI_KIND_ANY, MDI_KIND_FUNCTION, MDI_KIND_DATA, MDI_KIND_TLS };

struct mdi_scope_version {
	uint32_t name; /* 1 + its place in the strings; 0: no version */
	bool own;      /* not one that the image needs */
};

struct mdi_scope_member {
	const struct mdi_elf *elf;
	uintptr_t bias;
	uint32_t *order; /* malloc()ed: symbols for others, by name */
	size_t count;
	struct mdi_scope_version *version; /* malloc()ed, by number */
	size_t version_count;
	bool has_versions; /* of its own */
};

struct mdi_scope {
	struct mdi_scope_member member[MDI_SCOPE_MAX];
	unsigned count;
};

struct mdi_wanted {
	const char *name;
	const char *version; /* NULL: the default one */
	enum mdi_kind kind;
};

/* Whose it is; or whose it is not, and why. */
struct mdi_found {
	const struct mdi_scope_member *member;
	Elf64_Sym symbol;
	enum mdi_found_how {
		MDI_FOUND_NOWHERE,
		MDI_FOUND_OTHER_VERSION,
		MDI_FOUND_OTHER_KIND,
		MDI_FOUND,
	} how;
};

/*
 * One more; the image is read, and nothing of it is relocated. 0, or
 * MODISO_ERR_FORMAT: its versions are not what its symbols say; or
 * MODISO_ERR_NOMEM.
 */
int mdi_scope_add(struct mdi_scope *scope, const struct mdi_elf *elf,
		  uintptr_t bias);
void mdi_scope_fini(struct mdi_scope *scope);

/* Has it a version of this name, or no versions at all? */
bool mdi_scope_has_version(const struct mdi_scope_member *member,
			   const char *name);

/* The version that a symbol of an image is, or wants; NULL: none. */
const char *mdi_scope_version(const struct mdi_scope_member *member,
			      size_t index);

void mdi_scope_find(const struct mdi_scope *scope,
		    const struct mdi_wanted *wanted, struct mdi_found *found);
/* Why it was not found, for a sentence. */
void mdi_scope_why(const struct mdi_wanted *wanted,
		   const struct mdi_found *found, char *why, size_t size);

/* What a symbol is; one without a type is what lies at its address. */
enum mdi_kind mdi_kind_of(const struct mdi_elf *elf, const Elf64_Sym *symbol);

#endif /* MDI_CODE_IMAGE_SCOPE_H */
