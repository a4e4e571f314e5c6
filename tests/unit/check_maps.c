/* SPDX-License-Identifier: MIT */
/*
 * check_maps - the kernel's list of mappings, read back: made for the
 * test, with every protection, and with a file name that looks like a mapping.
 */
#include "support/proc.h"
#include "support/test.h"
#include "support/world.h"

#include "os/maps.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

struct search {
	uintptr_t address;
	struct mdi_mapping found;
	bool hit;
	uintptr_t end; /* of the one before */
	size_t count, stop_after;
};

static bool look(const struct mdi_mapping *map, void *arg)
{
	struct search *search = arg;

	must(map->base < map->end);
	must(map->base >= search->end);
	must(map->base % PAGE == 0 && map->end % PAGE == 0);
	search->end = map->end;
	if (search->address >= map->base && search->address < map->end) {
		search->found = *map;
		search->hit = true;
	}
	return ++search->count != search->stop_after;
}

static struct mdi_mapping at(const void *address)
{
	struct search search = {.address = (uintptr_t)address};

	must_eq(mdi_maps_walk(look, &search), 0);
	must(search.hit);
	return search.found;
}

START_TEST(test_protections)
{
	static const int prots[] = {PROT_NONE, PROT_READ,
				    PROT_READ | PROT_WRITE,
				    PROT_READ | PROT_EXEC};
	unsigned char *base = pages_map(5, PROT_READ | PROT_WRITE);
	struct mdi_mapping map;
	size_t i;

	must(!munmap(base + 4 * PAGE, PAGE));
	for (i = 0; i < 4; i++)
		must(!mprotect(base + i * PAGE, PAGE, prots[i]));
	for (i = 0; i < 4; i++) {
		map = at(base + i * PAGE);
		must(map.read == !!(prots[i] & PROT_READ));
		must(map.write == !!(prots[i] & PROT_WRITE));
		must(map.exec == !!(prots[i] & PROT_EXEC));
		must(!map.shared && !map.stack && !map.hugetlb);
		must(map.key <= 0);
	}
}
END_TEST

