/* SPDX-License-Identifier: MIT */
/* Decode an Ogg Vorbis file: what it says of itself, and its samples. */
#include "work.h"

#include <string.h>
#include <vorbis/vorbisfile.h>

struct source {
	const unsigned char *at;
	size_t left;
};

static size_t take(void *to, size_t size, size_t count, void *arg)
{
	struct source *source = arg;

	size *= count;
	if (size > source->left)
		size = source->left;
	memcpy(to, source->at, size);
	source->at += size;
	source->left -= size;
	return size;
}

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	const ov_callbacks callbacks = {.read_func = take};
	struct source source = {in, length};
	int section = 0, result, breaks = 0;
	unsigned long used = 0;
	OggVorbis_File file;

	result = ov_open_callbacks(&source, &file, NULL, 0, callbacks);
	if (result < 0)
		return result;
	for (int i = 0; i < ov_comment(&file, -1)->comments; i++)
		if ((unsigned long)ov_comment(&file, -1)->comment_lengths[i] <
		    room - used) {
			strcpy((char *)out + used,
			       ov_comment(&file, -1)->user_comments[i]);
			used += strlen((char *)out + used);
		}
	memcpy(out + used, &ov_info(&file, -1)->rate, sizeof(long));
	used += sizeof(long);
	while (room - used > 4096 && breaks < 1000) {
		result = (int)ov_read(&file, (char *)out + used, 4096, 0, 2, 1,
				      &section);
		if (result == 0)
			break;
		if (result > 0)
			used += (unsigned long)result;
		else
			out[used++] = (unsigned char)(breaks++ - result);
	}
	ov_clear(&file);
	return (long)used;
}
