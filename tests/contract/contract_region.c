/* SPDX-License-Identifier: MIT */
/*
 * contract_region - every byte of a region is its owner's alone; no page is
 * writable and executable.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>

#ifndef MAP_HUGE_2MB
#	define MAP_HUGE_2MB (21 << 26)
#endif

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
	size_t offset, step = times(1, 61);

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

static const struct {
	const char *name;
	size_t length;
	uint32_t access;
	struct modiso_region_options options;
} wrong_create[] = {
#define OPTIONS_OK                                                             \
	{                                                                      \
		.struct_size = sizeof(struct modiso_region_options)            \
	}
	{"length 0", 0, RW, OPTIONS_OK},
	{"length wraps", SIZE_MAX, RW, OPTIONS_OK},
	{"length wraps by one", SIZE_MAX - PAGE + 2, RW, OPTIONS_OK},
	{"no access", PAGE, 0, OPTIONS_OK},
	{"write only", PAGE, MODISO_WRITE, OPTIONS_OK},
	{"execute only", PAGE, MODISO_EXEC, OPTIONS_OK},
	{"executable", PAGE, RX, OPTIONS_OK},
	{"write and execute", PAGE, RW | MODISO_EXEC, OPTIONS_OK},
	{"unknown access", PAGE, RW | 8, OPTIONS_OK},
	{"size 0", PAGE, RW, {.struct_size = 0}},
	{"size 4", PAGE, RW, {.struct_size = 4}},
	{"flag",
	 PAGE,
	 RW,
	 {.struct_size = sizeof(struct modiso_region_options),
	  .flags = 1u << 2}},
	{"flags",
	 PAGE,
	 RW,
	 {.struct_size = sizeof(struct modiso_region_options),
	  .flags = 1u << 31}},
	{"becomes write only",
	 PAGE,
	 RW,
	 {.struct_size = sizeof(struct modiso_region_options),
	  .becomes = MODISO_WRITE}},
	{"becomes unknown",
	 PAGE,
	 RW,
	 {.struct_size = sizeof(struct modiso_region_options), .becomes = 8}},
};

#define WRONG_CREATE ((int)(sizeof(wrong_create) / sizeof(*wrong_create)))

START_TEST(test_wrong_create)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = UNTOUCHED;

	expect_code((errno = ERRNO_MARK,
		     modiso_region_create(module, wrong_create[_i].length,
					  wrong_create[_i].access,
					  &wrong_create[_i].options, &region)),
		    MODISO_ERR_INVAL, wrong_create[_i].name, __FILE__,
		    __LINE__);
	expect_code((errno = ERRNO_MARK,
		     modiso_region_create(NULL, wrong_create[_i].length,
					  wrong_create[_i].access,
					  &wrong_create[_i].options, &region)),
		    MODISO_ERR_INVAL, wrong_create[_i].name, __FILE__,
		    __LINE__);
	must_eq(region, UNTOUCHED);
	expect(MODISO_ERR_INVAL,
	       modiso_region_create(module, PAGE, RW, NULL, NULL));
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

/* The range of a module is as large as was asked for, and no larger. */
START_TEST(test_range_limit)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.range_size = 1 << 20,
	};
	struct modiso_region *region = NULL, *last = NULL;
	struct modiso_module *module;
	size_t count = 0;
	int code;

	world_start();
	expect(MODISO_OK, modiso_module_create("small", &options, &module));
	expect(MODISO_ERR_LIMIT,
	       modiso_region_create(module, (1 << 20) + 1, RW, NULL, &region));
	must_eq(region, NULL);
	for (;;) {
		errno = ERRNO_MARK;
		code = modiso_region_create(module, 4 * PAGE, RW, NULL,
					    &region);
		if (code)
			break;
		last = region;
		memset(region_bytes(region), 1, 4 * PAGE);
		must(++count <= (1 << 20) / (4 * PAGE));
	}
	expect_code(code, MODISO_ERR_LIMIT, "modiso_region_create", __FILE__,
		    __LINE__);
	must(strpbrk(modiso_last_error_text(), "0123456789"));
	must(count >= 8);
	/* What one gives back another can have, zeroed again. */
	expect(MODISO_OK, modiso_region_destroy(last));
	region = make_region(module, 4 * PAGE, "again");
	must(all_bytes(region_bytes(region), 0, 4 * PAGE));
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

