/* SPDX-License-Identifier: MIT */
/*
 * windows/shared - shared memory by its name: each mapping is protected on its
 * own, what is written is everybody's, and descriptors are refused.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <stdio.h>
#include <windows.h>

enum { PAGES = 20 }; /* more than a view's granularity, 64 KiB */

static char name[64];
static unsigned char *plain; /* the program's own view */
static HANDLE section;

static void make_section(void)
{
	snprintf(name, sizeof(name), "/modiso-test-%lu", GetCurrentProcessId());
	section = CreateFileMappingA(INVALID_HANDLE_VALUE, NULL, PAGE_READWRITE,
				     0, PAGES * PAGE, name + 1);
	must(section != NULL);
	plain = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, 0);
	must(plain != NULL);
}

static struct modiso_region *map(struct modiso_module *owner, uint64_t offset,
				 size_t length, uint32_t access)
{
	struct modiso_region *region = NULL;

	expect(MODISO_OK, modiso_region_map_named(owner, name, offset, length,
						  access, NULL, &region));
	return region;
}

START_TEST(test_every_byte)
{
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_gate *load = make_gate(other, poke_load1);
	struct modiso_gate *store = make_gate(other, poke_store1);
	struct modiso_region *region;
	unsigned char *bytes;

	make_section();
	region = map(module, 17 * PAGE, 0, RW);
	bytes = region_bytes(region);
	must_eq(modiso_region_length(region), 3 * PAGE);
	must_eq(region_info(region).shared, 1);
	must_eq(region_info(region).adopted, 0);
	for (size_t at = 0; at < 3 * PAGE; at += PAGE - 1) {
		enter(make_gate(module, poke_store1), W(bytes + at), 0x40 + at);
		must_eq(plain[17 * PAGE + at], (unsigned char)(0x40 + at));
		plain[17 * PAGE + at] ^= 0xff;
		must_eq(enter(make_gate(module, poke_load1), W(bytes + at)),
			plain[17 * PAGE + at]);
		must_blame(enter_fault(other, load, W(bytes + at)), MODISO_READ,
			   bytes + at, region);
		must_blame(enter_fault(other, store, W(bytes + at), 1),
			   MODISO_WRITE, bytes + at, region);
	}
	/* The system's view begins before it. */
	must_eq(enter_fault(other, load, W(bytes - 1))->kind,
		MODISO_FAULT_ACCESS);
	must_eq(enter_fault(module, make_gate(module, poke_load1),
			    W(bytes - 1))
			->kind,
		MODISO_FAULT_ACCESS);
}
END_TEST

START_TEST(test_owners)
{
	struct modiso_module *writer = world_module();
	struct modiso_module *reader = make_module("reader");
	struct modiso_gate *load = make_gate(reader, poke_load1);
	struct modiso_gate *store = make_gate(writer, poke_store1);
	struct modiso_region *written, *read, *hosts;

	make_section();
	written = map(writer, 0, 2 * PAGE, RW);
	read = map(reader, 0, 2 * PAGE, MODISO_READ);
	hosts = map(NULL, PAGE, PAGE, RW);
	enter(store, W(region_bytes(written) + PAGE + 5), 7);
	must_eq(enter(load, W(region_bytes(read) + PAGE + 5)), 7);
	must_eq(region_bytes(hosts)[5], 7);
	must_blame(enter_fault(reader, make_gate(reader, poke_store1),
			       W(region_bytes(read)), 1),
		   MODISO_WRITE, region_bytes(read), read);
	must_blame(enter_fault(reader, load, W(region_bytes(written))),
		   MODISO_READ, region_bytes(written), written);
	must_blame(enter_fault(writer, store, W(region_bytes(hosts)), 1),
		   MODISO_WRITE, region_bytes(hosts), hosts);
	expect(MODISO_OK, modiso_region_protect(written, MODISO_READ));
	must_blame(enter_fault(writer, store, W(region_bytes(written)), 1),
		   MODISO_WRITE, region_bytes(written), written);
	expect(MODISO_OK, modiso_region_protect(written, RW));
	enter(store, W(region_bytes(written)), 9);
	must_eq(enter(load, W(region_bytes(read))), 9);
	expect(MODISO_ERR_ACCESS, modiso_region_protect(written, RX));
	expect(MODISO_OK, modiso_region_grant(written, reader, MODISO_READ));
	must_eq(enter(load, W(region_bytes(written))), 9);
	expect(MODISO_OK, modiso_region_revoke(written, reader));
	must_blame(enter_fault(reader, load, W(region_bytes(written))),
		   MODISO_READ, region_bytes(written), written);
}
END_TEST

/* No view stays behind: not of a region, nor of a module that ends. */
START_TEST(test_end)
{
	struct modiso_module *module = world_module();
	struct proc_mapping mapping;
	struct proc_usage usage;
	unsigned char *bytes;

	make_section();
	usage = proc_usage();
	for (int i = 0; i < 20; i++) {
		struct modiso_region *region = map(module, 0, PAGE, RW);

		bytes = region_bytes(region);
		must(proc_mapping(bytes, &mapping));
		expect(MODISO_OK, modiso_region_destroy(region));
		must(!proc_mapping(bytes, &mapping));
	}
	proc_must_not_grow(&usage, 1, 64);
	bytes = region_bytes(map(module, 0, PAGE, MODISO_READ));
	expect(MODISO_OK, modiso_module_destroy(module));
	must(!proc_mapping(bytes, &mapping));
	must_eq(plain[0], 0);
	world_stop();
}
END_TEST

static int refused(const char *shm, uint64_t offset, size_t length)
{
	struct modiso_region *region = UNTOUCHED;
	int code = modiso_region_map_named(make_module("m"), shm, offset,
					   length, RW, NULL, &region);

	must_eq(region, UNTOUCHED);
	return code;
}

START_TEST(test_refused)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region;

	make_section();
	expect(MODISO_ERR_NOENT, refused("/modiso-not-there", 0, 0));
	expect(MODISO_ERR_INVAL, refused(NULL, 0, 0));
	expect(MODISO_ERR_INVAL, refused(name, 1, 0));
	expect(MODISO_ERR_INVAL, refused(name, PAGES * PAGE, 0));
	expect(MODISO_ERR_INVAL, refused(name, 0, PAGES * PAGE + 1));
	expect(MODISO_ERR_OS, modiso_region_map_shared(module, 0, 0, PAGE, RW,
						       NULL, &region));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("shared");
	TCase *tcase = tcase_create("windows");

	tcase_add_test(tcase, test_every_byte);
	tcase_add_test(tcase, test_owners);
	tcase_add_test(tcase, test_end);
	tcase_add_test(tcase, test_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
