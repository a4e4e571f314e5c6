/* SPDX-License-Identifier: MIT */
#include "code/scan_elf.h"

#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* Program headers that are read at a time. */
#define BATCH 32

static int malformed(const struct mdi_scan_source *source, const char *why)
{
	return mdi_fail(MODISO_ERR_FORMAT, "%s: malformed: %s", source->name,
			why);
}

static int foreign(const struct mdi_scan_source *source, const char *what)
{
	return mdi_fail(MODISO_ERR_NOTSUP,
			"%s: %s; only linked x86-64 ELF files are scanned",
			source->name, what);
}

/* Class and machine stand at the same place in every ELF file. */
static int check_ident(const struct mdi_scan_source *source,
		       const Elf64_Ehdr *header)
{
	const unsigned char *ident = header->e_ident;

	if (source->size < SELFMAG || memcmp(ident, ELFMAG, SELFMAG) != 0)
		return mdi_fail(MODISO_ERR_FORMAT, "%s: no ELF file",
				source->name);
	if (source->size < EI_NIDENT + 4)
		return malformed(source, "the file ends inside its header");
	if (ident[EI_CLASS] != ELFCLASS64 || ident[EI_DATA] != ELFDATA2LSB ||
	    header->e_machine != EM_X86_64)
		return foreign(source, "made for another machine");
	if (source->size < sizeof(*header))
		return malformed(source, "the file ends inside its header");
	return 0;
}

static int check_header(const struct mdi_scan_source *source,
			const Elf64_Ehdr *header)
{
	if (header->e_type == ET_REL)
		return foreign(source, "a relocatable object");
	if (header->e_type != ET_EXEC && header->e_type != ET_DYN)
		return foreign(source, "neither program nor shared object");
	if (header->e_phnum == 0)
		return malformed(source, "it has no program headers");
	if (header->e_phentsize != sizeof(Elf64_Phdr))
		return malformed(source, "program headers of a wrong size");
	if (!mdi_scan_source_has(source, header->e_phoff,
				 header->e_phnum * sizeof(Elf64_Phdr)))
		return malformed(source, "program headers beyond its end");
	return 0;
}

static int add_segment(const struct mdi_scan_source *source,
		       struct mdi_scan_elf *elf, const Elf64_Phdr *program)
{
	uint64_t slack = program->p_offset % MDI_PAGE_SIZE;
	struct mdi_scan_segment segment;
	uint64_t end, rounded;

	if (program->p_filesz > program->p_memsz)
		return malformed(source, "a segment larger than its memory");
	if (!mdi_scan_source_has(source, program->p_offset, program->p_filesz))
		return malformed(source,
				 "an executable segment beyond its end");
	if (program->p_vaddr % MDI_PAGE_SIZE != slack)
		return malformed(source,
				 "an executable segment that cannot be mapped");
	if (__builtin_add_overflow(program->p_vaddr, program->p_memsz, &end) ||
	    !mdi_page_round(end, &rounded))
		return malformed(source, "a segment whose address wraps");
	if (elf->count == MDI_SCAN_SEGMENTS)
		return mdi_fail(MODISO_ERR_LIMIT,
				"%s: more than %d executable segments",
				source->name, MDI_SCAN_SEGMENTS);
	segment.address = program->p_vaddr - slack;
	segment.offset = program->p_offset - slack;
	segment.writable = (program->p_flags & PF_W) != 0;
	/* The kernel maps the rest of the last page as well. */
	if (!mdi_page_round(slack + program->p_filesz, &segment.length) ||
	    !mdi_scan_source_has(source, segment.offset, segment.length))
		segment.length = source->size - segment.offset;
	elf->segments[elf->count++] = segment;
	return 0;
}

static int read_segments(const struct mdi_scan_source *source,
			 struct mdi_scan_elf *elf)
{
	const Elf64_Ehdr *header = &elf->header;
	Elf64_Phdr programs[BATCH];
	int result;

	for (size_t i = 0; i < header->e_phnum; i++) {
		const Elf64_Phdr *program = &programs[i % BATCH];
		size_t left = header->e_phnum - i;

		if (i % BATCH == 0) {
			result = mdi_scan_source_read(
				source, header->e_phoff + i * sizeof(*program),
				programs,
				(left < BATCH ? left : BATCH) *
					sizeof(*program));
			if (result != 0)
				return result;
		}
		if (program->p_type != PT_LOAD || !(program->p_flags & PF_X) ||
		    program->p_filesz == 0)
			continue;
		result = add_segment(source, elf, program);
		if (result != 0)
			return result;
	}
	return 0;
}

static int by_address(const void *left, const void *right)
{
	const struct mdi_scan_segment *a = left, *b = right;

	return (a->address > b->address) - (a->address < b->address);
}

/* Which of two overlapping segments would win is not for us to guess. */
static int check_overlap(const struct mdi_scan_source *source,
			 const struct mdi_scan_elf *elf)
{
	for (size_t i = 1; i < elf->count; i++) {
		const struct mdi_scan_segment *before = &elf->segments[i - 1];

		if (before->address + before->length > elf->segments[i].address)
			return malformed(source,
					 "executable segments that overlap");
	}
	return 0;
}

int mdi_scan_elf_parse(const struct mdi_scan_source *source,
		       struct mdi_scan_elf *elf)
{
	Elf64_Ehdr *header = &elf->header;
	size_t size = sizeof(*header);
	int result;

	memset(elf, 0, sizeof(*elf));
	if (size > source->size)
		size = (size_t)source->size;
	result = mdi_scan_source_read(source, 0, header, size);
	if (result == 0)
		result = check_ident(source, header);
	if (result == 0)
		result = check_header(source, header);
	if (result == 0)
		result = read_segments(source, elf);
	if (result != 0)
		return result;
	qsort(elf->segments, elf->count, sizeof(elf->segments[0]), by_address);
	return check_overlap(source, elf);
}

const struct mdi_scan_segment *
mdi_scan_elf_segment(const struct mdi_scan_elf *elf, uint64_t address)
{
	for (size_t i = 0; i < elf->count; i++)
		if (address >= elf->segments[i].address &&
		    address - elf->segments[i].address <
			    elf->segments[i].length)
			return &elf->segments[i];
	return NULL;
}