/* Room for @more bytes of data beyond what the process has (a sanitizer: TB) */
static void limit_data(rlim_t more)
{
	rlim_t now = (rlim_t)proc_status("VmData") << 10;
	const struct rlimit limit = {now + more, now + more};

	must(!setrlimit(RLIMIT_DATA, &limit));
}

/* More memory than the kernel gives: its errno, and nothing half-made. */
START_TEST(test_kernel_refuses)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = UNTOUCHED;
	struct proc_usage before = proc_usage();
	int i;

	limit_data(32 << 20);
	for (i = 0; i < 3; i++) {
		expect(MODISO_ERR_OS,
		       modiso_region_create(i ? module : NULL, 256 << 20, RW,
					    NULL, &region));
		must_eq(errno, ENOMEM);
		must_eq(region, UNTOUCHED);
	}
	proc_must_not_grow(&before, 0, 1024);
	/* What fits is still to be had. */
	region = make_region(module, PAGE, "small");
	must_allow(module, region_bytes(region));
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

/* The host's guarded regions have a range as well: never a crash, a code. */
START_TEST(test_huge)
{
	struct modiso_region *region = UNTOUCHED;

	world_start();
	errno = ERRNO_MARK;
	if (modiso_region_create(NULL, (size_t)1 << 50, RW, NULL, &region) !=
	    MODISO_ERR_LIMIT)
		expect(MODISO_ERR_OS,
		       modiso_region_create(NULL, (size_t)1 << 50, RW, NULL,
					    &region));
	must_eq(region, UNTOUCHED);
	world_stop();
}
END_TEST

START_TEST(test_read_only)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = UNTOUCHED;
	struct modiso_gate *load, *store;
	unsigned char *bytes;

	expect(MODISO_OK,
	       modiso_region_create(module, 5900, MODISO_READ, NULL, &region));
	must_eq(region_info(region).access, MODISO_READ);
	bytes = region_bytes(region);
	load = make_gate(module, poke_load1);
	store = make_gate(module, poke_store1);
	must_eq(enter(load, W(bytes + 2 * PAGE - 1)), 0);
	must_blame(enter_fault(module, store, W(bytes), 1), MODISO_WRITE, bytes,
		   region);
	must_blame(enter_fault(module, store, W(bytes + 2 * PAGE - 1), 1),
		   MODISO_WRITE, bytes + 2 * PAGE - 1, region);
	/* And back and forth. */
	expect(MODISO_OK, modiso_region_protect(region, RW));
	must_eq(region_info(region).access, RW);
	enter(store, W(bytes + 2 * PAGE - 1), 7);
	must_eq(enter(load, W(bytes + 2 * PAGE - 1)), 7);
	bytes[0] = 8;
	expect(MODISO_OK, modiso_region_protect(region, MODISO_READ));
	must_blame(enter_fault(module, store, W(bytes), 1), MODISO_WRITE, bytes,
		   region);
	must_eq(enter(load, W(bytes)), 8);
}
END_TEST

/* A compare-and-swap that fails is a write all the same. */
START_TEST(test_cmpxchg_read_only)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(module, PAGE, "constants");
	struct modiso_gate *gate = make_gate(module, poke_cmpxchg);
	const struct modiso_fault *fault;
	uintptr_t *word = modiso_region_base(region);

	*word = 5;
	must_eq(enter(gate, W(word), 4, 9), 5);
	expect(MODISO_OK, modiso_region_protect(region, MODISO_READ));
	fault = enter_fault(module, gate, W(word), 4, 9);
	must_blame(fault, MODISO_WRITE, word, region);
	must_eq(fault->pc, poke_cmpxchg_at);
	must_eq(*word, 5);
}
END_TEST

static void fill_code(struct modiso_region *region)
{
	memcpy(modiso_region_base(region), poke_code42,
	       (size_t)(poke_code42_end - poke_code42));
}

