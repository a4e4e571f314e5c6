/* SPDX-License-Identifier: MIT */
/*
 * code/image_elf.h - what an ELF64 image for x86-64 says about itself.
 *
 * Read in three steps, so that no byte is copied twice: the headers, into the
 * structure itself; the segments, into pages of the caller's; then what lies
 * in them, from these pages. Nobody else can change either. A first segment
 * that the module is not to have is read to memory aside instead. Each byte of
 * the file that means anything is read once: a file that changes meanwhile is
 * like another file.
 *
 * Every number is checked against the file before it is used, and against the
 * segments before it is stored: what a struct mdi_elf holds can be relied on.
 * Relocations may change the tables in the pages, so what is read from those
 * is checked each time.
 */
#ifndef MDI_CODE_IMAGE_ELF_H
#define MDI_CODE_IMAGE_ELF_H

#include "code/scan_source.h"

#include <elf.h>

#define MDI_SEGMENTS_MAX 16
#define MDI_HEADERS_MAX  128
#define MDI_TABLES_MAX   18

/* Entries of the lists of versions. */
#define MDI_VERSIONS_MAX 4096u

/*
 * Bytes of a name. Tables can have any number of entries that name one string,
 * or the ends of one: each is looked at for as many bytes as this and no more.
 */
#define MDI_NAME_MAX ((size_t)8 << 10)

struct mdi_segment {
	uint64_t vaddr; /* as linked */
	uint64_t size;  /* in memory; the rest behind file_size is zero */
	uint64_t file_offset, file_size;
	uint32_t access; /* MODISO_READ | ... */
};

/* Bytes of the pages. */
struct mdi_part {
	size_t offset, length;
};

/* Functions to run: the one of DT_INIT or DT_FINI, then an array of pointers */
struct mdi_hooks {
	uint64_t function; /* as linked; 0: none */
	uint64_t array;
	size_t count;
};

/* What each thread begins with: PT_TLS. */
struct mdi_elf_tls {
	uint64_t vaddr;     /* as linked; aligned */
	uint64_t file_size; /* bytes there; the rest is zero */
	uint64_t size, align;
	uint64_t below; /* from the thread pointer down to where it begins */
	bool is;        /* false: there is none */
};

/* A version that the image has, or that it needs of a library. */
struct mdi_version {
	uint16_t index;   /* what its symbols say */
	bool weak;        /* it may be missing */
	const char *name;
	const char *file; /* the library's name; NULL: the image's own */
};
typedef int mdi_version_fn(void *arg, const struct mdi_version *version);

struct mdi_elf {
	const char *name; /* for sentences */
	Elf64_Ehdr header; /* linkers put the next right behind it */
	Elf64_Phdr program[MDI_HEADERS_MAX]; /* header.e_phnum of them */
	/* From here on zero before the headers are read. */
	const unsigned char *bytes; /* the pages; NULL: not read yet */
	unsigned char *aside;       /* what their first bytes would be, */
	size_t aside_length;        /* the caller's; or 0 */

	struct mdi_segment segment[MDI_SEGMENTS_MAX]; /* by address */
	unsigned segment_count;
	uint64_t low;              /* address of the first page, as linked */
	size_t span;               /* bytes, whole pages */
	uint64_t relro, relro_end; /* whole pages; the same: none */
	uint64_t entry;
	uint64_t unwind; /* .eh_frame_hdr; 0: none */
	struct mdi_elf_tls tls;

	struct mdi_part dynamic; /* entries before DT_NULL; none: no section */
	uint64_t soname;         /* in the strings; 0: it has no name */
	bool symbolic;           /* it binds to itself first */
	struct mdi_part strings; /* of the dynamic symbols */
	struct mdi_part symbols; /* room for them: an upper bound */
	size_t symbol_count;     /* those that the hash table knows */
	struct mdi_part versions; /* of the symbols; none: they have none */
	uint64_t defined, needed; /* lists of versions, as linked */
	uint64_t defined_count, needed_count;
	struct mdi_part relr, rela, plt;
	struct mdi_hooks preinit, init, fini;
	struct mdi_part abi; /* the tag, without its final zero */

