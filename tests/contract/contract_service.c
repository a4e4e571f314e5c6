/* SPDX-License-Identifier: MIT */
/*
 * contract_service - a module calls into the host: on the host's stack, with
 * the host's rights, and back with its own.
 */
#include "contract/service_caller.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include "arch/arch.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <string.h>

START_TEST(test_host_side)
{
	struct modiso_gate *gate;
	int i;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("look", look);
	gate = make_gate(module, call_service);
	region_bytes(hosts)[3] = 10;
	region_bytes(others)[3] = 20;
	for (i = 0; i < 3; i++) {
		must_eq(enter(gate, 5), 6);
		must_eq(seen.calls, i + 1);
		must(seen.on_stack);
		must_eq(seen.caller, module);
		must_eq(seen.host_byte, 10 + i);
		must_eq(seen.other_byte, 20 + i);
		must(seen.copied);
	}
	must_eq(modiso_module_caller(), NULL);
	must_eq(region_bytes(hosts)[3], 13);
	must_eq(region_bytes(others)[3], 23);
}
END_TEST

START_TEST(test_rights_on_return)
{
	struct modiso_gate *gate;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("look", look);
	gate = make_gate(module, call_then_touch);
	must_eq(enter(gate, 5, W(UNTOUCHED)), 6);
	must_blame(enter_fault(module, gate, 5, W(region_bytes(hosts))),
		   MODISO_READ, region_bytes(hosts), hosts);
	must_blame(enter_fault(module, gate, 5, W(region_bytes(others))),
		   MODISO_READ, region_bytes(others), others);
	must_eq(seen.calls, 3);
	must_eq(modiso_module_caller(), NULL);
}
END_TEST

MODISO_CALL static double
take_all(uintptr_t a, double p, uintptr_t b, double q, uintptr_t c, double r,
	 uintptr_t d, double s, uintptr_t e, double t, uintptr_t f, double u,
	 double v, double w)
{
	region_bytes(hosts)[0] = 1;
	return (double)(a * 100000 + b * 10000 + c * 1000 + d * 100 + e * 10 +
			f) +
	       p * q * r * s * t * u * v * w;
}

MODISO_CALL static float take_float(float value)
{
	return value / 2;
}

MODISO_CALL static int take_int(int value, const char *text)
{
	return -value * (int)strlen(text);
}

typedef double (MODISO_CALL *all_fn)(uintptr_t, double, uintptr_t, double,
				       uintptr_t, double, uintptr_t, double,
				       uintptr_t, double, uintptr_t, double,
				       double, double);
static all_fn volatile all_service;
static float (MODISO_CALL *volatile float_service)(float);
static int (MODISO_CALL *volatile int_service)(int, const char *);

MODULE_CODE static uintptr_t pass_all(void)
{
	return all_service(1, 1.5, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8) ==
	       123456 + 1.5 * 2 * 3 * 4 * 5 * 6 * 7 * 8;
}

MODULE_CODE static uintptr_t pass_float(void)
{
	return float_service(-3.0f) == -1.5f;
}

MODULE_CODE static uintptr_t pass_int(void)
{
	return int_service(7, "module") == -42;
}

START_TEST(test_arguments)
{
	make_scene();
	all_service = (all_fn)make_service("all", take_all);
	float_service = (CALLED(float, float))make_service("float", take_float);
	int_service = (CALLED(int, int, const char *))
		make_service("int", take_int);
	must_eq(enter(make_gate(module, pass_all), 0), 1);
	must_eq(enter(make_gate(module, pass_float), 0), 1);
	must_eq(enter(make_gate(module, pass_int), 0), 1);
	must_eq(region_bytes(hosts)[0], 1);
	/* Called by the host it is the function itself. */
	must_eq(int_service(7, "module"), -42);
	must(float_service(-3.0f) == -1.5f);
}
END_TEST

START_TEST(test_called_by_host)
{
	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("look", look);
	must_eq(service(5), 6);
	must_eq(seen.calls, 1);
	must_eq(seen.caller, NULL);
	must(seen.on_stack);
}
END_TEST

/* A caller's registers survive a service as they survive any call. */
MODISO_CALL static uintptr_t clobber(uintptr_t value)
{
	region_bytes(hosts)[1] = 1;
	return value + 1;
}

static struct cpu_seen module_seen, module_before;

MODULE_CODE static uintptr_t watch_registers(uintptr_t value)
{
	cpu_call(&module_before, (modiso_fn)plain, value, 0, 0, 0);
	return cpu_call(&module_seen, (modiso_fn)service, value, 0, 0, 0);
}

