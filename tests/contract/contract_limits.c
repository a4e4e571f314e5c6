/* SPDX-License-Identifier: MIT */
/*
 * contract_limits - the limits that a machine really has: the number of
 * mappings, address space, data, overcommit. Whatever is asked for when one is
 * reached is done or refused, with the limit's name, and never half done. And
 * what the kernel does with pages by itself changes nobody's rights.
 */
#include "contract/limit_scene.h"
#include "support/world.h"
#include "support/proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

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

#define MAX_MAP_COUNT "/proc/sys/vm/max_map_count"
#define LESS          "6000"

static char usual[32];

/* Emulated, the usual number takes ten times as long to reach. */
static bool map_count_is_ours(void)
{
	return emulated() && geteuid() == 0;
}

static void prepare_maps(void)
{
	FILE *file = fopen(MAX_MAP_COUNT, "re");
	unsigned long most;

	need_no_sanitizer();
	must(file && fscanf(file, "%31s", usual) == 1);
	fclose(file);
	most = strtoul(map_count_is_ours() ? LESS : usual, NULL, 10);
	if (most > 200000)
		test_skip("map-count", "vm.max_map_count is so large here that "
				       "reaching it takes too long");
	filler_pages = most + 64;
	filler = pages_map(filler_pages, PROT_NONE);
}

static void fill_maps(void)
{
	if (map_count_is_ours())
		write_file(MAX_MAP_COUNT, LESS);
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
	if (map_count_is_ours())
		write_file(MAX_MAP_COUNT, usual);
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

	tcase_add_loop_test(tcase, test_limit, 0, LIMITS);
	tcase_add_loop_test(tcase, test_init, 0, LIMITS);
	tcase_add_test(tcase, test_own_memory);
	tcase_add_test(tcase, test_half_tagged);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