START_TEST(test_shared)
{
	void *base =
		mmap(NULL, PAGE, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(base != MAP_FAILED);
	must(at(base).shared);
}
END_TEST

START_TEST(test_stacks)
{
	void *base = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	void *heap = malloc(1);
	int local = 0;

	must(base != MAP_FAILED);
	must(at(base).stack);
	must(at(&local).stack);
	must(!at(heap).stack);
	free(heap);
}
END_TEST

START_TEST(test_stop)
{
	struct search search = {.stop_after = 3};
	struct proc_usage before = proc_usage();
	int i;

	for (i = 0; i < 10; i++) {
		search.count = 0;
		search.end = 0;
		must_eq(mdi_maps_walk(look, &search), 0);
		must_eq(search.count, 3);
	}
	must_eq(proc_usage().fds, before.fds);
}
END_TEST

/* A name that is one line of the list after the other. */
static void line_name(char name[256])
{
	static const char line[] = "00001000-00fff000 rwxp ";
	size_t length = 0;

	while (length + sizeof(line) <= 250)
		length += (size_t)sprintf(name + length, "%s", line);
}

/* Its path is longer than any line buffer; @pad shifts it. */
static int deep_file(int pad)
{
	char top[] = "/tmp/check_maps_XXXXXX", name[256], shift[32] = "";
	int fd, i;

	line_name(name);
	memset(shift, 'p', (size_t)pad + 1);
	must(mkdtemp(top) && !chdir(top));
	must(!mkdir(shift, 0700) && !chdir(shift));
	for (i = 0; i < 4; i++)
		must(!mkdir(name, 0700) && !chdir(name));
	fd = open(name, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	must(fd >= 0 && !ftruncate(fd, (off_t)PAGE));
	unlink(name);
	for (i = 0; i < 4; i++)
		must(!chdir("..") && !rmdir(name));
	must(!chdir("..") && !rmdir(shift) && !chdir("/") && !rmdir(top));
	return fd;
}

/* Wherever a buffer ends, what follows is no line. */
START_TEST(test_names_like_lines)
{
	struct search search = {.address = 0x10000};
	char name[512];
	uintptr_t offset;
	int fd = deep_file(_i);
	char *base = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);

	must(base != MAP_FAILED);
	must(at(base).read && !at(base).write && at(base).shared);
	must_eq(mdi_maps_walk(look, &search), 0);
	must(!search.hit);
	must(!mdi_maps_file(0x10000, name, sizeof(name), &offset));
	must(mdi_maps_file((uintptr_t)base + 9, name, sizeof(name), &offset));
	must_eq(offset, 9);
	close(fd);
}
END_TEST

static void here(void)
{
}

START_TEST(test_file)
{
	char name[512], program[512];
	ssize_t length = readlink("/proc/self/exe", program, sizeof(program));
	uintptr_t offset, other;
	int local = 0;

	must(length > 0 && length < (ssize_t)sizeof(program));
	program[length] = '\0';
	must(mdi_maps_file((uintptr_t)here, name, sizeof(name), &offset));
	must_str(name, program);
	must(mdi_maps_file((uintptr_t)here + 3, name, sizeof(name), &other));
	must_eq(other, offset + 3);
	must(!mdi_maps_file((uintptr_t)&local, name, sizeof(name), &offset));
	must(!mdi_maps_file(0, name, sizeof(name), &offset));
	must(!mdi_maps_file(UINTPTR_MAX, name, sizeof(name), &offset));
	/* Cut off, not run over. */
	memset(name, 'x', sizeof(name));
	must(mdi_maps_file((uintptr_t)here, name, 6, &offset));
	must_eq(strlen(name), 5);
	must_eq(name[6], 'x');
}
END_TEST

/* The offset is the file's: that of the mapping is in it. */
START_TEST(test_file_offset)
{
	char path[] = "/tmp/check maps XXXXXX", name[512];
	int fd = mkstemp(path);
	uintptr_t offset;
	char *base;

	must(fd >= 0 && !ftruncate(fd, (off_t)(3 * PAGE)));
	base = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, fd, (off_t)(2 * PAGE));
	must(base != MAP_FAILED);
	must(mdi_maps_file((uintptr_t)base + 5, name, sizeof(name), &offset));
	unlink(path);
	must_str(name, path);
	must_eq(offset, 2 * PAGE + 5);
	close(fd);
}
END_TEST

/* Of one mapping, in whatever order; not across an edge, nor read-only. */
START_TEST(test_together)
{
	unsigned char *base = pages_map(8, PROT_READ | PROT_WRITE);
	uintptr_t at = W(base);
	int local = 0;

	must(!mprotect(base + 4 * PAGE, PAGE, PROT_NONE));
	must(!mprotect(base + 6 * PAGE, 2 * PAGE, PROT_READ));
	must(mdi_maps_together(at, at));
	must(mdi_maps_together(at, at + 4 * PAGE - 1));
	must(mdi_maps_together(at + 4 * PAGE - 1, at));
	must(!mdi_maps_together(at, at + 4 * PAGE));
	must(!mdi_maps_together(at + 3 * PAGE, at + 5 * PAGE));
	must(mdi_maps_together(at + 5 * PAGE, at + 6 * PAGE - 1));
	must(!mdi_maps_together(at + 6 * PAGE, at + 7 * PAGE));
	must(!mdi_maps_together(0, 1));
	must(!mdi_maps_together(0, at));
	must(!mdi_maps_together(at, ~(uintptr_t)0));
	must(mdi_maps_together(W(&local), W(__builtin_frame_address(0))));
	must(!mdi_maps_together(W(&local), at));
	pages_unmap(base, 8);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("maps");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_protections);
	tcase_add_test(tcase, test_shared);
	tcase_add_test(tcase, test_stacks);
	tcase_add_test(tcase, test_stop);
	tcase_add_loop_test(tcase, test_names_like_lines, 0, 23);
	tcase_add_test(tcase, test_file);
	tcase_add_test(tcase, test_file_offset);
	tcase_add_test(tcase, test_together);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
