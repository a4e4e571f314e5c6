/* SPDX-License-Identifier: MIT */
/*
 * contract_snapshot - a module's memory comes back as it was, to the byte, and
 * with the protection that it had; what is not the module's own is left alone.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

static void fill_pattern(unsigned char *bytes, size_t length, unsigned seed)
{
	size_t i;

	for (i = 0; i < length; i++)
		bytes[i] = (unsigned char)(i * 31 + i / PAGE + seed);
}

static bool has_pattern(const unsigned char *bytes, size_t length,
			unsigned seed)
{
	size_t i;

	for (i = 0; i < length; i++)
		if (bytes[i] != (unsigned char)(i * 31 + i / PAGE + seed))
			return false;
	return true;
}

static void take(struct modiso_module *module)
{
	expect(MODISO_OK, modiso_snapshot_take(module));
}

static void restore(struct modiso_module *module)
{
	expect(MODISO_OK, modiso_snapshot_restore(module));
}

/* Written by the module and by the host, page by page, round after round. */
START_TEST(test_every_byte)
{
	enum { PAGES = 12, ROUNDS = 8 };
	struct modiso_module *module = world_module();
	struct modiso_region *region =
		make_region(module, PAGES * PAGE, "data");
	struct modiso_gate *store = make_gate(module, poke_store1);
	unsigned char *bytes = region_bytes(region);
	int round;
	size_t page;

	fill_pattern(bytes, PAGES * PAGE, 7);
	take(module);
	must(has_pattern(bytes, PAGES * PAGE, 7));
	for (round = 0; round < ROUNDS; round++) {
		for (page = (size_t)round % 3; page < PAGES; page += 3) {
			enter(store, W(bytes + page * PAGE + 17),
			      (uintptr_t)~bytes[page * PAGE + 17]);
			bytes[page * PAGE + PAGE - 1] ^= 0xff;
		}
		must(!has_pattern(bytes, PAGES * PAGE, 7));
		restore(module);
		must(has_pattern(bytes, PAGES * PAGE, 7));
	}
	/* Another one takes its place. */
	fill_pattern(bytes, PAGES * PAGE, 99);
	take(module);
	memset(bytes, 0, PAGES * PAGE);
	restore(module);
	must(has_pattern(bytes, PAGES * PAGE, 99));
}
END_TEST

/* Pages of zeros, and regions of nothing else, become zeros again. */
START_TEST(test_zeros)
{
	struct modiso_module *module = world_module();
	struct modiso_region *some = make_region(module, 5 * PAGE, "some");
	struct modiso_region *none = make_region(module, 5 * PAGE, "none");
	int i;

	region_bytes(some)[2 * PAGE] = 1;
	for (i = 0; i < 2; i++) {
		take(module);
		memset(region_bytes(some), 0xaa, 5 * PAGE);
		memset(region_bytes(none), 0xbb, 5 * PAGE);
		restore(module);
		must(all_bytes(region_bytes(none), 0, 5 * PAGE));
		must(all_bytes(region_bytes(some), 0, 2 * PAGE));
		must_eq(region_bytes(some)[2 * PAGE], 1);
		must(all_bytes(region_bytes(some) + 2 * PAGE + 1, 0,
			       3 * PAGE - 1));
	}
	/* What was not zero may be so in the next one. */
	region_bytes(some)[2 * PAGE] = 0;
	take(module);
	memset(region_bytes(some), 0xaa, 5 * PAGE);
	restore(module);
	must(all_bytes(region_bytes(some), 0, 5 * PAGE));
}
END_TEST

