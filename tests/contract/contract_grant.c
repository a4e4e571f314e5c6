/* SPDX-License-Identifier: MIT */
/*
 * contract_grant - regions that modules have rights to which they do not own:
 * these rights and no others, at once, on every thread, and with few keys.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct actor {
	struct modiso_module *module;
	struct modiso_gate *load, *store;
} a, b, c;

static void make_actor(struct actor *actor, const char *name)
{
	actor->module = make_module(name);
	make_region(actor->module, PAGE, "own");
	actor->load = make_gate(actor->module, poke_load1);
	actor->store = make_gate(actor->module, poke_store1);
}

/* Returns the region that is to be granted. */
static struct modiso_region *make_actors(void)
{
	make_actor(&a, "a");
	make_actor(&b, "b");
	make_actor(&c, "c");
	return make_region(a.module, 2 * PAGE, "common");
}

static struct modiso_region *make_scene_with(uint32_t keys)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = keys};

	expect(MODISO_OK, modiso_init(&options));
	return make_actors();
}

/* The owner's region lies between others of its own. */
static struct modiso_region *make_scene(void)
{
	struct modiso_region *region;

	world_start();
	region = make_actors();
	make_region(a.module, PAGE, "behind");
	return region;
}

static void must_be_clean(void)
{
	struct modiso_audit_finding first;
	size_t count;

	memset(&first, 0, sizeof(first));
	expect(MODISO_OK, modiso_audit(&first, 1, &count));
	if (count != 0)
		ck_abort_msg("%zu findings; first: %s at %#zx, %s/%s, access "
			     "%u not %u, key %d not %d",
			     count, modiso_audit_kind_name(first.kind),
			     (size_t)first.base, first.module_name,
			     first.region_name, first.access,
			     first.want_access, first.key, first.want_key);
}

static int range_code(const struct actor *actor, void *byte, uint32_t access)
{
	return modiso_range_check(actor->module, byte, 1, access);
}

/* What @actor may do with every byte's like of @region: that and no more. */
static void must_have(const struct actor *actor, struct modiso_region *region,
		      uint32_t access)
{
	unsigned char *byte = region_bytes(region) + PAGE + 9;

	*byte = 31;
	if (access & MODISO_READ)
		must_eq(enter(actor->load, W(byte)), 31);
	else
		must_blame(enter_fault(actor->module, actor->load, W(byte)),
			   MODISO_READ, byte, region);
	if (access & MODISO_WRITE) {
		enter(actor->store, W(byte), 32);
		must_eq(*byte, 32);
	} else {
		must_blame(enter_fault(actor->module, actor->store, W(byte),
				       32),
			   MODISO_WRITE, byte, region);
		must_eq(*byte, 31);
	}
	must_eq(range_code(actor, byte, MODISO_READ),
		access & MODISO_READ ? 0 : MODISO_ERR_ACCESS);
	must_eq(range_code(actor, byte, RW),
		access & MODISO_WRITE ? 0 : MODISO_ERR_ACCESS);
	must_be_clean();
}

static void must_be(struct modiso_region *region, uint32_t of_a, uint32_t of_b,
		    uint32_t of_c)
{
	must_have(&a, region, of_a);
	must_have(&b, region, of_b);
	must_have(&c, region, of_c);
	must_have(&a, region, of_a);
	must_eq(region_info(region).granted, (of_b != 0) + (of_c != 0));
}

static void through_all_rights(struct modiso_region *region, uint32_t owners)
{
	must_be(region, owners, 0, 0);
	expect(MODISO_OK, modiso_region_grant(region, b.module, MODISO_READ));
	must_be(region, owners, MODISO_READ, 0);
	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	must_be(region, owners, RW, 0);
	expect(MODISO_OK, modiso_region_grant(region, c.module, MODISO_READ));
	must_be(region, owners, RW, MODISO_READ);
	expect(MODISO_OK, modiso_region_grant(region, b.module, MODISO_READ));
	must_be(region, owners, MODISO_READ, MODISO_READ);
	expect(MODISO_OK, modiso_region_grant(region, b.module, MODISO_READ));
	must_be(region, owners, MODISO_READ, MODISO_READ);
	expect(MODISO_OK, modiso_region_revoke(region, b.module));
	must_be(region, owners, 0, MODISO_READ);
	expect(MODISO_OK, modiso_region_revoke(region, c.module));
	must_be(region, owners, 0, 0);
}

START_TEST(test_rights)
{
	struct modiso_region *region = make_scene();

	through_all_rights(region, RW);
	expect(MODISO_OK, modiso_region_destroy(region));
	expect(MODISO_OK, modiso_module_destroy(a.module));
	expect(MODISO_OK, modiso_module_destroy(b.module));
	expect(MODISO_OK, modiso_module_destroy(c.module));
	world_stop();
}
END_TEST

/* No module may touch what is the host's, but for those that were told so. */
START_TEST(test_host_region)
{
	struct modiso_region *region, *guarded;

	make_scene();
	region = make_region(NULL, 2 * PAGE, "host's");
	guarded = make_region(NULL, 2 * PAGE, "guarded");
	through_all_rights(region, 0);
	expect(MODISO_OK, modiso_region_grant(region, b.module, MODISO_READ));
	must_be(guarded, 0, 0, 0);
	must_be(region, 0, MODISO_READ, 0);
	expect(MODISO_OK, modiso_region_revoke(region, b.module));
	expect(MODISO_OK, modiso_region_destroy(region));
}
END_TEST

