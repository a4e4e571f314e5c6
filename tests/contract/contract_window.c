/* SPDX-License-Identifier: MIT */
/*
 * contract_window - host code opens a region for itself, for a while, and for
 * nobody else.
 */
#include "support/stayer.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static char sentinel;

static struct modiso_module *module, *other;
static struct modiso_region *data, *others, *hosts;

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	data = make_region(module, 2 * PAGE, "data");
	others = make_region(other, PAGE, "other's");
	hosts = make_region(NULL, PAGE, "host's");
}

MODULE_CODE static uintptr_t plain(uintptr_t value)
{
	return value;
}

START_TEST(test_open_close)
{
	struct modiso_region *regions[3];
	unsigned char *bytes;
	int i;

	make_scene();
	regions[0] = data;
	regions[1] = others;
	regions[2] = hosts;
	for (i = 0; i < 3; i++) {
		bytes = region_bytes(regions[i]);
		expect(MODISO_OK, modiso_window_open(regions[i], RW));
		bytes[5] = 5;
		expect(MODISO_OK, modiso_window_close(regions[i]));
		expect(MODISO_OK, modiso_window_open(regions[i], MODISO_READ));
		must_eq(bytes[5], 5);
		expect(MODISO_OK, modiso_window_close(regions[i]));
	}
}
END_TEST

START_TEST(test_wrong_arguments)
{
	static const uint32_t wrong[] = {0,  MODISO_WRITE,     MODISO_EXEC,
					 RX, RW | MODISO_EXEC, RW | 8};
	size_t i;

	make_scene();
	expect(MODISO_ERR_INVAL, modiso_window_open(NULL, RW));
	expect(MODISO_ERR_STATE, modiso_window_close(data));
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect(MODISO_ERR_INVAL, modiso_window_open(data, wrong[i]));
	expect(MODISO_ERR_STATE, modiso_window_close(data));
	expect(MODISO_OK, modiso_region_protect(data, MODISO_READ));
	expect(MODISO_ERR_ACCESS, modiso_window_open(data, RW));
	expect(MODISO_OK, modiso_window_open(data, MODISO_READ));
	expect(MODISO_ERR_INVAL, modiso_window_close(NULL));
	expect(MODISO_OK, modiso_window_close(data));
	expect(MODISO_OK, modiso_region_protect(data, RX));
	expect(MODISO_ERR_ACCESS, modiso_window_open(data, RW));
	expect(MODISO_OK, modiso_window_open(data, MODISO_READ));
	expect(MODISO_OK, modiso_window_close(data));
	expect(MODISO_ERR_STATE, modiso_window_close(data));
}
END_TEST

START_TEST(test_nesting)
{
	struct modiso_region *regions[3];
	int i, round;

	make_scene();
	regions[0] = data;
	regions[1] = others;
	regions[2] = hosts;
	for (round = 0; round < 2; round++) {
		for (i = 0; i < 16; i++)
			expect(MODISO_OK,
			       modiso_window_open(regions[i % 3],
						  i % 2 ? RW : MODISO_READ));
		expect(MODISO_ERR_LIMIT, modiso_window_open(data, RW));
		/* Only the innermost one can be closed. */
		for (i = 15; i >= 0; i--) {
			expect(MODISO_ERR_INVAL,
			       modiso_window_close(regions[(i + 1) % 3]));
			expect(MODISO_OK, modiso_window_close(regions[i % 3]));
		}
		expect(MODISO_ERR_STATE, modiso_window_close(data));
	}
}
END_TEST

/* What is open is in use. */
START_TEST(test_busy)
{
	make_scene();
	expect(MODISO_OK, modiso_window_open(data, RW));
	expect(MODISO_ERR_BUSY, modiso_region_destroy(data));
	expect(MODISO_ERR_BUSY, modiso_module_destroy(module));
	expect(MODISO_ERR_BUSY, modiso_thread_detach());
	region_bytes(data)[0] = 1;
	expect(MODISO_OK, modiso_region_destroy(others));
	expect(MODISO_OK, modiso_window_close(data));
	expect(MODISO_OK, modiso_region_destroy(data));
	expect(MODISO_OK, modiso_window_open(hosts, RW));
	expect(MODISO_ERR_BUSY, modiso_region_destroy(hosts));
	expect(MODISO_OK, modiso_window_close(hosts));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	expect(MODISO_OK, modiso_module_destroy(module));
}
END_TEST