/* Other modules are denied it all the time; the owner keeps its rights. */
START_TEST(test_still_protected)
{
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_region *region = make_region(module, 2 * PAGE, "data");
	struct modiso_gate *load = make_gate(other, poke_load1);
	struct modiso_gate *store = make_gate(other, poke_store1);
	struct modiso_gate *own = make_gate(module, poke_store1);
	unsigned char *bytes = region_bytes(region);
	int round;

	memset(bytes, 0x5a, 2 * PAGE);
	for (round = 0; round < 3; round++) {
		if (round == 0)
			take(module);
		else
			restore(module);
		must_blame(enter_fault(other, load, W(bytes)), MODISO_READ,
			   bytes, region);
		must_blame(enter_fault(other, store, W(bytes + PAGE), 1),
			   MODISO_WRITE, bytes + PAGE, region);
		must(all_bytes(bytes, 0x5a, 2 * PAGE));
		enter(own, W(bytes + PAGE), 1);
		must_blame(enter_fault(other, load, W(bytes + PAGE)),
			   MODISO_READ, bytes + PAGE, region);
	}
	must(!proc_writable_code());
}
END_TEST

/* Read-only regions, and those that come later, are left alone. */
START_TEST(test_what_is_part_of_it)
{
	struct modiso_module *module = world_module();
	struct modiso_region *data = make_region(module, PAGE, "data");
	struct modiso_region *constant = make_region(module, PAGE, "constant");
	struct modiso_region *gone = make_region(module, PAGE, "gone");
	struct modiso_region *later, *hosts = make_region(NULL, PAGE, "host's");
	void *was;

	region_bytes(data)[0] = 1;
	region_bytes(constant)[0] = 2;
	region_bytes(gone)[0] = 3;
	expect(MODISO_OK, modiso_region_protect(constant, MODISO_READ));
	take(module);
	/* It takes the place of one that was part. */
	was = region_bytes(gone);
	expect(MODISO_OK, modiso_region_destroy(gone));
	later = make_region(module, PAGE, "later");
	must_eq(region_bytes(later), was);
	must(all_bytes(region_bytes(later), 0, PAGE));
	region_bytes(later)[0] = 4;
	region_bytes(data)[0] = 5;
	region_bytes(hosts)[0] = 6;
	expect(MODISO_OK, modiso_region_protect(constant, RW));
	region_bytes(constant)[0] = 7;
	restore(module);
	must_eq(region_bytes(later)[0], 4);
	must_eq(region_bytes(data)[0], 1);
	must_eq(region_bytes(hosts)[0], 6);
	must_eq(region_bytes(constant)[0], 7);
	/* One that became read-only since still comes back. */
	region_bytes(data)[0] = 8;
	expect(MODISO_OK, modiso_region_protect(data, MODISO_READ));
	restore(module);
	must_eq(region_bytes(data)[0], 1);
	must_blame(enter_fault(module, make_gate(module, poke_store1),
			       W(region_bytes(data)), 1),
		   MODISO_WRITE, region_bytes(data), data);
}
END_TEST

/* Adopted memory is the caller's. */
START_TEST(test_adopted)
{
	struct modiso_module *module = world_module();
	unsigned char *bytes = pages_map(2, PROT_READ | PROT_WRITE);
	struct modiso_region *region;

	memset(bytes, 1, 2 * PAGE);
	expect(MODISO_OK, modiso_region_adopt(module, bytes, 2 * PAGE, RW, NULL,
					      &region));
	take(module);
	memset(bytes, 2, 2 * PAGE);
	restore(module);
	must(all_bytes(bytes, 2, 2 * PAGE));
	expect(MODISO_OK, modiso_region_destroy(region));
	pages_unmap(bytes, 2);
}
END_TEST

/* Code that was checked must not become what it was before the check. */
START_TEST(test_no_code)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(module, PAGE, "code");
	struct modiso_region *sealed = make_region(module, PAGE, "sealed");

	memset(region_bytes(sealed), 0xc3, PAGE);
	expect(MODISO_OK, modiso_region_protect(sealed, RX));
	take(module);
	expect(MODISO_ERR_BUSY, modiso_region_protect(region, RX));
	restore(module);
	must(all_bytes(region_bytes(sealed), 0xc3, PAGE));
	enter(make_gate(module, region_bytes(sealed)), 0);
	must(!proc_writable_code());
}
END_TEST

