/* SPDX-License-Identifier: MIT */
/*
 * contract_thread_before - a thread that is older than the library, and whose
 * rights still open keys that the program has freed, is host code all the same.
 */
#include "support/proc.h"
#include "support/world.h"

#include <pthread.h>
#include <sys/mman.h>

#define KEYS 8

static pthread_barrier_t both;
static struct modiso_module *module;
static struct modiso_region *hosts;
static bool finished;

MODULE_CODE static uintptr_t add_one(uintptr_t value)
{
	return value + 1;
}

static void open_and_free_keys(void)
{
	int key[KEYS];

	for (int i = 0; i < KEYS; i++)
		key[i] =
			pkey_alloc(0, 0); /* -1 without keys: nothing to show */
	for (int i = 0; i < KEYS; i++)
		if (key[i] >= 0)
			pkey_free(key[i]);
}

static void *old_thread(void *unused)
{
	struct modiso_gate *gate = NULL;

	(void)unused;
	open_and_free_keys();
	pthread_barrier_wait(&both);
	pthread_barrier_wait(&both);
	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)add_one, NULL, &gate));
	must_eq(region_bytes(hosts)[0], 51);
	must_eq(enter(gate, 1), 2);
	must_eq(region_bytes(hosts)[0], 51);
	finished = true;
	return NULL;
}

START_TEST(test_old_rights)
{
	pthread_t thread;

	must_eq(pthread_barrier_init(&both, NULL, 2), 0);
	thread = thread_start(old_thread, NULL);
	pthread_barrier_wait(&both);
	module = world_module();
	hosts = make_region(NULL, PAGE, "hosts");
	region_bytes(hosts)[0] = 51;
	pthread_barrier_wait(&both);
	thread_join(thread);
	must(finished);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("thread_before");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_old_rights);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