START_TEST(test_adopted)
{
	struct modiso_region *region;
	unsigned char *pages;

	make_scene();
	pages = pages_map(2, RW);
	expect(MODISO_OK, modiso_region_adopt(a.module, pages, 2 * PAGE, RW,
					      NULL, &region));
	through_all_rights(region, RW);
	expect(MODISO_OK, modiso_region_destroy(region));
	must_eq(*pages, 0);
	pages_unmap(pages, 2);
}
END_TEST

/* Pages that are read-only are so for all, whatever they were granted. */
START_TEST(test_protect)
{
	struct modiso_region *region = make_scene();

	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	expect(MODISO_OK, modiso_region_protect(region, MODISO_READ));
	must_blame(enter_fault(b.module, b.store, W(region_bytes(region)), 1),
		   MODISO_WRITE, region_bytes(region), region);
	must_eq(enter(b.load, W(region_bytes(region))), 0);
	must_blame(enter_fault(c.module, c.load, W(region_bytes(region))),
		   MODISO_READ, region_bytes(region), region);
	must_be_clean();
	expect(MODISO_ERR_BUSY, modiso_region_protect(region, RX));
	expect(MODISO_OK, modiso_region_protect(region, RW));
	must_be(region, RW, RW, 0);
}
END_TEST

/* --- bad input --- */

static void must_refuse(int code, struct modiso_region *region)
{
	unsigned char *byte = region_bytes(region);

	expect(code, modiso_region_grant(region, b.module, RW));
	must_eq(region_info(region).granted, 0);
	must_blame(enter_fault(b.module, b.load, W(byte)), MODISO_READ, byte,
		   region);
}

static void refuse_arguments(struct modiso_region *region)
{
	expect(MODISO_ERR_INVAL, modiso_region_grant(NULL, b.module, RW));
	expect(MODISO_ERR_INVAL, modiso_region_grant(region, NULL, RW));
	expect(MODISO_ERR_INVAL, modiso_region_revoke(NULL, b.module));
	expect(MODISO_ERR_INVAL, modiso_region_revoke(region, NULL));
	expect(MODISO_ERR_INVAL, modiso_region_grant(region, a.module, RW));
	expect(MODISO_ERR_INVAL, modiso_region_revoke(region, a.module));
	expect(MODISO_ERR_INVAL, modiso_region_grant(region, b.module, 0));
	expect(MODISO_ERR_INVAL,
	       modiso_region_grant(region, b.module, MODISO_WRITE));
	expect(MODISO_ERR_INVAL, modiso_region_grant(region, b.module, RX));
	expect(MODISO_ERR_NOENT, modiso_region_revoke(region, b.module));
}

START_TEST(test_refused)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	struct modiso_region_options closed = {.struct_size = sizeof(closed)};
	struct modiso_region *region = make_scene(), *other;
	void *block;

	refuse_arguments(region);
	expect(MODISO_OK, modiso_region_protect(region, MODISO_READ));
	must_refuse(MODISO_ERR_ACCESS, region);
	expect(MODISO_OK, modiso_region_protect(region, RW));
	expect(MODISO_OK, modiso_window_open(region, RW));
	expect(MODISO_ERR_BUSY, modiso_region_grant(region, b.module, RW));
	expect(MODISO_OK, modiso_window_close(region));
	if (on_pkey()) {
		closed.flags = MODISO_REGION_CLOSED;
		expect(MODISO_OK, modiso_region_create(NULL, PAGE, RW, &closed,
						       &other));
		expect(MODISO_ERR_ACCESS,
		       modiso_region_grant(other, b.module, RW));
	}
	other = make_region(a.module, PAGE, "code");
	expect(MODISO_OK, modiso_region_protect(other, RX));
	expect(MODISO_ERR_ACCESS,
	       modiso_region_grant(other, b.module, MODISO_READ));
	enter(a.load, W(region_bytes(region)));
	expect(MODISO_OK, modiso_heap_create(a.module, 16 * PAGE, NULL));
	expect(MODISO_OK, modiso_heap_alloc(a.module, 16, 0, 0, &block));
	expect(MODISO_OK, modiso_region_find(block, &info));
	must_refuse(MODISO_ERR_BUSY, info.region);
	expect(MODISO_OK, modiso_snapshot_take(a.module));
	must_refuse(MODISO_ERR_BUSY, region);
}
END_TEST