static void touch_sealed(void *byte)
{
	*(volatile unsigned char *)byte = 1;
}

START_TEST(test_seal)
{
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_region *region = make_region(module, 5900, "code");
	struct modiso_gate *gate = NULL;
	unsigned char *bytes = region_bytes(region);
	modiso_fn entry = (modiso_fn)W(bytes);

	fill_code(region);
	expect(MODISO_ERR_ACCESS,
	       modiso_gate_create(module, entry, NULL, &gate));
	expect(MODISO_OK, modiso_region_protect(region, RX));
	must_eq(region_info(region).access, RX);
	must(!proc_writable_code());
	expect(MODISO_ERR_ACCESS,
	       modiso_gate_create(other, entry, NULL, &gate));
	must_eq(gate, NULL);
	must_eq(enter(make_gate(module, W(entry)), 0), 42);
	must_eq(enter(make_gate(module, poke_load1), W(bytes)), 0xb8);
	must_blame(enter_fault(module, make_gate(module, poke_store1),
			       W(bytes + 2 * PAGE - 1), 1),
		   MODISO_WRITE, bytes + 2 * PAGE - 1, region);
	/* The host is held to it as well. */
	must_die(child_status(touch_sealed, bytes), SIGSEGV);
	/* Never back, and no other way round. */
	expect(MODISO_ERR_ACCESS, modiso_region_protect(region, RW));
	expect(MODISO_ERR_ACCESS, modiso_region_protect(region, MODISO_READ));
	expect(MODISO_OK, modiso_region_protect(region, RX));
	must_eq(enter(make_gate(module, W(entry)), 0), 42);
	must_eq(bytes[2 * PAGE - 1], 0);
}
END_TEST

START_TEST(test_wrong_protect)
{
	static const uint32_t wrong[] = {0,
					 MODISO_WRITE,
					 MODISO_EXEC,
					 MODISO_WRITE | MODISO_EXEC,
					 RW | MODISO_EXEC,
					 RW | 8,
					 1u << 31};
	struct modiso_module *module = world_module();
	unsigned char *pages = pages_map(1, PROT_READ | PROT_WRITE);
	struct modiso_region *regions[3];
	size_t i, j;

	regions[0] = make_region(module, PAGE, "module's");
	regions[1] = make_region(NULL, PAGE, "host's");
	expect(MODISO_OK,
	       modiso_region_adopt(module, pages, PAGE, RW, NULL, &regions[2]));
	for (i = 0; i < 3; i++) {
		for (j = 0; j < sizeof(wrong) / sizeof(*wrong); j++)
			expect(MODISO_ERR_INVAL,
			       modiso_region_protect(regions[i], wrong[j]));
		must_eq(region_info(regions[i]).access, RW);
	}
	expect(MODISO_ERR_ACCESS, modiso_region_protect(regions[1], RX));
	expect(MODISO_ERR_ACCESS, modiso_region_protect(regions[2], RX));
	expect(MODISO_ERR_INVAL, modiso_region_protect(NULL, RW));
	must_allow(module, region_bytes(regions[0]));
	must_deny(module, region_bytes(regions[1]), regions[1]);
	must_allow(module, pages);
	must(!proc_writable_code());
}
END_TEST

static atomic_int sealing_done, writable_code_seen, looks;

static void *watch_maps(void *unused)
{
	do {
		if (proc_writable_code())
			atomic_store(&writable_code_seen, 1);
		atomic_fetch_add(&looks, 1);
	} while (!atomic_load(&sealing_done));
	return unused;
}

/* Not for one moment, while regions are made, written, sealed and entered. */
START_TEST(test_never_both)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region;
	struct modiso_gate *gate;
	unsigned long n = times(2000, 60);
	pthread_t watcher = thread_start(watch_maps, NULL);

	while (!atomic_load(&looks))
		;
	while (n-- || atomic_load(&looks) < 20) {
		region = make_region(module, 2 * PAGE, "code");
		fill_code(region);
		expect(MODISO_OK, modiso_region_protect(region, RX));
		gate = make_gate(module, W(region_bytes(region)));
		must_eq(enter(gate, 0), 42);
		expect(MODISO_OK, modiso_gate_destroy(gate));
		expect(MODISO_OK, modiso_region_destroy(region));
	}
	atomic_store(&sealing_done, 1);
	thread_join(watcher);
	must(!atomic_load(&writable_code_seen));
}
END_TEST

