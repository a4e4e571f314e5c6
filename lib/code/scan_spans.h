/* SPDX-License-Identifier: MIT */
/*
 * code/scan_spans.h - addresses that have names: sorted, searched, read.
 */
#ifndef MDI_CODE_SCAN_SPANS_H
#define MDI_CODE_SCAN_SPANS_H

#include "code/scan_source.h"

#define MDI_SCAN_NAME_SIZE 128

struct mdi_scan_span {
	uint64_t start, size;
	uint32_t name; /* offset among the names */
};

struct mdi_scan_spans {
	struct mdi_scan_span *spans;
	size_t count;
	uint64_t names, names_size; /* where in the file */
	/* The one whose name was read last. */
	const struct mdi_scan_span *last;
	char text[MDI_SCAN_NAME_SIZE];
};

void mdi_scan_spans_sort(struct mdi_scan_spans *spans);

/* The innermost one that holds @address; NULL when none does. */
const struct mdi_scan_span *
mdi_scan_spans_find(const struct mdi_scan_spans *spans, uint64_t address);

/* Its name, made printable; NULL when there is none. Valid until the next. */
const char *mdi_scan_spans_name(struct mdi_scan_spans *spans,
				const struct mdi_scan_source *source,
				const struct mdi_scan_span *span);

#endif /* MDI_CODE_SCAN_SPANS_H */
