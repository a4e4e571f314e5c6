/* SPDX-License-Identifier: MIT */
/*
 * contract_grant_bus - a module that shares a region with each of more
 * partners than there are keys, and reaches them all.
 */
#include "contract/actors.h"
#include "support/world.h"
#include "support/proc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

static struct actor bus;
static uint32_t max_keys;

/* Every other device lets the bus write, the others let it read. */
static uint32_t bus_access(int i)
{
	return i % 2 ? MODISO_READ : RW;
}

static void make_bus(uint32_t keys, uint32_t wait_ms)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = keys,
					 .key_wait_ms = wait_ms};
	char name[24];
	int i;

	max_keys = keys;
	expect(MODISO_OK, modiso_init(&options));
	make_actor(&bus, "bus");
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "device%d", i);
		make_actor(&many[i], name);
		regions[i] = make_region(many[i].module, PAGE, name);
		expect(MODISO_OK, modiso_region_grant(regions[i], bus.module,
						      bus_access(i)));
	}
}

static void check_bus(int i)
{
	const struct actor *device = &many[i], *other = &many[(i + 1) % MANY];
	unsigned char *byte = region_bytes(regions[i]);

	enter(device->store, W(byte), (uintptr_t)i + 1);
	must_eq(enter(bus.load, W(byte)), (uintptr_t)i + 1);
	if (bus_access(i) == RW) {
		enter(bus.store, W(byte), 77);
		must_eq(enter(device->load, W(byte)), 77);
	} else {
		must_blame(enter_fault(bus.module, bus.store, W(byte), 77),
			   MODISO_WRITE, byte, regions[i]);
		must_eq(*byte, i + 1);
	}
	must_blame(enter_fault(other->module, other->load, W(byte)),
		   MODISO_READ, byte, regions[i]);
	must_be_clean();
}

/* Of six keys two are for modules on Linux 6.1, three on 6.12. */
static const uint32_t key_counts[] = {0, 6, 7, 8};
enum { ENOUGH = 8 };

START_TEST(test_bus)
{
	int i;

	make_bus(key_counts[_i], 0);
	for (i = 0; i < 3 * MANY; i++)
		check_bus(i * 7 % MANY);
	/* Each time by its rights, and not because a handler puts it right. */
	enter(many[0].store, W(region_bytes(regions[0])), 6);
	for (i = 0; i < 2000; i++)
		must_eq(enter(bus.load, W(region_bytes(regions[0]))), 6);
	/* Rights that go, to one that is merged and to one that is not. */
	for (i = 0; i < MANY; i += 3) {
		expect(MODISO_OK, modiso_region_revoke(regions[i], bus.module));
		must_blame(enter_fault(bus.module, bus.load,
				       W(region_bytes(regions[i]))),
			   MODISO_READ, region_bytes(regions[i]), regions[i]);
		check_bus((i + 1) % MANY);
	}
	/* Whoever ends leaves the others' as they are. */
	expect(MODISO_OK, modiso_module_destroy(bus.module));
	must_be_clean();
	for (i = 0; i < MANY; i++) {
		enter(many[i].store, W(region_bytes(regions[i])), 5);
		expect(MODISO_OK, modiso_region_destroy(regions[i]));
		expect(MODISO_OK, modiso_module_destroy(many[i].module));
	}
	world_stop();
}
END_TEST

/* Where all keys are those of modules that wait, this one may be refused. */
static void enter_if_possible(struct modiso_gate *gate, void *byte,
			      uintptr_t value, uint32_t enough)
{
	const uintptr_t words[] = {W(byte), value};
	int code = modiso_gate_call(gate, words, 2, NULL);

	must(code == MODISO_OK ||
	     (code == MODISO_ERR_NOKEY && max_keys != 0 && max_keys < enough));
}

MODISO_CALL static uintptr_t call_bus(uintptr_t i)
{
	unsigned char *byte = region_bytes(regions[i]);

	enter_if_possible(bus.load, byte, 0, ENOUGH);
	if (bus_access((int)i) == RW)
		enter_if_possible(bus.store, byte, 1, ENOUGH);
	return 0;
}

MODULE_CODE static uintptr_t store_and_ask(volatile unsigned char *byte,
					   uintptr_t i)
{
	*byte = 1;
	ask(i);
	return *byte;
}

MODULE_CODE static uintptr_t pass_on(uintptr_t what)
{
	return ask(what);
}

