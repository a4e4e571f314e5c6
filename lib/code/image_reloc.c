/* SPDX-License-Identifier: MIT */
#include "code/image_reloc.h"

#include "arch/tls.h"
#include "base/error.h"
#include "code/image_import.h"

#include <inttypes.h>
#include <modiso/region.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[R_X86_64_PC32] = "R_X86_64_PC32",
		[R_X86_64_GOT32] = "R_X86_64_GOT32",
		[R_X86_64_PLT32] = "R_X86_64_PLT32",
		[R_X86_64_COPY] = "R_X86_64_COPY",
		[R_X86_64_GOTPCREL] = "R_X86_64_GOTPCREL",
		[R_X86_64_32] = "R_X86_64_32",
		[R_X86_64_32S] = "R_X86_64_32S",
		[R_X86_64_16] = "R_X86_64_16",
		[R_X86_64_PC16] = "R_X86_64_PC16",
		[R_X86_64_8] = "R_X86_64_8",
		[R_X86_64_PC8] = "R_X86_64_PC8",
		[R_X86_64_TLSGD] = "R_X86_64_TLSGD",
		[R_X86_64_TPOFF32] = "R_X86_64_TPOFF32",
		[R_X86_64_PC64] = "R_X86_64_PC64",
		[R_X86_64_SIZE64] = "R_X86_64_SIZE64",
	};

	return kind < MDI_COUNT(names) && names[kind] != NULL ? names[kind]
							      : "unknown";
}

static int refuse_target(const struct mdi_elf *elf, uint64_t target,
			 const struct mdi_segment *segment)
{
	if (segment == NULL)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: a relocation of %#" PRIx64 ", which "
				"is in no segment",
				elf->name, target);
	return mdi_fail(MODISO_ERR_ACCESS,
			"image %s: a relocation of %#" PRIx64 ", which is %s; "
			"compile with -fPIC",
			elf->name, target,
			segment->access & MODISO_EXEC ? "code" : "read-only");
}

static MDI_RARE int find_target(struct mdi_reloc *reloc, uint64_t target)
{
	const struct mdi_segment *segment =
		mdi_elf_segment(reloc->elf, target, sizeof(uint64_t));

	if (segment == NULL || !(segment->access & MODISO_WRITE))
		return refuse_target(reloc->elf, target, segment);
	reloc->segment = segment;
	return 0;
}

/* Nearly all relocations are of the segment that the last one was of. */
MDI_INLINE int check_target(struct mdi_reloc *reloc, uint64_t target)
{
	const struct mdi_segment *segment = reloc->segment;

	return segment != NULL && target >= segment->vaddr &&
			       target - segment->vaddr <=
				       segment->size - sizeof(uint64_t) ?
		       0 :
		       find_target(reloc, target);
}

MDI_INLINE void put(struct mdi_reloc *reloc, uint64_t target, uint64_t value)
{
	const struct mdi_segment *watched = reloc->watched;

	if (watched != NULL &&
	    value - reloc->bias - watched->vaddr < watched->size)
		reloc->watched_named = true;
	memcpy(reloc->pages + (target - reloc->elf->low), &value,
	       sizeof(value));
}

/* The resolver at @vaddr of an image, which is this one or a library. */
static int put_late(struct mdi_reloc *reloc, uint64_t target,
		    const struct mdi_elf *elf, uintptr_t bias, uint64_t vaddr,
		    uint64_t addend)
{
	size_t room = reloc->late_room != 0 ? reloc->late_room * 2 : 16;
	struct mdi_late *more;

	if (target - reloc->elf->tls.vaddr < reloc->elf->tls.file_size)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"image %s: a thread-local variable begins as "
				"the address of an indirect function",
				reloc->elf->name);
	if (!mdi_elf_is_code(elf, vaddr))
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: the resolver at %#" PRIx64 " is not "
				"in code",
				elf->name, vaddr);
	if (reloc->late_count == reloc->late_room) {
		more = realloc(reloc->late, room * sizeof(*more));
		if (more == NULL)
			return mdi_fail_memory("%zu relocations", room);
		reloc->late = more;
		reloc->late_room = room;
	}
	reloc->late[reloc->late_count++] =
		(struct mdi_late){target, bias + vaddr, addend};
	return 0;
}

