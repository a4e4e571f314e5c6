/* SPDX-License-Identifier: MIT */
/*
 * contract_shared - files as regions: each mapping is protected on its own,
 * and what happens to the file behind it is a fault with a name.
 */
#include "contract/shared_file.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The program's own mapping of it, as any process may have one. */
static unsigned char *plain_map(int fd, size_t length)
{
	void *bytes =
		mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	must(bytes != MAP_FAILED);
	return bytes;
}

/* Every byte is the owner's, the file's, and no other module's. */
START_TEST(test_every_byte)
{
	enum { LENGTH = 3 * 4096 + 100 };
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_gate *load = make_gate(other, poke_load1);
	struct modiso_gate *store = make_gate(other, poke_store1);
	struct modiso_gate *own = make_gate(module, poke_store1);
	int fd = make_file(LENGTH);
	unsigned char *file = plain_map(fd, 4 * PAGE), *bytes;
	struct modiso_region *region = map(module, fd, 0, 0, RW);
	static const size_t at[] = {0, 4095, 4096, 8191, LENGTH - 1};
	size_t i;

	bytes = region_bytes(region);
	must_eq(modiso_region_length(region), 4 * PAGE);
	must_eq(region_info(region).shared, 1);
	must_eq(region_info(region).adopted, 0);
	for (i = 0; i < sizeof(at) / sizeof(*at); i++) {
		enter(own, W(bytes + at[i]), 0x40 + i);
		must_eq(file[at[i]], 0x40 + i);
		file[at[i]] = (unsigned char)(0x80 + i);
		must_eq(enter(make_gate(module, poke_load1), W(bytes + at[i])),
			0x80 + i);
		must_blame(enter_fault(other, load, W(bytes + at[i])),
			   MODISO_READ, bytes + at[i], region);
		must_blame(enter_fault(other, store, W(bytes + at[i]), 1),
			   MODISO_WRITE, bytes + at[i], region);
		must_eq(file[at[i]], 0x80 + i);
	}
	/* The page that was rounded up to is protected to its end. */
	must_blame(enter_fault(other, load, W(bytes + 4 * PAGE - 1)),
		   MODISO_READ, bytes + 4 * PAGE - 1, region);
	expect(MODISO_OK, modiso_region_destroy(region));
	must_eq(file[0], 0x80);
	close(fd);
}
END_TEST

/* One file, three owners, three sets of rights. */
START_TEST(test_owners)
{
	struct modiso_module *writer = world_module();
	struct modiso_module *reader = make_module("reader");
	int fd = make_file(2 * PAGE);
	struct modiso_region *written = map(writer, fd, 0, 2 * PAGE, RW);
	struct modiso_region *read = map(reader, fd, 0, 2 * PAGE, MODISO_READ);
	struct modiso_region *hosts = map(NULL, fd, PAGE, PAGE, RW);

	close(fd);
	enter(make_gate(writer, poke_store1),
	      W(region_bytes(written) + PAGE + 5), 7);
	must_eq(enter(make_gate(reader, poke_load1),
		      W(region_bytes(read) + PAGE + 5)),
		7);
	must_eq(region_bytes(hosts)[5], 7);
	must_blame(enter_fault(reader, make_gate(reader, poke_store1),
			       W(region_bytes(read)), 1),
		   MODISO_WRITE, region_bytes(read), read);
	must_blame(enter_fault(reader, make_gate(reader, poke_load1),
			       W(region_bytes(written))),
		   MODISO_READ, region_bytes(written), written);
	must_blame(enter_fault(writer, make_gate(writer, poke_load1),
			       W(region_bytes(hosts))),
		   MODISO_READ, region_bytes(hosts), hosts);
	/* What is done to one mapping is done to that one. */
	expect(MODISO_OK, modiso_region_protect(written, MODISO_READ));
	must_blame(enter_fault(writer, make_gate(writer, poke_store1),
			       W(region_bytes(written)), 1),
		   MODISO_WRITE, region_bytes(written), written);
	region_bytes(hosts)[5] = 8;
	must_eq(enter(make_gate(writer, poke_load1),
		      W(region_bytes(written) + PAGE + 5)),
		8);
	expect(MODISO_OK, modiso_region_protect(written, RW));
	enter(make_gate(writer, poke_store1), W(region_bytes(written)), 9);
	must_eq(enter(make_gate(reader, poke_load1), W(region_bytes(read))), 9);
}
END_TEST

static int shared_fd, to_child[2], to_parent[2];

static void tell(int fd)
{
	must_eq(write(fd, "x", 1), 1);
}

static void await(int fd)
{
	char byte;

	must_eq(read(fd, &byte, 1), 1);
}

