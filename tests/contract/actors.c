/* SPDX-License-Identifier: MIT */
#include "contract/actors.h"
#include "support/poke.h"
#include "support/proc.h"

#include <sched.h>
#include <string.h>

struct actor a, b, c;

void make_actor(struct actor *actor, const char *name)
{
	actor->module = make_module(name);
	make_region(actor->module, PAGE, "own");
	actor->load = make_gate(actor->module, poke_load1);
	actor->store = make_gate(actor->module, poke_store1);
}

struct modiso_region *make_actors(void)
{
	make_actor(&a, "a");
	make_actor(&b, "b");
	make_actor(&c, "c");
	return make_region(a.module, 2 * PAGE, "common");
}

struct modiso_region *make_scene(void)
{
	struct modiso_region *region;

	world_start();
	region = make_actors();
	make_region(a.module, PAGE, "behind");
	return region;
}

void must_be_clean(void)
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
			     first.region_name, first.access, first.want_access,
			     first.key, first.want_key);
}

static int range_code(const struct actor *actor, void *byte, uint32_t access)
{
	return modiso_range_check(actor->module, byte, 1, access);
}

void must_have(const struct actor *actor, struct modiso_region *region,
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
		must_blame(
			enter_fault(actor->module, actor->store, W(byte), 32),
			MODISO_WRITE, byte, region);
		must_eq(*byte, 31);
	}
	must_eq(range_code(actor, byte, MODISO_READ),
		access & MODISO_READ ? 0 : MODISO_ERR_ACCESS);
	must_eq(range_code(actor, byte, RW),
		access & MODISO_WRITE ? 0 : MODISO_ERR_ACCESS);
	must_be_clean();
}

void must_be(struct modiso_region *region, uint32_t of_a, uint32_t of_b,
	     uint32_t of_c)
{
	must_have(&a, region, of_a);
	must_have(&b, region, of_b);
	must_have(&c, region, of_c);
	must_have(&a, region, of_a);
	must_eq(region_info(region).granted, (of_b != 0) + (of_c != 0));
}

void through_all_rights(struct modiso_region *region, uint32_t owners)
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

struct modiso_region *common;
uintptr_t (MODISO_CALL *volatile ask)(uintptr_t what);

struct actor many[MANY];
struct modiso_region *regions[MANY];

atomic_int looks, wanted_looks;
atomic_bool look_no_more;

/* Once for each time that it is asked to. A thread's, not a gate's. */
UNWATCHED static void *look(void *address)
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

MODULE_CODE uintptr_t leave_looker(pthread_t *thread, uintptr_t address)
{
	return (uintptr_t)pthread_create(thread, NULL, look, (void *)address);
}

void ask_for_look(void)
{
	int number = atomic_fetch_add(&wanted_looks, 1) + 1;

	while (atomic_load(&looks) != number)
		sched_yield();
}
