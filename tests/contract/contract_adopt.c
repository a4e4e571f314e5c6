/* SPDX-License-Identifier: MIT */
/*
 * contract_adopt - memory that is there already becomes a region, whole or not
 * at all, and is given back as it was.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef MAP_HUGE_2MB
#	define MAP_HUGE_2MB (21 << 26)
#endif

/* One page of three is adopted: its neighbours stay what they were. */
START_TEST(test_between)
{
	struct modiso_module *owner = world_module();
	struct modiso_module *other = make_module("other");
	unsigned char *pages = pages_map(3, PROT_READ | PROT_WRITE);
	struct modiso_region_info info;
	struct modiso_region *region;

	memset(pages, 0x11, 3 * PAGE);
	expect(MODISO_OK, modiso_region_adopt(owner, pages + PAGE, PAGE, RW,
					      NULL, &region));
	must(all_bytes(pages, 0x11, 3 * PAGE));
	info = region_info(region);
	must_eq(info.base, pages + PAGE);
	must_eq(info.length, PAGE);
	must_eq(info.owner, owner);
	must_eq(info.adopted, 1);
	must_str(info.name, "region");
	must_deny(other, pages + PAGE, region);
	must_deny(other, pages + 2 * PAGE - 1, region);
	must_allow(other, pages + PAGE - 1);
	must_allow(other, pages + 2 * PAGE);
	must_allow(owner, pages + PAGE);
	must_allow(owner, pages + 2 * PAGE - 1);
	/* Given back as ordinary memory, contents and all. */
	pages[PAGE + 7] = 0x77;
	expect(MODISO_OK, modiso_region_destroy(region));
	must_eq(pages[PAGE + 7], 0x77);
	must_allow(other, pages + PAGE);
	must_allow(owner, pages + 2 * PAGE - 1);
}
END_TEST

static void check_ordinary(unsigned char *pages, size_t count)
{
	struct proc_mapping mapping;
	size_t i;

	for (i = 0; i < count; i++) {
		must(proc_mapping(pages + i * PAGE, &mapping));
		must(!strncmp(mapping.perms, "rw-", 3));
		must(mapping.pkey <= 0);
		pages[i * PAGE] ^= 1;
	}
}

/* The owner's end gives adopted memory back too, whatever it was set to. */
START_TEST(test_given_back)
{
	struct modiso_module *module = world_module();
	unsigned char *pages = pages_map(4, PROT_READ | PROT_WRITE);
	struct modiso_region *regions[2], *host;

	memset(pages, 0x22, 4 * PAGE);
	expect(MODISO_OK,
	       modiso_region_adopt(module, pages, PAGE, RW, NULL, &regions[0]));
	expect(MODISO_OK, modiso_region_adopt(module, pages + PAGE, PAGE,
					      MODISO_READ, NULL, &regions[1]));
	expect(MODISO_OK, modiso_region_adopt(NULL, pages + 2 * PAGE, 2 * PAGE,
					      RW, NULL, &host));
	must_deny(module, pages + 2 * PAGE, host);
	expect(MODISO_OK, modiso_module_destroy(module));
	must(all_bytes(pages, 0x22, 4 * PAGE));
	check_ordinary(pages, 2);
	expect(MODISO_OK, modiso_region_protect(host, MODISO_READ));
	expect(MODISO_OK, modiso_region_destroy(host));
	check_ordinary(pages, 4);
	pages_unmap(pages, 4);
	world_stop();
}
END_TEST

/* What is refused leaves the memory, and the books, as they were. */
static void refuse_adopt(int want, void *base, size_t length, uint32_t access)
{
	struct modiso_region *region = UNTOUCHED;
	struct proc_mapping before, after;
	bool mapped = proc_mapping(base, &before);
	struct modiso_module *module = make_module("adopter");

	expect(want, modiso_region_adopt(module, base, length, access, NULL,
					 &region));
	must_eq(region, UNTOUCHED);
	expect(want,
	       modiso_region_adopt(NULL, base, length, access, NULL, &region));
	must_eq(region, UNTOUCHED);
	must_eq(proc_mapping(base, &after), mapped);
	must_str(after.perms, before.perms);
	must_str(after.flags, before.flags);
	must_eq(after.pkey, before.pkey);
	if (mapped)
		must(after.start <= W(base) && after.end > W(base));
	expect(MODISO_OK, modiso_module_destroy(module));
}