/*
 * Code of another module: a protection key does not stop the fetch, so on pkey
 * sealed code runs, with the caller's rights. Data is never code.
 */
START_TEST(test_foreign_code)
{
	struct modiso_module *owner = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_gate *jump = make_gate(other, poke_jump);
	struct modiso_region *code = make_region(owner, PAGE, "code");
	struct modiso_region *data = make_region(owner, PAGE, "data");
	struct modiso_region *own = make_region(other, PAGE, "own data");
	const struct modiso_fault *fault;

	fill_code(code);
	fill_code(data);
	fill_code(own);
	expect(MODISO_OK, modiso_region_protect(code, RX));
	fault = enter_fault(other, jump, W(region_bytes(data)));
	must_blame(fault, MODISO_EXEC, region_bytes(data), data);
	must_eq(fault->pc, region_bytes(data));
	fault = enter_fault(other, jump, W(region_bytes(own)));
	must_blame(fault, MODISO_EXEC, region_bytes(own), own);
	if (on_pkey())
		must_eq(enter(jump, W(region_bytes(code))), 42);
	else
		must_blame(enter_fault(other, jump, W(region_bytes(code))),
			   MODISO_EXEC, region_bytes(code), code);
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
	unsigned long n = times(300, 20);
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

START_TEST(test_find)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_REGION_NODUMP,
		.name = "found",
	};
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	struct modiso_module *module = world_module();
	struct modiso_region *region;
	unsigned char *bytes;
	size_t i;

	expect(MODISO_OK,
	       modiso_region_create(module, 5900, RW, &options, &region));
	bytes = region_bytes(region);
	for (i = 0; i < 2 * PAGE; i += 1023) {
		memset(&info, 0xa5, sizeof(info));
		info.struct_size = sizeof(info);
		expect(MODISO_OK, modiso_region_find(bytes + i, &info));
		must_eq(info.region, region);
	}
	expect(MODISO_OK, modiso_region_find(bytes + 2 * PAGE - 1, &info));
	must_eq(info.struct_size, sizeof(info));
	must_eq(info.access, RW);
	must_eq(info.base, bytes);
	must_eq(info.length, 2 * PAGE);
	must_eq(info.owner, module);
	must_eq(info.region, region);
	must_eq(info.flags, MODISO_REGION_NODUMP);
	must_eq(info.adopted, 0);
	must_str(info.name, "found");
	expect(MODISO_ERR_NOENT, modiso_region_find(bytes - 1, &info));
	expect(MODISO_ERR_NOENT, modiso_region_find(bytes + 2 * PAGE, &info));
	expect(MODISO_ERR_NOENT, modiso_region_find(NULL, &info));
	expect(MODISO_ERR_NOENT, modiso_region_find((void *)-1, &info));
	expect(MODISO_ERR_NOENT, modiso_region_find(&info, &info));
	expect(MODISO_ERR_INVAL, modiso_region_find(bytes, NULL));
	expect(MODISO_ERR_INVAL, modiso_region_get_info(region, NULL));
	expect(MODISO_ERR_INVAL, modiso_region_get_info(NULL, &info));
	info.struct_size = 0;
	expect(MODISO_ERR_INVAL, modiso_region_find(bytes, &info));
	info.struct_size = sizeof(info) - 1;
	expect(MODISO_ERR_INVAL, modiso_region_get_info(region, &info));
}
END_TEST

