/* SPDX-License-Identifier: MIT */
/* The dynamic section: symbols, relocations, what to run. */
#include "code/image_elf.h"

#include "base/error.h"

#include <inttypes.h>
#include <modiso/region.h>

#include <string.h>

/* Values of the tags that matter; those of pointers are addresses as linked. */
struct dynamic {
	uint64_t value[DT_RELRENT + 1];
	bool has[DT_RELRENT + 1];
	uint64_t gnu_hash, versions;
};

/* Of Android and of lld; glibc's <elf.h> has none of them, or not everywhere */
#define TAG_UNUSED        31
#define TAG_ANDROID_REL   0x6000000f
#define TAG_ANDROID_RELA  0x60000011
#define TAG_ANDROID_RELR  0x6fffe000
#define TAG_GNU_FLAGS_1   0x6ffffdf4
#define TAG_X86_64_PLT    0x70000000
#define TAG_X86_64_PLTSZ  0x70000001
#define TAG_X86_64_PLTENT 0x70000003

static int refuse_tag(const struct mdi_elf *elf, const char *what)
{
	return mdi_fail(MODISO_ERR_NOTSUP, "image %s has %s", elf->name, what);
}

/*
 * What linkers write for others: loaders of libraries, prelinkers, debuggers.
 * Anything that is not here and not read below could change what the image
 * means.
 */
static bool is_harmless(int64_t tag)
{
	switch (tag) {
	case DT_RELACOUNT:
	case DT_FLAGS_1:
	case TAG_GNU_FLAGS_1:
	case DT_CHECKSUM:
	case TAG_X86_64_PLT:
	case TAG_X86_64_PLTSZ:
	case TAG_X86_64_PLTENT:
		return true;
	default:
		return false;
	}
}

static int refuse_unknown(const struct mdi_elf *elf, int64_t tag)
{
	static const struct {
		int64_t tag;
		const char *what;
	} known[] = {
		{TAG_ANDROID_REL, "packed relocations of Android "
				  "(DT_ANDROID_REL); link without "
				  "--pack-dyn-relocs=android"},
		{TAG_ANDROID_RELA, "packed relocations of Android "
				   "(DT_ANDROID_RELA); link without "
				   "--pack-dyn-relocs=android"},
		{TAG_ANDROID_RELR, "packed relocations under a number of "
				   "Android's (DT_ANDROID_RELR); link without "
				   "--use-android-relr-tags"},
		{DT_TLSDESC_PLT, "TLS descriptors that are resolved late "
				 "(DT_TLSDESC_PLT); compile with "
				 "-mtls-dialect=gnu or link with -z now"},
		{DT_GNU_CONFLICT, "the marks of prelink (DT_GNU_CONFLICT); "
				  "undo them with prelink -u"},
		{DT_AUXILIARY, "an auxiliary library (DT_AUXILIARY), which a "
			       "module cannot have"},
		{DT_FILTER, "a library that it filters (DT_FILTER), which a "
			    "module cannot have"},
	};

	for (size_t i = 0; i < MDI_COUNT(known); i++)
		if (known[i].tag == tag)
			return refuse_tag(elf, known[i].what);
	return mdi_fail(MODISO_ERR_NOTSUP,
			"image %s has dynamic tag %#" PRIx64 ", of which this "
			"library does not know what it changes",
			elf->name, (uint64_t)tag);
}

static int take_value(const struct mdi_elf *elf, struct dynamic *dynamic,
		      const Elf64_Dyn *entry)
{
	if (dynamic->has[entry->d_tag])
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s has dynamic tag %" PRId64 " twice",
				elf->name,
				entry->d_tag);
	dynamic->has[entry->d_tag] = true;
	dynamic->value[entry->d_tag] = entry->d_un.d_val;
	if (entry->d_tag == DT_FLAGS && entry->d_un.d_val & DF_TEXTREL)
		return mdi_fail(MODISO_ERR_ACCESS,
				"image %s has relocations of its code "
				"(DF_TEXTREL); compile with -fPIC",
				elf->name);
	return 0;
}

