/* SPDX-License-Identifier: MIT */
/* The C library has no such stream: a file that goes with its last handle. */
#include "os/stream.h"

#include "os/windows/windows.h"

#include <stdlib.h>

/* Not tmpfile(), whose place is one where few may write. */
static FILE *scratch(void)
{
	char folder[MAX_PATH + 1], path[MAX_PATH];

	if (GetTempPathA(sizeof(folder), folder) == 0 ||
	    GetTempFileNameA(folder, "mdi", 0, path) == 0)
		return NULL;
	return fopen(path, "w+bTD"); /* short-lived, deleted when closed */
}

FILE *mdi_stream_open(struct mdi_stream *stream)
{
	*stream = (struct mdi_stream){ .text = NULL };
	return scratch();
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
