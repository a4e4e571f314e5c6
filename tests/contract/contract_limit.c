/* SPDX-License-Identifier: MIT */
/*
 * contract_limit - the time that a call into a module may last, and what it is
 * not to end.
 */
#include "support/poke.h"
#include "support/world.h"

#include "core/limit_tick.h"
#include "os/process.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* Milliseconds; and so many nanoseconds. */
#define LIMIT 20u
#define NS    ((uint64_t)LIMIT * 1000000u)

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

static uint64_t cpu_ns(void)
{
	return clock_ns(CLOCK_THREAD_CPUTIME_ID);
}

static struct modiso_module *limited(const char *name, uint32_t limit,
				     uint32_t flags)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.time_limit_ms = limit,
		.flags = flags,
	};
	struct modiso_module *module;

	expect(MODISO_OK, modiso_module_create(name, &options, &module));
	return module;
}

/* --- module code --- */

MODULE_CODE static uintptr_t spin(uintptr_t value)
{
	volatile uintptr_t turns = value;

	for (;;)
		turns++;
	return turns;
}

/* Shares the stack pointer with nobody. */
__attribute__((naked)) static uintptr_t spin_without_stack(void)
{
	__asm__("xorl %esp, %esp\n1:\tjmp 1b");
}

MODULE_CODE static uintptr_t sleep_in_module(uintptr_t ms)
{
	struct timespec time = {
		.tv_sec = (time_t)(ms / 1000),
		.tv_nsec = (long)(ms % 1000) * 1000000,
	};
	uintptr_t times = 1;

	while (clock_nanosleep(CLOCK_MONOTONIC, 0, &time, &time) != 0)
		times++;
	return times;
}

static uintptr_t (*volatile service)(uintptr_t);

MODULE_CODE static uintptr_t call_service(uintptr_t value)
{
	return service(value) + 1;
}

MODULE_CODE static uintptr_t serve_then_spin(uintptr_t value)
{
	return spin(service(value));
}

/* --- it ends, and is told --- */

static void must_time_out(struct modiso_module *module,
			  struct modiso_gate *gate, uintptr_t arg)
{
	const struct modiso_fault *fault;
	uint64_t before = cpu_ns();

	fault = enter_fault(module, gate, arg);
	/* Never before its time. */
	must(cpu_ns() - before >= NS);
	must_eq(fault->kind, MODISO_FAULT_TIMEOUT);
	must_eq(fault->signo, 0);
	must_eq(fault->address, 0);
	must_eq(fault->registers[16], fault->pc);
	must(strstr(modiso_last_error_text(), "time limit"));
}

START_TEST(test_spin)
{
	struct modiso_module *module;
	struct modiso_region *hosts;
	struct modiso_gate *gate, *add;

	world_start();
	module = limited("spins", LIMIT, 0);
	hosts = make_region(NULL, PAGE, "hosts");
	gate = make_gate(module, spin);
	add = make_gate(module, module_add_one);
	for (int i = 0; i < 3; i++) {
		must_time_out(module, gate, 7);
		region_bytes(hosts)[0]++;
		must_eq(enter(add, 41), 42);
	}
	must_eq(region_bytes(hosts)[0], 3);
	must_deny(module, region_bytes(hosts), hosts);
}
END_TEST

/* Its instruction, and its stack, are the module's own. */
START_TEST(test_record)
{
	struct modiso_module *module;
	const struct modiso_fault *fault;

	world_start();
	module = limited("spins", LIMIT, 0);
	fault = enter_fault(module, make_gate(module, spin), 1);
	must(fault->pc - (uintptr_t)spin < 256);
	must_eq(fault->frame_count >= 1, 1);
	must_eq(fault->frames[0], fault->pc);
	must_str(modiso_fault_kind_name(fault->kind), "timeout");
}
END_TEST

START_TEST(test_without_stack)
{
	struct modiso_module *module;

	world_start();
	module = limited("spins", LIMIT, 0);
	must_time_out(module, make_gate(module, spin_without_stack), 0);
}
END_TEST

