/* SPDX-License-Identifier: MIT */
#include "os/open.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef bool (*is_fn)(int directory, const char *name);

/* Each entry of a directory of numbers that is one. */
static int walk(const char *path, is_fn is,
		void (*visit)(uint32_t number, void *arg), void *arg)
{
	DIR *directory = opendir(path);
	const struct dirent *entry;
	int saved;

	if (directory == NULL)
		return -1;
	errno = 0;
	while ((entry = readdir(directory)) != NULL) {
		if (entry->d_name[0] != '.' &&
		    is(dirfd(directory), entry->d_name))
			visit((uint32_t)strtoul(entry->d_name, NULL, 10), arg);
		errno = 0;
	}
	saved = errno;
	closedir(directory);
	errno = saved;
	return saved == 0 ? 0 : -1;
}

static bool is_ring(int directory, const char *name)
{
	char target[64];
	ssize_t length =
		readlinkat(directory, name, target, sizeof(target) - 1);

	target[length > 0 ? length : 0] = '\0';
	return strcmp(target, "anon_inode:[io_uring]") == 0;
}

int mdi_open_rings(void (*visit)(uint32_t descriptor, void *arg), void *arg)
{
	return walk("/proc/self/fd", is_ring, visit, arg);
}

/* The kernel names them so: "iou-sqp-" and the maker's number. */
static bool is_poller(int directory, const char *name)
{
	char path[64], text[32] = "";
	int file;

	snprintf(path, sizeof(path), "%s/comm", name);
	file = openat(directory, path, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return false; /* it has ended meanwhile */
	if (read(file, text, sizeof(text) - 1) < 0)
		text[0] = '\0';
	close(file);
	return strncmp(text, "iou-sqp-", 8) == 0;
}

int mdi_open_pollers(void (*visit)(uint32_t tid, void *arg), void *arg)
{
	return walk("/proc/self/task", is_poller, visit, arg);
}