/* A module's stack can be looked up, and nothing else be done with it. */
START_TEST(test_stack_stays)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	struct modiso_module *module = world_module(), *other;
	struct modiso_gate *gate = make_gate(module, poke_local);

	other = make_module("other");
	expect(MODISO_OK, modiso_region_find((void *)enter(gate, 0), &info));
	must_eq(info.owner, module);
	expect(MODISO_ERR_BUSY, modiso_region_destroy(info.region));
	expect(MODISO_ERR_BUSY, modiso_region_protect(info.region, RX));
	expect(MODISO_ERR_BUSY,
	       modiso_region_protect(info.region, MODISO_READ));
	expect(MODISO_ERR_BUSY,
	       modiso_region_grant(info.region, other, MODISO_READ));
	must(strstr(modiso_last_error_text(), "stack"));
	enter(gate, 0);
}
END_TEST

/* Many regions, in no order: each address finds its own. */
START_TEST(test_find_many)
{
	enum { REGIONS = 400 };
	static struct modiso_region *regions[REGIONS];
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	struct modiso_module *modules[3];
	struct modiso_region *region;
	int i, j;

	world_start();
	modules[0] = NULL;
	modules[1] = make_module("one");
	modules[2] = make_module("two");
	for (i = 0; i < REGIONS; i++)
		regions[i] = make_region(modules[i % 3],
					 PAGE * (size_t)(i % 4 + 1), "many");
	for (i = 0; i < REGIONS; i += 2) {
		expect(MODISO_OK, modiso_region_destroy(regions[i]));
		regions[i] = NULL;
	}
	for (i = 0; i < REGIONS; i++) {
		region = regions[i];
		if (!region)
			continue;
		for (j = 0; j < 2; j++) {
			expect(MODISO_OK,
			       modiso_region_find(
				       region_bytes(region) +
					       (j ? modiso_region_length(
							    region) -
								1
						  : 0),
				       &info));
			must_eq(info.region, region);
			must_eq(info.owner, modules[i % 3]);
		}
	}
}
END_TEST

START_TEST(test_nodump)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_REGION_NODUMP,
	};
	struct modiso_module *module = world_module();
	struct modiso_region *region,
		*plain = make_region(module, PAGE, "dump");
	struct proc_mapping mapping;

	expect(MODISO_OK,
	       modiso_region_create(module, PAGE, RW, &options, &region));
	must(proc_mapping(region_bytes(region), &mapping));
	must(strstr(mapping.flags, "dd"));
	must(proc_mapping(region_bytes(plain), &mapping));
	must(!strstr(mapping.flags, "dd"));
}
END_TEST

/* Regions come and go without a trace. */
START_TEST(test_cycles)
{
	struct modiso_module *module = world_module();
	unsigned char *pages = pages_map(4, PROT_READ | PROT_WRITE);
	/* A sanitizer's memory is not looked at, and takes its time. */
	unsigned long n = TEST_SANITIZED ? 1500 : times(20000, 1500);
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
	proc_must_not_grow(&before, 4, 512);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("region");
	TCase *tcase = tcase_create("contract");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_every_byte, 0, SIZES);
	tcase_add_test(tcase, test_really_every_byte);
	tcase_add_test(tcase, test_neighbours);
	tcase_add_test(tcase, test_unregistered_is_open);
	tcase_add_loop_test(tcase, test_wrong_create, 0, WRONG_CREATE);
	tcase_add_test(tcase, test_range_limit);
	tcase_add_test(tcase, test_kernel_refuses);
	tcase_add_test(tcase, test_huge);
	tcase_add_test(tcase, test_read_only);
	tcase_add_test(tcase, test_cmpxchg_read_only);
	tcase_add_test(tcase, test_seal);
	tcase_add_test(tcase, test_wrong_protect);
	tcase_add_test(tcase, test_never_both);
	tcase_add_test(tcase, test_foreign_code);
	tcase_add_test(tcase, test_first_touch);
	tcase_add_test(tcase, test_straddle);
	tcase_add_test(tcase, test_use_after_destroy);
	tcase_add_test(tcase, test_owners_in_turn);
	tcase_add_test(tcase, test_find);
	tcase_add_test(tcase, test_stack_stays);
	tcase_add_test(tcase, test_find_many);
	tcase_add_test(tcase, test_nodump);
	tcase_add_test(tcase, test_cycles);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
