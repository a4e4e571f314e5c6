/* SPDX-License-Identifier: MIT */
/*
 * contract_region_protect - rights to a region that change: never writable and
 * executable, and sealed for good.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>

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
	unsigned long n = run_times(2000, 60);
	pthread_t watcher = thread_start(watch_maps, NULL);

	while (!atomic_load(&looks))
		;
	for (unsigned long i = 0; i < n || atomic_load(&looks) < 20; i++) {
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

static Suite *make_suite(void)
{
	Suite *suite = suite_create("region_protect");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_read_only);
	tcase_add_test(tcase, test_cmpxchg_read_only);
	tcase_add_test(tcase, test_seal);
	tcase_add_test(tcase, test_wrong_protect);
	tcase_add_test(tcase, test_never_both);
	tcase_add_test(tcase, test_foreign_code);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