/* What an earlier call left on its stack. */
MODULE_CODE static uintptr_t look_down(uintptr_t bytes, uintptr_t write)
{
	volatile unsigned char *here = __builtin_frame_address(0);
	volatile unsigned char *there = here - bytes;

	if (write)
		*there = 0x77;
	return *there;
}

/* All stacks that there are, those in nobody's hands as well, are empty. */
START_TEST(test_stacks)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, look_down);

	must_eq(enter(gate, 8 * PAGE, 1), 0x77);
	must_eq(enter(gate, 8 * PAGE, 0), 0x77);
	take(module);
	must_eq(enter(gate, 8 * PAGE, 0), 0);
	must_eq(enter(gate, 8 * PAGE, 1), 0x77);
	restore(module);
	must_eq(enter(gate, 8 * PAGE, 0), 0);
	/* The guard page is still there. */
	must_eq(enter_fault(module, make_gate(module, poke_recurse), 0)->kind,
		MODISO_FAULT_STACK);
}
END_TEST

static void *run_on_stack(void *arg)
{
	struct modiso_gate *gate = arg;

	must_eq(enter(gate, 8 * PAGE, 1), 0x77);
	return NULL;
}

START_TEST(test_pooled_stacks)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, look_down);

	/* This thread's is the first; the other's is given back at its end. */
	must_eq(enter(gate, 8 * PAGE, 1), 0x77);
	take(module);
	thread_join(thread_start(run_on_stack, gate));
	restore(module);
	expect(MODISO_OK, modiso_thread_detach());
	/* Both are in the pool now: whichever comes, it is empty. */
	must_eq(enter(gate, 8 * PAGE, 0), 0);
	thread_join(thread_start(run_on_stack, gate));
}
END_TEST

/* A module that faulted half-way through is as before the call. */
START_TEST(test_after_fault)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(module, 4 * PAGE, "data");
	struct modiso_gate *store = make_gate(module, poke_store1);
	unsigned char *bytes = region_bytes(region);
	unsigned long i, rounds = run_times(2000, 50);

	fill_pattern(bytes, 4 * PAGE, 3);
	take(module);
	for (i = 0; i < rounds; i++) {
		enter(store, W(bytes + i % (4 * PAGE)), 0xee);
		enter_fault(module, store, W(bytes + 64 * PAGE * PAGE), 1);
		restore(module);
	}
	must(has_pattern(bytes, 4 * PAGE, 3));
}
END_TEST

static struct modiso_module *entered;
static int from_inside[2];

MODISO_CALL static uintptr_t try_inside(void)
{
	from_inside[0] = modiso_snapshot_take(entered);
	from_inside[1] = modiso_snapshot_restore(entered);
	return 0;
}

MODULE_CODE static uintptr_t call_out(uintptr_t (MODISO_CALL *service)(void))
{
	return service();
}

/* Neither under the feet of a thread, nor from inside. */
START_TEST(test_refused_inside)
{
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	struct modiso_region *region = make_region(module, PAGE, "data");
	modiso_fn service = make_service("try", try_inside);

	entered = module;
	region_bytes(region)[0] = 1;
	enter(make_gate(module, call_out), W(service));
	must_eq(from_inside[0], MODISO_ERR_BUSY);
	/* There is none yet, but who is inside is what counts first. */
	must(from_inside[1] == MODISO_ERR_BUSY ||
	     from_inside[1] == MODISO_ERR_NOENT);
	take(module);
	region_bytes(region)[0] = 2;
	enter(make_gate(module, call_out), W(service));
	must_eq(from_inside[0], MODISO_ERR_BUSY);
	must_eq(from_inside[1], MODISO_ERR_BUSY);
	must_eq(region_bytes(region)[0], 2);
	/* A service of another module may. */
	enter(make_gate(other, call_out), W(service));
	must_eq(from_inside[0], MODISO_OK);
	must_eq(from_inside[1], MODISO_OK);
	must_eq(region_bytes(region)[0], 2);
}
END_TEST