/* Protects its own mapping in every way that there is. */
static void second_process(void *unused)
{
	struct modiso_module *module;
	struct modiso_region *region;
	unsigned char *bytes;

	(void)unused;
	module = world_module();
	region = map(module, shared_fd, 0, PAGE, MODISO_READ);
	bytes = region_bytes(region);
	must_eq(enter(make_gate(module, poke_load1), W(bytes)), 1);
	must_blame(enter_fault(module, make_gate(module, poke_store1), W(bytes),
			       2),
		   MODISO_WRITE, bytes, region);
	tell(to_parent[1]); /* read-only here */
	await(to_child[0]);
	/* The other process has written all the same. */
	must_eq(enter(make_gate(module, poke_load1), W(bytes)), 3);
	expect(MODISO_OK, modiso_region_protect(region, RW));
	enter(make_gate(module, poke_store1), W(bytes + 1), 4);
	tell(to_parent[1]); /* writable here, read-only there */
	await(to_child[0]);
	expect(MODISO_OK, modiso_region_destroy(region));
	tell(to_parent[1]); /* gone here */
	await(to_child[0]);
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}

START_TEST(test_two_processes)
{
	struct modiso_module *module;
	struct modiso_region *region;
	unsigned char *bytes;
	pid_t child;
	int status;

	shared_fd = make_file(PAGE);
	must_eq(pwrite(shared_fd, "\1", 1, 0), 1);
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, to_child));
	must(!socketpair(AF_UNIX, SOCK_STREAM, 0, to_parent));
	child = fork();
	must(child >= 0);
	if (child == 0) {
		close(to_child[1]); /* so that the parent's end wakes it */
		close(to_parent[0]);
		second_process(NULL);
		_exit(0);
	}
	close(to_child[0]);
	close(to_parent[1]);
	to_child[0] = to_parent[1] = -1;
	module = world_module();
	region = map(module, shared_fd, 0, PAGE, RW);
	bytes = region_bytes(region);
	await(to_parent[0]);
	enter(make_gate(module, poke_store1), W(bytes), 3);
	expect(MODISO_OK, modiso_region_protect(region, MODISO_READ));
	tell(to_child[1]);
	await(to_parent[0]);
	must_eq(enter(make_gate(module, poke_load1), W(bytes + 1)), 4);
	must_blame(enter_fault(module, make_gate(module, poke_store1), W(bytes),
			       2),
		   MODISO_WRITE, bytes, region);
	tell(to_child[1]);
	await(to_parent[0]);
	must_eq(enter(make_gate(module, poke_load1), W(bytes)), 3);
	tell(to_child[1]);
	must_eq(waitpid(child, &status, 0), child);
	must_exit(status, 0);
}
END_TEST

START_TEST(test_named)
{
	struct modiso_module *module = world_module();
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.name = "named",
	};
	struct modiso_region *region = UNTOUCHED;
	struct proc_usage usage = proc_usage();
	unsigned char *file;
	char name[64];
	int fd;

	snprintf(name, sizeof(name), "/modiso-test-%d", (int)getpid());
	expect(MODISO_ERR_NOENT,
	       modiso_region_map_named(module, name, 0, 0, RW, NULL, &region));
	expect(MODISO_ERR_INVAL,
	       modiso_region_map_named(module, NULL, 0, 0, RW, NULL, &region));
	expect(MODISO_ERR_INVAL, modiso_region_map_named(module, "/a/b", 0, 0,
							 RW, NULL, &region));
	expect(MODISO_ERR_INVAL,
	       modiso_region_map_named(module, "", 0, 0, RW, NULL, &region));
	fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL, 0600);
	if (fd < 0)
		test_skip("shm", "no /dev/shm");
	expect(MODISO_ERR_INVAL,
	       modiso_region_map_named(module, name, 0, 0, RW, NULL, &region));
	must(!ftruncate(fd, 2 * (off_t)PAGE));
	must_eq(region, UNTOUCHED);
	expect(MODISO_OK, modiso_region_map_named(module, name, PAGE, 0, RW,
						  &options, &region));
	/* Shared memory of that kind cannot be sealed. */
	options.flags = MODISO_REGION_NOSHRINK;
	expect(MODISO_ERR_NOTSUP,
	       modiso_region_map_named(module, name, 0, 0, RW, &options,
				       &region));
	must(!shm_unlink(name));
	file = plain_map(fd, 2 * PAGE);
	close(fd);
	must_eq(modiso_region_length(region), PAGE);
	enter(make_gate(module, poke_store1), W(region_bytes(region)), 5);
	must_eq(file[PAGE], 5);
	must_eq(file[0], 0);
	must_eq(proc_usage().fds, usage.fds);
}
END_TEST