/* A module has nothing from a window that its caller holds open. */
START_TEST(test_not_into_module)
{
	struct modiso_gate *load, *store, *own;
	unsigned char *bytes;
	int i;

	make_scene();
	load = make_gate(module, poke_load1);
	store = make_gate(module, poke_store1);
	own = make_gate(other, poke_store1);
	for (i = 0; i < 3; i++) {
		expect(MODISO_OK, modiso_window_open(hosts, RW));
		expect(MODISO_OK, modiso_window_open(others, RW));
		bytes = region_bytes(hosts);
		must_blame(enter_fault(module, load, W(bytes)), MODISO_READ,
			   bytes, hosts);
		must_blame(enter_fault(module, store, W(bytes), 1),
			   MODISO_WRITE, bytes, hosts);
		bytes = region_bytes(others);
		must_blame(enter_fault(module, load, W(bytes)), MODISO_READ,
			   bytes, others);
		must_blame(enter_fault(module, store, W(bytes), 1),
			   MODISO_WRITE, bytes, others);
		/* The window is open when the call is over, fault or not. */
		region_bytes(hosts)[1]++;
		region_bytes(others)[1]++;
		enter(own, W(region_bytes(others)), 9);
		must_eq(region_bytes(others)[0], 9);
		expect(MODISO_OK, modiso_window_close(others));
		expect(MODISO_OK, modiso_window_close(hosts));
	}
	must_eq(region_bytes(hosts)[1], 3);
	must_eq(region_bytes(others)[1], 3);
}
END_TEST

/* The kernel, on the host's behalf: EFAULT is not an answer under a window. */
START_TEST(test_system_calls)
{
	static unsigned char drain[4096];
	struct modiso_gate *gate;
	unsigned char *bytes;
	unsigned long n = run_times(500, 50);
	int ends[2];

	make_scene();
	gate = make_gate(other, plain);
	bytes = region_bytes(data);
	must(!pipe(ends));
	while (n--) {
		/* Another module was the last one to run. */
		must_eq(enter(gate, 1), 1);
		expect(MODISO_OK, modiso_window_open(data, RW));
		memset(bytes, 'w', 2 * PAGE);
		must_eq(write(ends[1], bytes, 2 * PAGE), 2 * PAGE);
		memset(bytes, 0, 2 * PAGE);
		must_eq(read(ends[0], bytes, 2 * PAGE), 2 * PAGE);
		must(all_bytes(bytes, 'w', 2 * PAGE));
		expect(MODISO_OK, modiso_window_close(data));
		must_eq(enter(gate, 1), 1);
		expect(MODISO_OK, modiso_window_open(data, MODISO_READ));
		must_eq(write(ends[1], bytes, PAGE), PAGE);
		memset(drain, 0, PAGE);
		must_eq(read(ends[0], drain, PAGE), PAGE);
		must(all_bytes(drain, 'w', PAGE));
		expect(MODISO_OK, modiso_window_close(data));
	}
}
END_TEST

/* --- with mprotect a window keeps modules out --- */

static atomic_int entered, tid;

static void *enter_thread(void *gate)
{
	atomic_store(&tid, proc_gettid());
	must_eq(enter(gate, 7), 7);
	atomic_store(&entered, 1);
	return NULL;
}

START_TEST(test_keeps_modules_out)
{
	pthread_t thread;

	make_scene();
	expect(MODISO_OK, modiso_window_open(data, RW));
	thread = thread_start(enter_thread, make_gate(other, plain));
	while (!atomic_load(&tid))
		;
	proc_wait_asleep(atomic_load(&tid));
	must(!atomic_load(&entered));
	region_bytes(data)[0] = 1;
	expect(MODISO_OK, modiso_window_close(data));
	thread_join(thread);
	must(atomic_load(&entered));
}
END_TEST

