/* SPDX-License-Identifier: MIT */
/*
 * contract_syscall_files - the C library in a module reads files below one
 * directory, and no way leads out of it: no path, no link, no number.
 */
#include "support/module_code.h"
#include "support/test.h"
#include "support/world.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define COUNT 3

typedef intptr_t MODISO_CALL call_fn(uintptr_t, uintptr_t, uintptr_t, uintptr_t,
				     uintptr_t, uintptr_t);

static struct modiso_module *module;
static struct modiso_gate *gate;
static char *text; /* of the module: a path, and behind it what is read */
static call_fn *service;
static char directory[] = "/tmp/modiso-files-XXXXXX";

static MODULE_CODE uintptr_t call(uintptr_t number, uintptr_t a, uintptr_t b,
				  uintptr_t c, uintptr_t d)
{
	return (uintptr_t)service(number, a, b, c, d, 0);
}

static intptr_t ask(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c,
		    uintptr_t d)
{
	const uintptr_t args[5] = {number, a, b, c, d};
	uintptr_t result;

	expect(MODISO_OK, modiso_gate_call(gate, args, 5, &result));
	return (intptr_t)result;
}

static void make_file(const char *name, const char *content)
{
	FILE *file = fopen(name, "w");

	ck_assert(file != NULL);
	ck_assert(fputs(content, file) >= 0 && fclose(file) == 0);
}

/* base/inside/ is the module's; base/secret is not. */
static void make_tree(void)
{
	ck_assert(mkdtemp(directory) != NULL && chdir(directory) == 0);
	ck_assert(mkdir("inside", 0700) == 0 && mkdir("inside/deep", 0700) == 0);
	make_file("secret", "secret");
	make_file("inside/plain", "plain text");
	make_file("inside/deep/other", "other text");
	ck_assert(symlink("deep/other", "inside/link") == 0);
	ck_assert(symlink("../secret", "inside/up") == 0);
	ck_assert(symlink("/etc/passwd", "inside/absolute") == 0);
	ck_assert(symlink("/proc/self/root", "inside/root") == 0);
	ck_assert(symlink("..", "inside/deep/parent") == 0);
	ck_assert(mkfifo("inside/fifo", 0600) == 0);
}

static void remove_tree(void)
{
	char command[100];

	snprintf(command, sizeof(command), "rm -rf %s", directory);
	ck_assert(chdir("/") == 0 && system(command) == 0);
}

static void scene(void)
{
	int code;

	make_tree();
	world_start();
	module = make_module("module");
	service = (call_fn *)make_service("modiso_syscall",
					  modiso_syscall_function());
	gate = make_gate(module, call);
	text = modiso_region_base(make_region(module, (size_t)2 * PAGE, "text"));
	code = modiso_syscall_files(module, "inside", COUNT);
	if (code == MODISO_ERR_NOTSUP) {
		remove_tree();
		test_skip("openat2", modiso_last_error_text());
	}
	expect(MODISO_OK, code);
}

static intptr_t open_at(const char *path, uintptr_t flags)
{
	strcpy(text, path);
	return ask(SYS_open, (uintptr_t)text, flags, 0, 0);
}

static intptr_t look_at(const char *path)
{
	strcpy(text, path);
	return ask(SYS_stat, (uintptr_t)text, (uintptr_t)text + PAGE, 0, 0);
}

START_TEST(test_read)
{
	uintptr_t bytes;
	struct stat status;

	scene();
	bytes = (uintptr_t)text + PAGE;
	must_eq(open_at("plain", O_RDONLY | O_CLOEXEC), 3);
	must_eq(ask(SYS_read, 3, bytes, 5, 0), 5);
	ck_assert(memcmp(text + PAGE, "plain", 5) == 0);
	must_eq(ask(SYS_lseek, 3, 1, SEEK_SET, 0), 1);
	must_eq(ask(SYS_read, 3, bytes, 100, 0), 9);
	must_eq(ask(SYS_pread64, 3, bytes, 4, 6), 4);
	ck_assert(memcmp(text + PAGE, "text", 4) == 0);
	must_eq(ask(SYS_fstat, 3, bytes, 0, 0), 0);
	memcpy(&status, text + PAGE, sizeof(status));
	must_eq(status.st_size, 10);
	must_eq(ask(SYS_close, 3, 0, 0, 0), 0);
	must_eq(ask(SYS_close, 3, 0, 0, 0), -EBADF);
	must_eq(ask(SYS_read, 3, bytes, 5, 0), -EBADF);
	must_eq(look_at("deep/other"), 0);
	must_eq(look_at("link"), 0);
	must_eq(look_at("nothing"), -ENOENT);
	must_eq(open_at("link", O_RDONLY), 3);
	must_eq(open_at("deep/parent/plain", O_RDONLY), 4);
	must_eq(open_at("deep/../plain", O_RDONLY), 5);
	remove_tree();
}
END_TEST