START_TEST(test_arguments)
{
	unsigned char *pages = pages_map(4, PROT_READ | PROT_WRITE);
	struct modiso_region_options options = {.struct_size = 0};
	struct modiso_region *region = UNTOUCHED;

	world_start();
	refuse_adopt(MODISO_ERR_INVAL, pages + 1, PAGE, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages + 64, PAGE, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages + PAGE - 16, PAGE, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages, 0, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages, 1, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages, PAGE - 1, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages, PAGE + 1, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages, 5900, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages, SIZE_MAX, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages, SIZE_MAX - PAGE + 1, RW);
	refuse_adopt(MODISO_ERR_INVAL, (void *)-PAGE, 2 * PAGE, RW);
	refuse_adopt(MODISO_ERR_INVAL, pages, PAGE, 0);
	refuse_adopt(MODISO_ERR_INVAL, pages, PAGE, MODISO_WRITE);
	refuse_adopt(MODISO_ERR_INVAL, pages, PAGE, MODISO_EXEC);
	refuse_adopt(MODISO_ERR_INVAL, pages, PAGE, RX);
	refuse_adopt(MODISO_ERR_INVAL, pages, PAGE, RW | MODISO_EXEC);
	refuse_adopt(MODISO_ERR_INVAL, pages, PAGE, RW | 8);
	expect(MODISO_ERR_INVAL,
	       modiso_region_adopt(NULL, pages, PAGE, RW, NULL, NULL));
	expect(MODISO_ERR_INVAL,
	       modiso_region_adopt(NULL, pages, PAGE, RW, &options, &region));
	options.struct_size = sizeof(options);
	options.flags = 1u << 31;
	expect(MODISO_ERR_INVAL,
	       modiso_region_adopt(NULL, pages, PAGE, RW, &options, &region));
	must_eq(region, UNTOUCHED);
	check_ordinary(pages, 4);
	world_stop();
}
END_TEST

START_TEST(test_mappings)
{
	unsigned char *pages = pages_map(8, PROT_READ | PROT_WRITE);

	world_start();
	pages_unmap(pages + PAGE, 1);
	refuse_adopt(MODISO_ERR_NOENT, pages, 3 * PAGE, RW);
	refuse_adopt(MODISO_ERR_NOENT, pages + PAGE, PAGE, RW);
	refuse_adopt(MODISO_ERR_NOENT, pages, 2 * PAGE, RW);
	mprotect(pages + 3 * PAGE, PAGE, PROT_READ);
	refuse_adopt(MODISO_ERR_ACCESS, pages + 2 * PAGE, 2 * PAGE, RW);
	refuse_adopt(MODISO_ERR_ACCESS, pages + 3 * PAGE, PAGE, MODISO_READ);
	mprotect(pages + 3 * PAGE, PAGE, PROT_NONE);
	refuse_adopt(MODISO_ERR_ACCESS, pages + 3 * PAGE, PAGE, RW);
	mprotect(pages + 3 * PAGE, PAGE, PROT_READ | PROT_EXEC);
	refuse_adopt(MODISO_ERR_ACCESS, pages + 3 * PAGE, PAGE, RW);
	mprotect(pages + 3 * PAGE, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC);
	refuse_adopt(MODISO_ERR_ACCESS, pages + 3 * PAGE, PAGE, RW);
	refuse_adopt(MODISO_ERR_ACCESS, pages + 3 * PAGE, 2 * PAGE, RW);
	refuse_adopt(MODISO_ERR_ACCESS, (void *)(W(poke_load1) & ~(PAGE - 1)),
		     PAGE, MODISO_READ);
	check_ordinary(pages + 4 * PAGE, 4);
	world_stop();
}
END_TEST