static int bind(struct mdi_reloc *reloc, const Elf64_Rela *rela,
		uint64_t addend)
{
	const struct mdi_elf *elf = reloc->elf;
	uint64_t index = ELF64_R_SYM(rela->r_info);
	bool call = ELF64_R_TYPE(rela->r_info) == R_X86_64_JUMP_SLOT;
	const char *name = NULL;
	struct mdi_import import;
	uintptr_t value;
	Elf64_Sym symbol;
	int result;

	if (mdi_elf_symbol(elf, index, &symbol))
		name = mdi_elf_string(elf, symbol.st_name);
	if (name == NULL)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: a relocation names symbol %" PRIu64
				", "
				"which does not exist",
				elf->name, index);
	if (ELF64_ST_TYPE(symbol.st_info) == STT_TLS)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: %s is thread-local, and a "
				"relocation wants its address",
				elf->name, name);
	result = mdi_import_find(
		reloc, index, &symbol,
		call && ELF64_ST_TYPE(symbol.st_info) == STT_NOTYPE
			? MDI_KIND_FUNCTION
			: MDI_KIND_ANY,
		&import);
	if (result != 0)
		return result;
	value = import.function;
	if (import.elf != NULL) {
		value = import.symbol.st_value;
		if (ELF64_ST_TYPE(import.symbol.st_info) == STT_GNU_IFUNC)
			return put_late(reloc, rela->r_offset, import.elf,
					import.bias, value, addend);
		if (import.symbol.st_shndx != SHN_ABS)
			value += import.bias;
	}
	put(reloc, rela->r_offset, value + addend);
	return 0;
}

/* --- thread-local storage --- */

static int refuse_tls(const struct mdi_elf *elf, const char *what)
{
	return mdi_fail(MODISO_ERR_FORMAT,
			"image %s: a relocation of thread-local storage names "
			"%s",
			elf->name, what);
}

/* Where in which image's TLS the symbol is. */
static int find_local(const struct mdi_reloc *reloc, const Elf64_Rela *rela,
		      uint64_t *begin, uint64_t *offset)
{
	const struct mdi_elf *elf = reloc->elf;
	uint64_t index = ELF64_R_SYM(rela->r_info);
	struct mdi_import import = {.elf = elf};
	Elf64_Sym symbol;
	int result = 0;

	if (index != 0 && !mdi_elf_symbol(elf, index, &symbol))
		return refuse_tls(elf, elf->tls.is ?
					       "a symbol that does not exist" :
					       "an image that has none");
	if (index != 0)
		result = mdi_import_find(reloc, index, &symbol, MDI_KIND_TLS,
					 &import);
	if (result != 0)
		return result;
	if (import.elf == NULL || !import.elf->tls.is)
		return refuse_tls(elf, "an image that has none");
	*offset = index != 0 ? import.symbol.st_value : 0;
	if (index != 0 && (ELF64_ST_TYPE(import.symbol.st_info) != STT_TLS ||
			   *offset > import.elf->tls.size))
		return refuse_tls(elf, "a symbol that is not in it");
	*begin = -import.elf->tls.below;
	return 0;
}

/*
 * What mdi_tls_address() adds up, of two words: how far from the thread pointer
 * the image's TLS begins, in place of a module's number, and how far in it the
 * variable is. TPOFF64 is both. A descriptor has a function in front.
 */
static int bind_local(struct mdi_reloc *reloc, const Elf64_Rela *rela,
		      uint32_t kind)
{
	uint64_t begin = 0, offset = 0, value;
	int result = find_local(reloc, rela, &begin, &offset);

	offset += (uint64_t)rela->r_addend;
	value = kind == R_X86_64_DTPOFF64 ? offset : begin + offset;
	if (result == 0 && kind == R_X86_64_DTPMOD64)
		value = begin;
	if (result == 0 && kind == R_X86_64_TLSDESC) {
		result = check_target(reloc, rela->r_offset + sizeof(value));
		if (result == 0)
			put(reloc, rela->r_offset + sizeof(value), value);
		value = (uintptr_t)mdi_tls_described;
	}
	if (result == 0)
		put(reloc, rela->r_offset, value);
	return result;
}

static int apply(struct mdi_reloc *reloc, const Elf64_Rela *rela)
{
	uint64_t addend = (uint64_t)rela->r_addend;
	uint32_t kind = ELF64_R_TYPE(rela->r_info);

	switch (kind) {
	case R_X86_64_IRELATIVE:
		return put_late(reloc, rela->r_offset, reloc->elf, reloc->bias,
				addend, 0);
	case R_X86_64_GLOB_DAT:
	case R_X86_64_JUMP_SLOT:
		return bind(reloc, rela, 0);
	case R_X86_64_64:
		return bind(reloc, rela, addend);
	case R_X86_64_TPOFF64:
	case R_X86_64_DTPMOD64:
	case R_X86_64_DTPOFF64:
	case R_X86_64_TLSDESC:
		return bind_local(reloc, rela, kind);
	default:
		return mdi_fail(MODISO_ERR_NOTSUP,
				"image %s: relocation %u (%s) of %#" PRIx64,
				reloc->elf->name, kind, kind_name(kind),
				rela->r_offset);
	}
}