/* Each way out is closed to both calls by path. */
START_TEST(test_no_way_out)
{
	static const struct {
		const char *path;
		int error;
	} ways[] = {
		{"../secret", EXDEV},
		{"deep/../../secret", EXDEV},
		{"..", EXDEV},
		{"/etc/passwd", EXDEV},
		{"//etc/passwd", EXDEV},
		{"up", EXDEV},
		{"absolute", EXDEV},
		{"root/etc/passwd", EXDEV},
		{"deep/parent/../secret", EXDEV},
		{"", ENOENT},
	};

	scene();
	for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		must_eq(open_at(ways[i].path, O_RDONLY), -ways[i].error);
		must_eq(look_at(ways[i].path), -ways[i].error);
	}
	/* What /proc has, were it below. */
	expect(MODISO_OK, modiso_syscall_files(module, "/proc/self", COUNT));
	must_eq(open_at("fd/0", O_RDONLY), -ELOOP);
	must_eq(open_at("root/etc/passwd", O_RDONLY), -ELOOP);
	must_eq(open_at("cwd/secret", O_RDONLY), -ELOOP);
	must_eq(open_at("mem", O_RDONLY), -EACCES);
	must_eq(open_at("comm", O_RDONLY), -EACCES);
	expect(MODISO_OK, modiso_syscall_files(module, "/", COUNT));
	must_eq(open_at("proc/self/mem", O_RDONLY), -EACCES);
	must_eq(open_at(directory + 1, O_RDONLY), -EACCES);
	remove_tree();
}
END_TEST

START_TEST(test_refused)
{
	char *name;

	scene();
	must_eq(open_at("plain", O_WRONLY), -EROFS);
	must_eq(open_at("plain", O_RDWR), -EROFS);
	must_eq(open_at("plain", O_RDONLY | O_TRUNC), -EROFS);
	must_eq(open_at("new", O_RDONLY | O_CREAT), -EROFS);
	must_eq(open_at("plain", (uintptr_t)1 << 40), -EROFS);
	must_eq(open_at("deep", O_RDONLY), -EACCES);
	must_eq(open_at("fifo", O_RDONLY), -EACCES);
	must_eq(open_at("link", O_RDONLY | O_NOFOLLOW), -ELOOP);
	/* Relative to nothing but the directory. */
	strcpy(text, "plain");
	must_eq(ask(SYS_openat, (uintptr_t)AT_FDCWD, (uintptr_t)text, 0, 0), 3);
	must_eq(ask(SYS_openat, 3, (uintptr_t)text, 0, 0), -EBADF);
	must_eq(ask(SYS_newfstatat, 0, (uintptr_t)text, (uintptr_t)text + PAGE,
		    0), -EBADF);
	/* Pointers of nobody, and of the host. */
	must_eq(ask(SYS_open, 0, 0, 0, 0), -EFAULT);
	must_eq(ask(SYS_open, (uintptr_t)directory, 0, 0, 0), -EFAULT);
	must_eq(ask(SYS_stat, (uintptr_t)text, (uintptr_t)directory, 0, 0),
		-EFAULT);
	must_eq(ask(SYS_read, 3, (uintptr_t)directory, 4, 0), -EFAULT);
	name = memset(text, 'x', PAGE);
	must_eq(ask(SYS_open, (uintptr_t)name, 0, 0, 0), -ENAMETOOLONG);
	/* A path that the region ends in. */
	memset(text + PAGE, 'x', PAGE);
	name = text + 2 * PAGE - 5;
	must_eq(ask(SYS_open, (uintptr_t)name, 0, 0, 0), -EFAULT);
	must_eq(ask(SYS_write, 3, (uintptr_t)text, 4, 0), -ENOSYS);
	remove_tree();
}
END_TEST

