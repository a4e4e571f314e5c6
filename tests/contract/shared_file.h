/* SPDX-License-Identifier: MIT */
/*
 * contract/shared_file.h - files that become shared regions.
 */
#ifndef TESTS_CONTRACT_SHARED_FILE_H
#define TESTS_CONTRACT_SHARED_FILE_H

#include "support/world.h"

#include <sys/mount.h>

int make_file(size_t length);

struct modiso_region *map_flags(struct modiso_module *owner, int fd,
				uint64_t offset, size_t length, uint32_t access,
				uint32_t flags);

struct modiso_region *map(struct modiso_module *owner, int fd, uint64_t offset,
			  size_t length, uint32_t access);

void refuse(int want, int fd, uint64_t offset, size_t length, uint32_t access,
	    struct modiso_module *module);

#endif /* TESTS_CONTRACT_SHARED_FILE_H */
