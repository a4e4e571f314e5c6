/* SPDX-License-Identifier: MIT */
/*
 * contract_thread_end - what a thread held goes with it: windows, frames, its
 * place in the list; and in the child of a fork all threads but one have gone.
 */
#include "support/proc.h"
#include "support/world.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

static struct modiso_module *module;
static struct modiso_region *region;
static struct modiso_gate *gate;

MODULE_CODE static uintptr_t add_one(uintptr_t value)
{
	return value + 1;
}

static void make_scene(void)
{
	module = world_module();
	region = make_region(module, PAGE, "region");
	gate = make_gate(module, add_one);
}

static void end_scene(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}

/* --- windows --- */

static void *end_with_windows(void *unused)
{
	(void)unused;
	expect(MODISO_OK, modiso_window_open(region, MODISO_READ));
	expect(MODISO_OK, modiso_window_open(region, RW));
	return NULL;
}

START_TEST(test_windows)
{
	make_scene();
	for (int i = 0; i < 20; i++)
		thread_join(thread_start(end_with_windows, NULL));
	must_eq(enter(gate, 1), 2);
	expect(MODISO_OK, modiso_region_destroy(region));
	end_scene();
}
END_TEST

/* --- in the middle of a call --- */

static uintptr_t(MODISO_CALL *volatile service)(void);

MODISO_CALL static uintptr_t end_here(void)
{
	pthread_exit(NULL);
	return 0; /* not each header says that it ends here */
}

MODULE_CODE static uintptr_t call_service(void)
{
	return service();
}

static void *end_in_service(void *its_gate)
{
	enter(its_gate, 0);
	return NULL;
}

START_TEST(test_frames)
{
	struct modiso_service *end = NULL;
	struct modiso_gate *its_gate;

	make_scene();
	expect(MODISO_OK,
	       modiso_service_create("end", (modiso_fn)end_here, NULL, &end));
	service = (CALLED(uintptr_t, void))modiso_service_thunk(end);
	its_gate = make_gate(module, call_service);
	thread_join(thread_start(end_in_service, its_gate));
	must_eq(enter(gate, 1), 2);
	expect(MODISO_OK, modiso_region_destroy(region));
	expect(MODISO_OK, modiso_service_destroy(end));
	end_scene();
}
END_TEST

/* --- destructors of thread-specific data --- */

static pthread_key_t late;
static atomic_int calls, refused;

static void call_late(void *value)
{
	uintptr_t words[] = {1}, result = 2;
	int code = modiso_gate_call(gate, words, 1, &result);

	must(code == MODISO_OK || code == MODISO_ERR_STATE);
	must_eq(result, 2);
	atomic_fetch_add(code == MODISO_OK ? &calls : &refused, 1);
	pthread_setspecific(late, value);
}

static void *set_late(void *unused)
{
	(void)unused;
	pthread_setspecific(late, &late);
	enter(gate, 1);
	return NULL;
}

/* The library's own key is older, so its destructor comes first each time. */
START_TEST(test_late_destructors)
{
	make_scene();
	must_eq(pthread_key_create(&late, call_late), 0);
	for (int i = 0; i < 20; i++)
		thread_join(thread_start(set_late, NULL));
	must_eq(atomic_load(&refused), 20);
	must_eq(atomic_load(&calls), 20 * (PTHREAD_DESTRUCTOR_ITERATIONS - 1));
	must_eq(pthread_key_delete(late), 0);
	end_scene();
}
END_TEST

/* --- fork --- */

static pthread_barrier_t both;

static void *hold_windows(void *unused)
{
	(void)unused;
	expect(MODISO_OK, modiso_window_open(region, MODISO_READ));
	expect(MODISO_OK, modiso_window_open(region, MODISO_READ));
	pthread_barrier_wait(&both);
	pthread_barrier_wait(&both);
	expect(MODISO_OK, modiso_window_close(region));
	expect(MODISO_OK, modiso_window_close(region));
	return NULL;
}

static void in_child(void)
{
	/* This thread's own is still there. */
	expect(MODISO_ERR_BUSY, modiso_region_destroy(region));
	expect(MODISO_OK, modiso_window_close(region));
	must_eq(enter(gate, 3), 4);
	expect(MODISO_OK, modiso_region_destroy(region));
	end_scene();
	_exit(0);
}

START_TEST(test_fork)
{
	pthread_t other;
	int status = 0;
	pid_t pid;

	make_scene();
	must_eq(pthread_barrier_init(&both, NULL, 2), 0);
	expect(MODISO_OK, modiso_window_open(region, MODISO_READ));
	other = thread_start(hold_windows, NULL);
	pthread_barrier_wait(&both);
	pid = fork();
	if (pid == 0)
		in_child();
	must_eq(waitpid(pid, &status, 0), pid);
	must_eq(status, 0);
	pthread_barrier_wait(&both);
	thread_join(other);
	expect(MODISO_OK, modiso_window_close(region));
	expect(MODISO_OK, modiso_region_destroy(region));
	end_scene();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("thread_end");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_windows);
	tcase_add_test(tcase, test_frames);
	add_test_but_tsan(tcase, test_late_destructors,
			  "it ends its own part of a thread before");
	tcase_add_test(tcase, test_fork);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