/* While a device waits in a service the bus works on its region. */
START_TEST(test_bus_inside_device)
{
	int round, i;

	make_bus(key_counts[_i], 0);
	ask = (CALLED(uintptr_t, uintptr_t))make_service("ask", call_bus);
	for (round = 0; round < 2; round++)
		for (i = 0; i < MANY; i++)
			must_eq(enter(make_gate(many[i].module, store_and_ask),
				      W(region_bytes(regions[i])), i),
				1);
	must_be_clean();
}
END_TEST

MODISO_CALL static uintptr_t look_around(uintptr_t unused)
{
	int i;

	(void)unused;
	/* Each device comes, and its set gets a key, for as long as we stay. */
	for (i = 0; i < MANY; i += 5)
		enter_if_possible(many[i].store, region_bytes(regions[i]), 9,
				  ENOUGH + 5);
	expect(MODISO_OK, modiso_region_revoke(regions[2], bus.module));
	expect(MODISO_OK, modiso_region_grant(regions[4], many[5].module, RW));
	return 0;
}

MODULE_CODE static uintptr_t sum(volatile unsigned char *const *bytes)
{
	uintptr_t before = *bytes[0] + *bytes[5] + *bytes[10];

	ask(0);
	*bytes[10] = 10;
	return before + *bytes[0] + *bytes[5] + *bytes[10] + *bytes[4];
}

MODULE_CODE static uintptr_t sum_too_much(volatile unsigned char *const *bytes)
{
	return sum(bytes) + *bytes[2];
}

/*
 * Others come for their sets while the bus waits in a service: it has its
 * rights all the same when it goes on, and none that it lost.
 */
START_TEST(test_device_inside_bus)
{
	struct modiso_region *table;
	struct modiso_gate *gate;
	unsigned char **bytes;
	int i;

	make_bus(key_counts[_i], 0);
	ask = (CALLED(uintptr_t, uintptr_t))make_service("ask", look_around);
	table = make_region(bus.module, PAGE, "table");
	bytes = (unsigned char **)(void *)region_bytes(table);
	for (i = 0; i < MANY; i++)
		bytes[i] = region_bytes(regions[i]);
	gate = make_gate(bus.module, sum);
	i = (int)enter(gate, W(bytes));
	must(i == 9 + 9 + 10 || max_keys != 0);
	gate = make_gate(bus.module, sum_too_much);
	expect(MODISO_OK, modiso_region_grant(regions[2], bus.module, RW));
	expect(MODISO_OK, modiso_region_revoke(regions[4], many[5].module));
	must_blame(enter_fault(bus.module, gate, W(bytes)), MODISO_READ,
		   bytes[2], regions[2]);
	must_be_clean();
}
END_TEST

MODISO_CALL static uintptr_t call_other_bus(uintptr_t back)
{
	unsigned char *byte = region_bytes(common);

	if (back != 0)
		return enter(bus.load, W(byte));
	must_eq(enter(make_gate(b.module, store_and_ask), W(byte), 1), 1);
	enter(b.store, W(byte), 2);
	return 0;
}

/* Two that are both crowded share: there are keys enough for one set more. */
START_TEST(test_two_buss)
{
	struct modiso_region *second;
	int i;

	make_bus(0, 0);
	make_actor(&b, "other bus");
	for (i = 0; i < MANY; i++) {
		second = make_region(many[i].module, PAGE, "second");
		expect(MODISO_OK,
		       modiso_region_grant(second, b.module, bus_access(i)));
	}
	common = make_region(bus.module, PAGE, "common");
	expect(MODISO_OK, modiso_region_grant(common, b.module, RW));
	ask = (CALLED(uintptr_t, uintptr_t))make_service("ask", call_other_bus);
	for (i = 0; i < 3; i++)
		must_eq(enter(make_gate(bus.module, store_and_ask),
			      W(region_bytes(common)), 0),
			2);
	must_be_clean();
}
END_TEST

static int call(struct modiso_gate *gate, const void *byte)
{
	const uintptr_t words[] = {W(byte), 7};

	return modiso_gate_call(gate, words, 2, NULL);
}

/* What is allowed works, unless there is no key; what is not faults. */
static bool must_get(int code, bool allowed)
{
	must(code == (allowed ? MODISO_OK : MODISO_ERR_FAULT) ||
	     code == MODISO_ERR_NOKEY);
	return code != MODISO_ERR_NOKEY;
}

#define PATIENCE_MS 50000u

static void *be_device(void *arg)
{
	const struct actor *device = arg;
	ptrdiff_t i = device - many;
	const void *mine = region_bytes(regions[i]);
	const void *other = region_bytes(regions[(i + 1) % MANY]);
	uintptr_t done = 0;

	for (unsigned long left = run_times(2000, 60); left != 0; left--) {
		done += must_get(call(device->store, mine), true);
		must_get(call(device->load, other), false);
		must_get(call(device->load, mine), true);
	}
	return (void *)done;
}