/* To open a device or a pipe does something by itself: it is not opened. */
START_TEST(test_not_even_opened)
{
	char event[512];
	int watch;

	scene();
	watch = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	must(watch >= 0);
	must(inotify_add_watch(watch, "inside", IN_OPEN) >= 0);
	must_eq(open_at("fifo", O_RDONLY), -EACCES);
	must_eq(open_at("deep/../fifo", O_RDONLY | O_NOFOLLOW), -EACCES);
	must(read(watch, event, sizeof(event)) < 0 && errno == EAGAIN);
	must_eq(open_at("plain", O_RDONLY), 3);
	must(read(watch, event, sizeof(event)) > 0);
	close(watch);
	remove_tree();
}
END_TEST

/* Numbers are the module's own: none is a descriptor of the process. */
START_TEST(test_descriptors)
{
	int mine, before;

	scene();
	mine = open("secret", O_RDONLY);
	ck_assert(mine >= 0);
	for (int i = -1; i <= mine + 10; i++) {
		must_eq(ask(SYS_read, (uintptr_t)i, (uintptr_t)text, 5, 0),
			-EBADF);
		must_eq(ask(SYS_fstat, (uintptr_t)i, (uintptr_t)text, 0, 0),
			-EBADF);
		must_eq(ask(SYS_lseek, (uintptr_t)i, 0, 0, 0), -EBADF);
		must_eq(ask(SYS_close, (uintptr_t)i, 0, 0, 0), -EBADF);
	}
	must_eq(ask(SYS_close, (uintptr_t)1 << 32 | 3, 0, 0, 0), -EBADF);
	for (int i = 0; i < COUNT; i++)
		must_eq(open_at("plain", O_RDONLY), 3 + i);
	must_eq(open_at("plain", O_RDONLY), -EMFILE);
	must_eq(ask(SYS_close, 4, 0, 0, 0), 0);
	must_eq(open_at("plain", O_RDONLY), 4);
	before = dup(mine);
	close(before);
	/* All are closed, and the directory with them. */
	expect(MODISO_OK, modiso_syscall_files(module, NULL, 0));
	must_eq(open_at("plain", O_RDONLY), -ENOSYS);
	must_eq(ask(SYS_read, 3, (uintptr_t)text, 5, 0), -ENOSYS);
	ck_assert(dup(mine) < before);
	remove_tree();
}
END_TEST

static int descriptors(void)
{
	int count = 0;

	for (int i = 0; i < 200; i++)
		count += fcntl(i, F_GETFD) >= 0;
	return count;
}

START_TEST(test_end)
{
	int count;

	scene();
	expect(MODISO_ERR_INVAL, modiso_syscall_files(NULL, "inside", COUNT));
	expect(MODISO_ERR_INVAL, modiso_syscall_files(module, "inside", 0));
	expect(MODISO_ERR_INVAL,
	       modiso_syscall_files(module, "inside", MODISO_FILES_MAX + 1));
	expect(MODISO_ERR_OS, modiso_syscall_files(module, "nothing", COUNT));
	must_eq(errno, ENOENT);
	expect(MODISO_ERR_OS, modiso_syscall_files(module, "secret", COUNT));
	must_eq(errno, ENOTDIR);
	/* What there was is there still. */
	must_eq(open_at("plain", O_RDONLY), 3);
	must_eq(open_at("link", O_RDONLY), 4);
	/* A rule says more. */
	expect(MODISO_OK,
	       modiso_syscall_set(module, MODISO_ARCH_LIBC, SYS_stat,
				  MODISO_SYSCALL_ERRNO, EPERM));
	must_eq(look_at("plain"), -EPERM);
	count = descriptors();
	expect(MODISO_OK, modiso_gate_destroy(gate));
	expect(MODISO_OK, modiso_module_destroy(module));
	must_eq(descriptors(), count - 3);
	remove_tree();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("syscall_files");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_read);
	tcase_add_test(tcase, test_no_way_out);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_not_even_opened);
	tcase_add_test(tcase, test_descriptors);
	tcase_add_test(tcase, test_end);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
