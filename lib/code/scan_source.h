/* SPDX-License-Identifier: MIT */
/*
 * code/scan_source.h - where the bytes of an ELF file come from.
 *
 * A file is read, never mapped: somebody else may truncate it meanwhile, and a
 * mapping would then be a SIGBUS in the host.
 */
#ifndef MDI_CODE_SCAN_SOURCE_H
#define MDI_CODE_SCAN_SOURCE_H

#include "base/common.h"

struct mdi_scan_source {
	const char *name;     /* for sentences */
	const uint8_t *image; /* NULL: read from fd */
	int fd;
	bool nameless; /* known to have no path: a memfd, or unlinked */
	uint64_t device, inode; /* which file it is; 0, 0: not known */
	uint64_t size;
};

/* 0, MODISO_ERR_FORMAT when it is no regular file, or MODISO_ERR_OS. */
int mdi_scan_source_open(struct mdi_scan_source *source, const char *path);
void mdi_scan_source_close(struct mdi_scan_source *source);

/* All @length bytes, or MODISO_ERR_FORMAT beyond the end, or MODISO_ERR_OS. */
int mdi_scan_source_read(const struct mdi_scan_source *source, uint64_t offset,
			 void *to, size_t length);

/* Its path, as far as it fits; "": it is no file, or one without a path. */
void mdi_scan_source_path(const struct mdi_scan_source *source, char *path,
			  size_t size);

/* Do @length bytes from @offset on lie in the file? */
bool mdi_scan_source_has(const struct mdi_scan_source *source, uint64_t offset,
			 uint64_t length);

#endif /* MDI_CODE_SCAN_SOURCE_H */
