/* SPDX-License-Identifier: MIT */
/*
 * contract_region - every byte of a region is its owner's alone; no page is
 * writable and executable.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>

static const size_t sizes[] = {1,    2,    4095, 4096,  4097,
			       5900, 8192, 8193, 12288, 65537};
#define SIZES ((int)(sizeof(sizes) / sizeof(*sizes)))

/* First byte, last that was asked for, last of the page that was rounded up to,
 * both sides of every page boundary in between.
 */
static void check_edges(void (*check)(struct modiso_module *, unsigned char *,
				      const struct modiso_region *),
			struct modiso_module *module,
			const struct modiso_region *region, size_t asked)
{
	unsigned char *bytes = region_bytes(region);
	size_t length = modiso_region_length(region), offset;

	check(module, bytes, region);
	check(module, bytes + asked - 1, region);
	check(module, bytes + length - 1, region);
	for (offset = PAGE; offset < length && offset <= 4 * PAGE;
	     offset += PAGE) {
		check(module, bytes + offset - 1, region);
		check(module, bytes + offset, region);
	}
}

static void allow(struct modiso_module *module, unsigned char *byte,
		  const struct modiso_region *region)
{
	(void)region;
	must_allow(module, byte);
}

START_TEST(test_every_byte)
{
	size_t asked = sizes[_i], length = (asked + PAGE - 1) & ~(PAGE - 1);
	struct modiso_module *owner = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_region *owned = make_region(owner, asked, "owned");
	struct modiso_region *hosts = make_region(NULL, asked, "host's");

	must_eq(modiso_region_length(owned), length);
	must_eq(modiso_region_length(hosts), length);
	must_eq(W(region_bytes(owned)) % PAGE, 0);
	must_eq(W(region_bytes(hosts)) % PAGE, 0);
	must(all_bytes(region_bytes(owned), 0, length));
	must(all_bytes(region_bytes(hosts), 0, length));
	check_edges(allow, owner, owned, asked);
	check_edges(must_deny, other, owned, asked);
	check_edges(must_deny, owner, hosts, asked);
	check_edges(must_deny, other, hosts, asked);
	check_edges(allow, owner, owned, asked);
	/* The host can still use both, to the last byte. */
	memset(region_bytes(owned), 0xaa, length);
	memset(region_bytes(hosts), 0xbb, length);
	must(all_bytes(region_bytes(owned), 0xaa, length));
	must(all_bytes(region_bytes(hosts), 0xbb, length));
}
END_TEST

/* Every single byte of three pages, not only the edges. */
START_TEST(test_really_every_byte)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(NULL, 2 * PAGE + 1, "host");
	struct modiso_gate *store = make_gate(module, poke_store1);
	unsigned char *bytes = region_bytes(region);
	size_t offset, step = run_times(1, 61);

	memset(bytes, 0x33, 3 * PAGE);
	for (offset = 0; offset < 3 * PAGE; offset += step)
		must_blame(enter_fault(module, store, W(bytes + offset), 1),
			   MODISO_WRITE, bytes + offset, region);
	must(all_bytes(bytes, 0x33, 3 * PAGE));
}
END_TEST

/* Regions side by side: the fault names the right one, the rest stays. */
START_TEST(test_neighbours)
{
	enum { REGIONS = 9 };
	struct modiso_module *owners[3];
	struct modiso_region *regions[REGIONS];
	unsigned char *bytes;
	int i, j;

	world_start();
	owners[0] = make_module("zero");
	owners[1] = make_module("one");
	owners[2] = NULL;
	for (i = 0; i < REGIONS; i++) {
		regions[i] = make_region(owners[i % 3],
					 PAGE * (size_t)(i % 2 + 1), "region");
		memset(region_bytes(regions[i]), i,
		       modiso_region_length(regions[i]));
	}
	for (i = 0; i < REGIONS; i++) {
		for (j = 0; j < 2; j++) {
			bytes = region_bytes(regions[i]) +
				(j ? modiso_region_length(regions[i]) - 1 : 0);
			if (i % 3 == 0)
				must_deny(owners[1], bytes, regions[i]);
			else
				must_deny(owners[0], bytes, regions[i]);
		}
	}
	for (i = 0; i < REGIONS; i++)
		must(all_bytes(region_bytes(regions[i]), (unsigned char)i,
			       modiso_region_length(regions[i])));
}
END_TEST