START_TEST(test_busy)
{
	struct modiso_region *region = make_scene(), *other;

	other = make_region(a.module, PAGE, "other");
	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(other, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(other, c.module, MODISO_READ));
	expect(MODISO_ERR_BUSY, modiso_region_destroy(region));
	expect(MODISO_ERR_BUSY, modiso_module_destroy(a.module));
	must_have(&b, region, RW);
	/* Its rights go with it; those of others stay. */
	expect(MODISO_OK, modiso_module_destroy(b.module));
	must_eq(region_info(region).granted, 0);
	must_eq(region_info(other).granted, 1);
	must_eq(enter(c.load, W(region_bytes(other))), 0);
	must_blame(enter_fault(c.module, c.store, W(region_bytes(other)), 1),
		   MODISO_WRITE, region_bytes(other), other);
	must_have(&a, region, RW);
	must_have(&c, region, 0);
	/* A new module, at the place of the old one perhaps, has none. */
	make_actor(&b, "new");
	must_have(&b, region, 0);
	must_blame(enter_fault(b.module, b.load, W(region_bytes(other))),
		   MODISO_READ, region_bytes(other), other);
	expect(MODISO_OK, modiso_region_revoke(other, c.module));
	expect(MODISO_OK, modiso_module_destroy(a.module));
	expect(MODISO_OK, modiso_module_destroy(b.module));
	expect(MODISO_OK, modiso_module_destroy(c.module));
	world_stop();
}
END_TEST

/* What others may write is not brought back. */
START_TEST(test_snapshot)
{
	struct modiso_region *region = make_scene(), *own;
	unsigned char *byte = region_bytes(region);

	own = make_region(a.module, PAGE, "saved");
	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	*byte = *region_bytes(own) = 1;
	expect(MODISO_OK, modiso_snapshot_take(a.module));
	enter(b.store, W(byte), 2);
	enter(a.store, W(region_bytes(own)), 2);
	expect(MODISO_OK, modiso_snapshot_restore(a.module));
	must_eq(*byte, 2);
	must_eq(*region_bytes(own), 1);
	must_be(region, RW, RW, 0);
}
END_TEST

START_TEST(test_report)
{
	struct modiso_region *region = make_scene();
	char *text = NULL;
	size_t size = 0;
	FILE *out;

	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(region, c.module, MODISO_READ));
	out = open_memstream(&text, &size);
	must(out != NULL);
	expect(MODISO_OK, modiso_report(out));
	fclose(out);
	must(strstr(text, "granted:") != NULL);
	must(strstr(text, "b rw-") != NULL && strstr(text, "c r--") != NULL);
	free(text);
	out = open_memstream(&text, &size);
	must(out != NULL);
	expect(MODISO_OK, modiso_report_json(out));
	fclose(out);
	must(strstr(text, "{\"module\":\"c\",\"access\":\"r--\"}") != NULL);
	free(text);
}
END_TEST

/* --- threads inside --- */

static struct modiso_region *common;
static uintptr_t (*volatile ask)(uintptr_t what);

enum { GRANT_READ, GRANT_BOTH, REVOKE };

static uintptr_t change(uintptr_t what)
{
	switch (what) {
	case GRANT_READ:
	case GRANT_BOTH:
		expect(MODISO_OK,
		       modiso_region_grant(common, b.module,
					   what == GRANT_READ ? MODISO_READ :
								RW));
		return 0;
	default:
		expect(MODISO_OK, modiso_region_revoke(common, b.module));
		return 0;
	}
}

/* Module code: after each change the thread that was inside all the while. */
MODULE_CODE static uintptr_t use_at_once(volatile unsigned char *byte)
{
	uintptr_t seen;

	ask(GRANT_READ);
	seen = *byte;
	ask(GRANT_BOTH);
	*byte = 5;
	seen += *byte;
	ask(REVOKE);
	ask(GRANT_BOTH);
	*byte = 6;
	return seen + *byte;
}

MODULE_CODE static uintptr_t write_after(uintptr_t what,
					 volatile unsigned char *byte)
{
	ask(GRANT_BOTH);
	*byte = 7;
	ask(what);
	*byte = 8;
	return 0;
}

START_TEST(test_inside)
{
	volatile unsigned char *byte;
	struct modiso_gate *gate;

	common = make_scene();
	byte = region_bytes(common);
	*byte = 3;
	ask = (uintptr_t(*)(uintptr_t))make_service("change", change);
	gate = make_gate(b.module, use_at_once);
	must_eq(enter(gate, W(byte)), 3 + 5 + 6);
	gate = make_gate(b.module, write_after);
	must_blame(enter_fault(b.module, gate, GRANT_READ, W(byte)),
		   MODISO_WRITE, byte, common);
	must_eq(*byte, 7);
	must_blame(enter_fault(b.module, gate, REVOKE, W(byte)), MODISO_WRITE,
		   byte, common);
	must_eq(*byte, 7);
	must_be(common, RW, 0, 0);
}
END_TEST

static atomic_uint *turn; /* in a region of the module's own */
static unsigned char *target;
static struct modiso_fault ended;

/* Reads until it is stopped by a fault. */
MODULE_CODE static uintptr_t read_on(atomic_uint *rounds,
				     volatile unsigned char *byte)
{
	for (;;) {
		(void)*byte;
		(*rounds)++;
	}
	return 0;
}

/* Waits inside until the rights are there. */
MODULE_CODE static uintptr_t wait_and_read(atomic_uint *state,
					   volatile unsigned char *byte)
{
	*state = 1;
	while (*state != 2)
		;
	return *byte;
}

static void *in_read_on(void *arg)
{
	ended = *enter_fault(b.module, arg, W(turn), W(target));
	return NULL;
}

static void *in_wait(void *arg)
{
	return (void *)enter(arg, W(turn), W(target));
}

