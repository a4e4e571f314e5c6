/* SPDX-License-Identifier: MIT */
/* /tmp/perf-<pid>.map: "address size name" for code that is in no file. */
#include "code/image_debug.h"

#include "base/error.h"
#include "core/runtime.h"
#include "os/process.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* The directory is everybody's: what is there already may be a trap. */
static int open_map(void)
{
	char path[64];
	struct stat status;
	int fd;

	snprintf(path, sizeof(path), "/tmp/perf-%d.map", (int)mdi_os_process_id());
	fd = open(path,
		  O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW |
			  O_NONBLOCK,
		  0644);
	if (fd < 0) {
		mdi_fail_os("open", "%s", path);
		return -1;
	}
	if (fstat(fd, &status) != 0 || !S_ISREG(status.st_mode) ||
	    status.st_uid != geteuid() || status.st_nlink != 1) {
		close(fd);
		errno = EPERM;
		mdi_fail_os("open", "%s, which is of another user", path);
		return -1;
	}
	return fd;
}

static uint64_t size_of(const struct mdi_symbols *symbols, size_t i)
{
	const struct mdi_symbol *symbol = &symbols->functions[i];

	if (symbol->size != 0)
		return symbol->size;
	if (i + 1 < symbols->function_count)
		return symbols->functions[i + 1].vaddr - symbol->vaddr;
	return 1;
}

int mdi_image_perf_add(struct modiso_image *image)
{
	struct mdi_symbols *symbols = &image->symbols;
	char name[128];
	int saved = errno, fd = open_map();
	bool good = true;

	if (fd < 0)
		return MODISO_ERR_OS;
	mdi_runtime_lock();
	mdi_symbols_prepare(symbols);
	mdi_runtime_unlock();
	for (size_t i = 0; i < symbols->function_count; i++) {
		mdi_symbols_print(symbols, &symbols->functions[i], name,
				  sizeof(name));
		good = dprintf(fd, "%" PRIx64 " %" PRIx64 " %s [%s]\n",
			       image->bias + symbols->functions[i].vaddr,
			       size_of(symbols, i), name, image->name) > 0 &&
		       good;
	}
	if (!good) {
		saved = errno;
		mdi_fail_os("write", "the map for perf");
	}
	close(fd);
	errno = saved;
	return good ? 0 : MODISO_ERR_OS;
}
