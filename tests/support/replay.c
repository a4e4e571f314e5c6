/* SPDX-License-Identifier: MIT */
#include "support/replay.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

static void replay(const char *path, size_t length, replay_fn one)
{
	FILE *file = fopen(path, "rb");
	uint8_t *bytes = malloc(length > 0 ? length : 1);

	ck_assert_msg(file != NULL && bytes != NULL, "cannot open %s", path);
	ck_assert_uint_eq(fread(bytes, 1, length, file), length);
	fclose(file);
	ck_assert_msg(one(bytes, length) == 0, "%s", path);
	free(bytes);
}

void replay_corpus(const char *name, replay_fn one)
{
	const char *srcdir = getenv("srcdir");
	char directory[1024], path[2048];
	struct dirent *entry;
	struct stat status;
	unsigned count = 0;
	DIR *dir;

	snprintf(directory, sizeof(directory), "%s/fuzz/corpus/%s",
		 srcdir != NULL ? srcdir : ".", name);
	dir = opendir(directory);
	ck_assert_msg(dir != NULL, "no directory %s", directory);
	while ((entry = readdir(dir)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", directory, entry->d_name);
		ck_assert_int_eq(stat(path, &status), 0);
		if (!S_ISREG(status.st_mode))
			continue;
		replay(path, (size_t)status.st_size, one);
		count++;
	}
	closedir(dir);
	ck_assert_uint_gt(count, 0);
}