START_TEST(test_parts)
{
	struct modiso_module *module = world_module();
	int fd = make_file(2 * PAGE + 1);

	refuse(MODISO_ERR_INVAL, fd, 1, 1, RW, module);
	refuse(MODISO_ERR_INVAL, fd, PAGE + 8, 1, RW, module);
	refuse(MODISO_ERR_INVAL, fd, 3 * PAGE, 0, RW, module);
	refuse(MODISO_ERR_INVAL, fd, 3 * PAGE, 1, RW, module);
	refuse(MODISO_ERR_INVAL, fd, 0, 2 * PAGE + 2, RW, module);
	refuse(MODISO_ERR_INVAL, fd, PAGE, PAGE + 2, RW, module);
	refuse(MODISO_ERR_INVAL, fd, 0, SIZE_MAX, RW, module);
	refuse(MODISO_ERR_INVAL, fd, PAGE, SIZE_MAX, RW, module);
	refuse(MODISO_ERR_INVAL, fd, UINT64_MAX & ~(PAGE - 1), 1, RW, module);
	refuse(MODISO_ERR_INVAL, fd, (uint64_t)1 << 63, PAGE, RW, module);
	refuse(MODISO_ERR_INVAL, fd, 0, 1, 0, module);
	refuse(MODISO_ERR_INVAL, fd, 0, 1, MODISO_WRITE, module);
	refuse(MODISO_ERR_INVAL, fd, 0, 1, RX, module);
	refuse(MODISO_ERR_INVAL, fd, 0, 1, RW | 8, module);
	expect(MODISO_ERR_INVAL,
	       modiso_region_map_shared(module, fd, 0, 1, RW, NULL, NULL));
	/* The last byte alone is fine, and so is all of it. */
	must_eq(modiso_region_length(map(module, fd, 2 * PAGE, 1, RW)), PAGE);
	must_eq(modiso_region_length(map(module, fd, 0, 2 * PAGE + 1, RW)),
		3 * PAGE);
	must(!ftruncate(fd, 0));
	refuse(MODISO_ERR_INVAL, fd, 0, 0, RW, module);
}
END_TEST

/* Never code: who has the file can write it. */
START_TEST(test_no_code)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region =
		map(module, make_file(PAGE), 0, 0, MODISO_READ);

	expect(MODISO_ERR_ACCESS, modiso_region_protect(region, RX));
	must_eq(enter_fault(module, make_gate(module, poke_jump),
			    W(region_bytes(region)))
			->access,
		MODISO_EXEC);
	must(!proc_writable_code());
}
END_TEST

START_TEST(test_huge_pages)
{
	struct modiso_module *module = world_module();
	int fd = memfd_create("huge", MFD_CLOEXEC | MFD_HUGETLB);

	if (fd < 0 || ftruncate(fd, (off_t)1 << 30))
		test_skip("hugetlb", "this kernel has no huge pages");
	refuse(MODISO_ERR_NOTSUP, fd, 0, 0, RW, module);
	refuse(MODISO_ERR_NOTSUP, fd, 0, PAGE, MODISO_READ, module);
}
END_TEST

/* A snapshot is of what is the module's own. */
START_TEST(test_snapshot)
{
	struct modiso_module *module = world_module();
	int fd = make_file(PAGE);
	struct modiso_region *region = map(module, fd, 0, 0, RW);
	struct modiso_region *own = make_region(module, PAGE, "own");
	unsigned char byte;

	expect(MODISO_OK, modiso_snapshot_take(module));
	region_bytes(region)[0] = 1;
	region_bytes(own)[0] = 1;
	expect(MODISO_OK, modiso_snapshot_restore(module));
	must_eq(region_bytes(region)[0], 1);
	must_eq(region_bytes(own)[0], 0);
	region_bytes(region)[0] = 2;
	must_eq(pread(fd, &byte, 1, 0), 1);
	must_eq(byte, 2);
}
END_TEST

/* Refused or not, nothing is left behind; a forked child sees the file's. */
START_TEST(test_nothing_grows)
{
	struct modiso_module *module = world_module();
	int fd = make_file(8 * PAGE), i;
	struct modiso_region *region = map(module, fd, 0, 0, RW);
	struct proc_mapping first;
	struct proc_usage usage;

	region_bytes(region)[0] = 1;
	must(proc_mapping(region_bytes(region), &first));
	must_eq(first.start, region_bytes(region));
	must_eq(first.end, region_bytes(region) + 8 * PAGE);
	must(first.perms[3] == 's');
	expect(MODISO_OK, modiso_region_destroy(region));
	usage = proc_usage();
	for (i = 0; i < 50; i++) {
		region = map(module, fd, 0, 0, i % 2 ? RW : MODISO_READ);
		expect(MODISO_OK, modiso_region_destroy(region));
		refuse(MODISO_ERR_INVAL, fd, 0, 9 * PAGE, RW, module);
	}
	proc_must_not_grow(&usage, 2, 1024);
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("shared");
	TCase *tcase = tcase_create("shared");

	tcase_add_test(tcase, test_every_byte);
	tcase_add_test(tcase, test_owners);
	tcase_add_test(tcase, test_two_processes);
	tcase_add_test(tcase, test_named);
	tcase_add_test(tcase, test_parts);
	tcase_add_test(tcase, test_no_code);
	tcase_add_test(tcase, test_huge_pages);
	tcase_add_test(tcase, test_snapshot);
	tcase_add_test(tcase, test_nothing_grows);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