static void make_turn(void)
{
	common = make_scene();
	target = region_bytes(common);
	turn = (atomic_uint *)region_bytes(make_region(b.module, PAGE, "turn"));
	*turn = 0;
	*target = 44;
}

static void await(unsigned value)
{
	while (atomic_load(turn) < value)
		sched_yield();
}

/* Another thread, in the middle of it. */
START_TEST(test_revoke_under)
{
	pthread_t thread;

	make_turn();
	expect(MODISO_OK, modiso_region_grant(common, b.module, RW));
	thread = thread_start(in_read_on, make_gate(b.module, read_on));
	await(10);
	expect(MODISO_OK, modiso_region_revoke(common, b.module));
	thread_join(thread);
	must_blame(&ended, MODISO_READ, target, common);
	must_be(common, RW, 0, 0);
}
END_TEST

START_TEST(test_less_under)
{
	struct modiso_gate *gate;
	unsigned before;
	pthread_t thread;

	make_turn();
	expect(MODISO_OK, modiso_region_grant(common, b.module, RW));
	gate = make_gate(b.module, read_on);
	thread = thread_start(in_read_on, gate);
	await(10);
	/* Reading goes on. */
	expect(MODISO_OK,
	       modiso_region_grant(common, b.module, MODISO_READ));
	before = atomic_load(turn);
	await(before + 10);
	expect(MODISO_OK, modiso_region_grant(common, c.module, RW));
	before = atomic_load(turn);
	await(before + 10);
	expect(MODISO_OK, modiso_region_revoke(common, b.module));
	thread_join(thread);
	must_blame(&ended, MODISO_READ, target, common);
	must_be(common, RW, 0, RW);
}
END_TEST

START_TEST(test_grant_under)
{
	struct modiso_gate *gate;
	pthread_t thread;

	make_turn();
	gate = make_gate(b.module, wait_and_read);
	thread = thread_start(in_wait, gate);
	await(1);
	expect(MODISO_OK,
	       modiso_region_grant(common, b.module, MODISO_READ));
	atomic_store(turn, 2);
	must_eq((uintptr_t)thread_join(thread), 44);
	must_be(common, RW, MODISO_READ, 0);
}
END_TEST

/* --- keys --- */

static int key_of(const struct modiso_region *region)
{
	struct proc_mapping mapping;

	must(proc_mapping(region_bytes(region), &mapping));
	return mapping.pkey;
}

START_TEST(test_equal_rights_share)
{
	struct modiso_region *one = make_scene(), *same, *less;

	same = make_region(a.module, PAGE, "same");
	less = make_region(a.module, PAGE, "less");
	expect(MODISO_OK, modiso_region_grant(one, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(same, b.module, RW));
	expect(MODISO_OK, modiso_region_grant(less, b.module, MODISO_READ));
	enter(b.store, W(region_bytes(one)), 1);
	enter(b.store, W(region_bytes(same)), 1);
	must_eq(enter(b.load, W(region_bytes(less))), 0);
	must_blame(enter_fault(b.module, b.store, W(region_bytes(less)), 1),
		   MODISO_WRITE, region_bytes(less), less);
	if (on_pkey()) {
		must_eq(key_of(one), key_of(same));
		must(key_of(one) != key_of(less));
		must(key_of(one) != 0 && key_of(less) != 0);
	}
	must_be_clean();
}
END_TEST

enum { MANY = 24 };

static struct actor many[MANY];
static struct modiso_region *regions[MANY];

/* Each region is its owner's, readable for the next, writable for the third. */
static void make_many(void)
{
	char name[16];
	int i;

	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "m%d", i);
		make_actor(&many[i], name);
		regions[i] = make_region(many[i].module, PAGE, name);
	}
	for (i = 0; i < MANY; i++) {
		expect(MODISO_OK,
		       modiso_region_grant(regions[i],
					   many[(i + 1) % MANY].module,
					   MODISO_READ));
		expect(MODISO_OK,
		       modiso_region_grant(regions[i],
					   many[(i + 2) % MANY].module, RW));
	}
}

static void check_many(int i, int stranger)
{
	const struct actor *owner = &many[i], *reader = &many[(i + 1) % MANY],
			   *writer = &many[(i + 2) % MANY];
	unsigned char *byte = region_bytes(regions[i]);

	*byte = 0;
	enter(owner->store, W(byte), 1);
	must_eq(enter(reader->load, W(byte)), 1);
	enter(writer->store, W(byte), 2);
	must_eq(enter(owner->load, W(byte)), 2);
	must_blame(enter_fault(reader->module, reader->store, W(byte), 3),
		   MODISO_WRITE, byte, regions[i]);
	must_blame(enter_fault(many[stranger].module, many[stranger].load,
			       W(byte)),
		   MODISO_READ, byte, regions[i]);
	must_eq(*byte, 2);
}

/* More sets than keys, and each module needs four of them at a time. */
START_TEST(test_more_sets_than_keys)
{
	int round, i;

	world_start();
	make_many();
	for (round = 3; round < 6; round++)
		for (i = 0; i < MANY; i++)
			check_many(i, (i + round) % MANY);
	must_be_clean();
	for (i = 0; i < MANY; i++) {
		expect(MODISO_OK,
		       modiso_region_revoke(regions[i],
					    many[(i + 1) % MANY].module));
		expect(MODISO_OK,
		       modiso_region_revoke(regions[i],
					    many[(i + 2) % MANY].module));
	}
	must_be_clean();
	for (i = 0; i < MANY; i++)
		expect(MODISO_OK, modiso_module_destroy(many[i].module));
	world_stop();
}
END_TEST

