/* SPDX-License-Identifier: MIT */
#include "code/scan_spans.h"

#include <stdlib.h>

/* How many neighbours are asked whether they hold an address. */
#define NEIGHBOURS 16

/* At one start the longest comes last: it is asked first. */
static int by_start(const void *left, const void *right)
{
	const struct mdi_scan_span *a = left, *b = right;

	if (a->start != b->start)
		return a->start < b->start ? -1 : 1;
	if (a->size != b->size)
		return a->size < b->size ? -1 : 1;
	return (a->name < b->name) - (a->name > b->name);
}

void mdi_scan_spans_sort(struct mdi_scan_spans *spans)
{
	qsort(spans->spans, spans->count, sizeof(spans->spans[0]), by_start);
}

const struct mdi_scan_span *
mdi_scan_spans_find(const struct mdi_scan_spans *spans, uint64_t address)
{
	size_t low = 0, high = spans->count;
	const struct mdi_scan_span *span;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (spans->spans[middle].start <= address)
			low = middle + 1;
		else
			high = middle;
	}
	for (size_t i = 0; i < NEIGHBOURS && i < low; i++) {
		span = &spans->spans[low - 1 - i];
		if (address - span->start < span->size)
			return span;
	}
	/* A label of hand-written assembly reaches up to the next one. */
	if (low > 0 && spans->spans[low - 1].size == 0)
		return &spans->spans[low - 1];
	return NULL;
}

static bool printable(char byte)
{
	return byte >= ' ' && byte <= '~';
}

const char *mdi_scan_spans_name(struct mdi_scan_spans *spans,
				const struct mdi_scan_source *source,
				const struct mdi_scan_span *span)
{
	size_t length = sizeof(spans->text) - 1;
	char *text = spans->text;

	if (span == NULL)
		return NULL;
	if (span != spans->last) {
		spans->last = NULL;
		if (span->name >= spans->names_size)
			return NULL;
		if (length > spans->names_size - span->name)
			length = (size_t)(spans->names_size - span->name);
		if (mdi_scan_source_read(source, spans->names + span->name,
					 text, length) != 0)
			return NULL;
		text[length] = '\0';
		for (; *text != '\0'; text++)
			if (!printable(*text))
				*text = '?';
		spans->last = span;
	}
	return spans->text[0] != '\0' ? spans->text : NULL;
}