START_TEST(test_wrong_arguments)
{
	struct modiso_module *module;

	expect(MODISO_ERR_STATE, modiso_snapshot_take(NULL));
	expect(MODISO_ERR_STATE, modiso_snapshot_restore(NULL));
	module = world_module();
	expect(MODISO_ERR_INVAL, modiso_snapshot_take(NULL));
	expect(MODISO_ERR_INVAL, modiso_snapshot_restore(NULL));
	expect(MODISO_ERR_NOENT, modiso_snapshot_restore(module));
	/* Of nothing: nothing comes back. */
	take(module);
	restore(module);
}
END_TEST

/* What the kernel refuses changes no byte. */
START_TEST(test_kernel_refuses)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(module, 4 * PAGE, "data");
	struct rlimit old, tight;

	fill_pattern(region_bytes(region), 4 * PAGE, 5);
	must(!getrlimit(RLIMIT_FSIZE, &old));
	tight = old;
	tight.rlim_cur = 3 * PAGE;
	must(!setrlimit(RLIMIT_FSIZE, &tight));
	expect(MODISO_ERR_OS, modiso_snapshot_take(module));
	must(!setrlimit(RLIMIT_FSIZE, &old));
	must(!getrlimit(RLIMIT_NOFILE, &old));
	tight = old;
	tight.rlim_cur = 0;
	must(!setrlimit(RLIMIT_NOFILE, &tight));
	expect(MODISO_ERR_OS, modiso_snapshot_take(module));
	must(!setrlimit(RLIMIT_NOFILE, &old));
	must(has_pattern(region_bytes(region), 4 * PAGE, 5));
	expect(MODISO_ERR_NOENT, modiso_snapshot_restore(module));
	take(module);
	region_bytes(region)[0] ^= 1;
	restore(module);
	must(has_pattern(region_bytes(region), 4 * PAGE, 5));
}
END_TEST

/* Pages that the host has locked into memory. */
START_TEST(test_locked)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(module, 2 * PAGE, "data");

	region_bytes(region)[0] = 1;
	take(module);
	if (mlock(region_bytes(region), PAGE))
		test_skip("mlock", "RLIMIT_MEMLOCK is 0");
	region_bytes(region)[0] = 2;
	if (modiso_snapshot_restore(module) == MODISO_ERR_OS)
		test_skip("MADV_DONTNEED_LOCKED",
			  "this kernel drops no locked pages");
	must_eq(region_bytes(region)[0], 1);
}
END_TEST

/* One mapping for one region, no descriptor; no more of either in time. */
START_TEST(test_nothing_grows)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = make_region(module, 8 * PAGE, "data");
	unsigned char *bytes = region_bytes(region);
	struct proc_mapping first, last;
	struct proc_usage usage;
	int i;

	fill_pattern(bytes, 8 * PAGE, 1);
	take(module);
	restore(module);
	usage = proc_usage();
	for (i = 0; i < 50; i++) {
		take(module);
		memset(bytes, i, 8 * PAGE);
		restore(module);
	}
	proc_must_not_grow(&usage, 2, 1024);
	must(has_pattern(bytes, 8 * PAGE, 1));
	bytes[3 * PAGE] = 0;
	must(proc_mapping(bytes, &first));
	must(proc_mapping(bytes + 8 * PAGE - 1, &last));
	must_eq(first.start, last.start);
	must_eq(first.start, bytes);
	must_eq(first.end, bytes + 8 * PAGE);
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

static void child(void *arg)
{
	struct modiso_module *module = entered;
	unsigned char *bytes = arg;

	bytes[0] = 3;
	restore(module);
	must_eq(bytes[0], 1);
	bytes[0] = 4;
	take(module);
	bytes[0] = 5;
	restore(module);
	must_eq(bytes[0], 4);
}

