/* SPDX-License-Identifier: MIT */
/*
 * support/parse.h - an image out of a buffer, as the loader reads it; for the
 * tests of the parser and for its fuzzer.
 */
#ifndef TESTS_SUPPORT_PARSE_H
#define TESTS_SUPPORT_PARSE_H

#include "code/image_elf.h"

#include <stdlib.h>

/* Larger images are not laid out: @pages is NULL. */
#define PARSE_SPAN_MAX ((size_t)1 << 16)

static inline struct mdi_scan_source parse_source(const void *bytes,
						  size_t length)
{
	return (struct mdi_scan_source){
		.name = "test", .image = bytes, .size = length};
}

/* The caller frees what *@pages is in any case. */
static inline int parse_image(struct mdi_elf *elf,
			      const struct mdi_scan_source *source,
			      bool ignore_needed, char **pages)
{
	int result = mdi_elf_headers(elf, source);

	*pages = NULL;
	if (result != 0 || elf->span > PARSE_SPAN_MAX)
		return result;
	*pages = calloc(1, elf->span);
	result = mdi_elf_segments(elf, source, *pages);
	return result != 0 ? result : mdi_elf_contents(elf, ignore_needed);
}

#endif /* TESTS_SUPPORT_PARSE_H */