static void load_code(struct modiso_module *module, const void *code,
		      size_t length, struct modiso_region **out)
{
	*out = make_region(module, PAGE, "code");
	expect(MODISO_OK, modiso_window_open(*out, RW));
	memcpy(region_bytes(*out), code, length);
	expect(MODISO_OK, modiso_window_close(*out));
	expect(MODISO_OK, modiso_region_protect(*out, RX));
}

/* With nothing but its own code, and every register at its mercy. */
START_TEST(test_sealed)
{
	/* Its stack pointer leads nowhere, and DF is set. */
	static const unsigned char code[] = {
		0x31, 0xe4,       /* xorl %esp, %esp */
		0xfd,             /* std */
		0x31, 0xc0,       /* xorl %eax, %eax */
		0xff, 0xc0,       /* 1: incl %eax */
		0xeb, 0xfc,       /* jmp 1b */
	};
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
		.time_limit_ms = LIMIT,
	};
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_gate *gate;

	world_start();
	expect(MODISO_OK, modiso_module_create("sealed", &options, &module));
	load_code(module, code, sizeof(code), &region);
	gate = make_gate(module, (uintptr_t)region_bytes(region));
	for (int i = 0; i < 3; i++) {
		must_time_out(module, gate, 0);
		must((__builtin_ia32_readeflags_u64() & 0x400) == 0);
	}
}
END_TEST

/* --- what is counted --- */

START_TEST(test_wall_time)
{
	struct modiso_module *module;
	const struct modiso_fault *fault;
	uint64_t before;

	world_start();
	module = limited("waits", LIMIT, MODISO_MODULE_WALL_TIME);
	before = clock_ns(CLOCK_MONOTONIC);
	fault = enter_fault(module, make_gate(module, sleep_in_module),
			    1000000000);
	must_eq(fault->kind, MODISO_FAULT_TIMEOUT);
	must(clock_ns(CLOCK_MONOTONIC) - before >= NS);
}
END_TEST

