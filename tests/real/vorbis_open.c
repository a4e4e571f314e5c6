/* SPDX-License-Identifier: MIT */
#include "vorbis_open.h"

/* It wants a pointer to its source, of which only the host's function knows. */
int vorbis_open(OggVorbis_File *file,
		size_t (*take)(void *, size_t, size_t, void *))
{
	const ov_callbacks callbacks = {.read_func = take};

	return ov_open_callbacks(file, file, NULL, 0, callbacks);
}
