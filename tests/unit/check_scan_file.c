/* SPDX-License-Identifier: MIT */
/*
 * check_scan_file - a file is read in parts; what lies across two of them is
 * found, and what is no file ends with a code.
 */
#include "support/elf_maker.h"
#include "support/test.h"

#include <modiso.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE ((size_t)4096)
/* Several times what the library reads at once. */
#define TEXT ((size_t)384 << 10)

static char directory[] = "/tmp/check_scan_XXXXXX";
static char path[64];
static uint64_t last_offset, last_address;
static size_t count;

static void setup(void)
{
	ck_assert_ptr_nonnull(mkdtemp(directory));
	snprintf(path, sizeof(path), "%s/file", directory);
}

static void teardown(void)
{
	unlink(path);
	rmdir(directory);
}

static int note(const struct modiso_scan_hit *hit, void *arg)
{
	(void)arg;
	ck_assert_str_eq(hit->file, path);
	last_offset = hit->offset;
	last_address = hit->address;
	count++;
	return 0;
}

static int scan(void)
{
	count = 0;
	return modiso_scan_file(path, MODISO_SCAN_ALL, note, NULL, NULL);
}

static void write_at(int fd, const void *bytes, size_t length, size_t offset)
{
	ck_assert_int_eq(pwrite(fd, bytes, length, (off_t)offset),
			 (ssize_t)length);
}

/* A page of headers, then TEXT bytes of code. */
static int make_file(void)
{
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct elf_file elf;

	ck_assert_int_ge(fd, 0);
	elf_start(&elf);
	elf_segment(&elf, PF_R | PF_X, PAGE, PAGE, TEXT);
	write_at(fd, elf.bytes, PAGE, 0);
	elf_end(&elf);
	ck_assert_int_eq(ftruncate(fd, (off_t)(PAGE + TEXT)), 0);
	return fd;
}

START_TEST(test_every_edge)
{
	static const uint8_t nothing[3];
	int fd = make_file();

	ck_assert_int_eq(scan(), MODISO_OK);
	for (size_t edge = PAGE; edge <= PAGE + TEXT; edge += PAGE)
		for (size_t back = 0; back <= 3; back++) {
			size_t at = edge - back;

			if (at < PAGE || at > PAGE + TEXT - 3)
				continue;
			write_at(fd, "\x0f\x01\xef", 3, at);
			if (scan() != MODISO_ERR_GADGET || count != 1 ||
			    last_offset != at || last_address != at)
				ck_abort_msg("at %#zx: %zu hits", at, count);
			write_at(fd, nothing, 3, at);
		}
	ck_assert_int_eq(scan(), MODISO_OK);
	close(fd);
}
END_TEST

START_TEST(test_sentence)
{
	int fd = make_file();

	write_at(fd, "\xcd\x80", 2, PAGE + 16);
	ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
	ck_assert_ptr_nonnull(strstr(modiso_last_error_text(), path));
	ck_assert_ptr_nonnull(strstr(modiso_last_error_text(),
				     "int80 (cd 80) at file offset 0x1010"));
	close(fd);
}
END_TEST

START_TEST(test_no_file)
{
	ck_assert_int_eq(scan(), MODISO_ERR_OS);
	ck_assert_int_eq(errno, ENOENT);
	ck_assert_int_eq(
		modiso_scan_file(directory, MODISO_SCAN_ALL, NULL, NULL, NULL),
		MODISO_ERR_FORMAT);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	ck_assert_int_eq(scan(), MODISO_ERR_FORMAT);
}
END_TEST

START_TEST(test_no_elf)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	ck_assert_int_eq(scan(), MODISO_ERR_FORMAT);
	write_at(fd, "#!/bin/sh\n\x0f\x05", 12, 0);
	ck_assert_int_eq(scan(), MODISO_ERR_FORMAT);
	ck_assert_uint_eq(count, 0);
	close(fd);
}
END_TEST

/* The descriptor of a refused file is not kept. */
START_TEST(test_no_leak)
{
	int fd = make_file(), next = dup(0);

	close(next);
	write_at(fd, "\x0f\x05", 2, PAGE);
	for (int i = 0; i < 3; i++) {
		ck_assert_int_eq(scan(), MODISO_ERR_GADGET);
		ck_assert_int_eq(truncate(path, 100), 0);
		ck_assert_int_eq(scan(), MODISO_ERR_FORMAT);
		close(fd);
		fd = make_file();
		write_at(fd, "\x0f\x05", 2, PAGE);
	}
	ck_assert_int_eq(dup(0), next);
	close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scan_file");
	TCase *tcase = tcase_create("unit");

	tcase_add_checked_fixture(tcase, setup, teardown);
	tcase_add_test(tcase, test_every_edge);
	tcase_add_test(tcase, test_sentence);
	tcase_add_test(tcase, test_no_file);
	tcase_add_test(tcase, test_no_elf);
	tcase_add_test(tcase, test_no_leak);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
