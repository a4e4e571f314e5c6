/* SPDX-License-Identifier: MIT */
/*
 * contract_overrun - who runs off the end of a region is told that it was the
 * end of that region, whatever was there to stop the access.
 */
#include "support/world.h"
#include "support/poke.h"

#include <string.h>

static struct modiso_module *module;
static struct modiso_gate *store, *load;

static void begin(void)
{
	module = world_module();
	store = make_gate(module, poke_store1);
	load = make_gate(module, poke_load1);
}

static void must_be_past(const struct modiso_fault *fault,
			 const struct modiso_region *region, size_t distance)
{
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	must_eq(fault->overrun, MODISO_OVERRUN_PAST);
	must_str(fault->below.name, region_info(region).name);
	must_eq(fault->below.base, region_bytes(region));
	must_eq(fault->below.length, region_info(region).length);
	must_eq(fault->below.distance, distance);
}

/* The module's first region lies below its stack's guard page, or elsewhere. */
START_TEST(test_past_the_end)
{
	struct modiso_region *region;
	const struct modiso_fault *fault;
	unsigned char *end;

	begin();
	for (size_t pages = 1; pages < 4; pages++) {
		region = make_region(module, pages * PAGE, "store");
		end = region_bytes(region) + pages * PAGE;
		for (size_t far = 0; far < PAGE; far += PAGE - 1) {
			struct modiso_region_info info = {
				.struct_size = sizeof(info)};

			/* Another one of its own behind it stops nothing. */
			if (modiso_region_find(end, &info) == MODISO_OK &&
			    strcmp(info.name, "stack"))
				continue;
			fault = enter_fault(module, store, W(end + far), 1);
			must_be_past(fault, region, far);
			must_eq(fault->below.owner_id,
				modiso_module_id(module));
			must_str(fault->below.owner_name, "module");
		}
		expect(MODISO_OK, modiso_region_destroy(region));
	}
}
END_TEST

/* A hole that a region has left, between two that are there. */
START_TEST(test_into_hole)
{
	struct modiso_region *part[3];
	const struct modiso_fault *fault;
	size_t low = 0, high = 0, hole;

	begin();
	for (size_t i = 0; i < 3; i++)
		part[i] = make_region(module, PAGE, "part");
	for (size_t i = 1; i < 3; i++) {
		if (region_bytes(part[i]) < region_bytes(part[low]))
			low = i;
		if (region_bytes(part[i]) > region_bytes(part[high]))
			high = i;
	}
	hole = 3 - low - high;
	must_eq(region_bytes(part[hole]), region_bytes(part[low]) + PAGE);
	expect(MODISO_OK, modiso_region_destroy(part[hole]));
	fault = enter_fault(module, store,
			    W(region_bytes(part[low]) + PAGE + 7), 1);
	must_be_past(fault, part[low], 7);
	must_eq(fault->region_length, 0);
	fault = enter_fault(module, load, W(region_bytes(part[high]) - 8));
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	must_eq(fault->overrun, MODISO_OVERRUN_BEFORE);
	must_eq(fault->above.base, region_bytes(part[high]));
	must_eq(fault->above.distance, 8);
	must_eq(fault->below.distance, PAGE - 8);
}
END_TEST

/* What was lent to a module it can overrun as well; and it is named. */
START_TEST(test_granted)
{
	struct modiso_module *other;
	struct modiso_region *ring;
	const struct modiso_fault *fault;
	uintptr_t end;

	begin();
	other = make_module("other");
	ring = make_region(other, PAGE, "ring");
	end = W(region_bytes(ring)) + PAGE;
	fault = enter_fault(module, store, end - 1, 1);
	must_blame(fault, MODISO_WRITE, end - 1, ring);
	must_eq(fault->overrun, MODISO_OVERRUN_NONE);
	fault = enter_fault(module, store, end, 1);
	must_eq(fault->overrun, MODISO_OVERRUN_NONE);
	expect(MODISO_OK, modiso_region_grant(ring, module, MODISO_READ));
	fault = enter_fault(module, load, end);
	must_be_past(fault, ring, 0);
	must_eq(fault->below.owner_id, modiso_module_id(other));
	must_str(fault->below.owner_name, "other");
	/* What may only be read is not left by a write. */
	fault = enter_fault(module, store, end, 1);
	must_eq(fault->overrun, MODISO_OVERRUN_NONE);
	/* Inside it is the right that is missing. */
	fault = enter_fault(module, store, end - 1, 1);
	must_eq(fault->overrun, MODISO_OVERRUN_NONE);
}
END_TEST

/* Far from everything that it may use it is a stray pointer. */
START_TEST(test_stray)
{
	struct modiso_region *region, *host;
	const struct modiso_fault *fault;

	begin();
	region = make_region(module, PAGE, "store");
	host = make_region(NULL, 4 * PAGE, "tables");
	fault = enter_fault(module, load, W(region_bytes(host)) + 2 * PAGE);
	must_eq(fault->overrun, MODISO_OVERRUN_NONE);
	must_str(fault->region_name, "tables");
	fault = enter_fault(module, load, 8);
	must_eq(fault->kind, MODISO_FAULT_UNMAPPED);
	must_eq(fault->overrun, MODISO_OVERRUN_NONE);
	must_eq(fault->below.length, 0);
	must_eq(fault->above.length, 0);
	expect(MODISO_OK, modiso_region_destroy(region));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("overrun");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_past_the_end);
	tcase_add_test(tcase, test_into_hole);
	tcase_add_test(tcase, test_granted);
	tcase_add_test(tcase, test_stray);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