static void *adopt_own_stack(void *unused)
{
	unsigned char local = 0;
	unsigned char *page =
		(unsigned char *)(W(&local) & ~(uintptr_t)(PAGE - 1));

	refuse_adopt(MODISO_ERR_ACCESS, page, PAGE, RW);
	/* Pages of it that are not in use just now are no better. */
	refuse_adopt(MODISO_ERR_ACCESS, page - 2 * PAGE, 2 * PAGE, RW);
	return unused;
}

START_TEST(test_stack)
{
	/* So that the main thread's stack is mapped that far down. */
	volatile unsigned char below[8 * 4096];

	below[0] = 0;
	(void)below[0];
	world_start();
	adopt_own_stack(NULL);
	thread_join(thread_start(adopt_own_stack, NULL));
	world_stop();
}
END_TEST

START_TEST(test_owned)
{
	unsigned char *pages = pages_map(4, PROT_READ | PROT_WRITE);
	struct modiso_module *module = world_module();
	struct modiso_region *region, *created, *again = UNTOUCHED;

	created = make_region(module, 2 * PAGE, "created");
	expect(MODISO_OK, modiso_region_adopt(module, pages + PAGE, 2 * PAGE,
					      RW, NULL, &region));
	expect(MODISO_ERR_BUSY, modiso_region_adopt(module, pages + PAGE, PAGE,
						    RW, NULL, &again));
	expect(MODISO_ERR_BUSY,
	       modiso_region_adopt(NULL, pages, 2 * PAGE, RW, NULL, &again));
	expect(MODISO_ERR_BUSY,
	       modiso_region_adopt(module, pages, 4 * PAGE, RW, NULL, &again));
	expect(MODISO_ERR_BUSY,
	       modiso_region_adopt(NULL, pages + 2 * PAGE, 2 * PAGE, RW, NULL,
				   &again));
	expect(MODISO_ERR_BUSY,
	       modiso_region_adopt(NULL, region_bytes(created) + PAGE, PAGE, RW,
				   NULL, &again));
	must_eq(again, UNTOUCHED);
	check_ordinary(pages, 1);
	check_ordinary(pages + 3 * PAGE, 1);
	must_allow(module, pages + PAGE);
	expect(MODISO_OK, modiso_region_destroy(region));
	expect(MODISO_OK,
	       modiso_region_adopt(module, pages, 4 * PAGE, RW, NULL, &again));
}
END_TEST

/*
 * A byte pool of the host's, as an RTOS has them: pieces of it become regions
 * of modules and are given back, again and again.
 */
static unsigned char pool[8 * 4096] __attribute__((aligned(4096)));

static struct modiso_region *carve(struct modiso_module *owner, size_t first,
				   size_t pages)
{
	struct modiso_region *region = NULL;

	expect(MODISO_OK, modiso_region_adopt(owner, pool + first * PAGE,
					      pages * PAGE, RW, NULL, &region));
	return region;
}