/* A forked child rewinds its own copy. */
START_TEST(test_fork)
{
	struct modiso_module *module = world_module();
	unsigned char *bytes =
		region_bytes(make_region(module, PAGE, "data"));

	entered = module;
	bytes[0] = 1;
	take(module);
	bytes[0] = 2;
	must_exit(child_status(child, bytes), 0);
	must_eq(bytes[0], 2);
	restore(module);
	must_eq(bytes[0], 1);
}
END_TEST

struct bystander {
	struct modiso_gate *gate;
	volatile bool stop;
	uintptr_t sum;
};

MODULE_CODE static uintptr_t count_up(uintptr_t *word)
{
	return ++*word;
}

static void *work(void *arg)
{
	struct bystander *one = arg;
	uintptr_t last = 0, now;

	do {
		now = enter(one->gate, one->sum);
		must_eq(now, last + 1);
		last = now;
	} while (!__atomic_load_n(&one->stop, __ATOMIC_RELAXED) || last < 100);
	return (void *)last;
}

/* Another module at work is not disturbed, and does not disturb. */
START_TEST(test_bystander)
{
	struct modiso_module *module = world_module();
	struct modiso_module *other = make_module("other");
	unsigned char *bytes =
		region_bytes(make_region(module, 4 * PAGE, "data"));
	struct bystander one = {
		.gate = make_gate(other, count_up),
		.sum = W(region_bytes(make_region(other, PAGE, "word"))),
	};
	unsigned long i, rounds = run_times(200, 10);
	pthread_t thread;

	fill_pattern(bytes, 4 * PAGE, 9);
	thread = thread_start(work, &one);
	for (i = 0; i < rounds; i++) {
		take(module);
		bytes[i % (4 * PAGE)] ^= 0x55;
		restore(module);
		must(has_pattern(bytes, 4 * PAGE, 9));
	}
	__atomic_store_n(&one.stop, true, __ATOMIC_RELAXED);
	must(thread_join(thread) != NULL);
}
END_TEST

/* Many regions with holes between them: the list is made anew each time. */
START_TEST(test_many_regions)
{
	enum { REGIONS = 40 };
	struct modiso_module *module = world_module();
	struct modiso_region *regions[REGIONS];
	int i, round;

	for (i = 0; i < REGIONS; i++) {
		regions[i] = make_region(module, PAGE * (size_t)(1 + i % 3),
					 "one");
		region_bytes(regions[i])[0] = (unsigned char)(i + 1);
	}
	take(module);
	for (round = 0; round < 4; round++) {
		for (i = 0; i < REGIONS; i++)
			if (regions[i])
				region_bytes(regions[i])[0] = 0xff;
		for (i = round; i < REGIONS; i += 7) {
			expect(MODISO_OK, modiso_region_destroy(regions[i]));
			regions[i] = NULL;
		}
		restore(module);
		for (i = 0; i < REGIONS; i++)
			if (regions[i])
				must_eq(region_bytes(regions[i])[0], i + 1);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("snapshot");
	TCase *tcase = tcase_create("snapshot");

	tcase_add_test(tcase, test_every_byte);
	tcase_add_test(tcase, test_zeros);
	tcase_add_test(tcase, test_still_protected);
	tcase_add_test(tcase, test_what_is_part_of_it);
	tcase_add_test(tcase, test_adopted);
	tcase_add_test(tcase, test_no_code);
	tcase_add_test(tcase, test_stacks);
	tcase_add_test(tcase, test_pooled_stacks);
	tcase_add_test(tcase, test_after_fault);
	tcase_add_test(tcase, test_refused_inside);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_kernel_refuses);
	tcase_add_test(tcase, test_locked);
	tcase_add_test(tcase, test_nothing_grows);
	tcase_add_test(tcase, test_fork);
	tcase_add_test(tcase, test_bystander);
	tcase_add_test(tcase, test_many_regions);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