static unsigned char unregistered[64] = {1, 2, 3};

/* GUARD is about regions: what is in none stays open, on both backends. */
START_TEST(test_unregistered_is_open)
{
	struct modiso_module *module = world_module();
	unsigned char *page = pages_map(1, PROT_READ | PROT_WRITE);

	make_region(NULL, PAGE, "host");
	must_allow(module, unregistered);
	must_allow(module, page);
	must_allow(module, (unsigned char *)&page);
}
END_TEST

/* A page that nobody has touched yet is denied like any other. */
START_TEST(test_first_touch)
{
	struct modiso_module *owner = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_region *region = make_region(owner, 16 * PAGE, "fresh");
	struct modiso_region *hosts = make_region(NULL, 16 * PAGE, "fresh too");
	unsigned char *byte = region_bytes(region) + 7 * PAGE + 5;

	must_blame(enter_fault(other, make_gate(other, poke_load1), W(byte)),
		   MODISO_READ, byte, region);
	must_blame(enter_fault(other, make_gate(other, poke_store1),
			       W(byte + PAGE), 1),
		   MODISO_WRITE, byte + PAGE, region);
	byte = region_bytes(hosts) + 3 * PAGE;
	must_blame(enter_fault(other, make_gate(other, poke_load1), W(byte)),
		   MODISO_READ, byte, hosts);
	must_blame(enter_fault(other, make_gate(other, poke_store1),
			       W(byte + PAGE), 1),
		   MODISO_WRITE, byte + PAGE, hosts);
	must(all_bytes(region_bytes(region), 0, 16 * PAGE));
	must(all_bytes(region_bytes(hosts), 0, 16 * PAGE));
}
END_TEST

/* Two pages side by side, the first one's own, the second one foreign. */
START_TEST(test_straddle)
{
	struct modiso_module *owner = world_module();
	struct modiso_module *other = make_module("other");
	unsigned char *pages = pages_map(2, PROT_READ | PROT_WRITE);
	unsigned char *border = pages + PAGE;
	struct modiso_region *own, *foreign;
	size_t back;

	memset(pages, 0x44, 2 * PAGE);
	expect(MODISO_OK,
	       modiso_region_adopt(other, pages, PAGE, RW, NULL, &own));
	expect(MODISO_OK,
	       modiso_region_adopt(owner, border, PAGE, RW, NULL, &foreign));
	for (back = 1; back < 8; back++) {
		must_blame(enter_fault(other, make_gate(other, poke_load8),
				       W(border - back)),
			   MODISO_READ, border, foreign);
		must_blame(enter_fault(other, make_gate(other, poke_store8),
				       W(border - back), 0),
			   MODISO_WRITE, border, foreign);
		must(all_bytes(border, 0x44, PAGE));
	}
	must_blame(enter_fault(other, make_gate(other, poke_load16),
			       W(border - 8)),
		   MODISO_READ, border, foreign);
	must_blame(enter_fault(other, make_gate(other, poke_store16),
			       W(border - 8)),
		   MODISO_WRITE, border, foreign);
	if (cpu_has_avx()) {
		must_blame(enter_fault(other, make_gate(other, poke_load32),
				       W(border - 16)),
			   MODISO_READ, border, foreign);
		must_blame(enter_fault(other, make_gate(other, poke_store32),
				       W(border - 16)),
			   MODISO_WRITE, border, foreign);
	}
	/* A string copy stops at the border, not before and not behind it. */
	must_blame(enter_fault(other, make_gate(other, poke_copy),
			       W(border - 100), W(pages), 200),
		   MODISO_WRITE, border, foreign);
	must(all_bytes(border, 0x44, PAGE));
	/* Up to the border is its own. */
	enter(make_gate(other, poke_store8), W(border - 8), 0);
	must(all_bytes(border - 8, 0, 8));
}
END_TEST

