/* SPDX-License-Identifier: MIT */
/*
 * code/scan_names.h - section and symbol of an address in an ELF file.
 *
 * Names are a service to the reader. Tables that are missing, malformed or
 * absurdly large leave a place without names; they never fail a scan.
 */
#ifndef MDI_CODE_SCAN_NAMES_H
#define MDI_CODE_SCAN_NAMES_H

#include "code/scan_elf.h"
#include "code/scan_spans.h"

struct mdi_scan_names {
	bool loaded;
	struct mdi_scan_spans sections, symbols;
};

struct mdi_scan_name {
	const char *section, *symbol; /* NULL: none; valid until the next */
	uint64_t symbol_offset;
};

/* Reads the tables when it is called for the first time. */
struct mdi_scan_name mdi_scan_names_find(struct mdi_scan_names *names,
					 const struct mdi_scan_source *source,
					 const Elf64_Ehdr *header,
					 uint64_t address);
void mdi_scan_names_fini(struct mdi_scan_names *names);

#endif /* MDI_CODE_SCAN_NAMES_H */