/*
 * Two keys in all, one for modules: what a module may write goes there with it,
 * for what it may only read there is none.
 */
START_TEST(test_too_few_keys)
{
	struct modiso_region *region = make_scene_with(2);

	if (on_pkey()) {
		expect(MODISO_ERR_NOKEY,
		       modiso_region_grant(region, b.module, MODISO_READ));
		must_be(region, RW, 0, 0);
		expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
		must_be(region, RW, RW, 0);
		expect(MODISO_ERR_NOKEY,
		       modiso_region_grant(region, c.module, MODISO_READ));
		must_be(region, RW, RW, 0);
		expect(MODISO_OK, modiso_region_grant(region, c.module, RW));
		must_be(region, RW, RW, RW);
		expect(MODISO_OK, modiso_region_revoke(region, b.module));
		must_be(region, RW, 0, RW);
		expect(MODISO_OK, modiso_region_revoke(region, c.module));
		must_be(region, RW, 0, 0);
	} else {
		through_all_rights(region, RW);
	}
	expect(MODISO_OK, modiso_module_destroy(a.module));
	expect(MODISO_OK, modiso_module_destroy(b.module));
	expect(MODISO_OK, modiso_module_destroy(c.module));
	world_stop();
}
END_TEST

/* --- a module with more sets than there are keys --- */

static struct actor hub;
static uint32_t max_keys;

/* Every other device lets the hub write, the others let it read. */
static uint32_t hub_access(int i)
{
	return i % 2 ? MODISO_READ : RW;
}

static void make_hub(uint32_t keys, uint32_t wait_ms)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = keys,
					 .key_wait_ms = wait_ms};
	char name[24];
	int i;

	max_keys = keys;
	expect(MODISO_OK, modiso_init(&options));
	make_actor(&hub, "hub");
	for (i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "device%d", i);
		make_actor(&many[i], name);
		regions[i] = make_region(many[i].module, PAGE, name);
		expect(MODISO_OK, modiso_region_grant(regions[i], hub.module,
						      hub_access(i)));
	}
}