START_TEST(test_use_after_destroy)
{
	struct modiso_module *owner = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_region *region = make_region(owner, PAGE, "short-lived");
	struct modiso_region *hosts = make_region(NULL, PAGE, "host's");
	struct modiso_gate *load = make_gate(owner, poke_load1);
	unsigned char *bytes = region_bytes(region);
	unsigned char *host_bytes = region_bytes(hosts);
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	const struct modiso_fault *fault;

	must_eq(enter(load, W(bytes)), 0);
	expect(MODISO_OK, modiso_region_destroy(region));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	expect(MODISO_ERR_NOENT, modiso_region_find(bytes, &info));
	expect(MODISO_ERR_NOENT, modiso_region_find(host_bytes, &info));
	fault = enter_fault(owner, load, W(bytes));
	must_eq(fault->address, bytes);
	must_eq(fault->region_length, 0);
	must_str(fault->region_name, "");
	must_str(fault->owner_name, "");
	fault = enter_fault(other, make_gate(other, poke_load1), W(bytes));
	must_eq(fault->region_length, 0);
	fault = enter_fault(other, make_gate(other, poke_load1), W(host_bytes));
	must_eq(fault->address, host_bytes);
	must_eq(fault->region_length, 0);
}
END_TEST

/* An address that gets another owner: only the new one counts. */
START_TEST(test_owners_in_turn)
{
	struct modiso_module *modules[3];
	unsigned char *page;
	struct modiso_region *region;
	unsigned long n = run_times(300, 20);
	int i;

	world_start();
	page = pages_map(1, PROT_READ | PROT_WRITE);
	for (i = 0; i < 3; i++)
		modules[i] = make_module("in turn");
	while (n--) {
		i = (int)(n % 3);
		expect(MODISO_OK, modiso_region_adopt(modules[i], page, PAGE,
						      RW, NULL, &region));
		must_allow(modules[i], page);
		must_deny(modules[(i + 1) % 3], page, region);
		must_deny(modules[(i + 2) % 3], page, region);
		expect(MODISO_OK, modiso_region_destroy(region));
	}
}
END_TEST

/* Regions come and go without a trace. */
START_TEST(test_cycles)
{
	struct modiso_module *module = world_module();
	unsigned char *pages = pages_map(4, PROT_READ | PROT_WRITE);
	/* A sanitizer's memory is not looked at, and takes its time. */
	unsigned long n = run_times(3000, 400);
	struct proc_usage before = proc_usage();
	struct modiso_region *region, *adopted, *hosts;

	while (n--) {
		region = make_region(module, 5900, "created");
		memset(region_bytes(region), 1, 2 * PAGE);
		hosts = make_region(NULL, 5900, "host's");
		memset(region_bytes(hosts), 1, 2 * PAGE);
		expect(MODISO_OK,
		       modiso_region_adopt(module, pages + PAGE, 2 * PAGE, RW,
					   NULL, &adopted));
		expect(MODISO_OK, modiso_region_destroy(region));
		expect(MODISO_OK, modiso_region_destroy(adopted));
		expect(MODISO_OK, modiso_region_destroy(hosts));
	}
	/* Adopted pages in the middle of a mapping may stay split from it. */
	proc_must_not_grow(&before, 4, 192);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("region");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_every_byte, 0, SIZES);
	tcase_add_test(tcase, test_really_every_byte);
	tcase_add_test(tcase, test_neighbours);
	tcase_add_test(tcase, test_unregistered_is_open);
	tcase_add_test(tcase, test_first_touch);
	tcase_add_test(tcase, test_straddle);
	tcase_add_test(tcase, test_use_after_destroy);
	tcase_add_test(tcase, test_owners_in_turn);
	tcase_add_test(tcase, test_cycles);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
