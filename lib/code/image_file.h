/* SPDX-License-Identifier: MIT */
/*
 * code/image_file.h - where an image comes from. Nobody promises that it stays
 * as it is while it is read; see code/image_elf.h.
 */
#ifndef MDI_CODE_IMAGE_FILE_H
#define MDI_CODE_IMAGE_FILE_H

#include "code/scan_source.h"

/*
 * The source's name is set by the caller and kept. 0, or MODISO_ERR_NOENT,
 * _INVAL, _FORMAT, _LIMIT or _OS with the sentence. Only what was opened by its
 * path is to be closed, with mdi_scan_source_close().
 */
int mdi_image_file_open(struct mdi_scan_source *source, const char *path);
int mdi_image_file_descriptor(struct mdi_scan_source *source, int fd);
int mdi_image_file_memory(struct mdi_scan_source *source, const void *bytes,
			  size_t length);

#endif /* MDI_CODE_IMAGE_FILE_H */
