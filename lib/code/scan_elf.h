/* SPDX-License-Identifier: MIT */
/*
 * code/scan_elf.h - which bytes of an ELF file become executable.
 */
#ifndef MDI_CODE_SCAN_ELF_H
#define MDI_CODE_SCAN_ELF_H

#include "code/scan_source.h"

#include <elf.h>

/*
 * Linkers make one or two. A limit keeps a small file from asking for the same
 * bytes to be looked at 65535 times.
 */
#define MDI_SCAN_SEGMENTS 64

/* Whole pages, but never more than the file has. */
struct mdi_scan_segment {
	uint64_t address;
	uint64_t offset;
	uint64_t length;
	bool writable;
};

struct mdi_scan_elf {
	Elf64_Ehdr header;
	size_t count;
	/* By address; none overlaps another. */
	struct mdi_scan_segment segments[MDI_SCAN_SEGMENTS];
};

/* 0, MODISO_ERR_FORMAT, _NOTSUP, _LIMIT or _OS, with the sentence. */
int mdi_scan_elf_parse(const struct mdi_scan_source *source,
		       struct mdi_scan_elf *elf);

/* The segment with this address in it; NULL when there is none. */
const struct mdi_scan_segment *
mdi_scan_elf_segment(const struct mdi_scan_elf *elf, uint64_t address);

#endif /* MDI_CODE_SCAN_ELF_H */