START_TEST(test_pool)
{
	struct modiso_module *one = world_module(),
			     *other = make_module("other");
	struct modiso_region *ones, *others, *hosts;
	unsigned i;

	memset(pool, 0x44, sizeof(pool));
	for (i = 0; i < run_times(20, 5); i++) {
		ones = carve(one, 1, 2);
		others = carve(other, 3, 1);
		hosts = carve(NULL, 4, 2);
		must(all_bytes(pool, 0x44, sizeof(pool)));
		/* Each has its own; what is not carved is everybody's. */
		must_allow(one, pool + 3 * PAGE - 1);
		must_deny(other, pool + PAGE, ones);
		must_deny(one, pool + 3 * PAGE, others);
		must_deny(one, pool + 6 * PAGE - 1, hosts);
		must_allow(other, pool + PAGE - 1);
		must_allow(other, pool + 6 * PAGE);
		/* Taken: wholly, at its beginning, at its end, around it. */
		refuse_adopt(MODISO_ERR_BUSY, pool + PAGE, 2 * PAGE, RW);
		refuse_adopt(MODISO_ERR_BUSY, pool, 2 * PAGE, RW);
		refuse_adopt(MODISO_ERR_BUSY, pool + 5 * PAGE, 2 * PAGE, RW);
		refuse_adopt(MODISO_ERR_BUSY, pool, sizeof(pool), RW);
		/* No piece of whole pages, and none that has an end. */
		refuse_adopt(MODISO_ERR_INVAL, pool + 16, PAGE, RW);
		refuse_adopt(MODISO_ERR_INVAL, pool, 100, RW);
		refuse_adopt(MODISO_ERR_INVAL, pool + 7 * PAGE,
			     SIZE_MAX - PAGE + 1, RW);
		/* With its contents; the next owner finds them. */
		pool[2 * PAGE + 5] = 0x66;
		expect(MODISO_OK, modiso_region_destroy(ones));
		must_eq(pool[2 * PAGE + 5], 0x66);
		expect(MODISO_OK, modiso_region_destroy(hosts));
		ones = carve(other, 1, 2);
		must_eq(enter(make_gate(other, poke_load1),
			      W(pool + 2 * PAGE + 5)),
			0x66);
		must_deny(one, pool + 2 * PAGE + 5, ones);
		expect(MODISO_OK, modiso_region_destroy(ones));
		expect(MODISO_OK, modiso_region_destroy(others));
		check_ordinary(pool, 8);
		memset(pool, 0x44, sizeof(pool));
	}
	/* The owner's end gives back what it still has. */
	must_deny(other, pool + 8 * PAGE - 1, carve(one, 0, 8));
	expect(MODISO_OK, modiso_module_destroy(one));
	check_ordinary(pool, 8);
	must_allow(other, pool + 8 * PAGE - 1);
}
END_TEST

/* Adopting the page of a handle would lock the library out of its own books. */
START_TEST(test_library)
{
	struct modiso_module *module = world_module(), *adopter;
	struct modiso_region *region = make_region(module, PAGE, "region");
	struct modiso_gate *gate = make_gate(module, poke_load1);
	const void *const owned[] = {module, region, gate,
				     modiso_last_error_text()};
	struct modiso_region *out = UNTOUCHED;
	size_t i;
	int code;

	adopter = make_module("adopter");
	for (i = 0; i < 3; i++) {
		void *page = (void *)(W(owned[i]) & ~(PAGE - 1));

		errno = ERRNO_MARK;
		code = modiso_region_adopt(adopter, page, PAGE, RW, NULL, &out);
		/* Read-only just now, perhaps: that is a refusal as well. */
		if (code != MODISO_ERR_ACCESS)
			expect_code(code, MODISO_ERR_BUSY, "adopt", __FILE__,
				    __LINE__);
		must_eq(out, UNTOUCHED);
	}
	must_eq(enter(gate, W(region_bytes(region))), 0);
}
END_TEST

START_TEST(test_foreign_key)
{
	unsigned char *pages = pages_map(3, PROT_READ | PROT_WRITE);
	int key;

	key = (int)syscall(SYS_pkey_alloc, 0, 0);
	must(key > 0);
	must_eq(syscall(SYS_pkey_mprotect, pages + PAGE, PAGE,
			PROT_READ | PROT_WRITE, key),
		0);
	world_start();
	refuse_adopt(MODISO_ERR_BUSY, pages + PAGE, PAGE, RW);
	refuse_adopt(MODISO_ERR_BUSY, pages, 3 * PAGE, RW);
	world_stop();
}
END_TEST

START_TEST(test_huge)
{
	const size_t huge = (size_t)2 << 20;
	void *pages = mmap(NULL, huge, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB |
				   MAP_HUGE_2MB | MAP_NORESERVE,
			   -1, 0);

	if (pages == MAP_FAILED)
		test_skip("hugetlb", "no huge page can be mapped here");
	world_start();
	refuse_adopt(MODISO_ERR_NOTSUP, pages, huge, RW);
	refuse_adopt(MODISO_ERR_NOTSUP, pages, PAGE, RW);
	world_stop();
}
END_TEST

