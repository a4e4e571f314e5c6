/* SPDX-License-Identifier: MIT */
/*
 * contract_fork - the child of a process that uses the library is one as well:
 * with one thread, host rights, and the same memory protected.
 */
#include "support/stayer.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
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
	memset(region_bytes(data), 'd', PAGE);
	memset(region_bytes(others), 'o', PAGE);
	memset(region_bytes(hosts), 'h', PAGE);
}

/* All that the parent can do, and nothing that its modules could not. */
static void use_everything(void *unused)
{
	struct modiso_gate *load = make_gate(module, poke_load1);
	unsigned char *byte;

	(void)unused;
	must_eq(region_bytes(hosts)[1], 'h');
	region_bytes(hosts)[0] = 'H';
	must_eq(enter(load, W(region_bytes(data))), 'd');
	byte = region_bytes(hosts);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   hosts);
	byte = region_bytes(others);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   others);
	byte = region_bytes(data);
	must_blame(
		enter_fault(other, make_gate(other, poke_store1), W(byte), 1),
		MODISO_WRITE, byte, data);
	region_bytes(hosts)[0] = 'H';
	must_eq(region_bytes(data)[0], 'd');
}

static void end_everything(void *unused)
{
	struct modiso_region *region;

	use_everything(unused);
	region = make_region(make_module("child's"), PAGE, "child's");
	region_bytes(region)[0] = 1;
	expect(MODISO_OK, modiso_module_destroy(region_info(region).owner));
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	world_stop();
	/* A new life of the library in the child. */
	make_scene();
	use_everything(unused);
}

START_TEST(test_child)
{
	make_scene();
	if (_i)
		must_eq(enter(make_gate(module, module_add_one), 1), 2);
	must_exit(child_status(use_everything, NULL), 0);
	must_exit(child_status(end_everything, NULL), 0);
	/* What the child did is nothing to the parent. */
	must(all_bytes(region_bytes(hosts), 'h', PAGE));
	use_everything(NULL);
	must_exit(child_status(use_everything, NULL), 0);
}
END_TEST

static void grandchild(void *unused)
{
	use_everything(unused);
	must_exit(child_status(end_everything, unused), 0);
	use_everything(unused);
}

START_TEST(test_grandchild)
{
	make_scene();
	must_exit(child_status(grandchild, NULL), 0);
	use_everything(NULL);
}
END_TEST

/* A host fault of the child is the child's own, not the library's. */
static void fault_in_child(void *unused)
{
	use_everything(unused);
	poke_load1(NULL);
}

START_TEST(test_child_faults)
{
	make_scene();
	must_die(child_status(fault_in_child, NULL), SIGSEGV);
}
END_TEST

/* The child starts its own threads; the parent's are not there. */
static void *thread_body(void *unused)
{
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	region_bytes(hosts)[5]++;
	return unused;
}

static void threads_in_child(void *unused)
{
	int i;

	use_everything(unused);
	for (i = 0; i < 4; i++)
		thread_join(thread_start(thread_body, NULL));
	must_eq(region_bytes(hosts)[5], 'h' + 4);
	end_everything(unused);
}

/* --- while other threads are inside --- */

static unsigned long inside;

/*
 * Until @n threads are inside. One that is still on its way there may hold a
 * lock of the C library or of a sanitizer's allocator, which the child of a
 * fork would then wait for.
 */
static void await_inside(unsigned long n)
{
	while (__atomic_load_n(&inside, __ATOMIC_ACQUIRE) < n)
		sched_yield();
}

/*
 * A module runs on another thread when the process forks. With mprotect its
 * pages are open and the host's are closed at that moment; in the child nobody
 * is inside.
 */
START_TEST(test_fork_beside_module)
{
	pthread_t threads[2];

	make_scene();
	threads[0] = stayer_start(module);
	threads[1] = stayer_start(module);
	must_exit(child_status(threads_in_child, NULL), 0);
	must_exit(child_status(end_everything, NULL), 0);
	stayers_leave();
	thread_join(threads[0]);
	thread_join(threads[1]);
	use_everything(NULL);
}
END_TEST

static atomic_bool busy_done;

static void *busy_thread(void *gate)
{
	unsigned long i = 0;

	must_eq(enter(gate, 0), 1);
	__atomic_fetch_add(&inside, 1, __ATOMIC_RELEASE);
	while (!atomic_load(&busy_done)) {
		must_eq(enter(gate, i), i + 1);
		if (++i % 16 == 0)
			enter_fault(module, make_gate(module, poke_load1), 0);
		if (i % 16 == 1)
			__atomic_fetch_add(&region_bytes(hosts)[9], 1,
					   __ATOMIC_RELAXED);
	}
	return NULL;
}