static int take_tag(struct mdi_elf *elf, struct dynamic *dynamic,
		    const Elf64_Dyn *entry)
{
	switch (entry->d_tag) {
	case DT_TEXTREL:
		return mdi_fail(MODISO_ERR_ACCESS,
				"image %s has relocations of its code "
				"(DT_TEXTREL); compile with -fPIC",
				elf->name);
	case DT_REL:
	case DT_RELSZ:
		return refuse_tag(elf, "relocations of the kind REL; x86-64 "
				       "has RELA");
	case DT_NEEDED: /* mdi_elf_next_needed() */
		return 0;
	case DT_GNU_HASH:
		dynamic->gnu_hash = entry->d_un.d_ptr;
		return 0;
	case DT_VERSYM:
		dynamic->versions = entry->d_un.d_ptr;
		return 0;
	case DT_VERDEF:
		elf->defined = entry->d_un.d_ptr;
		return 0;
	case DT_VERDEFNUM:
		elf->defined_count = entry->d_un.d_val;
		return 0;
	case DT_VERNEED:
		elf->needed = entry->d_un.d_ptr;
		return 0;
	case DT_VERNEEDNUM:
		elf->needed_count = entry->d_un.d_val;
		return 0;
	default:
		break;
	}
	/* All that the first standard has means something to us, or nothing. */
	if (entry->d_tag >= 0 && entry->d_tag <= DT_RELRENT &&
	    entry->d_tag != TAG_UNUSED)
		return take_value(elf, dynamic, entry);
	return is_harmless(entry->d_tag) ? 0
					 : refuse_unknown(elf, entry->d_tag);
}

static int read_tags(struct mdi_elf *elf, const Elf64_Phdr *header,
		     struct dynamic *dynamic)
{
	Elf64_Dyn entry;
	struct mdi_part part;
	int result;

	memset(dynamic, 0, sizeof(*dynamic));
	if (!mdi_elf_part(elf, header->p_vaddr, header->p_filesz, &part))
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: its dynamic section is in no "
				"segment",
				elf->name);
	for (size_t at = 0; part.length - at >= sizeof(entry);
	     at += sizeof(entry)) {
		memcpy(&entry, mdi_elf_at(elf, part.offset + at),
		       sizeof(entry));
		if (entry.d_tag == DT_NULL) {
			elf->dynamic.offset = part.offset;
			elf->dynamic.length = at;
			return 0;
		}
		result = take_tag(elf, dynamic, &entry);
		if (result != 0)
			return result;
	}
	return mdi_fail(MODISO_ERR_FORMAT,
			"image %s: its dynamic section has no end", elf->name);
}

static int bad_table(const struct mdi_elf *elf, const char *what)
{
	return mdi_fail(MODISO_ERR_FORMAT,
			"image %s: its %s are not in the file, or not in one "
			"segment",
			elf->name, what);
}

/* --- symbols --- */

/* These bytes, and all that the file has behind them in the same segment. */
static bool find_open_end(const struct mdi_elf *elf, uint64_t vaddr,
			  uint64_t length, struct mdi_part *part)
{
	const struct mdi_segment *segment =
		mdi_elf_segment(elf, vaddr, length);

	if (!mdi_elf_part(elf, vaddr, length, part))
		return false;
	part->length = segment->vaddr + segment->file_size - vaddr;
	return true;
}

static int find_symbols(struct mdi_elf *elf, const struct dynamic *dynamic)
{
	if (!mdi_elf_part(elf, dynamic->value[DT_STRTAB],
			  dynamic->value[DT_STRSZ], &elf->strings))
		return bad_table(elf, "names");
	/* Their number is nowhere; there are no more than fit. */
	if (!find_open_end(elf, dynamic->value[DT_SYMTAB], sizeof(Elf64_Sym),
			   &elf->symbols) ||
	    (dynamic->has[DT_SYMENT] &&
	     dynamic->value[DT_SYMENT] != sizeof(Elf64_Sym)))
		return bad_table(elf, "symbols");
	return 0;
}

static uint32_t word_at(const struct mdi_elf *elf, size_t offset)
{
	uint32_t word;

	memcpy(&word, mdi_elf_at(elf, offset), sizeof(word));
	return word;
}

static int count_by_hash(struct mdi_elf *elf, uint64_t vaddr)
{
	struct mdi_part part;

	if (!mdi_elf_part(elf, vaddr, 8, &part))
		return bad_table(elf, "hash table's counts");
	elf->symbol_count = word_at(elf, part.offset + 4);
	mdi_elf_add_table(
		elf, vaddr,
		((uint64_t)2 + word_at(elf, part.offset) + elf->symbol_count) *
			4);
	return 0;
}

