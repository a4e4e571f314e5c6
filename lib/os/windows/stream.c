/* SPDX-License-Identifier: MIT */
/* The C library has no such stream: a file that goes with its last handle. */
#include "os/stream.h"

#include <stdlib.h>

FILE *mdi_stream_open(struct mdi_stream *stream)
{
	*stream = (struct mdi_stream){ .text = NULL };
	return tmpfile();
}

bool mdi_stream_close(struct mdi_stream *stream, FILE *file)
{
	long size = fflush(file) == 0 && !ferror(file) ? ftell(file) : -1;
	char *text = size < 0 ? NULL : malloc((size_t)size + 1);

	if (text != NULL) {
		rewind(file);
		stream->size = fread(text, 1, (size_t)size, file);
		text[stream->size] = '\0';
		stream->text = text;
	}
	fclose(file);
	return text != NULL && stream->size == (size_t)size;
}