/* With protection keys it is nobody else's business. */
START_TEST(test_keeps_nobody_out)
{
	make_scene();
	expect(MODISO_OK, modiso_window_open(data, RW));
	thread_join(thread_start(enter_thread, make_gate(module, plain)));
	thread_join(thread_start(enter_thread, make_gate(other, plain)));
	expect(MODISO_OK, modiso_window_close(data));
}
END_TEST

/* And interrupts those that run. */
static void *open_thread(void *unused)
{
	expect(MODISO_OK, modiso_window_open(hosts, RW));
	region_bytes(hosts)[0] = 1;
	expect(MODISO_OK, modiso_window_close(hosts));
	return unused;
}

START_TEST(test_interrupts_modules)
{
	pthread_t stayer;

	make_scene();
	stayer = stayer_start(module);
	thread_join(thread_start(open_thread, NULL));
	must_eq(region_bytes(hosts)[0], 1);
	stayers_leave();
	thread_join(stayer);
}
END_TEST

/* --- regions that are closed to the host --- */

static struct modiso_region *make_closed(int *code)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_REGION_CLOSED,
		.name = "closed",
	};
	struct modiso_region *region = (struct modiso_region *)&sentinel;

	errno = ERRNO_MARK;
	*code = modiso_region_create(NULL, PAGE, RW, &options, &region);
	return region;
}

/*
 * A window is open, its thread is in a module, and a signal handler touches
 * what is the host's: that takes the window back as it was, once.
 */
static void touch_in_handler(int signo)
{
	(void)signo;
	region_bytes(hosts)[7]++;
}

START_TEST(test_handler_in_module)
{
	const struct sigaction action = {.sa_handler = touch_in_handler};
	struct modiso_gate *gate;
	int i;

	make_scene();
	must(!sigaction(SIGUSR1, &action, NULL));
	gate = make_gate(module, poke_tkill);
	for (i = 1; i <= 3; i++) {
		expect(MODISO_OK, modiso_window_open(data, RW));
		must_eq(enter(gate, (uintptr_t)proc_gettid(), SIGUSR1), 0);
		must_eq(region_bytes(hosts)[7], i);
		region_bytes(data)[5]++;
		expect(MODISO_OK, modiso_window_close(data));
		must_eq(enter(make_gate(other, plain), i), i);
	}
}
END_TEST

START_TEST(test_closed_unsupported)
{
	int code;

	world_start();
	must_eq(make_closed(&code), &sentinel);
	expect_code(code, MODISO_ERR_NOTSUP, "modiso_region_create", __FILE__,
		    __LINE__);
	world_stop();
}
END_TEST

/* Touches that must kill, in a child of their own. */
static struct modiso_region *closed;

static void read_closed(void *window)
{
	if (window)
		expect(MODISO_OK, modiso_window_open(closed, MODISO_READ));
	(void)*(volatile unsigned char *)region_bytes(closed);
}

static void write_closed(void *window)
{
	if (window)
		expect(MODISO_OK, modiso_window_open(closed, MODISO_READ));
	*(volatile unsigned char *)region_bytes(closed) = 1;
}

static void *touch_thread(void *unused)
{
	*(volatile unsigned char *)region_bytes(closed) = 1;
	return unused;
}

static void *attach_and_touch(void *unused)
{
	expect(MODISO_OK, modiso_thread_attach());
	return touch_thread(unused);
}

/*
 * The window of one thread is no other thread's, older or younger. (Rights come
 * with clone(2): a younger one loses them when it attaches, see window.h.)
 */
static void touch_in_thread(void *unused)
{
	(void)unused;
	expect(MODISO_OK, modiso_window_open(closed, RW));
	*(volatile unsigned char *)region_bytes(closed) = 1;
	thread_join(thread_start(attach_and_touch, NULL));
}

static pthread_barrier_t meet;

static void *touch_later(void *unused)
{
	pthread_barrier_wait(&meet);
	return touch_thread(unused);
}

static void touch_in_older_thread(void *unused)
{
	pthread_t thread;

	(void)unused;
	pthread_barrier_init(&meet, NULL, 2);
	thread = thread_start(touch_later, NULL);
	expect(MODISO_OK, modiso_window_open(closed, RW));
	pthread_barrier_wait(&meet);
	thread_join(thread);
}

