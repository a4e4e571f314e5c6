/* SPDX-License-Identifier: MIT */
/*
 * ov_open_callbacks() takes a structure by value, which no gate passes: this is
 * in the module beside it.
 */
#ifndef TESTS_REAL_VORBIS_OPEN_H
#define TESTS_REAL_VORBIS_OPEN_H

#include <vorbis/vorbisfile.h>

#ifdef __cplusplus
extern "C" {
#endif

int vorbis_open(OggVorbis_File *file,
		size_t (*take)(void *, size_t, size_t, void *));

#ifdef __cplusplus
}
#endif

#endif /* TESTS_REAL_VORBIS_OPEN_H */
