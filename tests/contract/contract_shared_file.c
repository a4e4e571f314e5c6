/* SPDX-License-Identifier: MIT */
/*
 * contract_shared_file - the file behind a shared region: cut short, on a full
 * disk, sealed, or the wrong kind.
 */
#include "contract/shared_file.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <unistd.h>

#ifndef F_SEAL_FUTURE_WRITE
#	define F_SEAL_FUTURE_WRITE 0x0010
#endif

static void touch(void *address)
{
	*(volatile unsigned char *)address;
}

START_TEST(test_truncated)
{
	struct modiso_module *module = world_module();
	int fd = make_file(4 * PAGE);
	struct modiso_region *region = map(module, fd, 0, 0, RW);
	unsigned char *bytes = region_bytes(region), buffer[64];
	const struct modiso_fault *fault;
	size_t length;

	memset(bytes, 0x11, 4 * PAGE);
	must(!ftruncate(fd, (off_t)PAGE));
	fault = enter_fault(module, make_gate(module, poke_load1),
			    W(bytes + PAGE));
	must_eq(fault->kind, MODISO_FAULT_BUS);
	must_eq(fault->signo, SIGBUS);
	must_eq(fault->address, bytes + PAGE);
	must_eq(fault->region_base, bytes);
	must_eq(fault->owner, module);
	must_str(fault->region_name, "shared");
	fault = enter_fault(module, make_gate(module, poke_store1),
			    W(bytes + 3 * PAGE), 1);
	must_eq(fault->kind, MODISO_FAULT_BUS);
	must_eq(fault->access, MODISO_WRITE);
	must_str(fault->region_name, "shared");
	/* The host's copies come back with the region's name. */
	expect(MODISO_ERR_FAULT,
	       modiso_copy_in(module, buffer, bytes + PAGE - 32, 64));
	must(strstr(modiso_last_error_text(), "region shared"));
	expect(MODISO_ERR_FAULT,
	       modiso_copy_out(module, bytes + 2 * PAGE, buffer, 64));
	must(strstr(modiso_last_error_text(), "region shared"));
	expect(MODISO_ERR_FAULT,
	       modiso_strnlen(module, (char *)bytes + PAGE - 8, 64, &length));
	/* Any other host code dies of its own signal. */
	must_die(child_status(touch, bytes + PAGE), SIGBUS);
	/* The rest is as it was, and what comes back is to be had again. */
	must_eq(enter(make_gate(module, poke_load1), W(bytes)), 0x11);
	must(!ftruncate(fd, 4 * (off_t)PAGE));
	must_eq(enter(make_gate(module, poke_load1), W(bytes + PAGE)), 0);
	expect(MODISO_OK, modiso_copy_in(module, buffer, bytes + PAGE, 64));
	/* A region that is gone altogether can still be ended. */
	must(!ftruncate(fd, 0));
	expect(MODISO_OK, modiso_region_destroy(region));
}
END_TEST

/* A file system of @size bytes that nobody else sees; an unlinked file of it */
static int file_of_small_disk(const char *size, size_t length)
{
	char dir[] = "/tmp/modiso-disk-XXXXXX", path[64];
	bool mounted;
	int fd = -1;

	must(mkdtemp(dir));
	mounted = !unshare(CLONE_NEWNS) &&
		  !mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) &&
		  !mount("none", dir, "tmpfs", 0, size);
	if (mounted) {
		snprintf(path, sizeof(path), "%s/file", dir);
		fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
		umount2(dir, MNT_DETACH);
	}
	rmdir(dir);
	if (fd < 0)
		test_skip("mount", "no right to mount a file system");
	must(!ftruncate(fd, (off_t)length));
	return fd;
}

/*
 * There is no memory for the first touch of a page. The module's is a fault,
 * the host's copies come back, and nobody is left waiting for a lock.
 */
START_TEST(test_no_space)
{
	enum { PAGES = 64, ROOM = 16 };
	int fd = file_of_small_disk("size=65536", PAGES * PAGE);
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_region *region = map(module, fd, 0, 0, RW);
	struct modiso_gate *store = make_gate(module, poke_store1);
	unsigned char *bytes = region_bytes(region), buffer[64] = {0};
	const struct modiso_fault *fault;
	size_t page;

	for (page = 0; page < ROOM; page++)
		enter(store, W(bytes + page * PAGE), page);
	fault = enter_fault(module, store, W(bytes + page * PAGE), 1);
	must_eq(fault->kind, MODISO_FAULT_BUS);
	must_eq(fault->address, bytes + page * PAGE);
	must_str(fault->region_name, "shared");
	expect(MODISO_ERR_FAULT,
	       modiso_copy_out(module, bytes + 40 * PAGE, buffer, 64));
	must(strstr(modiso_last_error_text(), "region shared"));
	expect(MODISO_ERR_FAULT,
	       modiso_copy_in(module, buffer, bytes + 41 * PAGE, 64));
	must_die(child_status(touch, bytes + 42 * PAGE), SIGBUS);
	must_eq(enter(make_gate(other, poke_local), 0) != 0, true);
	for (page = 0; page < ROOM; page++)
		must_eq(bytes[page * PAGE], page);
	expect(MODISO_OK, modiso_region_destroy(region));
}
END_TEST