static void touch_after_close(void *unused)
{
	(void)unused;
	expect(MODISO_OK, modiso_window_open(closed, RW));
	expect(MODISO_OK, modiso_window_close(closed));
	*(volatile unsigned char *)region_bytes(closed) = 1;
}

START_TEST(test_closed)
{
	struct modiso_module *guest = world_module();
	struct modiso_gate *gate;
	unsigned char *bytes;
	int code, i;

	closed = make_closed(&code);
	expect_code(code, MODISO_OK, "modiso_region_create", __FILE__,
		    __LINE__);
	must_eq(region_info(closed).flags, MODISO_REGION_CLOSED);
	bytes = region_bytes(closed);
	gate = make_gate(guest, poke_load1);
	for (i = 0; i < 2; i++) {
		must_die(child_status(read_closed, NULL), SIGSEGV);
		must_die(child_status(write_closed, NULL), SIGSEGV);
		must_exit(child_status(read_closed, &sentinel), 0);
		must_die(child_status(write_closed, &sentinel), SIGSEGV);
		must_die(child_status(touch_in_thread, NULL), SIGSEGV);
		must_die(child_status(touch_in_older_thread, NULL), SIGSEGV);
		must_die(child_status(touch_after_close, NULL), SIGSEGV);
		must_blame(enter_fault(guest, gate, W(bytes)), MODISO_READ,
			   bytes, closed);
		expect(MODISO_OK, modiso_window_open(closed, RW));
		bytes[1] = 7;
		must_blame(enter_fault(guest, gate, W(bytes)), MODISO_READ,
			   bytes, closed);
		must_eq(bytes[1], 7);
		expect(MODISO_OK, modiso_window_close(closed));
	}
	/* Inner windows come and go, the outer one stays what it is. */
	expect(MODISO_OK, modiso_window_open(closed, RW));
	expect(MODISO_OK, modiso_window_open(closed, MODISO_READ));
	must_eq(bytes[1], 7);
	expect(MODISO_OK, modiso_window_close(closed));
	bytes[1] = 8;
	expect(MODISO_OK, modiso_window_close(closed));
	must_die(child_status(read_closed, NULL), SIGSEGV);
	expect(MODISO_OK, modiso_region_destroy(closed));
	/* Its place is to be had again, with nobody's old rights on it. */
	closed = make_closed(&code);
	expect_code(code, MODISO_OK, "modiso_region_create", __FILE__,
		    __LINE__);
	must_die(child_status(read_closed, NULL), SIGSEGV);
	must_die(child_status(touch_in_thread, NULL), SIGSEGV);
}
END_TEST

/* Many of them: with a key for each or one for all, and never half-made. */
START_TEST(test_closed_many)
{
	struct modiso_region *regions[40];
	int code = 0, count, i;

	world_start();
	for (count = 0; count < 40; count++) {
		regions[count] = make_closed(&code);
		if (code)
			break;
	}
	if (code)
		expect_code(code, MODISO_ERR_NOKEY, "modiso_region_create",
			    __FILE__, __LINE__);
	must(count > 0);
	for (i = 0; i < count; i++) {
		closed = regions[i];
		must_die(child_status(read_closed, NULL), SIGSEGV);
		must_exit(child_status(read_closed, &sentinel), 0);
		expect(MODISO_OK, modiso_region_destroy(regions[i]));
	}
	world_stop();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("window");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_open_close);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_nesting);
	tcase_add_test(tcase, test_busy);
	tcase_add_test(tcase, test_not_into_module);
	tcase_add_test(tcase, test_system_calls);
	tcase_add_test(tcase, test_handler_in_module);
	if (on_pkey()) {
		tcase_add_test(tcase, test_closed);
		tcase_add_test(tcase, test_closed_many);
		tcase_add_test(tcase, test_keeps_nobody_out);
	} else {
		tcase_add_test(tcase, test_closed_unsupported);
		tcase_add_test(tcase, test_keeps_modules_out);
		tcase_add_test(tcase, test_interrupts_modules);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
