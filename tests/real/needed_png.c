/* SPDX-License-Identifier: MIT */
/* A picture is written and read again, and its bytes are added up. */
#include <png.h>
#include <stdlib.h>

#define SIDE 200

__attribute__((visibility("default"))) long work(void);
long work(void)
{
	static unsigned char picture[SIDE * SIDE * 4], again[SIDE * SIDE * 4];
	static unsigned char file[sizeof(picture)];
	png_image image = {.version = PNG_IMAGE_VERSION};
	png_alloc_size_t length = sizeof(file);
	unsigned long sum = 0;

	for (size_t i = 0; i < sizeof(picture); i++)
		picture[i] = (unsigned char)(i * i / 1000);
	image.width = image.height = SIDE;
	image.format = PNG_FORMAT_RGBA;
	if (!png_image_write_to_memory(&image, file, &length, 0, picture, 0,
				       NULL))
		return -1;
	sum = (unsigned long)length;
	image = (png_image){.version = PNG_IMAGE_VERSION};
	if (!png_image_begin_read_from_memory(&image, file, length))
		return -2;
	image.format = PNG_FORMAT_RGBA;
	if (!png_image_finish_read(&image, NULL, again, 0, NULL))
		return -3;
	for (size_t i = 0; i < sizeof(again); i++) {
		if (again[i] != picture[i])
			return -4;
		sum = sum * 31 + file[i % length];
	}
	/* Damaged: an error is a jump inside of the library. */
	file[length / 2] ^= 0x55;
	image = (png_image){.version = PNG_IMAGE_VERSION};
	if (png_image_begin_read_from_memory(&image, file, length)) {
		image.format = PNG_FORMAT_RGBA;
		if (png_image_finish_read(&image, NULL, again, 0, NULL))
			return -5;
	}
	return (long)(sum % 1000000007) * 10 + image.warning_or_error;
}