MDI_INLINE Elf64_Rela rela_at(const struct mdi_reloc *reloc,
			      const struct mdi_part *part, size_t at)
{
	Elf64_Rela rela;

	memcpy(&rela, mdi_elf_at(reloc->elf, part->offset + at), sizeof(rela));
	return rela;
}

/*
 * Those at @at and behind that are the image's address and no more, in the
 * segment that the first one was found in. There are thousands, side by side:
 * nothing but the table is read for each. Returns where they end.
 */
static size_t apply_relative(struct mdi_reloc *reloc,
			     const struct mdi_part *part, size_t at)
{
	const struct mdi_segment *watched = reloc->watched;
	uint64_t from = watched != NULL ? watched->vaddr : 0;
	uint64_t length = watched != NULL ? watched->size : 0;
	uint64_t first = reloc->segment->vaddr;
	uint64_t last = reloc->segment->size - sizeof(uint64_t);
	char *pages = reloc->pages + (first - reloc->elf->low);
	uint64_t bias = reloc->bias;
	bool named = false;

	for (size_t end = part->length; at < end; at += sizeof(Elf64_Rela)) {
		Elf64_Rela rela = rela_at(reloc, part, at);
		uint64_t addend = (uint64_t)rela.r_addend;
		uint64_t value = bias + addend;

		if (ELF64_R_TYPE(rela.r_info) != R_X86_64_RELATIVE ||
		    rela.r_offset - first > last)
			break;
		named |= addend - from < length;
		memcpy(pages + (rela.r_offset - first), &value, sizeof(value));
	}
	reloc->watched_named |= named;
	return at;
}

static int apply_all(struct mdi_reloc *reloc, const struct mdi_part *part)
{
	size_t at = 0;
	int result;

	while (at < part->length) {
		Elf64_Rela rela = rela_at(reloc, part, at);
		uint32_t kind = ELF64_R_TYPE(rela.r_info);

		result = kind != R_X86_64_NONE
				 ? check_target(reloc, rela.r_offset)
				 : 0;
		if (result == 0 && kind == R_X86_64_RELATIVE) {
			at = apply_relative(reloc, part, at);
			continue;
		}
		if (result == 0 && kind != R_X86_64_NONE)
			result = apply(reloc, &rela);
		if (result != 0)
			return result;
		at += sizeof(rela);
	}
	return 0;
}

/* The image's address is added to what is there. */
static int apply_packed(struct mdi_reloc *reloc, uint64_t target)
{
	uint64_t addend;
	int result = check_target(reloc, target);

	if (result != 0)
		return result;
	memcpy(&addend, reloc->pages + (target - reloc->elf->low),
	       sizeof(addend));
	put(reloc, target, reloc->bias + addend);
	return 0;
}

/*
 * An even word is an address; an odd one says which of the 63 words behind the
 * last are to be changed as well. Each is checked by itself, so that a table
 * that counts up beyond all segments is refused there.
 */
static int apply_relr(struct mdi_reloc *reloc, const struct mdi_part *part)
{
	uint64_t word, next = 0;
	int result = 0;

	for (size_t at = 0; at < part->length && result == 0;
	     at += sizeof(word)) {
		memcpy(&word, mdi_elf_at(reloc->elf, part->offset + at),
		       sizeof(word));
		if (!(word & 1)) {
			result = apply_packed(reloc, word);
			next = word + sizeof(word);
			continue;
		}
		for (unsigned bit = 1; bit < 64 && result == 0; bit++)
			if (word >> bit & 1)
				result = apply_packed(
					reloc,
					next + (bit - 1) * sizeof(word));
		next += 63 * sizeof(word);
	}
	return result;
}

int mdi_relocate(struct mdi_reloc *reloc)
{
	int result;

	reloc->segment = NULL;
	result = apply_relr(reloc, &reloc->elf->relr);
	if (result == 0)
		result = apply_all(reloc, &reloc->elf->rela);
	return result != 0 ? result : apply_all(reloc, &reloc->elf->plt);
}
