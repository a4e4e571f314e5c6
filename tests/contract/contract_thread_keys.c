/* SPDX-License-Identifier: MIT */
/*
 * contract_thread_keys - threads that module code made and that the library
 * does not know: what they have the rights to is given to nobody else.
 */
#include "contract/thread_scene.h"
#include "support/world.h"
#include "support/proc.h"
#include "arch/x86_64/signal.h"
#include "core/door.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <threads.h>

static pthread_t left;
static atomic_int look_now;

MODULE_CODE static void *outlive(void *address)
{
	while (!atomic_load(&look_now))
		sched_yield();
	return (void *)(uintptr_t) * (volatile unsigned char *)address;
}

MODULE_CODE static uintptr_t leave_thread(uintptr_t address)
{
	return (uintptr_t)pthread_create(&left, NULL, outlive, (void *)address);
}

static void look_later(void *unused)
{
	(void)unused;
	make_scene();
	must_eq(enter(make_gate(module, leave_thread), W(region_bytes(hosts))),
		0);
	expect(MODISO_OK, modiso_module_destroy(module));
	atomic_store(&look_now, 1);
	thread_join(left);
}

/* It is no host thread from before the library, and gets no host's rights. */
START_TEST(test_outlives_module)
{
	char text[1024];

	must_die(child_output(look_later, NULL, text, sizeof(text)), SIGSEGV);
}
END_TEST

enum { LATER = 40 };

static thrd_t left_too;
static volatile unsigned char *volatile look_at;
static volatile int looked;

MODULE_CODE static int look(void *unused)
{
	(void)unused;
	while (!atomic_load(&look_now))
		sched_yield();
	if (look_at)
		looked = *look_at + 1;
	return 0;
}

MODULE_CODE static void *look_posix(void *unused)
{
	look(unused);
	return unused;
}

/* Both ways that the C library has. */
MODULE_CODE static uintptr_t leave_looker(uintptr_t c11)
{
	return c11 ? (uintptr_t)(thrd_create(&left_too, look, NULL) !=
				 thrd_success)
		   : (uintptr_t)pthread_create(&left, NULL, look_posix, NULL);
}

/* Of the thread, and of the kernel's last work for it. */
static void end_looker(int c11)
{
	struct stat task;

	atomic_store(&look_now, 1);
	if (c11)
		must_eq(thrd_join(left_too, NULL), thrd_success);
	else
		thread_join(left);
	do {
		sched_yield();
		must(!stat("/proc/self/task", &task));
	} while (task.st_nlink > 3);
}

/* One module after the other, most in use; is @key among theirs? */
static bool handed_on(int key)
{
	struct modiso_region *region;
	struct modiso_module *next;
	int i;

	for (i = 0; i < LATER; i++) {
		next = make_module("next");
		region = make_region(next, PAGE, "next's");
		must_eq(enter(make_gate(next, module_add_one), 1), 2);
		look_at = region_bytes(region);
		if (proc_key(region_bytes(region)) == key)
			return true;
		if (i % 3 == 1)
			expect(MODISO_OK, modiso_module_destroy(next));
	}
	return false;
}

START_TEST(test_key_retired)
{
	int key;

	make_scene();
	must_eq(enter(make_gate(module, leave_looker), _i), 0);
	key = proc_key(region_bytes(data));
	expect(MODISO_OK, modiso_module_destroy(module));
	must(!handed_on(key));
	look_at = NULL;
	end_looker(_i);
	must(handed_on(key));
}
END_TEST

/* Nor does a module lose its key to others while it lives. */
START_TEST(test_key_kept)
{
	struct modiso_gate *gate;
	int key;

	make_scene();
	gate = make_gate(module, module_add_one);
	must_eq(enter(make_gate(module, leave_looker), _i), 0);
	key = proc_key(region_bytes(data));
	must(!handed_on(key));
	must_eq(proc_key(region_bytes(data)), key);
	look_at = NULL;
	end_looker(_i);
	must(handed_on(key));
	must_eq(enter(gate, 1), 2);
}
END_TEST

enum { AT_NEXT, AT_HOST, AT_SECOND_LIFE, VICTIMS };

