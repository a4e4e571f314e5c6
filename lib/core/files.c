/* SPDX-License-Identifier: MIT */
#include "core/files.h"

#include "base/error.h"
#include "core/policy.h"
#include "core/range.h"
#include "core/vault.h"
#include "os/beneath.h"

#include <errno.h>
#include <modiso/region.h>

#define FIRST      3u
#define FILE_NAMED (UINT64_C(1) << 31) /* the module has a number for it */
#define CLAIMED    ((uint64_t)UINT32_MAX << 32 | 1) /* to be one */

static size_t size_of(uint32_t count)
{
	return sizeof(struct mdi_files) + count * sizeof(uint64_t);
}

int mdi_files_open(const char *path, int *directory)
{
	int fd = mdi_beneath(path);

	if (fd == -ENOSYS)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"the system cannot keep a path below a "
				"directory (openat2(2), Linux 5.6)");
	if (fd < 0) {
		errno = -fd;
		return mdi_fail_os("open", "%s", path);
	}
	*directory = fd;
	return 0;
}

int mdi_files_set(struct modiso_module *module, int directory, uint32_t count)
{
	struct mdi_files *files = NULL;

	if (directory >= 0) {
		files = mdi_vault_alloc(size_of(count));
		if (files == NULL)
			return mdi_fail_memory("files of a module");
		files->directory = directory;
		files->count = count;
	}
	mdi_files_free(module);
	module->files = files;
	return 0;
}

/* --- one file --- */

static void give(uint64_t *file)
{
	uint64_t was = __atomic_fetch_sub(file, 1, __ATOMIC_ACQ_REL);

	if ((uint32_t)was != 1)
		return;
	mdi_beneath_close((int)(was >> 32));
	__atomic_store_n(file, 0, __ATOMIC_RELEASE);
}

/* The place of a number that the module has, held; NULL: it has none. */
static uint64_t *take(struct mdi_files *files, uintptr_t number)
{
	uint64_t *file, was;

	if (number < FIRST || number - FIRST >= files->count)
		return NULL;
	file = &files->file[number - FIRST];
	was = __atomic_load_n(file, __ATOMIC_ACQUIRE);
	do
		if (!(was & FILE_NAMED))
			return NULL;
	while (!__atomic_compare_exchange_n(file, &was, was + 1, false,
					    __ATOMIC_ACQ_REL,
					    __ATOMIC_ACQUIRE));
	return file;
}

static intptr_t open_file(struct mdi_files *files, const char *path,
			  const struct mdi_file_call *call)
{
	uint32_t i;
	int fd;

	for (i = 0; i < files->count; i++) {
		uint64_t is = 0;

		if (__atomic_compare_exchange_n(&files->file[i], &is, CLAIMED,
						false, __ATOMIC_ACQ_REL,
						__ATOMIC_RELAXED))
			break;
	}
	if (i == files->count)
		return -EMFILE;
	fd = mdi_beneath_open(files->directory, path, call);
	__atomic_store_n(&files->file[i],
			 fd < 0 ? 0 : (uint64_t)fd << 32 | FILE_NAMED | 1,
			 __ATOMIC_RELEASE);
	return fd < 0 ? fd : (intptr_t)(FIRST + i);
}

/* Its name goes once; the file when nobody uses it. */
static intptr_t close_file(struct mdi_files *files, uintptr_t number)
{
	uint64_t *file = take(files, number), was;

	if (file == NULL)
		return -EBADF;
	was = __atomic_fetch_and(file, ~FILE_NAMED, __ATOMIC_ACQ_REL);
	if (was & FILE_NAMED)
		give(file);
	give(file);
	return was & FILE_NAMED ? 0 : -EBADF;
}

/* --- calls --- */

static intptr_t make(const struct modiso_module *module,
		     struct mdi_file_call *call, int fd)
{
	call->args[0] = (uintptr_t)fd;
	return mdi_policy_make(module, call->number, call->args);
}

static intptr_t use(const struct modiso_module *module,
		    struct mdi_file_call *call)
{
	uint64_t *file = take(module->files, call->args[0]);
	intptr_t result;

	if (file == NULL)
		return -EBADF;
	result = make(module, call,
		      (int)(__atomic_load_n(file, __ATOMIC_RELAXED) >> 32));
	give(file);
	return result;
}

/* What the kernel sees is what was looked at, whatever others write. */
static int copy_path(const struct modiso_module *module, uintptr_t from,
		     char path[MDI_BENEATH_PATH])
{
	size_t length;
	int result = mdi_range_strnlen(module, (const char *)from,
				       MDI_BENEATH_PATH - 1, &length);

	if (result == MODISO_ERR_LIMIT)
		return -ENAMETOOLONG;
	if (result != 0 || mdi_range_copy(path, (const void *)from, length,
					  (const void *)from) != 0)
		return -EFAULT;
	path[length] = '\0';
	return 0;
}

static intptr_t by_path(const struct modiso_module *module,
			struct mdi_file_call *call)
{
	char path[MDI_BENEATH_PATH];
	intptr_t result = copy_path(module, call->path, path);
	int fd;

	if (result != 0)
		return result;
	if (call->wish == MDI_FILE_OPEN)
		return open_file(module->files, path, call);
	fd = mdi_beneath_open(module->files->directory, path, call);
	if (fd < 0)
		return fd;
	result = make(module, call, fd);
	mdi_beneath_close(fd);
	return result;
}

bool mdi_files_serve(const struct modiso_syscall *asked, intptr_t *result)
{
	struct modiso_module *module = asked->module;
	struct mdi_file_call call;

	if (module->files == NULL)
		return false;
	*result = mdi_file_call(asked->number, asked->args, &call);
	if (*result != 0)
		return true;
	switch (call.wish) {
	case MDI_FILE_OPEN:
	case MDI_FILE_LOOK:
		*result = by_path(module, &call);
		return true;
	case MDI_FILE_USE:
		*result = use(module, &call);
		return true;
	case MDI_FILE_CLOSE:
		*result = close_file(module->files, call.args[0]);
		return true;
	case MDI_FILE_NONE:
		break;
	}
	return false;
}

/* Nobody holds one: nobody is inside. */
void mdi_files_free(struct modiso_module *module)
{
	struct mdi_files *files = module->files;

	if (files == NULL)
		return;
	for (uint32_t i = 0; i < files->count; i++)
		if (files->file[i] != 0)
			mdi_beneath_close((int)(files->file[i] >> 32));
	mdi_beneath_close(files->directory);
	module->files = NULL;
	mdi_vault_free(files, size_of(files->count));
}
