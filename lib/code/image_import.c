/* SPDX-License-Identifier: MIT */
#include "code/image_import.h"

#include "arch/tls.h"
#include "code/image_missing.h"

#include <string.h>

/* Where it is not, and why. */
struct reason {
	struct mdi_found found;
	bool host; /* it has a function of this name, which is no answer */
};

static struct mdi_wanted wanted_by(const struct mdi_reloc *reloc,
				   uint64_t index, const Elf64_Sym *symbol,
				   enum mdi_kind kind)
{
	const struct mdi_elf *elf = reloc->elf;
	struct mdi_wanted wanted = {
		.name = mdi_elf_string(elf, symbol->st_name) ?: "",
		.kind = kind != MDI_KIND_ANY ? kind : mdi_kind_of(elf, symbol),
	};

	if (reloc->scope != NULL)
		wanted.version = mdi_scope_version(
			&reloc->scope->member[reloc->self], index);
	return wanted;
}

static void search(const struct mdi_reloc *reloc,
		   const struct mdi_wanted *wanted, struct mdi_import *import,
		   struct mdi_found *found)
{
	mdi_scope_find(reloc->scope, wanted, found);
	if (found->how != MDI_FOUND)
		return;
	import->elf = found->member->elf;
	import->bias = found->member->bias;
	import->symbol = found->symbol;
}

/* The host has functions alone. */
static bool find_outside(const struct mdi_reloc *reloc,
			 const struct mdi_wanted *wanted,
			 struct mdi_import *import, struct reason *reason)
{
	uintptr_t address;

	reason->host =
		mdi_bindings_find(reloc->bindings, wanted->name, &address);
	if (!reason->host && !mdi_tls_function(wanted->name, &address))
		return false;
	if (wanted->kind != MDI_KIND_ANY && wanted->kind != MDI_KIND_FUNCTION)
		return false;
	import->function = address;
	return true;
}

/* An undefined symbol is what the host exports, or another image's. */
static bool find_undefined(const struct mdi_reloc *reloc,
			   const Elf64_Sym *symbol,
			   const struct mdi_wanted *wanted,
			   struct mdi_import *import, struct reason *reason)
{
	memset(import, 0, sizeof(*import));
	memset(reason, 0, sizeof(*reason));
	if (*wanted->name == '\0' ||
	    find_outside(reloc, wanted, import, reason))
		return true;
	if (reloc->scope != NULL)
		search(reloc, wanted, import, &reason->found);
	return import->elf != NULL ||
	       ELF64_ST_BIND(symbol->st_info) == STB_WEAK;
}

/* --- what is missing --- */

static void add_if_missing(const struct mdi_reloc *reloc, uint64_t index,
			   enum mdi_kind kind, struct mdi_missing *missing)
{
	const char *why = "the host does not export it";
	struct mdi_wanted wanted;
	struct mdi_import import;
	struct reason reason;
	Elf64_Sym symbol;
	char text[192];

	if (!mdi_elf_symbol(reloc->elf, index, &symbol) ||
	    symbol.st_shndx != SHN_UNDEF)
		return;
	wanted = wanted_by(reloc, index, &symbol, kind);
	if (find_undefined(reloc, &symbol, &wanted, &import, &reason))
		return;
	if (reloc->scope != NULL) {
		mdi_scope_why(&wanted, &reason.found, text, sizeof(text));
		why = text;
	}
	if (reloc->scope == NULL && wanted.kind == MDI_KIND_TLS)
		why = "thread-local, in no image that is loaded with it";
	else if (reason.host)
		why = "the host exports a function of this name, no data";
	mdi_missing_add(missing, reloc->elf->name, wanted.name, why,
			reason.host || wanted.kind == MDI_KIND_TLS ||
				reason.found.how != MDI_FOUND_NOWHERE);
}

/* Of one image, but for @first, which is told already. */
static void add_all_missing(const struct mdi_reloc *reloc, uint64_t first,
			    struct mdi_missing *missing)
{
	for (uint64_t i = 1; i < reloc->elf->symbol_count; i++)
		if (i != first)
			add_if_missing(reloc, i, MDI_KIND_ANY, missing);
}

/* All that nobody has, of all images; @first is known to be of it. */
static int refuse(const struct mdi_reloc *reloc, uint64_t first,
		  enum mdi_kind kind)
{
	struct mdi_missing missing = {.options = reloc->options};
	const struct mdi_scope *scope = reloc->scope;
	struct mdi_reloc other = *reloc;

	add_if_missing(reloc, first, kind, &missing);
	add_all_missing(reloc, first, &missing);
	for (unsigned i = 0; scope != NULL && i < scope->count; i++) {
		other.elf = scope->member[i].elf;
		other.self = i;
		if (i != reloc->self)
			add_all_missing(&other, 0, &missing);
	}
	if (scope == NULL)
		return mdi_missing_fail(&missing, reloc->elf->name,
					"which the host does not export");
	return mdi_missing_fail(&missing, scope->member[0].elf->name,
				"which neither the host nor a library has");
}

/* --- a symbol --- */

/* May another image's symbol of the same name take its place? */
static bool gives_way(const struct mdi_reloc *reloc, const Elf64_Sym *symbol)
{
	return reloc->scope != NULL && !reloc->elf->symbolic &&
	       ELF64_ST_BIND(symbol->st_info) != STB_LOCAL &&
	       ELF64_ST_VISIBILITY(symbol->st_other) == STV_DEFAULT;
}

int mdi_import_find(const struct mdi_reloc *reloc, uint64_t index,
		    const Elf64_Sym *symbol, enum mdi_kind kind,
		    struct mdi_import *import)
{
	struct mdi_wanted wanted = wanted_by(reloc, index, symbol, kind);
	struct reason reason;

	if (symbol->st_shndx == SHN_UNDEF)
		return find_undefined(reloc, symbol, &wanted, import, &reason)
			       ? 0
			       : refuse(reloc, index, kind);
	memset(import, 0, sizeof(*import));
	if (gives_way(reloc, symbol) && *wanted.name != '\0')
		search(reloc, &wanted, import, &reason.found);
	if (import->elf != NULL)
		return 0;
	import->elf = reloc->elf;
	import->bias = reloc->bias;
	import->symbol = *symbol;
	return 0;
}