/* The last symbol is the end of the chain that begins last. */
static int count_by_gnu_hash(struct mdi_elf *elf, uint64_t vaddr)
{
	uint64_t buckets, chains;
	uint32_t count, first, last = 0;
	struct mdi_part part;

	if (!mdi_elf_part(elf, vaddr, 16, &part))
		return bad_table(elf, "hash table's counts");
	count = word_at(elf, part.offset);
	first = word_at(elf, part.offset + 4);
	buckets = vaddr + 16 + (uint64_t)8 * word_at(elf, part.offset + 8);
	chains = buckets + (uint64_t)4 * count;
	if (!mdi_elf_part(elf, buckets, (uint64_t)4 * count, &part))
		return bad_table(elf, "hash buckets");
	for (uint32_t i = 0; i < count; i++) {
		uint32_t symbol = word_at(elf, part.offset + 4 * (size_t)i);

		last = symbol > last ? symbol : last;
	}
	if (last == 0 || last < first) { /* it defines nothing */
		mdi_elf_add_table(elf, vaddr, chains - vaddr);
		return 0;
	}
	for (;; last++) {
		if (!mdi_elf_part(elf, chains + (uint64_t)4 * (last - first), 4,
				  &part))
			return bad_table(elf, "hash chains");
		if (word_at(elf, part.offset) & 1)
			break;
	}
	elf->symbol_count = (size_t)last + 1;
	mdi_elf_add_table(elf, vaddr,
			  chains + 4 * ((uint64_t)last - first + 1) - vaddr);
	return 0;
}

static int read_symbols(struct mdi_elf *elf, const struct dynamic *dynamic)
{
	int result = 0;

	if (!dynamic->has[DT_SYMTAB] || !dynamic->has[DT_STRTAB])
		return 0;
	result = find_symbols(elf, dynamic);
	if (result != 0)
		return result;
	/* Where both are, both are tables; the first has the last word. */
	if (dynamic->gnu_hash != 0)
		result = count_by_gnu_hash(elf, dynamic->gnu_hash);
	if (result == 0 && dynamic->has[DT_HASH])
		result = count_by_hash(elf, dynamic->value[DT_HASH]);
	if (result != 0)
		return result;
	if (elf->symbol_count > elf->symbols.length / sizeof(Elf64_Sym))
		return bad_table(elf, "symbols");
	/* A half word for each: the hash table may know fewer than are named */
	if (dynamic->versions != 0 &&
	    !find_open_end(elf, dynamic->versions, elf->symbol_count * 2,
			   &elf->versions))
		return bad_table(elf, "symbols' versions");
	if (dynamic->versions != 0)
		mdi_elf_add_table(elf, dynamic->versions,
				  elf->symbol_count * 2);
	mdi_elf_add_table(elf, dynamic->value[DT_SYMTAB],
			  elf->symbol_count * sizeof(Elf64_Sym));
	mdi_elf_add_table(elf, dynamic->value[DT_STRTAB],
			  dynamic->value[DT_STRSZ]);
	return 0;
}

bool mdi_elf_symbol(const struct mdi_elf *elf, uint64_t index,
		    Elf64_Sym *symbol)
{
	if (index >= elf->symbols.length / sizeof(*symbol))
		return false;
	memcpy(symbol,
	       mdi_elf_at(elf, elf->symbols.offset + index * sizeof(*symbol)),
	       sizeof(*symbol));
	return true;
}

const char *mdi_elf_string(const struct mdi_elf *elf, uint64_t offset)
{
	const char *text;
	size_t left;

	if (offset >= elf->strings.length)
		return NULL;
	text = (const char *)mdi_elf_at(elf, elf->strings.offset + offset);
	left = elf->strings.length - offset;
	if (left > MDI_NAME_MAX + 1)
		left = MDI_NAME_MAX + 1;
	return memchr(text, '\0', left) != NULL ? text : NULL;
}

/* --- relocations, and what to run --- */

static int read_rela(struct mdi_elf *elf, const struct dynamic *dynamic)
{
	if (dynamic->has[DT_RELA] &&
	    (!mdi_elf_part(elf, dynamic->value[DT_RELA],
			   dynamic->value[DT_RELASZ], &elf->rela) ||
	     (dynamic->has[DT_RELAENT] &&
	      dynamic->value[DT_RELAENT] != sizeof(Elf64_Rela)) ||
	     elf->rela.length % sizeof(Elf64_Rela) != 0))
		return bad_table(elf, "relocations");
	if (dynamic->has[DT_JMPREL] &&
	    (dynamic->value[DT_PLTREL] != DT_RELA ||
	     !mdi_elf_part(elf, dynamic->value[DT_JMPREL],
			   dynamic->value[DT_PLTRELSZ], &elf->plt) ||
	     elf->plt.length % sizeof(Elf64_Rela) != 0))
		return bad_table(elf, "relocations of calls");
	if (dynamic->has[DT_RELR] &&
	    (!mdi_elf_part(elf, dynamic->value[DT_RELR],
			   dynamic->value[DT_RELRSZ], &elf->relr) ||
	     (dynamic->has[DT_RELRENT] &&
	      dynamic->value[DT_RELRENT] != sizeof(Elf64_Relr)) ||
	     elf->relr.length % sizeof(Elf64_Relr) != 0))
		return bad_table(elf, "packed relocations");
	if (elf->relr.length != 0)
		mdi_elf_add_table(elf, dynamic->value[DT_RELR],
				  elf->relr.length);
	if (elf->rela.length != 0)
		mdi_elf_add_table(elf, dynamic->value[DT_RELA],
				  elf->rela.length);
	if (elf->plt.length != 0)
		mdi_elf_add_table(elf, dynamic->value[DT_JMPREL],
				  elf->plt.length);
	return 0;
}

