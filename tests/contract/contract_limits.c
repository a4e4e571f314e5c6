/* SPDX-License-Identifier: MIT */
/*
 * contract_limits - the limits that a machine really has: the number of
 * mappings, address space, data, overcommit. Whatever is asked for when one is
 * reached is done or refused, with the limit's name, and never half done. And
 * what the kernel does with pages by itself changes nobody's rights.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct modiso_module *module, *other;
static struct modiso_region *own, *foreign, *hosts, *adopted, *spare;
static struct modiso_gate *store, *others_store;
static unsigned char *lent; /* four pages, [1] and [2] are adopted */

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	own = make_region(module, PAGE, "own");
	foreign = make_region(other, PAGE, "foreign");
	hosts = make_region(NULL, PAGE, "hosts");
	make_region(module, PAGE, "below");
	spare = make_region(module, PAGE, "spare");
	make_region(module, PAGE, "above");
	lent = pages_map(4, PROT_READ | PROT_WRITE);
	memset(lent, 0x44, 4 * PAGE);
	expect(MODISO_OK, modiso_region_adopt(other, lent + PAGE, 2 * PAGE, RW,
					      NULL, &adopted));
	memset(region_bytes(own), 0x55, PAGE);
	memset(region_bytes(foreign), 0x66, PAGE);
	memset(region_bytes(hosts), 0x77, PAGE);
	store = make_gate(module, poke_store1);
	others_store = make_gate(other, poke_store1);
	enter(store, W(region_bytes(own)), 0x55);
	enter(others_store, W(region_bytes(foreign)), 0x66);
}

static void refused(struct modiso_region *region, const void *address)
{
	must_blame(enter_fault(module, store, W(address), 0), MODISO_WRITE,
		   address, region);
}

static void check_scene(void)
{
	enter(store, W(region_bytes(own)), 0x55);
	refused(hosts, region_bytes(hosts));
	if (other)
		refused(foreign, region_bytes(foreign));
	if (adopted) {
		refused(adopted, lent + PAGE);
		refused(adopted, lent + 3 * PAGE - 1);
	}
	must(all_bytes(region_bytes(hosts), 0x77, PAGE));
	must(all_bytes(lent, 0x44, 4 * PAGE));
}

static void end_scene(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	pages_unmap(lent, 4);
	world_stop();
}

/* --- the limits; reaching one may happen inside a module: no must() --- */

static unsigned char *filler; /* every other page of it gets a mapping */
static size_t filler_pages, filled;
static unsigned char *single[64];
static size_t singles;

static void need_no_sanitizer(void)
{
	if (TEST_SANITIZED)
		test_skip("no-sanitizer",
			  "a sanitizer needs memory of its own");
}

static void prepare_maps(void)
{
	FILE *file = fopen("/proc/sys/vm/max_map_count", "re");
	unsigned long most = 0;

	need_no_sanitizer();
	must(file && fscanf(file, "%lu", &most) == 1);
	fclose(file);
	if (most > 200000)
		test_skip("map-count", "vm.max_map_count is so large here that "
				       "reaching it takes too long");
	filler_pages = most + 64;
	filler = pages_map(filler_pages, PROT_NONE);
}

static void fill_maps(void)
{
	while (filled + 2 < filler_pages &&
	       !mprotect(filler + (filled + 1) * PAGE, PAGE, PROT_READ))
		filled += 2;
	for (; singles < 64; singles++) {
		single[singles] = mmap(NULL, PAGE, PROT_READ,
				       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (single[singles] == MAP_FAILED)
			break;
	}
}

static void empty_maps(void)
{
	while (singles > 0)
		munmap(single[--singles], PAGE);
	/* Anew: the kernel does not join what it split in vain. */
	if (filled)
		mmap(filler, filler_pages * PAGE, PROT_NONE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	filled = 0;
}

static struct rlimit space, data;

static void prepare_space(void)
{
	need_no_sanitizer();
	must(!getrlimit(RLIMIT_AS, &space) && !getrlimit(RLIMIT_DATA, &data));
}

static void limit_space(void)
{
	struct rlimit now = space;
	char text[64] = "";
	int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);

	if (fd >= 0 && read(fd, text, sizeof(text) - 1) > 0)
		now.rlim_cur = strtoul(text, NULL, 10) * PAGE;
	close(fd);
	setrlimit(RLIMIT_AS, &now);
}

static void free_space(void)
{
	setrlimit(RLIMIT_AS, &space);
}

static void limit_data(void)
{
	/* 0 is no limit to the kernel. */
	const struct rlimit page = {PAGE, data.rlim_max};

	setrlimit(RLIMIT_DATA, &page);
}

static void free_data(void)
{
	setrlimit(RLIMIT_DATA, &data);
}

static void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0) {
		/* What was to be limited is not: the test says so. */
	}
	close(fd);
}