/* At any moment of their gates, locks held and half-way through. */
START_TEST(test_fork_beside_busy)
{
	unsigned long n = run_times(60, 15);
	pthread_t threads[3];
	int i;

	make_scene();
	for (i = 0; i < 3; i++)
		threads[i] = thread_start(
			busy_thread,
			make_gate(i == 2 ? other : module, module_add_one));
	await_inside(3);
	while (n--)
		must_exit(child_status(n % 2 ? use_everything : end_everything,
				       NULL),
			  0);
	atomic_store(&busy_done, true);
	for (i = 0; i < 3; i++)
		thread_join(threads[i]);
	use_everything(NULL);
}
END_TEST

/* --- in a service --- */

static uintptr_t (*volatile service)(uintptr_t);
static struct modiso_service *fork_service;
static pid_t service_child;
static unsigned service_depth;
static struct modiso_gate *nest_gates[2];

static uintptr_t fork_here(uintptr_t value)
{
	uintptr_t result = 0;

	if (service_depth++ < value) {
		must_eq(modiso_gate_call(nest_gates[service_depth % 2],
					 WORDS(value), &result),
			MODISO_OK);
		return result + 1;
	}
	service_child = fork();
	must(service_child >= 0);
	return value;
}

MODULE_CODE static uintptr_t call_service(uintptr_t value)
{
	return service(value);
}

/* The child leaves the module by returning, as its parent does. */
START_TEST(test_fork_in_service)
{
	uintptr_t depth = (uintptr_t)_i;
	int status = 0;

	make_scene();
	expect(MODISO_OK, modiso_service_create("fork", (modiso_fn)fork_here,
						NULL, &fork_service));
	service = (uintptr_t(*)(uintptr_t))modiso_service_thunk(fork_service);
	nest_gates[0] = make_gate(module, call_service);
	nest_gates[1] = make_gate(other, call_service);
	must_eq(enter(nest_gates[0], depth), 2 * depth);
	must_eq(modiso_module_caller(), NULL);
	if (!service_child) {
		expect(MODISO_OK, modiso_service_destroy(fork_service));
		end_everything(NULL);
		_exit(44);
	}
	must_eq(waitpid(service_child, &status, 0), service_child);
	must_exit(status, 44);
	use_everything(NULL);
}
END_TEST

/* --- with a window open --- */

static void window_in_child(void *unused)
{
	(void)unused;
	region_bytes(data)[3] = 'w';
	expect(MODISO_ERR_BUSY, modiso_region_destroy(data));
	expect(MODISO_OK, modiso_window_close(data));
	expect(MODISO_ERR_STATE, modiso_window_close(data));
	end_everything(NULL);
}

START_TEST(test_fork_with_window)
{
	make_scene();
	expect(MODISO_OK, modiso_window_open(data, RW));
	must_exit(child_status(window_in_child, NULL), 0);
	region_bytes(data)[3] = 'p';
	expect(MODISO_OK, modiso_window_close(data));
	use_everything(NULL);
}
END_TEST

/* exec, from a child, forgets all of it. */
static void exec_true(void *unused)
{
	use_everything(unused);
	execl("/bin/true", "true", (char *)NULL);
	_exit(99);
}

START_TEST(test_exec)
{
	make_scene();
	if (access("/bin/true", X_OK))
		test_skip("true", "there is no /bin/true to execute");
	must_exit(child_status(exec_true, NULL), 0);
}
END_TEST

/* What a thread has of its own goes along: its last fault, its text. */
static void last_in_child(void *number)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	must_eq(modiso_fault_count(), 1);
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(fault.number, *(uint64_t *)number);
	must(*modiso_last_error_text());
}

START_TEST(test_child_keeps_record)
{
	uint64_t number;

	make_scene();
	number = enter_fault(module, make_gate(module, poke_ud2), 0)->number;
	must_exit(child_status(last_in_child, &number), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fork");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_child, 0, 2);
	tcase_add_test(tcase, test_grandchild);
	tcase_add_test(tcase, test_child_faults);
	add_test_but_tsan(tcase, test_fork_beside_module,
			  "no threads in the child of a fork beside threads");
	tcase_add_test(tcase, test_fork_beside_busy);
	tcase_add_loop_test(tcase, test_fork_in_service, 0, 5);
	tcase_add_test(tcase, test_fork_with_window);
	tcase_add_test(tcase, test_exec);
	tcase_add_test(tcase, test_child_keeps_record);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