static int read_hooks(const struct mdi_elf *elf, const struct dynamic *dynamic,
		      int function, int array, int size, const char *what,
		      struct mdi_hooks *hooks)
{
	uint64_t bytes = dynamic->value[size];

	if (function != 0 && dynamic->has[function]) {
		hooks->function = dynamic->value[function];
		if (!mdi_elf_is_code(elf, hooks->function))
			return mdi_fail(MODISO_ERR_FORMAT,
					"image %s: its %s function %#" PRIx64
					" is not "
					"in code",
					elf->name, what, hooks->function);
	}
	if (!dynamic->has[array] || bytes == 0)
		return 0;
	hooks->array = dynamic->value[array];
	hooks->count = bytes / sizeof(uint64_t);
	if (bytes % sizeof(uint64_t) != 0 ||
	    mdi_elf_segment(elf, hooks->array, bytes) == NULL)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s: its %s array is in no segment",
				elf->name, what);
	return 0;
}

bool mdi_elf_next_needed(const struct mdi_elf *elf, size_t *at,
			 const char **name)
{
	Elf64_Dyn entry;

	while (elf->dynamic.length - *at >= sizeof(entry)) {
		memcpy(&entry, mdi_elf_at(elf, elf->dynamic.offset + *at),
		       sizeof(entry));
		*at += sizeof(entry);
		if (entry.d_tag != DT_NEEDED)
			continue;
		*name = mdi_elf_string(elf, entry.d_un.d_val);
		return true;
	}
	return false;
}

static int check_needed(const struct mdi_elf *elf, bool ignore)
{
	const char *name;
	size_t at = 0;

	if (ignore || !mdi_elf_next_needed(elf, &at, &name))
		return 0;
	return mdi_fail(MODISO_ERR_NOTSUP,
			"image %s needs library %s; a module has none: name "
			"directories that have it (needed_dirs), link it with "
			"modiso-cc, or say MODISO_IMAGE_IGNORE_NEEDED",
			elf->name, name ? name : "?");
}

int mdi_elf_dynamic(struct mdi_elf *elf, const Elf64_Phdr *header,
		    bool ignore_needed)
{
	struct dynamic dynamic;
	int result;

	if (elf->symbols.length != 0 || elf->rela.length != 0 ||
	    elf->relr.length != 0 || elf->plt.length != 0)
		return mdi_fail(MODISO_ERR_FORMAT,
				"image %s has two dynamic sections", elf->name);
	result = read_tags(elf, header, &dynamic);
	if (result == 0)
		result = read_symbols(elf, &dynamic);
	elf->soname = dynamic.value[DT_SONAME];
	elf->symbolic = dynamic.has[DT_SYMBOLIC] ||
			dynamic.value[DT_FLAGS] & DF_SYMBOLIC;
	if (result == 0)
		result = mdi_elf_check_versions(elf);
	if (result == 0)
		result = check_needed(elf, ignore_needed);
	if (result == 0)
		result = read_rela(elf, &dynamic);
	if (result == 0)
		result = read_hooks(elf, &dynamic, 0, DT_PREINIT_ARRAY,
				    DT_PREINIT_ARRAYSZ, "preinit",
				    &elf->preinit);
	if (result == 0)
		result = read_hooks(elf, &dynamic, DT_INIT, DT_INIT_ARRAY,
				    DT_INIT_ARRAYSZ, "init", &elf->init);
	if (result == 0)
		result = read_hooks(elf, &dynamic, DT_FINI, DT_FINI_ARRAY,
				    DT_FINI_ARRAYSZ, "fini", &elf->fini);
	return result;
}
