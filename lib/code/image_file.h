/* SPDX-License-Identifier: MIT */
/*
 * code/image_file.h - a private copy of an image's bytes, which nobody can
 * change between a check and a use.
 */
#ifndef MDI_CODE_IMAGE_FILE_H
#define MDI_CODE_IMAGE_FILE_H

#include "base/common.h"

struct mdi_image_file {
	unsigned char *bytes;
	size_t length;
	size_t room; /* whole pages */
};

/* 0, or MODISO_ERR_NOENT, _INVAL, _LIMIT or _OS with the sentence. */
int mdi_image_file_open(struct mdi_image_file *file, const char *path);
int mdi_image_file_read(struct mdi_image_file *file, int fd);
int mdi_image_file_copy(struct mdi_image_file *file, const void *bytes,
			size_t length);
void mdi_image_file_close(struct mdi_image_file *file);

#endif /* MDI_CODE_IMAGE_FILE_H */