static void look_at_victim(void *victim)
{
	int key;

	make_scene();
	must_eq(enter(make_gate(module, leave_looker), 0), 0);
	key = proc_key(region_bytes(data));
	expect(MODISO_OK, modiso_module_destroy(module));
	switch (*(int *)victim) {
	case AT_NEXT: /* the one that has the key, or the last */
		(void)handed_on(key);
		break;
	case AT_HOST:
		look_at = region_bytes(hosts);
		break;
	default:
		expect(MODISO_OK, modiso_module_destroy(other));
		expect(MODISO_OK, modiso_region_destroy(hosts));
		world_stop();
		make_scene();
		(void)handed_on(key);
	}
	atomic_store(&look_now, 1);
	thread_join(left);
	must(!looked);
}

/* All that it has is what it was made with, and that is no module's now. */
START_TEST(test_rights_of_the_dead)
{
	char text[1024];

	must_die(child_output(look_at_victim, &_i, text, sizeof(text)),
		 SIGSEGV);
}
END_TEST

/* Keys that were kept back at the library's end are used again later. */
START_TEST(test_keys_come_back)
{
	struct proc_usage before;

	make_scene();
	before = proc_usage();
	must_eq(enter(make_gate(module, leave_looker), 0), 0);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	world_stop();
	must(proc_usage().keys != 0);
	end_looker(0);
	make_scene();
	must_eq(proc_usage().keys, before.keys);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	world_stop();
	must_eq(proc_usage().keys, 0);
}
END_TEST

/* Where each module has such a thread no other one can have a key. */
START_TEST(test_keys_run_out)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = 5};
	const uintptr_t word = 0;
	struct modiso_module *next;
	int i, code;

	expect(MODISO_OK, modiso_init(&options));
	module = make_module("first");
	must_eq(enter(make_gate(module, leave_looker), 0), 0);
	for (i = 0, code = 0; code == 0 && i < 5; i++) {
		next = make_module("next");
		code = modiso_gate_call(make_gate(next, leave_looker), &word, 1,
					NULL);
	}
	must_eq(code, MODISO_ERR_NOKEY);
	must(strstr(modiso_last_error_text(),
		    "threads that modules have made"));
	/* Destroying one helps nobody, but the end of these threads does. */
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_ERR_NOKEY,
	       modiso_gate_call(make_gate(next, module_add_one), &word, 1,
				NULL));
	end_looker(0);
	must_eq(enter(make_gate(next, module_add_one), 1), 2);
}
END_TEST

static void *wait_to_look(void *unused)
{
	look(NULL);
	return unused;
}

/*
 * One whose system calls are stopped makes no thread, though it jump to where
 * the library hears of that: its key is anybody's, then as now.
 */
START_TEST(test_guarded_makes_none)
{
	const struct modiso_module_options guarded = {
		.struct_size = sizeof(guarded),
		.confinement = MODISO_CONFINE_SEALED,
		.syscalls = MODISO_SYSCALLS_NONE,
	};
	struct modiso_module *jumper;
	pthread_t unknown;
	int i;

	make_scene();
	unknown = thread_start(wait_to_look, NULL);
	for (i = 0; i < LATER; i++) {
		expect(MODISO_OK,
		       modiso_module_create("jumper", &guarded, &jumper));
		enter(make_gate(jumper, mdi_door_open_thread), 0);
		if (i % 2)
			expect(MODISO_OK, modiso_module_destroy(jumper));
	}
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	atomic_store(&look_now, 1);
	thread_join(unknown);
}
END_TEST

#define OWN_THREAD "it has a thread of its own"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("thread_keys");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_outlives_module);
	tcase_add_loop_test(tcase, test_rights_of_the_dead, 0, VICTIMS);
	add_loop_test_but_tsan(tcase, test_key_retired, 0, 2, OWN_THREAD);
	add_test_but_tsan(tcase, test_key_kept, OWN_THREAD);
	add_test_but_tsan(tcase, test_keys_come_back, OWN_THREAD);
	add_test_but_tsan(tcase, test_keys_run_out, OWN_THREAD);
	tcase_add_test(tcase, test_guarded_makes_none);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_PKEY);
}
