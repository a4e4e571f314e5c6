/* SPDX-License-Identifier: MIT */
/*
 * live_pkru - the rights register itself, read with RDPKRU in the module and
 * in the host: exactly the module's key is open inside, and the host's value
 * is back outside, to the bit.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <link.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct modiso_module *module, *other;
static struct modiso_region *data, *others, *hosts;

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	data = make_region(module, PAGE, "data");
	others = make_region(other, PAGE, "other's");
	hosts = make_region(NULL, PAGE, "host's");
}

static unsigned key_of(const struct modiso_region *region)
{
	struct proc_mapping mapping;

	must(proc_mapping(region_bytes(region), &mapping));
	must(mapping.pkey > 0 && mapping.pkey < 16);
	return (unsigned)mapping.pkey;
}

/*
 * Bit 0 of a key: no access; bit 1: no writing. What the gates must read on
 * their way out is one key more, to read: no region of anybody carries it.
 */
static int own_key; /* the program's, if it has one: as the program says */

static void check_inside(uint32_t pkru, const struct modiso_region *own)
{
	unsigned key, bits, readable = 0, stacks = 0, mine = key_of(own);

	for (key = 0; key < 16; key++) {
		bits = pkru >> 2 * key & 3;
		if (key == 0 || key == mine) {
			must_eq(bits, 0);
			continue;
		}
		if (own_key && key == (unsigned)own_key)
			continue;
		if (bits & 1)
			continue;
		if (bits == 0) {
			/* Signal stacks, on kernels before 6.12. */
			must(key != key_of(hosts) && key != key_of(data) &&
			     key != key_of(others));
			stacks++;
			continue;
		}
		must(key != key_of(hosts) && key != key_of(data) &&
		     key != key_of(others));
		readable++;
	}
	must(readable <= 1);
	must(stacks <= 1);
}

static void check_thread(void)
{
	struct modiso_gate *gate = make_gate(module, poke_rdpkru);
	struct modiso_gate *its = make_gate(other, poke_rdpkru);
	uintptr_t (*thunk)(void) =
		(uintptr_t(*)(void))make_thunk(module, poke_rdpkru);
	uint32_t outside;
	int i;

	enter(gate, 0);
	outside = (uint32_t)poke_rdpkru();
	/* The host can do all of it. */
	must_eq(outside >> 2 * key_of(data) & 3, 0);
	must_eq(outside >> 2 * key_of(others) & 3, 0);
	must_eq(outside >> 2 * key_of(hosts) & 3, 0);
	for (i = 0; i < 20; i++) {
		check_inside((uint32_t)enter(gate, 0), data);
		must_eq(poke_rdpkru(), outside);
		check_inside((uint32_t)enter(its, 0), others);
		must_eq(poke_rdpkru(), outside);
		check_inside((uint32_t)thunk(), data);
		must_eq(poke_rdpkru(), outside);
		enter_fault(module, make_gate(module, poke_ud2), 0);
		must_eq(poke_rdpkru(), outside);
		enter_fault(other, make_gate(other, poke_load1),
			    W(region_bytes(hosts)));
		must_eq(poke_rdpkru(), outside);
	}
}

static void *thread_body(void *unused)
{
	check_thread();
	return unused;
}

static pthread_barrier_t meet;

static void *older_body(void *unused)
{
	pthread_barrier_wait(&meet);
	pthread_barrier_wait(&meet);
	check_thread();
	return unused;
}

START_TEST(test_threads)
{
	pthread_t older, threads[3];
	int i;

	pthread_barrier_init(&meet, NULL, 2);
	older = thread_start(older_body, NULL);
	pthread_barrier_wait(&meet);
	make_scene();
	check_thread();
	for (i = 0; i < 3; i++)
		threads[i] = thread_start(thread_body, NULL);
	pthread_barrier_wait(&meet);
	for (i = 0; i < 3; i++)
		thread_join(threads[i]);
	thread_join(older);
	check_thread();
}
END_TEST

