/* SPDX-License-Identifier: MIT */
/* The fuzzer's corpus once more, without the fuzzer. */
#include "support/test.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length);

static void replay(const char *path)
{
	FILE *file = fopen(path, "rb");
	uint8_t buffer[65536], *exact;
	size_t length;

	ck_assert_ptr_nonnull(file);
	length = fread(buffer, 1, sizeof(buffer), file);
	fclose(file);
	exact = malloc(length ? length : 1);
	memcpy(exact, buffer, length);
	ck_assert_int_eq(LLVMFuzzerTestOneInput(exact, length), 0);
	free(exact);
}

START_TEST(corpus)
{
	const char *srcdir = getenv("srcdir");
	char path[1024];
	struct dirent *entry;
	unsigned count = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/fuzz/corpus/image",
		 srcdir ? srcdir : ".");
	dir = opendir(path);
	ck_assert_msg(dir != NULL, "no directory %s", path);
	while ((entry = readdir(dir)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		snprintf(path, sizeof(path), "%s/fuzz/corpus/image/%s",
			 srcdir ? srcdir : ".", entry->d_name);
		replay(path);
		count++;
	}
	closedir(dir);
	ck_assert_uint_ge(count, 4);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image_fuzz");
	TCase *tcase = tcase_create("replay");

	tcase_add_test(tcase, corpus);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
