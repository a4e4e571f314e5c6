/* SPDX-License-Identifier: MIT */
#include "os/stream.h"

#include <stdlib.h>

FILE *mdi_stream_open(struct mdi_stream *stream)
{
	*stream = (struct mdi_stream){ .text = NULL };
	return open_memstream(&stream->text, &stream->size);
}

bool mdi_stream_close(struct mdi_stream *stream, FILE *file)
{
	bool whole = !ferror(file);

	if (fclose(file) == 0 && whole)
		return true;
	free(stream->text);
	stream->text = NULL;
	return false;
}
