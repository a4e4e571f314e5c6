/* SPDX-License-Identifier: MIT */
#include "contract/shared_file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

int make_file(size_t length)
{
	int fd = memfd_create("shared", MFD_CLOEXEC | MFD_ALLOW_SEALING);

	must(fd >= 0);
	must(!ftruncate(fd, (off_t)length));
	return fd;
}

struct modiso_region *map_flags(struct modiso_module *owner, int fd,
				uint64_t offset, size_t length, uint32_t access,
				uint32_t flags)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = flags,
		.name = "shared",
	};
	struct modiso_region *region = NULL;

	expect(MODISO_OK, modiso_region_map_shared(owner, fd, offset, length,
						   access, &options, &region));
	must(region);
	return region;
}

struct modiso_region *map(struct modiso_module *owner, int fd, uint64_t offset,
			  size_t length, uint32_t access)
{
	return map_flags(owner, fd, offset, length, access, 0);
}

void refuse(int want, int fd, uint64_t offset, size_t length, uint32_t access,
	    struct modiso_module *module)
{
	struct modiso_region *region = UNTOUCHED;

	expect(want, modiso_region_map_shared(module, fd, offset, length,
					      access, NULL, &region));
	must_eq(region, UNTOUCHED);
}