/* It waits for ten times as long, and has not used its time. */
START_TEST(test_cpu_time)
{
	struct modiso_module *module;

	world_start();
	module = limited("waits", LIMIT, 0);
	/*
	 * Nor was it disturbed, as it would be ten times by a clock; once or
	 * twice where a machine was stopped while the thread was running.
	 */
	must(enter(make_gate(module, sleep_in_module), 10 * LIMIT) <= 3);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

static uintptr_t burn(uintptr_t times)
{
	uint64_t begin = cpu_ns();

	while (cpu_ns() - begin < times * NS)
		;
	return times;
}

START_TEST(test_service)
{
	struct modiso_module *module;

	world_start();
	module = limited("is served", LIMIT, 0);
	service = (uintptr_t(*)(uintptr_t))make_service("burn", burn);
	must_eq(enter(make_gate(module, call_service), 6), 7);
	must_eq(modiso_fault_count(), 0);
	/* What it uses itself is its own all the same. */
	must_time_out(module, make_gate(module, serve_then_spin), 2);
}
END_TEST

/* A call is no longer for those before it. */
START_TEST(test_many_calls)
{
	struct modiso_module *module, *other;
	struct modiso_gate *gate, *others;
	uint64_t begin;
	uintptr_t n = 0;

	world_start();
	module = limited("is called", 2, 0);
	other = limited("as well", 2, 0);
	gate = make_gate(module, module_add_one);
	others = make_gate(other, module_add_one);
	begin = cpu_ns();
	for (; cpu_ns() - begin < 100000000u; n++) {
		must_eq(enter(gate, n), n + 1);
		if (n % 3 == 0)
			must_eq(enter(others, n), n + 1);
	}
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* --- calls in calls --- */

static struct modiso_module *inner_module;
static struct modiso_gate *inner_gate;

static uintptr_t call_inner(uintptr_t value)
{
	const struct modiso_fault *fault;

	fault = enter_fault(inner_module, inner_gate, value);
	must_eq(fault->kind, MODISO_FAULT_TIMEOUT);
	return value;
}

/* The inner call is ended alone, whether in another module or in the same. */
START_TEST(test_nested)
{
	struct modiso_module *outer, *other;
	struct modiso_gate *gate;

	world_start();
	outer = limited("outer", LIMIT, 0);
	other = limited("other", LIMIT, 0);
	service = (uintptr_t(*)(uintptr_t))make_service("inner", call_inner);
	gate = make_gate(outer, call_service);
	for (int i = 0; i < 4; i++) {
		inner_module = i % 2 ? outer : other;
		inner_gate = make_gate(inner_module, spin);
		must_eq(enter(gate, 40), 41);
		must_eq(modiso_fault_count(), (uint64_t)i + 1);
	}
	/* The outer call's own time is counted all the same. */
	service = (uintptr_t(*)(uintptr_t))make_service("burn", burn);
	must_time_out(outer, make_gate(outer, serve_then_spin), 1);
}
END_TEST

/* --- more time --- */

static atomic_uint asked;

static enum modiso_verdict let_on(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	must_eq(fault->kind, MODISO_FAULT_TIMEOUT);
	return ++asked < 3 ? MODISO_VERDICT_RETRY : MODISO_VERDICT_PASS;
}

START_TEST(test_more_time)
{
	struct modiso_module *module;
	uint64_t before = cpu_ns();

	world_start();
	module = limited("spins", LIMIT, 0);
	expect(MODISO_OK, modiso_fault_notify(module, let_on, NULL, NULL));
	must_time_out(module, make_gate(module, spin), 0);
	must_eq(asked, 3);
	must(cpu_ns() - before >= 3 * NS);
}
END_TEST

/* --- signals of the program --- */

static atomic_uint handled;

static void handler(int signo)
{
	(void)signo;
	burn(3);
	handled++;
}

MODULE_CODE static uintptr_t wait_for_signal(volatile atomic_uint *count)
{
	while (*count == 0)
		;
	return 5;
}

static void *send_signal(void *to)
{
	pthread_kill(*(pthread_t *)to, SIGUSR1);
	return NULL;
}

/* A handler of the host that interrupts a module is host code. */
START_TEST(test_handler)
{
	const struct sigaction action = {.sa_handler = handler};
	pthread_t self = pthread_self(), sender;
	struct modiso_module *module;

	world_start();
	module = limited("is interrupted", 200, 0);
	must(!sigaction(SIGUSR1, &action, NULL));
	must(!pthread_create(&sender, NULL, send_signal, &self));
	must_eq(enter(make_gate(module, wait_for_signal), W(&handled)), 5);
	pthread_join(sender, NULL);
	must_eq(handled, 1);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* --- other threads --- */

struct worker {
	pthread_t thread;
	struct modiso_module *module;
	struct modiso_gate *gate;
	unsigned ended;
};

static void *work(void *arg)
{
	struct worker *worker = arg;
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	uintptr_t value;

	for (int i = 0; i < 3; i++) {
		must_eq(modiso_gate_call(worker->gate, WORDS(1), &value),
			MODISO_ERR_FAULT);
		must_eq(modiso_fault_last(&fault), 0);
		must_eq(fault.kind, MODISO_FAULT_TIMEOUT);
		must_eq(fault.module, worker->module);
		worker->ended++;
	}
	return NULL;
}

/* Each loops for ever; with mprotect everybody else waits in line for it. */
START_TEST(test_threads)
{
	struct worker workers[4];
	struct modiso_module *others;
	struct modiso_gate *add;

	world_start();
	others = make_module("others");
	add = make_gate(others, module_add_one);
	for (int i = 0; i < 4; i++) {
		workers[i] = (struct worker){
			.module = limited("spins", LIMIT, 0),
		};
		workers[i].gate = make_gate(workers[i].module, spin);
		must(!pthread_create(&workers[i].thread, NULL, work,
				     &workers[i]));
	}
	for (uintptr_t n = 0; n < 100; n++)
		must_eq(enter(add, n), n + 1);
	for (int i = 0; i < 4; i++) {
		pthread_join(workers[i].thread, NULL);
		must_eq(workers[i].ended, 3);
	}
}
END_TEST

START_TEST(test_fork)
{
	struct modiso_module *module;
	struct modiso_gate *gate;
	pid_t pid;
	int status;

	world_start();
	module = limited("spins", LIMIT, 0);
	gate = make_gate(module, spin);
	must_time_out(module, gate, 0);
	pid = fork();
	if (pid == 0) {
		must_time_out(module, gate, 0);
		_exit(23);
	}
	must_eq(waitpid(pid, &status, 0), pid);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 23);
	must_time_out(module, gate, 0);
}
END_TEST

static uintptr_t serve_by_fork(uintptr_t value)
{
	*(pid_t *)value = fork();
	return 0;
}

/* A call that was under way goes on in the child, and has an end there. */
START_TEST(test_fork_in_service)
{
	struct modiso_module *module;
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	struct modiso_gate *gate;
	pid_t pid = -1;
	int status;

	world_start();
	module = limited("spins", LIMIT, 0);
	service = (uintptr_t(*)(uintptr_t))make_service("fork", serve_by_fork);
	gate = make_gate(module, serve_then_spin);
	/* AddressSanitizer's heap is locked for ever in the child if the thread
	 * that ticks has just begun, and is in it. */
	must_time_out(module, make_gate(module, spin), 0);
	for (int i = 0; i < 2; i++) {
		must_eq(modiso_gate_call(gate, WORDS(W(&pid)), NULL),
			MODISO_ERR_FAULT);
		must_eq(modiso_fault_last(&fault), 0);
		must_eq(fault.kind, MODISO_FAULT_TIMEOUT);
		if (pid == 0)
			_exit(23);
		must_eq(waitpid(pid, &status, 0), pid);
		must(WIFEXITED(status) && WEXITSTATUS(status) == 23);
	}
}
END_TEST

/* --- its life --- */

static bool has_threads(uint32_t count)
{
	return mdi_os_threads() == count;
}

START_TEST(test_life)
{
	struct modiso_module *module;
	uint32_t before = mdi_os_threads();

	for (int i = 0; i < 3; i++) {
		world_start();
		must(has_threads(before));
		module = limited("limited", LIMIT, 0);
		must(has_threads(before + 1));
		expect(MODISO_OK, modiso_module_destroy(module));
		module = limited("again", LIMIT, 0);
		must(has_threads(before + 1));
		must_time_out(module, make_gate(module, spin), 0);
		expect(MODISO_OK, modiso_module_destroy(module));
		expect(MODISO_OK, modiso_fini());
		/* The kernel forgets it a moment after it has ended. */
		while (!has_threads(before))
			;
	}
}
END_TEST

START_TEST(test_refused)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_MODULE_WALL_TIME,
	};
	struct modiso_module *module = UNTOUCHED;

	world_start();
	expect(MODISO_ERR_INVAL,
	       modiso_module_create("no limit", &options, &module));
	options.flags = 1u << 31;
	options.time_limit_ms = 1;
	expect(MODISO_ERR_INVAL,
	       modiso_module_create("no flag", &options, &module));
	options.flags = 0;
	options.unused = 1;
	expect(MODISO_ERR_INVAL,
	       modiso_module_create("unused", &options, &module));
	must_eq(module, UNTOUCHED);
}
END_TEST

/* The longest limit is as good as any: it does not wrap. */
START_TEST(test_longest)
{
	struct modiso_module *module;

	world_start();
	module = limited("patient", UINT32_MAX, 0);
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	(void)enter(make_gate(module, sleep_in_module), 200);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("limit");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_spin);
	tcase_add_test(tcase, test_record);
	tcase_add_test(tcase, test_without_stack);
	if (on_pkey())
		tcase_add_test(tcase, test_sealed);
	tcase_add_test(tcase, test_wall_time);
	tcase_add_test(tcase, test_cpu_time);
	tcase_add_test(tcase, test_service);
	tcase_add_test(tcase, test_many_calls);
	tcase_add_test(tcase, test_nested);
	tcase_add_test(tcase, test_more_time);
	tcase_add_test(tcase, test_handler);
	tcase_add_test(tcase, test_threads);
	add_test_but_tsan(tcase, test_fork,
			  "it makes no threads in the child of a fork");
	add_test_but_tsan(tcase, test_fork_in_service,
			  "it makes no threads in the child of a fork");
	add_test_but_tsan(tcase, test_life,
			  "its own thread may begin with the first of ours");
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_longest);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