/* Sealed, it cannot become shorter. */
START_TEST(test_no_shrink)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = UNTOUCHED;
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_REGION_NOSHRINK,
	};
	int fd = make_file(4 * PAGE);
	int plain = memfd_create("plain", MFD_CLOEXEC);

	map_flags(module, fd, 0, 0, RW, MODISO_REGION_NOSHRINK);
	must(ftruncate(fd, (off_t)PAGE) == -1 && errno == EPERM);
	must(!ftruncate(fd, 8 * (off_t)PAGE));
	/* Again: it is sealed already. */
	map_flags(module, fd, 0, 0, MODISO_READ, MODISO_REGION_NOSHRINK);
	must(plain >= 0 && !ftruncate(plain, (off_t)PAGE));
	expect(MODISO_ERR_NOTSUP,
	       modiso_region_map_shared(module, plain, 0, 0, RW, &options,
					&region));
	/* For shared regions alone. */
	expect(MODISO_ERR_INVAL,
	       modiso_region_create(module, PAGE, RW, &options, &region));
	must_eq(region, UNTOUCHED);
	must(!ftruncate(plain, 0));
}
END_TEST

START_TEST(test_descriptors)
{
	struct modiso_module *module = world_module();
	int pipes[2], fd;
	char path[] = "/tmp/modiso-shared-XXXXXX";

	refuse(MODISO_ERR_INVAL, -1, 0, 1, RW, module);
	refuse(MODISO_ERR_INVAL, 1000000, 0, 1, RW, module);
	must(!pipe(pipes));
	refuse(MODISO_ERR_INVAL, pipes[0], 0, 1, MODISO_READ, module);
	must(!close(pipes[0]) && !close(pipes[1]));
	refuse(MODISO_ERR_INVAL, pipes[0], 0, 1, MODISO_READ, module);
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, pipes));
	refuse(MODISO_ERR_INVAL, pipes[0], 0, 1, MODISO_READ, module);
	fd = open("/dev/zero", O_RDWR);
	if (fd >= 0)
		refuse(MODISO_ERR_INVAL, fd, 0, PAGE, RW, module);
	fd = open("/", O_RDONLY);
	refuse(MODISO_ERR_INVAL, fd, 0, 1, MODISO_READ, module);
	/* A file on a disk, with each way to open it. */
	fd = mkstemp(path);
	must(fd >= 0 && !ftruncate(fd, (off_t)PAGE));
	map(module, fd, 0, 0, RW);
	fd = open(path, O_PATH);
	refuse(MODISO_ERR_INVAL, fd, 0, 1, MODISO_READ, module);
	fd = open(path, O_WRONLY);
	refuse(MODISO_ERR_ACCESS, fd, 0, 1, RW, module);
	refuse(MODISO_ERR_ACCESS, fd, 0, 1, MODISO_READ, module);
	fd = open(path, O_RDONLY);
	refuse(MODISO_ERR_ACCESS, fd, 0, 1, RW, module);
	unlink(path);
	expect(MODISO_ERR_ACCESS,
	       modiso_region_protect(map(module, fd, 0, 0, MODISO_READ), RW));
}
END_TEST

START_TEST(test_sealed_files)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region;
	int fd = make_file(PAGE), future = make_file(PAGE);

	must_eq(pwrite(fd, "\5", 1, 0), 1);
	must(!fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	refuse(MODISO_ERR_ACCESS, fd, 0, 1, RW, module);
	region = map(module, fd, 0, 0, MODISO_READ);
	must_eq(enter(make_gate(module, poke_load1), W(region_bytes(region))),
		5);
	expect(MODISO_ERR_ACCESS, modiso_region_protect(region, RW));
	must(!fcntl(future, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	refuse(MODISO_ERR_ACCESS, future, 0, 1, RW, module);
	region = map(module, future, 0, 0, MODISO_READ);
	expect(MODISO_ERR_ACCESS, modiso_region_protect(region, RW));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("shared_file");
	TCase *tcase = tcase_create("shared");

	tcase_add_test(tcase, test_truncated);
	tcase_add_test(tcase, test_no_space);
	tcase_add_test(tcase, test_no_shrink);
	tcase_add_test(tcase, test_descriptors);
	tcase_add_test(tcase, test_sealed_files);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
