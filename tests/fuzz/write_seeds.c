/* SPDX-License-Identifier: MIT */
/* What the fuzzers begin with, as files: DIRECTORY/image and DIRECTORY/scan. */
#include "support/seeds.h"

#include <stdio.h>

static const char *directory, *fuzzer;
static int status;

static void write_seed(const char *name, const uint8_t *bytes, size_t length)
{
	char path[4096];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s/%s", directory, fuzzer, name);
	file = fopen(path, "wb");
	if (file == NULL || fwrite(bytes, 1, length, file) != length ||
	    fclose(file) != 0) {
		perror(path);
		status = 1;
	}
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: fuzz-seeds DIRECTORY\n");
		return 2;
	}
	directory = argv[1];
	fuzzer = "image";
	seeds_image(write_seed);
	fuzzer = "scan";
	seeds_scan(write_seed);
	return status;
}