START_TEST(test_module_side)
{
	const char *wrong;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))
		make_service("clobber", clobber);
	must_eq(enter(make_gate(module, watch_registers), 5), 6);
	wrong = cpu_is_host(&module_seen, &module_before);
	if (wrong)
		ck_abort_msg("%s", wrong);
}
END_TEST

/*
 * A module that leaves the CPU in a bad way does so to itself: the service
 * finds the modes that the gate call had.
 */
MODULE_CODE static uintptr_t bad_modes(uintptr_t which)
{
	static const uintptr_t mxcsr[] = {0x1f80, 0x5f80, 0xffc0, 0, 0x3f};
	static const uintptr_t flags[] = {0x402, 0x40002, 0x44402};

	if (which < 5)
		poke_mxcsr(mxcsr[which], 0);
	else
		poke_flags(flags[which - 5], 0);
	return service(which) - 1;
}

START_TEST(test_bad_modes)
{
	struct modiso_gate *gate;
	uintptr_t which;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("look", look);
	gate = make_gate(module, bad_modes);
	for (which = 0; which < 8; which++) {
		must_eq(enter(gate, which), which);
		must_eq(seen.mxcsr & ~0x3fu, 0x1f80);
		must(seen.copied);
		must_eq(seen.rflags & 0x44400, 0); /* DF, NT, AC */
	}
}
END_TEST

/*
 * A stack pointer that is not the module's own: the way into the host and back
 * writes nothing there, for the module could not have done so itself.
 */
START_TEST(test_wild_stack)
{
	struct modiso_gate *gate;
	unsigned char *bytes;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("look", look);
	gate = make_gate(module, poke_wild_jump);
	bytes = region_bytes(others);
	memset(bytes, 0x3c, PAGE);
	enter_fault(module, gate, W(bytes + PAGE / 2), W(service));
	/* But for what the service itself did, if it was called. */
	bytes[3] = 0x3c;
	must(all_bytes(bytes, 0x3c, PAGE));
	bytes = region_bytes(hosts);
	memset(bytes, 0x3c, PAGE);
	enter_fault(module, gate, W(bytes + PAGE / 2), W(service));
	bytes[3] = 0x3c;
	must(all_bytes(bytes, 0x3c, PAGE));
	enter_fault(module, gate, 64, W(service));
	enter_fault(module, gate, (uintptr_t)1 << 62, W(service));
	must_eq(modiso_module_caller(), NULL);
	must_eq(enter(make_gate(module, call_service), 1), 2);
}
END_TEST

static volatile int served;
static volatile bool counts_as_module;

MODISO_CALL static uintptr_t be_served(uintptr_t value)
{
	served = served + 1;
	if (mdi_thread_inside(mdi_thread_self()))
		counts_as_module = true;
	return value;
}

/*
 * By the caller's stack pointer a frame says that a service runs, or a handler
 * above a module: a module that has made it a number that says something else
 * is not served.
 */
START_TEST(test_stack_is_number)
{
	struct modiso_gate *gate;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("be_served",
							     be_served);
	gate = make_gate(module, poke_wild_jump);
	for (uintptr_t sp = 0; sp <= MDI_INTERRUPTED; sp++)
		enter_fault(module, gate, sp, W(service));
	must(!counts_as_module);
	must_eq(served, 0);
	must_eq(enter(make_gate(module, call_service), 1), 1);
}
END_TEST

static struct modiso_gate *inner_gate;

MODISO_CALL static uintptr_t call_inner(uintptr_t value)
{
	uintptr_t result = 0;
	struct modiso_module *before = modiso_module_caller();
	int code = modiso_gate_call(inner_gate, WORDS(value), &result);

	seen.caller = before == modiso_module_caller() ? before : NULL;
	return code ? 1000 + (uintptr_t)-code : result + 1;
}

START_TEST(test_service_calls_gate)
{
	struct modiso_gate *gate;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))
		make_service("inner", call_inner);
	gate = make_gate(module, call_service);
	inner_gate = make_gate(other, plain);
	must_eq(enter(gate, 5), 6);
	must_eq(seen.caller, module);
	inner_gate = make_gate(module, plain);
	must_eq(enter(gate, 5), 6);
	/* The inner one faults: the service is told, the outer one goes on. */
	inner_gate = make_gate(other, poke_load1);
	must_eq(enter(gate, 5), 1000 - MODISO_ERR_FAULT);
	must_eq(seen.caller, module);
	must_eq(modiso_fault_count(), 1);
	if (!faults_need_stack()) {
		inner_gate = make_gate(module, poke_recurse);
		must_eq(enter(gate, 5), 1000 - MODISO_ERR_FAULT);
	}
	must_eq(modiso_module_caller(), NULL);
	must_eq(enter(make_gate(module, plain), 5), 5);
}
END_TEST