static void check_hub(int i)
{
	const struct actor *device = &many[i], *other = &many[(i + 1) % MANY];
	unsigned char *byte = region_bytes(regions[i]);

	enter(device->store, W(byte), (uintptr_t)i + 1);
	must_eq(enter(hub.load, W(byte)), (uintptr_t)i + 1);
	if (hub_access(i) == RW) {
		enter(hub.store, W(byte), 77);
		must_eq(enter(device->load, W(byte)), 77);
	} else {
		must_blame(enter_fault(hub.module, hub.store, W(byte), 77),
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

START_TEST(test_hub)
{
	int i;

	make_hub(key_counts[_i], 0);
	for (i = 0; i < 3 * MANY; i++)
		check_hub(i * 7 % MANY);
	/* Each time by its rights, and not because a handler puts it right. */
	enter(many[0].store, W(region_bytes(regions[0])), 6);
	for (i = 0; i < 2000; i++)
		must_eq(enter(hub.load, W(region_bytes(regions[0]))), 6);
	/* Rights that go, to one that is a guest and to one that is not. */
	for (i = 0; i < MANY; i += 3) {
		expect(MODISO_OK,
		       modiso_region_revoke(regions[i], hub.module));
		must_blame(enter_fault(hub.module, hub.load,
				       W(region_bytes(regions[i]))),
			   MODISO_READ, region_bytes(regions[i]), regions[i]);
		check_hub((i + 1) % MANY);
	}
	/* Whoever ends leaves the others' as they are. */
	expect(MODISO_OK, modiso_module_destroy(hub.module));
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

static uintptr_t call_hub(uintptr_t i)
{
	unsigned char *byte = region_bytes(regions[i]);

	enter_if_possible(hub.load, byte, 0, ENOUGH);
	if (hub_access((int)i) == RW)
		enter_if_possible(hub.store, byte, 1, ENOUGH);
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

/* While a device waits in a service the hub works on its region. */
START_TEST(test_hub_inside_device)
{
	int round, i;

	make_hub(key_counts[_i], 0);
	ask = (uintptr_t(*)(uintptr_t))make_service("ask", call_hub);
	for (round = 0; round < 2; round++)
		for (i = 0; i < MANY; i++)
			must_eq(enter(make_gate(many[i].module, store_and_ask),
				      W(region_bytes(regions[i])), i),
				1);
	must_be_clean();
}
END_TEST

static uintptr_t look_around(uintptr_t unused)
{
	int i;

	(void)unused;
	/* Each device comes, and its set gets a key, for as long as we stay. */
	for (i = 0; i < MANY; i += 5)
		enter_if_possible(many[i].store, region_bytes(regions[i]), 9,
				  ENOUGH + 5);
	expect(MODISO_OK, modiso_region_revoke(regions[2], hub.module));
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
 * Others come for their sets while the hub waits in a service: it has its
 * rights all the same when it goes on, and none that it lost.
 */
START_TEST(test_device_inside_hub)
{
	struct modiso_region *table;
	struct modiso_gate *gate;
	unsigned char **bytes;
	int i;

	make_hub(key_counts[_i], 0);
	ask = (uintptr_t(*)(uintptr_t))make_service("ask", look_around);
	table = make_region(hub.module, PAGE, "table");
	bytes = (unsigned char **)(void *)region_bytes(table);
	for (i = 0; i < MANY; i++)
		bytes[i] = region_bytes(regions[i]);
	gate = make_gate(hub.module, sum);
	i = (int)enter(gate, W(bytes));
	must(i == 9 + 9 + 10 || max_keys != 0);
	gate = make_gate(hub.module, sum_too_much);
	expect(MODISO_OK, modiso_region_grant(regions[2], hub.module, RW));
	expect(MODISO_OK, modiso_region_revoke(regions[4], many[5].module));
	must_blame(enter_fault(hub.module, gate, W(bytes)), MODISO_READ,
		   bytes[2], regions[2]);
	must_be_clean();
}
END_TEST

static uintptr_t call_other_hub(uintptr_t back)
{
	unsigned char *byte = region_bytes(common);

	if (back != 0)
		return enter(hub.load, W(byte));
	must_eq(enter(make_gate(b.module, store_and_ask), W(byte), 1), 1);
	enter(b.store, W(byte), 2);
	return 0;
}

/* Two that are both crowded share: there are keys enough for one set more. */
START_TEST(test_two_hubs)
{
	struct modiso_region *second;
	int i;

	make_hub(0, 0);
	make_actor(&b, "other hub");
	for (i = 0; i < MANY; i++) {
		second = make_region(many[i].module, PAGE, "second");
		expect(MODISO_OK,
		       modiso_region_grant(second, b.module, hub_access(i)));
	}
	common = make_region(hub.module, PAGE, "common");
	expect(MODISO_OK, modiso_region_grant(common, b.module, RW));
	ask = (uintptr_t(*)(uintptr_t))make_service("ask", call_other_hub);
	for (i = 0; i < 3; i++)
		must_eq(enter(make_gate(hub.module, store_and_ask),
			      W(region_bytes(common)), 0),
			2);
	must_be_clean();
}
END_TEST

/* As few as there can be with sets: they and the modules take turns. */
START_TEST(test_few_keys)
{
	struct modiso_region *region = make_scene_with(7);
	int round;

	for (round = 0; round < 3; round++)
		through_all_rights(region, RW);
	expect(MODISO_OK, modiso_region_grant(region, b.module, RW));
	for (round = 0; round < 8; round++) {
		struct actor *more = &many[round];

		make_actor(more, "more");
		must_have(more, region, 0);
		must_be(region, RW, RW, 0);
	}
}
END_TEST

static uintptr_t revoke_and_enter_all(uintptr_t unused)
{
	(void)unused;
	expect(MODISO_OK, modiso_region_revoke(common, b.module));
	for (int i = 0; i < MANY; i++)
		enter(many[i].store, W(region_bytes(regions[i])), 1);
	return 0;
}

MODULE_CODE static uintptr_t spoil(volatile unsigned char *granted,
				   volatile unsigned char *foreign)
{
	*granted = 1;
	ask(0);
	*foreign = 2;
	return 0;
}

/*
 * The key of a set that ended is nobody's while a thread has its rights: every
 * other module is entered meanwhile, and takes a key.
 */
START_TEST(test_no_rights_left_over)
{
	struct modiso_gate *gate;
	unsigned char *byte;
	int i;

	common = make_scene();
	for (i = 0; i < MANY; i++) {
		make_actor(&many[i], "more");
		regions[i] = make_region(many[i].module, PAGE, "theirs");
	}
	ask = (uintptr_t(*)(uintptr_t))make_service("revoke",
						    revoke_and_enter_all);
	gate = make_gate(b.module, spoil);
	for (i = 0; i < MANY; i++) {
		byte = region_bytes(regions[i]);
		expect(MODISO_OK, modiso_region_grant(common, b.module, RW));
		must_blame(enter_fault(b.module, gate, W(region_bytes(common)),
				       W(byte)),
			   MODISO_WRITE, byte, regions[i]);
		must_eq(*byte, 1);
	}
	must_be_clean();
}
END_TEST

/* --- a thread that a module has made --- */

static atomic_int looks, wanted_looks;
static atomic_bool look_no_more;

/* Once for each time that it is asked to. */
MODULE_CODE static void *look(void *address)
{
	for (;;) {
		bool last = atomic_load(&look_no_more);

		if (atomic_load(&looks) != atomic_load(&wanted_looks)) {
			(void)*(volatile unsigned char *)address;
			atomic_fetch_add(&looks, 1);
		} else if (last) {
			return NULL;
		} else {
			sched_yield();
		}
	}
}

MODULE_CODE static uintptr_t leave_looker(pthread_t *thread, uintptr_t address)
{
	return (uintptr_t)pthread_create(thread, NULL, look, (void *)address);
}

static void ask_for_look(void)
{
	int number = atomic_fetch_add(&wanted_looks, 1) + 1;

	while (atomic_load(&looks) != number)
		sched_yield();
}

enum { REVOKED, ENDED, WAYS };

/* The thread looks until its module has no rights any more. */
static void look_until(void *way)
{
	static pthread_t thread;

	common = make_scene();
	expect(MODISO_OK, modiso_region_grant(common, b.module, MODISO_READ));
	expect(MODISO_OK, modiso_region_grant(common, c.module, RW));
	must_have(&b, common, MODISO_READ);
	must_eq(enter(make_gate(b.module, leave_looker), W(&thread),
		      W(region_bytes(common))),
		0);
	ask_for_look();
	if (*(int *)way == REVOKED)
		expect(MODISO_OK, modiso_region_revoke(common, b.module));
	else
		expect(MODISO_OK, modiso_module_destroy(b.module));
	must_have(&a, common, RW);
	must_have(&c, common, RW);
	atomic_fetch_add(&wanted_looks, 1);
	atomic_store(&look_no_more, true);
	thread_join(thread); /* its fault ends it, or all */
	must_eq(atomic_load(&looks), 1);
	exit(*(int *)way == REVOKED ? 3 : 4);
}

START_TEST(test_thread_of_module)
{
	char text[1024];
	int status = child_output(look_until, &_i, text, sizeof(text));

	if (_i == REVOKED)
		must_exit(status, 3);
	else
		must_die(status, SIGSEGV);
}
END_TEST

/* The key of a set that such a thread knows becomes nobody else's. */
START_TEST(test_key_of_set_kept)
{
	static pthread_t thread;
	int key, i;

	common = make_scene();
	expect(MODISO_OK, modiso_region_grant(common, b.module, MODISO_READ));
	must_have(&b, common, MODISO_READ);
	must_eq(enter(make_gate(b.module, leave_looker), W(&thread),
		      W(region_bytes(common))),
		0);
	ask_for_look();
	key = key_of(common);
	if (_i == REVOKED)
		expect(MODISO_OK, modiso_region_revoke(common, b.module));
	else
		expect(MODISO_OK, modiso_module_destroy(b.module));
	for (i = 0; i < MANY; i++) {
		make_actor(&many[i], "more");
		regions[i] = make_region(many[i].module, PAGE, "theirs");
		enter(many[i].store, W(region_bytes(regions[i])), 1);
		must(key_of(regions[i]) != key);
	}
	must_be_clean();
	atomic_store(&look_no_more, true);
	thread_join(thread);
}
END_TEST

/* --- many threads --- */

static atomic_bool stop_all;

/* What is not allowed just now is a fault, and nothing else happens. */
static void *use(void *arg)
{
	const struct actor *actor = arg;
	const uintptr_t words[] = {W(target), 9};
	int code;

	while (!atomic_load(&stop_all)) {
		code = modiso_gate_call(actor->load, words, 1, NULL);
		must(code == 0 || code == MODISO_ERR_FAULT ||
		     code == MODISO_ERR_NOKEY);
		code = modiso_gate_call(actor->store, words, 2, NULL);
		must(code == 0 || code == MODISO_ERR_FAULT ||
		     code == MODISO_ERR_NOKEY);
	}
	return NULL;
}

/* Rights may fail to change for want of a key: then they are as before. */
static uint32_t change_at_random(const struct actor *actor, uint32_t had,
				 uint32_t random)
{
	static const uint32_t rights[] = {0, MODISO_READ, RW};
	uint32_t next = rights[random % 3];
	int code = 0;

	if (next != 0)
		code = modiso_region_grant(common, actor->module, next);
	else if (had != 0)
		code = modiso_region_revoke(common, actor->module);
	must(code == 0 || code == MODISO_ERR_NOKEY);
	return code == 0 ? next : had;
}

START_TEST(test_threads)
{
	static struct actor *const users[] = {&a, &b, &c, &b};
	unsigned long rounds = times(300, 60);
	uint32_t of_b = 0, of_c = 0, random = 12345;
	pthread_t threads[4];
	int i;

	common = make_scene();
	target = region_bytes(common);
	for (i = 0; i < 4; i++)
		threads[i] = thread_start(use, users[i]);
	while (rounds--) {
		random = random * 1103515245u + 12345u;
		of_b = change_at_random(&b, of_b, random >> 16);
		of_c = change_at_random(&c, of_c, random >> 20);
	}
	atomic_store(&stop_all, true);
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
	must_be(common, RW, of_b, of_c);
}
END_TEST

/* --- a crowded module, and those that it shares with, on many threads --- */

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

	for (unsigned long left = times(2000, 100); left != 0; left--) {
		done += must_get(call(device->store, mine), true);
		must_get(call(device->load, other), false);
		must_get(call(device->load, mine), true);
	}
	return (void *)done;
}

static void *be_hub(void *arg)
{
	uint32_t random = (uint32_t)W(arg);
	uintptr_t done = 0;

	for (unsigned long left = times(2000, 100); left != 0; left--) {
		int i = (random = random * 1103515245u + 12345u) >> 16;
		const void *byte = region_bytes(regions[i %= MANY]);

		done += must_get(call(hub.load, byte), true);
		must_get(call(hub.store, byte), hub_access(i) == RW);
	}
	return (void *)done;
}

START_TEST(test_hub_threads)
{
	pthread_t threads[5];
	void *done;
	int i;

	make_hub(key_counts[_i], PATIENCE_MS);
	for (i = 0; i < 5; i++)
		threads[i] = i < 3 ? thread_start(be_device, &many[i]) :
				     thread_start(be_hub, (void *)(W(i) * 77));
	for (i = 0; i < 5; i++) {
		must_eq(pthread_join(threads[i], &done), 0);
		must(done != NULL);
	}
	for (i = 0; i < MANY; i++)
		check_hub(i);
}
END_TEST

/* Nor does a set leave its key for a crowded module's. */
START_TEST(test_key_of_set_kept_from_hub)
{
	static pthread_t thread;
	unsigned char *byte;
	int key, i;

	make_hub(key_counts[_i], 0);
	byte = region_bytes(regions[0]);
	enter(many[0].store, W(byte), 1);
	must_eq(enter(make_gate(many[0].module, leave_looker), W(&thread),
		      W(byte)),
		0);
	ask_for_look();
	key = key_of(regions[0]);
	for (i = 0; i < MANY; i++)
		enter_if_possible(hub.load, region_bytes(regions[i]), 0,
				  ENOUGH);
	must_eq(key_of(regions[0]), key);
	ask_for_look();
	atomic_store(&look_no_more, true);
	thread_join(thread);
	must_be_clean();
}
END_TEST

/* --- a set whose own key becomes the one that the hub reads with --- */

static struct actor waiting[4];

/* Everybody who is in the scene is inside, but for the first device. */
static uintptr_t wait_inside(uintptr_t left)
{
	unsigned char *byte = region_bytes(regions[0]);
	int code;

	if (left != 0) {
		enter_if_possible(make_gate(waiting[left - 1].module, pass_on),
				  (void *)(left - 1), 0, ENOUGH + 5);
		return 0;
	}
	enter_if_possible(hub.load, byte, 0, ENOUGH + 5);
	/* Whoever takes a key now has not got what the hub may read. */
	for (int i = 8; i < MANY; i++) {
		code = call(many[i].load, byte);
		must(code == MODISO_ERR_FAULT || code == MODISO_ERR_NOKEY);
	}
	must_be_clean();
	return 0;
}

START_TEST(test_hub_robs_itself)
{
	const uint32_t strangers = (uint32_t)_i % 4;
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = 6 + (uint32_t)_i / 4};
	int i;

	max_keys = options.max_keys;
	expect(MODISO_OK, modiso_init(&options));
	ask = (uintptr_t(*)(uintptr_t))make_service("ask", wait_inside);
	make_actor(&hub, "hub");
	for (i = 0; i < 4; i++)
		make_actor(&waiting[i], "waiting");
	for (i = MANY; i-- > 0;) {
		make_actor(&many[i], "device");
		regions[i] = make_region(many[i].module, PAGE, "device's");
		if (i < 8)
			expect(MODISO_OK,
			       modiso_region_grant(regions[i], hub.module,
						   i == 0 ? MODISO_READ : RW));
	}
	enter(many[0].store, W(region_bytes(regions[0])), 1);
	enter_if_possible(make_gate(many[1].module, store_and_ask),
			  region_bytes(regions[1]), strangers, ENOUGH);
	must_eq(enter(hub.load, W(region_bytes(regions[0]))), 1);
	must_be_clean();
}
END_TEST

/* A fault handler reads who has rights while they change, by design. */
#define HANDLER                                                                \
	"a fault handler takes no lock to read what another thread changes"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("grant");
	TCase *tcase = tcase_create("contract");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_rights);
	tcase_add_test(tcase, test_host_region);
	tcase_add_test(tcase, test_adopted);
	tcase_add_test(tcase, test_protect);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_busy);
	tcase_add_test(tcase, test_snapshot);
	tcase_add_test(tcase, test_report);
	tcase_add_test(tcase, test_inside);
	add_test_but_tsan(tcase, test_revoke_under, HANDLER);
	add_test_but_tsan(tcase, test_less_under, HANDLER);
	add_test_but_tsan(tcase, test_grant_under, HANDLER);
	tcase_add_test(tcase, test_equal_rights_share);
	tcase_add_test(tcase, test_more_sets_than_keys);
	tcase_add_test(tcase, test_too_few_keys);
	tcase_add_loop_test(tcase, test_hub, 0, 4);
	tcase_add_loop_test(tcase, test_hub_inside_device, 0, 4);
	tcase_add_loop_test(tcase, test_device_inside_hub, 0, 4);
	tcase_add_loop_test(tcase, test_hub_robs_itself, 0, 16);
	tcase_add_test(tcase, test_two_hubs);
	tcase_add_test(tcase, test_few_keys);
	tcase_add_test(tcase, test_no_rights_left_over);
	if (on_pkey()) {
		tcase_add_loop_test(tcase, test_thread_of_module, 0, WAYS);
		add_loop_test_but_tsan(tcase, test_key_of_set_kept, 0, WAYS,
				       "a thread of its own");
		add_loop_test_but_tsan(tcase, test_key_of_set_kept_from_hub, 0,
				       4, "a thread of its own");
	}
	add_test_but_tsan(tcase, test_threads, HANDLER);
	add_loop_test_but_tsan(tcase, test_hub_threads, 0, 4, HANDLER);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