static void *be_bus(void *arg)
{
	uint32_t random = (uint32_t)W(arg);
	uintptr_t done = 0;

	for (unsigned long left = run_times(2000, 60); left != 0; left--) {
		int i = (random = random * 1103515245u + 12345u) >> 16;
		const void *byte = region_bytes(regions[i %= MANY]);

		done += must_get(call(bus.load, byte), true);
		must_get(call(bus.store, byte), bus_access(i) == RW);
	}
	return (void *)done;
}

START_TEST(test_bus_threads)
{
	pthread_t threads[5];
	void *done;
	int i;

	make_bus(key_counts[_i], PATIENCE_MS);
	for (i = 0; i < 5; i++)
		threads[i] = i < 3 ? thread_start(be_device, &many[i])
				   : thread_start(be_bus, (void *)(W(i) * 77));
	for (i = 0; i < 5; i++) {
		must_eq(pthread_join(threads[i], &done), 0);
		must(done != NULL);
	}
	for (i = 0; i < MANY; i++)
		check_bus(i);
}
END_TEST

/* Nor does a set leave its key for a crowded module's. */
START_TEST(test_key_of_set_kept_from_bus)
{
	static pthread_t thread;
	unsigned char *byte;
	int key, i;

	make_bus(key_counts[_i], 0);
	byte = region_bytes(regions[0]);
	enter(many[0].store, W(byte), 1);
	must_eq(enter(make_gate(many[0].module, leave_looker), W(&thread),
		      W(byte)),
		0);
	ask_for_look();
	key = proc_key(region_bytes(regions[0]));
	for (i = 0; i < MANY; i++)
		enter_if_possible(bus.load, region_bytes(regions[i]), 0,
				  ENOUGH);
	must_eq(proc_key(region_bytes(regions[0])), key);
	ask_for_look();
	atomic_store(&look_no_more, true);
	thread_join(thread);
	must_be_clean();
}
END_TEST

static struct actor waiting[4];

/* Everybody who is in the scene is inside, but for the first device. */
MODISO_CALL static uintptr_t wait_inside(uintptr_t left)
{
	unsigned char *byte = region_bytes(regions[0]);
	int code;

	if (left != 0) {
		enter_if_possible(make_gate(waiting[left - 1].module, pass_on),
				  (void *)(left - 1), 0, ENOUGH + 5);
		return 0;
	}
	enter_if_possible(bus.load, byte, 0, ENOUGH + 5);
	/* Whoever takes a key now has not got what the bus may read. */
	for (int i = 8; i < MANY; i++) {
		code = call(many[i].load, byte);
		must(code == MODISO_ERR_FAULT || code == MODISO_ERR_NOKEY);
	}
	must_be_clean();
	return 0;
}

START_TEST(test_bus_robs_itself)
{
	const uint32_t others = (uint32_t)_i % 4;
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = 6 + (uint32_t)_i / 4};
	int i;

	max_keys = options.max_keys;
	expect(MODISO_OK, modiso_init(&options));
	ask = (CALLED(uintptr_t, uintptr_t))make_service("ask", wait_inside);
	make_actor(&bus, "bus");
	for (i = 0; i < 4; i++)
		make_actor(&waiting[i], "waiting");
	for (i = MANY; i-- > 0;) {
		make_actor(&many[i], "device");
		regions[i] = make_region(many[i].module, PAGE, "device's");
		if (i < 8)
			expect(MODISO_OK,
			       modiso_region_grant(regions[i], bus.module,
						   i == 0 ? MODISO_READ : RW));
	}
	enter(many[0].store, W(region_bytes(regions[0])), 1);
	enter_if_possible(make_gate(many[1].module, store_and_ask),
			  region_bytes(regions[1]), others, ENOUGH);
	must_eq(enter(bus.load, W(region_bytes(regions[0]))), 1);
	must_be_clean();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("grant_bus");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_bus, 0, 4);
	tcase_add_loop_test(tcase, test_bus_inside_device, 0, 4);
	tcase_add_loop_test(tcase, test_device_inside_bus, 0, 4);
	tcase_add_loop_test(tcase, test_bus_robs_itself, 0, 16);
	tcase_add_test(tcase, test_two_buss);
	if (on_pkey()) {
		add_loop_test_but_tsan(tcase, test_key_of_set_kept_from_bus, 0,
				       4, "a thread of its own");
	}
	add_loop_test_but_tsan(tcase, test_bus_threads, 0, 4, HANDLER);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
