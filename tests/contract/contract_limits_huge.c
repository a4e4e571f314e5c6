/* SPDX-License-Identifier: MIT */
/*
 * contract_limits_huge - huge pages that the kernel splits, and memory that it
 * takes away and brings back.
 */
#include "contract/limit_scene.h"
#include "support/world.h"
#include "support/proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define HUGE ((size_t)2 << 20)

#ifndef MADV_COLLAPSE
#	define MADV_COLLAPSE 25
#endif
#ifndef MADV_PAGEOUT
#	define MADV_COLD    20
#	define MADV_PAGEOUT 21
#endif

/* KiB of huge pages in the mapping at @address. */
static unsigned long huge_kib(const void *address)
{
	FILE *file = fopen("/proc/self/smaps", "re");
	unsigned long start, end, kib = 0;
	bool here = false;
	char line[512];

	must(file);
	while (fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			here = start <= W(address) && W(address) < end;
		else if (here)
			sscanf(line, "AnonHugePages: %lu", &kib);
	}
	fclose(file);
	return kib;
}

/* Two huge pages, aligned; @block is what they lie in. */
static unsigned char *huge_pages(unsigned char **block)
{
	unsigned char *base;

	/* The kernel switches them off on a machine as small as the virtual. */
	if (emulated())
		write_file("/sys/kernel/mm/transparent_hugepage/enabled",
			   "madvise");
	*block = pages_map(3 * HUGE / PAGE, PROT_READ | PROT_WRITE);
	base = *block + (-W(*block) & (HUGE - 1));
	if (madvise(base, 2 * HUGE, MADV_HUGEPAGE))
		test_skip("thp", "the kernel has no transparent huge pages");
	memset(base, 0x44, 2 * HUGE);
	if (huge_kib(base) == 0)
		test_skip("thp", "the kernel gives no huge pages here");
	return base;
}

/* One small page out of a huge one: exactly that page, nothing beside it. */
START_TEST(test_huge_split)
{
	unsigned char *block, *base, *page;
	struct modiso_region *small = NULL;
	size_t at;
	int i;

	make_scene();
	base = huge_pages(&block);
	for (i = 0; i < 4; i++) {
		at = (size_t[]){0, PAGE, HUGE - PAGE, HUGE + 17 * PAGE}[i];
		page = base + at;
		expect(MODISO_OK, modiso_region_adopt(other, page, PAGE, RW,
						      NULL, &small));
		refused(small, page);
		refused(small, page + PAGE - 1);
		if (at)
			enter(store, W(page) - 1, 0x44);
		enter(store, W(page) + PAGE, 0x44);
		enter(others_store, W(page) + 7, 0x44);
		expect(MODISO_OK, modiso_region_destroy(small));
		enter(store, W(page), 0x44);
	}
	must(all_bytes(base, 0x44, 2 * HUGE));
	pages_unmap(block, 3 * HUGE / PAGE);
	check_scene();
	end_scene();
}
END_TEST

static atomic_bool stop;

/* Gates all the time, good calls and bad ones. */
static void *call_gates(void *bytes)
{
	unsigned char *byte = bytes;
	unsigned long n;

	for (n = 0; !stop || n < 10; n++) {
		enter(store, W(region_bytes(own)) + n % PAGE, 0x55);
		refused(adopted, byte + n * PAGE % (2 * HUGE));
		refused(hosts, region_bytes(hosts) + n % PAGE);
	}
	return NULL;
}

static void move_all(unsigned char *base, size_t length)
{
	static void *pages[64];
	static int nodes[64], status[64];
	size_t n = length / PAGE < 64 ? length / PAGE : 64, i;

	for (i = 0; i < n; i++)
		pages[i] = base + i * PAGE;
	syscall(SYS_move_pages, 0, n, pages, nodes, status, 2 /* MOVE */);
}

START_TEST(test_pressure)
{
	static const int advice[] = {MADV_COLD,       MADV_PAGEOUT,
				     MADV_COLLAPSE,   MADV_MERGEABLE,
				     MADV_NOHUGEPAGE, MADV_HUGEPAGE};
	enum { ADVICE = sizeof(advice) / sizeof(*advice) };
	unsigned taken[ADVICE] = {0}, i;
	unsigned long round, rounds = run_times(50, 5);
	unsigned char *block, *base;
	pthread_t thread;

	make_scene();
	expect(MODISO_OK, modiso_region_destroy(adopted));
	base = huge_pages(&block);
	expect(MODISO_OK,
	       modiso_region_adopt(other, base, 2 * HUGE, RW, NULL, &adopted));
	if (emulated())
		write_file("/sys/kernel/mm/ksm/run", "1");
	thread = thread_start(call_gates, base);
	for (round = 0; round < rounds; round++) {
		for (i = 0; i < ADVICE; i++) {
			taken[i] += !madvise(base, 2 * HUGE, advice[i]);
			madvise(region_bytes(hosts), PAGE, advice[i]);
		}
		move_all(base, 2 * HUGE);
		if (emulated() && round % 4 == 0)
			write_file("/proc/sys/vm/compact_memory", "1");
		enter(others_store, W(base) + round * PAGE, 0x44);
	}
	stop = true;
	thread_join(thread);
	for (i = 0; i < ADVICE; i++)
		printf("# advice %d: taken %u times\n", advice[i], taken[i]);
	must(taken[0] && taken[1]);
	must(all_bytes(base, 0x44, 2 * HUGE));
	must(all_bytes(region_bytes(hosts), 0x77, PAGE));
	expect(MODISO_OK, modiso_region_destroy(adopted));
	adopted = NULL;
	pages_unmap(block, 3 * HUGE / PAGE);
	check_scene();
	end_scene();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("limits_huge");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_huge_split);
	tcase_add_test(tcase, test_pressure);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