/* Kilobytes of transparent huge pages in the mapping that begins at @start. */
static unsigned long huge_kib(const void *start)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long kib = 0;
	bool here = false;
	size_t base, end;
	char line[512];

	must(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%zx-%zx ", &base, &end) == 2)
			here = base <= W(start) && W(start) < end;
		else if (here && sscanf(line, "AnonHugePages: %lu", &kib) == 1)
			break;
	}
	fclose(file);
	return kib;
}

/* One small page in the middle of a huge one: that page, and no other. */
START_TEST(test_in_huge)
{
	const size_t huge = (size_t)2 << 20, at = 37 * PAGE;
	unsigned char *pages =
		pages_map(2 * huge / PAGE, PROT_READ | PROT_WRITE);
	unsigned char *base = pages + (-W(pages) & (huge - 1));
	struct modiso_module *module, *other;
	struct modiso_region *region;
	struct modiso_gate *store;

	madvise(base, huge, MADV_HUGEPAGE);
	memset(base, 0x21, huge);
	if (huge_kib(base) < 2048)
		test_skip("thp", "the kernel gives no huge page here");
	module = world_module();
	other = make_module("other");
	store = make_gate(other, poke_store1);
	expect(MODISO_OK,
	       modiso_region_adopt(module, base + at, PAGE, RW, NULL, &region));
	must_blame(enter_fault(other, store, W(base + at), 1), MODISO_WRITE,
		   base + at, region);
	must_blame(enter_fault(other, store, W(base + at + PAGE - 1), 1),
		   MODISO_WRITE, base + at + PAGE - 1, region);
	must(all_bytes(base, 0x21, huge));
	enter(store, W(base + at - 1), 0x22);
	enter(store, W(base + at + PAGE), 0x22);
	enter(make_gate(module, poke_store1), W(base + at), 0x23);
	must_eq(base[at], 0x23);
	expect(MODISO_OK, modiso_region_destroy(region));
	enter(store, W(base + at), 0x24);
	/* And a whole one. */
	memset(base, 0x21, huge);
	expect(MODISO_OK,
	       modiso_region_adopt(module, base, huge, RW, NULL, &region));
	must_blame(enter_fault(other, store, W(base + huge - 1), 1),
		   MODISO_WRITE, base + huge - 1, region);
	must(all_bytes(base, 0x21, huge));
	expect(MODISO_OK, modiso_region_destroy(region));
}
END_TEST

/* Shared memory can be adopted; another mapping of it is another matter. */
START_TEST(test_shared)
{
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	int fd = memfd_create("region", MFD_CLOEXEC);
	struct modiso_region *region;
	unsigned char *pages;

	must(fd >= 0 && !ftruncate(fd, 2 * PAGE));
	pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(pages != MAP_FAILED);
	pages[0] = 9;
	expect(MODISO_OK,
	       modiso_region_adopt(module, pages, 2 * PAGE, RW, NULL, &region));
	must_eq(pages[0], 9);
	must_allow(module, pages);
	must_deny(other, pages, region);
	must_deny(other, pages + 2 * PAGE - 1, region);
	expect(MODISO_OK, modiso_region_destroy(region));
	check_ordinary(pages, 2);
	pages_unmap(pages, 2);
	close(fd);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("adopt");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_between);
	tcase_add_test(tcase, test_given_back);
	tcase_add_test(tcase, test_arguments);
	tcase_add_test(tcase, test_mappings);
	tcase_add_test(tcase, test_stack);
	tcase_add_test(tcase, test_owned);
	tcase_add_test(tcase, test_pool);
	tcase_add_test(tcase, test_library);
	if (on_pkey())
		tcase_add_test(tcase, test_foreign_key);
	tcase_add_test(tcase, test_huge);
	tcase_add_test(tcase, test_in_huge);
	tcase_add_test(tcase, test_shared);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