/* The whole machine's: only where it is the test's alone. */
static void prepare_commit(void)
{
	volatile char stack[256 * 1024];

	prepare_space();
	if (!emulated() || geteuid() != 0)
		test_skip("vm-root", "vm.overcommit_memory is the whole "
				     "machine's; set in the virtual one");
	/* A stack that grows is charged as well. */
	for (size_t i = 0; i < sizeof(stack); i += PAGE)
		stack[i] = 0;
}

static void limit_commit(void)
{
	write_file("/proc/sys/vm/overcommit_kbytes", "1");
	write_file("/proc/sys/vm/overcommit_memory", "2");
}

static void free_commit(void)
{
	write_file("/proc/sys/vm/overcommit_memory", "0");
	write_file("/proc/sys/vm/overcommit_ratio", "50");
}

/* What is asked for, in this order. */
enum {
	CREATE_MODULE = 1 << 0,
	CREATE_REGION = 1 << 1,
	CREATE_HOSTS = 1 << 2,
	ATTACH = 1 << 3,
	ENTER = 1 << 4,
	ENTER_OTHER = 1 << 5,
	DESTROY_REGION = 1 << 6,
	RELEASE = 1 << 7,
	DESTROY_MODULE = 1 << 8,
	INIT = 1 << 9,
};

static const struct limit {
	const char *word;
	void (*prepare)(void);
	void (*reach)(void);
	void (*relax)(void);
	/* What cannot be had then, so that it is known to be reached. */
	unsigned on_mprotect, on_pkey;
} limits[] = {
	{"vm.max_map_count", prepare_maps, fill_maps, empty_maps,
	 CREATE_MODULE | CREATE_REGION | CREATE_HOSTS | ENTER | DESTROY_REGION |
		 INIT,
	 CREATE_MODULE | CREATE_REGION | CREATE_HOSTS | DESTROY_REGION | INIT},
	{"RLIMIT_AS", prepare_space, limit_space, free_space,
	 CREATE_MODULE | INIT, CREATE_MODULE | INIT},
	{"RLIMIT_DATA", prepare_space, limit_data, free_data,
	 CREATE_HOSTS | ENTER, CREATE_REGION | CREATE_HOSTS},
	/* mprotect: the region of a module is closed, and not charged yet. */
	{"vm.overcommit_memory", prepare_commit, limit_commit, free_commit,
	 CREATE_HOSTS, CREATE_REGION | CREATE_HOSTS},
};
#define LIMITS ((int)(sizeof(limits) / sizeof(*limits)))

static const struct limit *limit;
static unsigned refusals;

/* Done, or refused with the limit's name. */
static bool done(unsigned what, int code)
{
	if (code == MODISO_OK)
		return true;
	if (code != MODISO_ERR_OS && code != MODISO_ERR_NOMEM)
		ck_abort_msg("%#x at %s: %s", what, limit->word,
			     modiso_error_name(code));
	if (code == MODISO_ERR_OS)
		must_eq(errno, ENOMEM);
	if (!strstr(modiso_last_error_text(), limit->word))
		ck_abort_msg("%#x: no %s in \"%s\"", what, limit->word,
			     modiso_last_error_text());
	refusals |= what;
	return false;
}

static void check_refusals(unsigned among)
{
	unsigned want = on_pkey() ? limit->on_pkey : limit->on_mprotect;

	printf("# %s: refused %#x\n", limit->word, refusals);
	want &= among;
	if ((refusals & want) != want)
		ck_abort_msg("%s: %#x were refused, %#x should have been",
			     limit->word, refusals, want);
}

static sem_t attach_now, attached, relaxed;
static int attach_code;

static void *attach_thread(void *unused)
{
	sem_wait(&attach_now);
	attach_code = modiso_thread_attach();
	if (attach_code)
		done(ATTACH, attach_code);
	sem_post(&attached);
	sem_wait(&relaxed);
	expect(MODISO_OK, modiso_thread_attach());
	enter(store, W(region_bytes(own)), 0x55);
	return unused;
}

MODULE_CODE static uintptr_t reach_inside(uintptr_t value)
{
	limit->reach();
	return value + 1;
}

/* What a first life leaves for ever is none of a later one's. */
static void begin(void)
{
	limit->prepare();
	make_scene();
	check_scene();
	end_scene();
	adopted = NULL;
}