	struct mdi_part table[MDI_TABLES_MAX]; /* what a loader alone reads */
	unsigned table_count;
};

/*
 * All of these: 0, or MODISO_ERR_FORMAT, _ACCESS, _NOTSUP or _OS with the
 * sentence. The source's name is used for sentences.
 */
int mdi_elf_headers(struct mdi_elf *elf, const struct mdi_scan_source *source);
/*
 * Into elf->span bytes, which are zero: the image from elf->low on. Those that
 * elf->aside has room for need not be there.
 */
int mdi_elf_segments(struct mdi_elf *elf, const struct mdi_scan_source *source,
		     char *pages);
int mdi_elf_contents(struct mdi_elf *elf, bool ignore_needed);

/* One more program header, PT_TLS: image_tls.c. */
int mdi_elf_take_tls(struct mdi_elf *elf, const Elf64_Phdr *header);
/* Its place if @below bytes under the thread pointer are others' already. */
void mdi_elf_place_tls(struct mdi_elf *elf, uint64_t below);

/* The dynamic section: image_dynamic.c. */
int mdi_elf_dynamic(struct mdi_elf *elf, const Elf64_Phdr *header,
		    bool ignore_needed);

/*
 * The next library that it names, from *@at on, which is 0 in the beginning;
 * false: there is no more. NULL: a name that has no end.
 */
bool mdi_elf_next_needed(const struct mdi_elf *elf, size_t *at,
			 const char **name);

/*
 * Versions: image_versions.c. All that the image has and needs, until @each
 * returns something else than 0. MODISO_ERR_FORMAT: the lists are damaged.
 */
int mdi_elf_each_version(const struct mdi_elf *elf, mdi_version_fn *each,
			 void *arg);
/* Is all as it should be? Then the lists are tables, too. */
int mdi_elf_check_versions(struct mdi_elf *elf);
/* That of a symbol; 0 and 1 are none, and so is all without versions. */
uint16_t mdi_elf_version(const struct mdi_elf *elf, size_t index, bool *old);

/* The segment that holds all of a range, as linked; NULL: none does. */
const struct mdi_segment *mdi_elf_segment(const struct mdi_elf *elf,
					  uint64_t vaddr, uint64_t length);

/* Where these bytes are in the pages; false: not (all) in one segment's file */
bool mdi_elf_part(const struct mdi_elf *elf, uint64_t vaddr, uint64_t length,
		  struct mdi_part *part);

/* What the file says at this offset of the pages, wherever it was read to. */
static inline const unsigned char *mdi_elf_at(const struct mdi_elf *elf,
					      size_t offset)
{
	return (offset < elf->aside_length ? elf->aside : elf->bytes) + offset;
}

/* Is there code at this address, as linked? */
bool mdi_elf_is_code(const struct mdi_elf *elf, uint64_t vaddr);

/* Symbol @index of the dynamic ones; false: there is no room for it. */
bool mdi_elf_symbol(const struct mdi_elf *elf, uint64_t index,
		    Elf64_Sym *symbol);

/*
 * What a loader reads and the program does not: headers, notes, symbols, hash
 * tables, relocations. image_tables.c. One more, as linked; those beyond the
 * last that has room are not known of.
 */
void mdi_elf_add_table(struct mdi_elf *elf, uint64_t vaddr, uint64_t length);
/*
 * The segment that holds them and nothing else, and can be left out of the
 * module: with zeros between them at most, of which alignment is the cause.
 * NULL: there is none. Complete when the contents are read.
 */
const struct mdi_segment *mdi_elf_tables(const struct mdi_elf *elf);

/* A name in the dynamic strings; NULL: no end of it, or too far behind. */
const char *mdi_elf_string(const struct mdi_elf *elf, uint64_t offset);

#endif /* MDI_CODE_IMAGE_ELF_H */