/* --- in between --- */

static uintptr_t (*volatile service)(void);
static uint32_t in_service, in_filter, in_landing;
static uint32_t before_service, after_service;
static struct modiso_gate *inner;

static uintptr_t serve(void)
{
	in_service = (uint32_t)poke_rdpkru();
	check_inside((uint32_t)enter(inner, 0), others);
	must_eq(poke_rdpkru(), in_service);
	enter_fault(other, make_gate(other, poke_ud2), 0);
	must_eq(poke_rdpkru(), in_service);
	return 5;
}

MODULE_CODE static uintptr_t call_service(void)
{
	uintptr_t result;

	before_service = (uint32_t)poke_rdpkru();
	result = service();
	after_service = (uint32_t)poke_rdpkru();
	return result;
}

START_TEST(test_service)
{
	uint32_t outside;

	make_scene();
	service = (uintptr_t(*)(void))make_service("serve", serve);
	inner = make_gate(other, poke_rdpkru);
	enter(inner, 0);
	outside = (uint32_t)poke_rdpkru();
	must_eq(enter(make_gate(module, call_service), 0), 5);
	must_eq(in_service, outside);
	must_eq(poke_rdpkru(), outside);
	check_inside(before_service, data);
	must_eq(after_service, before_service);
}
END_TEST

static enum modiso_verdict filter(const struct modiso_fault *fault, void *arg)
{
	(void)fault;
	(void)arg;
	in_filter = (uint32_t)poke_rdpkru();
	region_bytes(hosts)[2]++;
	return MODISO_VERDICT_END;
}

static void landing(const struct modiso_fault *fault, void *arg)
{
	(void)fault;
	(void)arg;
	in_landing = (uint32_t)poke_rdpkru();
}

START_TEST(test_told)
{
	const struct modiso_fault *fault;
	uint32_t outside;

	make_scene();
	enter(make_gate(module, poke_rdpkru), 0);
	outside = (uint32_t)poke_rdpkru();
	expect(MODISO_OK, modiso_fault_notify(NULL, filter, landing, NULL));
	fault = enter_fault(module, make_gate(module, poke_load1),
			    W(region_bytes(others)));
	check_inside(fault->pkru, data);
	must_eq(fault->pkey, key_of(others));
	must_eq(in_landing, outside);
	must_eq(in_filter >> 2 * key_of(hosts) & 3, 0);
	must_eq(region_bytes(hosts)[2], 1);
}
END_TEST

/* --- the program's own keys --- */

static void set_rights(unsigned key, unsigned rights)
{
	uint32_t pkru = (uint32_t)poke_rdpkru();

	pkru &= ~(3u << 2 * key);
	pkru |= rights << 2 * key;
	__asm__ volatile("wrpkru" : : "a"(pkru), "c"(0), "d"(0) : "memory");
}

/* A key of the program's own is as the program set it, before and after. */
START_TEST(test_own_key)
{
	int key = (int)syscall(SYS_pkey_alloc, 0, 0);
	struct modiso_gate *gate;
	unsigned rights;

	must(key > 0);
	own_key = key;
	make_scene();
	gate = make_gate(module, poke_rdpkru);
	for (rights = 0; rights < 4; rights++) {
		set_rights((unsigned)key, rights);
		check_inside((uint32_t)enter(gate, 0), data);
		must_eq(poke_rdpkru() >> 2 * key & 3, rights);
		enter_fault(module, make_gate(module, poke_ud2), 0);
		must_eq(poke_rdpkru() >> 2 * key & 3, rights);
	}
}
END_TEST

