/* SPDX-License-Identifier: MIT */
/* Decode an Ogg Vorbis file: what it says of itself, and its samples. */
#include "work.h"

#include <stdio.h>
#include <string.h>
#include <vorbis/vorbisfile.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	FILE *stream = fmemopen((void *)in, length, "r");
	int section = 0, result, breaks = 0;
	unsigned long used = 0;
	OggVorbis_File file;

	if (stream == NULL)
		return -1;
	result = ov_open(stream, &file, NULL, 0);
	if (result < 0) {
		fclose(stream);
		return result;
	}
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