START_TEST(test_limit)
{
	struct modiso_module *made = NULL;
	struct modiso_region *region = NULL;
	struct proc_usage before;
	uintptr_t result = 0;
	pthread_t thread;
	bool gone;

	limit = &limits[_i];
	begin();
	before = proc_usage();
	make_scene();
	sem_init(&attach_now, 0, 0);
	sem_init(&attached, 0, 0);
	sem_init(&relaxed, 0, 0);
	thread = thread_start(attach_thread, NULL);
	/* The other module was the last: what it adopted is open. */
	limit->reach();
	errno = ERRNO_MARK;
	if (done(CREATE_MODULE, modiso_module_create("made", NULL, &made)))
		expect(MODISO_OK, modiso_module_destroy(made));
	if (done(CREATE_REGION,
		 modiso_region_create(module, PAGE, RW, NULL, &region)))
		expect(MODISO_OK, modiso_region_destroy(region));
	if (done(CREATE_HOSTS,
		 modiso_region_create(NULL, PAGE, RW, NULL, &region)))
		expect(MODISO_OK, modiso_region_destroy(region));
	sem_post(&attach_now);
	sem_wait(&attached);
	limit->reach();
	done(ENTER,
	     modiso_gate_call(store, WORDS(W(region_bytes(own)), 0x55), NULL));
	done(ENTER_OTHER,
	     modiso_gate_call(others_store,
			      WORDS(W(region_bytes(foreign)), 0x66), NULL));
	limit->reach();
	gone = done(DESTROY_REGION, modiso_region_destroy(spare));
	limit->relax();
	sem_post(&relaxed);
	thread_join(thread);
	check_scene();
	/* Where it was refused it is as before. */
	if (!gone) {
		enter(store, W(region_bytes(spare)), 1);
		must_eq(region_bytes(spare)[0], 1);
		expect(MODISO_OK, modiso_region_destroy(spare));
	}
	/* Leaving needs nothing, whatever is used up meanwhile. */
	must_eq(modiso_gate_call(make_gate(module, reach_inside), WORDS(5),
				 &result),
		MODISO_OK);
	must_eq(result, 6);
	limit->relax();
	check_scene();
	limit->reach();
	if (done(RELEASE, modiso_region_destroy(adopted)))
		adopted = NULL;
	limit->relax();
	check_scene();
	limit->reach();
	/* What it adopted can be gone then, and nothing else. */
	if (done(DESTROY_MODULE, modiso_module_destroy(other)))
		other = NULL;
	adopted = NULL;
	limit->relax();
	check_scene();
	if (filler)
		empty_maps();
	end_scene();
	check_refusals(~(unsigned)INIT);
	/* The C library keeps the stack of a thread, and its guard. */
	proc_must_not_grow(&before, 2, 1024);
}
END_TEST

START_TEST(test_init)
{
	struct proc_usage before;

	limit = &limits[_i];
	begin();
	before = proc_usage();
	limit->reach();
	errno = ERRNO_MARK;
	if (done(INIT, modiso_init(NULL)))
		expect(MODISO_OK, modiso_fini());
	must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
	limit->relax();
	check_refusals(INIT);
	proc_must_not_grow(&before, 0, 1024);
	make_scene();
	check_scene();
	end_scene();
	proc_must_not_grow(&before, 0, 1024);
}
END_TEST

/* The kernel changes the first mapping, and has no room to split the second. */
START_TEST(test_half_tagged)
{
	unsigned char *two;

	limit = &limits[0];
	begin();
	make_scene();
	two = pages_map(8, PROT_NONE);
	must(!mprotect(two + PAGE, 2 * PAGE, PROT_READ | PROT_WRITE));
	must(mmap(two + 3 * PAGE, 4 * PAGE, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != MAP_FAILED);
	memset(two + PAGE, 0x33, 6 * PAGE);
	enter(store, W(region_bytes(own)), 0x55);
	limit->reach();
	errno = ERRNO_MARK;
	must(!done(CREATE_REGION,
		   modiso_region_adopt(other, two + PAGE, 4 * PAGE, RW, NULL,
				       &spare)));
	must(all_bytes(two + PAGE, 0x33, 6 * PAGE));
	memset(two + PAGE, 0x33, 6 * PAGE);
	limit->relax();
	enter(store, W(two + PAGE), 0x33);
	enter(store, W(two + 3 * PAGE), 0x33);
	expect(MODISO_OK, modiso_region_adopt(other, two + PAGE, 4 * PAGE, RW,
					      NULL, &spare));
	refused(spare, two + PAGE);
	refused(spare, two + 3 * PAGE);
	must(all_bytes(two + PAGE, 0x33, 6 * PAGE));
	check_scene();
	end_scene();
}
END_TEST

/* --- what the kernel does with pages --- */

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
	unsigned long round, rounds = times(50, 5);
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

/* What 10,000 regions of 1,000 modules take, none of whose pages is touched. */
START_TEST(test_own_memory)
{
	enum { MODULES = 1000, REGIONS = 10, MOST = 512 };
	struct proc_usage before, after;
	int i, n;

	world_start();
	before = proc_usage();
	for (i = 0; i < MODULES; i++) {
		module = make_module("one of many");
		for (n = 0; n < REGIONS; n++)
			make_region(module, PAGE, "one of many");
	}
	after = proc_usage();
	if (!TEST_SANITIZED)
		must((after.rss_kib - before.rss_kib) * 1024 <=
		     (size_t)MODULES * REGIONS * MOST);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("limits");
	TCase *tcase = tcase_create("contract");

	tcase_set_timeout(tcase, 60);
	tcase_add_loop_test(tcase, test_limit, 0, LIMITS);
	tcase_add_loop_test(tcase, test_init, 0, LIMITS);
	tcase_add_test(tcase, test_own_memory);
	tcase_add_test(tcase, test_half_tagged);
	tcase_add_test(tcase, test_huge_split);
	tcase_add_test(tcase, test_pressure);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
