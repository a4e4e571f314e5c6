/* SPDX-License-Identifier: MIT */
/* Decode a picture into RGBA. */
#include "work.h"

#include <png.h>

long work(const unsigned char *in, unsigned long length, unsigned char *out,
	  unsigned long room)
{
	png_image image = {.version = PNG_IMAGE_VERSION};
	long size = -1;

	if (!png_image_begin_read_from_memory(&image, in, length))
		return -1;
	image.format = PNG_FORMAT_RGBA;
	if (PNG_IMAGE_SIZE(image) <= room &&
	    png_image_finish_read(&image, NULL, out, 0, NULL))
		size = PNG_IMAGE_SIZE(image);
	png_image_free(&image);
	return size;
}
