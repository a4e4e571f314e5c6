/* SPDX-License-Identifier: MIT */
/*
 * os/stream.h - a stream whose bytes stay in memory.
 */
#ifndef MDI_OS_STREAM_H
#define MDI_OS_STREAM_H

#include "base/common.h"

#include <stdio.h>

struct mdi_stream {
	char *text; /* once it is closed: the caller's, ends with a zero */
	size_t size; /* without the zero */
};

/* NULL with errno. */
FILE *mdi_stream_open(struct mdi_stream *stream);

/* True: all of it is there. Else there is no text. */
bool mdi_stream_close(struct mdi_stream *stream, FILE *file);

#endif /* MDI_OS_STREAM_H */