static sem_t waiting, go_on;

MODISO_CALL static uintptr_t wait_in_host(uintptr_t value)
{
	sem_post(&waiting);
	while (sem_wait(&go_on))
		;
	region_bytes(hosts)[2]++;
	return value + 1;
}

static void *wait_thread(void *gate)
{
	must_eq(enter(gate, 5), 6);
	return NULL;
}

/* While one thread waits in a service no other thread need wait for it. */
START_TEST(test_blocking_service)
{
	pthread_t thread;
	int i;

	make_scene();
	sem_init(&waiting, 0, 0);
	sem_init(&go_on, 0, 0);
	service = (CALLED(uintptr_t, uintptr_t))
		make_service("wait", wait_in_host);
	thread = thread_start(wait_thread, make_gate(module, call_service));
	while (sem_wait(&waiting))
		;
	for (i = 0; i < 10; i++) {
		must_eq(enter(make_gate(other, plain), 7), 7);
		must_eq(enter(make_gate(module, plain), 7), 7);
		enter_fault(other, make_gate(other, poke_load1),
			    W(region_bytes(hosts)));
		region_bytes(hosts)[0]++;
	}
	expect(MODISO_ERR_BUSY, modiso_module_destroy(module));
	sem_post(&go_on);
	thread_join(thread);
	must_eq(region_bytes(hosts)[2], 1);
	must_eq(region_bytes(hosts)[0], 10);
}
END_TEST

MODISO_CALL static uintptr_t add_one(uintptr_t value)
{
	return value + 1;
}

static void call_in_handler(int signo)
{
	(void)signo;
	must_eq(service(6), 7);
}

static void *never_attached(void *gate)
{
	must_eq(service(41), 42);
	must_eq(raise(SIGUSR1), 0);
	enter(gate, 1);
	must_eq(service(1), 2);
	must_eq(raise(SIGUSR1), 0);
	return NULL;
}

/* It has the GS base of the thread that has made it, which is attached. */
START_TEST(test_called_on_new_thread)
{
	struct sigaction action = {.sa_handler = call_in_handler};
	struct modiso_gate *gate;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))make_service("add", add_one);
	gate = make_gate(module, call_service);
	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
	must_eq(enter(gate, 3), 4);
	thread_join(thread_start(never_attached, gate));
}
END_TEST

MODISO_CALL static uintptr_t fault_of_host(uintptr_t address)
{
	return poke_load1((const void *)address);
}

/* A service's own fault is the host's, not the module's. */
static void service_faults(void *unused)
{
	(void)unused;
	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))
		make_service("bad", fault_of_host);
	(void)!modiso_gate_call(make_gate(module, call_service), WORDS(8),
				NULL);
}

START_TEST(test_fault_in_service)
{
	must_die(child_status(service_faults, NULL), SIGSEGV);
}
END_TEST

START_TEST(test_cycles)
{
	unsigned long n = run_times(200000, 5000);
	struct modiso_gate *gate;
	struct proc_usage before;

	make_scene();
	service = (CALLED(uintptr_t, uintptr_t))
		make_service("clobber", clobber);
	gate = make_gate(module, call_service);
	must_eq(enter(gate, 1), 2);
	before = proc_usage();
	while (n--)
		must_eq(enter(gate, n), n + 1);
	proc_must_not_grow(&before, 0, 256);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("service");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_host_side);
	tcase_add_test(tcase, test_rights_on_return);
	tcase_add_test(tcase, test_arguments);
	tcase_add_test(tcase, test_called_by_host);
	tcase_add_test(tcase, test_called_on_new_thread);
	tcase_add_test(tcase, test_module_side);
	tcase_add_test(tcase, test_bad_modes);
	tcase_add_test(tcase, test_wild_stack);
	tcase_add_test(tcase, test_stack_is_number);
	tcase_add_test(tcase, test_service_calls_gate);
	tcase_add_test(tcase, test_blocking_service);
	tcase_add_test(tcase, test_fault_in_service);
	tcase_add_test(tcase, test_cycles);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