/* The program has taken them all: no weaker backend in their place by name. */
START_TEST(test_no_key_left)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};
	int last = 0, key;

	while ((key = (int)syscall(SYS_pkey_alloc, 0, 0)) > 0)
		last = key;
	must(last);
	expect(MODISO_OK, modiso_backend_query(MODISO_BACKEND_PKEY, &info));
	must_eq(info.usable, 0);
	must_eq(info.keys_free, 0);
	must(*info.reason);
	expect(MODISO_ERR_NOKEY, modiso_init(NULL));
	unsetenv("MODISO_BACKEND");
	expect(MODISO_OK, modiso_init(NULL));
	must_eq(modiso_backend_current(), MODISO_BACKEND_MPROTECT);
	expect(MODISO_OK, modiso_fini());
	/* One by one they come back, until there are enough. */
	for (key = last; key > 0; key--)
		must_eq(syscall(SYS_pkey_free, key), 0);
	setenv("MODISO_BACKEND", "pkey", 1);
	expect(MODISO_OK, modiso_init(NULL));
	expect(MODISO_OK, modiso_fini());
}
END_TEST

/* At most so many: the rest is the program's. */
START_TEST(test_max_keys)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = 4};
	int taken[16], count = 0, key;

	expect(MODISO_OK, modiso_init(&options));
	while ((key = (int)syscall(SYS_pkey_alloc, 0, 0)) > 0)
		taken[count++] = key;
	must_eq(count, 15 - 4);
	module = make_module("module");
	while (count--)
		must_eq(syscall(SYS_pkey_free, taken[count]), 0);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_fini());
}
END_TEST

/* --- jumps to the instruction --- */

enum { SITES = 64 };

static const unsigned char *sites[SITES];
static int site_count;

/* Every wrpkru in the executable part of the object that holds modiso_init. */
static int find_sites(struct dl_phdr_info *info, size_t size, void *unused)
{
	const uintptr_t inside = W(modiso_init);
	const unsigned char *byte, *end;
	int i;

	(void)size;
	(void)unused;
	for (i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *segment = &info->dlpi_phdr[i];

		byte = (const unsigned char *)info->dlpi_addr +
		       segment->p_vaddr;
		end = byte + segment->p_memsz;
		if (segment->p_type != PT_LOAD || !(segment->p_flags & PF_X) ||
		    inside < W(byte) || inside >= W(end))
			continue;
		for (; byte + 3 <= end && site_count < SITES; byte++)
			if (byte[0] == 0x0f && byte[1] == 0x01 &&
			    byte[2] == 0xef)
				sites[site_count++] = byte;
	}
	return 0;
}

static void jump_to(void *site)
{
	uintptr_t before;
	uint64_t secret;

	make_scene();
	memset(region_bytes(hosts), 0x5e, PAGE);
	memcpy(&secret, region_bytes(hosts), sizeof(secret));
	expect(MODISO_OK, modiso_thread_attach());
	before = poke_rdpkru();
	(void)!modiso_gate_call(make_gate(module, poke_wrpkru_jump),
				WORDS(W(site), W(region_bytes(hosts))), NULL);
	if (poke_leaked || poke_leak == secret)
		_exit(77);
	/* The host must not get rights that it did not have, either. */
	if (poke_rdpkru() != before)
		_exit(78);
}

/* The process may end of it; no secret gets out, no right is left behind. */
START_TEST(test_jump_to_wrpkru)
{
	int i, status;

	must_eq(dl_iterate_phdr(find_sites, NULL), 0);
	must(site_count > 0);
	for (i = 0; i < site_count; i++) {
		status = child_status(jump_to, (void *)W(sites[i]));
		if (WIFEXITED(status) && WEXITSTATUS(status))
			ck_abort_msg("wrpkru at %p, %d of %d: exit status %d",
				     (const void *)sites[i], i, site_count,
				     WEXITSTATUS(status));
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("pkru");
	TCase *tcase = tcase_create("live");

	tcase_add_test(tcase, test_threads);
	tcase_add_test(tcase, test_service);
	tcase_add_test(tcase, test_told);
	tcase_add_test(tcase, test_own_key);
	tcase_add_test(tcase, test_no_key_left);
	tcase_add_test(tcase, test_max_keys);
	tcase_add_test(tcase, test_jump_to_wrpkru);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_PKEY);
}
