/* SPDX-License-Identifier: MIT */
/*
 * contract_guard_traps - what the C library, the kernel and the host do beside
 * threads that are armed: nothing of it ends the process, and nothing of it
 * lets a guarded module's system call through.
 */
#include "contract/guard_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include "arch/arch.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- threads --- */

/* In the module's region: the thread is inside, and is to go on. */
enum { INSIDE, GO_ON };

MODULE_CODE static uintptr_t stay_inside(volatile uintptr_t *flags)
{
	flags[INSIDE] = 1;
	while (flags[GO_ON] == 0)
		__asm__ volatile("pause");
	return 5;
}

static atomic_int armed, let_go;
static struct modiso_gate *stay;

static volatile uintptr_t *flags(void)
{
	return (volatile uintptr_t *)(region_bytes(own) + 512);
}

/* Inside of the module until it is told. */
static void *be_inside(void *unused)
{
	(void)unused;
	must_eq(enter(stay, W(flags())), 5);
	return NULL;
}

/* Armed, and in host code. */
static void *be_armed(void *unused)
{
	(void)unused;
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	atomic_store(&armed, 1);
	while (!atomic_load(&let_go))
		usleep(100);
	return NULL;
}

static pthread_t start_inside(void)
{
	pthread_t thread;

	flags()[INSIDE] = 0;
	flags()[GO_ON] = 0;
	thread = thread_start(be_inside, NULL);
	while (flags()[INSIDE] == 0)
		sched_yield();
	return thread;
}

/* The C library's signal 33 comes to every thread. */
START_TEST(test_setgid)
{
	unsigned long n = run_times(1000, 30);
	pthread_t inside, outside;

	make_scene();
	stay = make_gate(module, stay_inside);
	outside = thread_start(be_armed, NULL);
	while (!atomic_load(&armed))
		sched_yield();
	inside = start_inside();
	while (n--)
		must(!setgid(getgid()));
	flags()[GO_ON] = 1;
	atomic_store(&let_go, 1);
	thread_join(inside);
	thread_join(outside);
	must_be_guarded();
}
END_TEST

/* And its 32. */
START_TEST(test_cancel)
{
	unsigned long n = run_times(1000, 30);
	void *result = NULL;
	pthread_t thread;

	make_scene();
	while (n--) {
		atomic_store(&armed, 0);
		thread = thread_start(be_armed, NULL);
		while (!atomic_load(&armed))
			sched_yield();
		must(!pthread_cancel(thread));
		must(!pthread_join(thread, &result));
		must(result == PTHREAD_CANCELED);
	}
	must_be_guarded();
}
END_TEST

/* It comes while the thread is in the module, and is met behind it. */
START_TEST(test_cancel_inside)
{
	unsigned long n = run_times(100, 10);
	void *result = NULL;
	pthread_t thread;

	make_scene();
	stay = make_gate(module, stay_inside);
	while (n--) {
		thread = start_inside();
		must(!pthread_cancel(thread));
		flags()[GO_ON] = 1;
		must(!pthread_join(thread, &result));
		must(result == NULL || result == PTHREAD_CANCELED);
	}
	must_be_guarded();
}
END_TEST

static void *come_and_go(void *unused)
{
	(void)unused;
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	must(getppid() > 0);
	return NULL;
}

/* The next thread has the block of the last one. */
START_TEST(test_thread_end)
{
	unsigned long n = run_times(300, 30);

	make_scene();
	while (n--)
		thread_join(thread_start(come_and_go, NULL));
	must_be_guarded();
}
END_TEST

START_TEST(test_detach)
{
	make_scene();
	for (int i = 0; i < 20; i++) {
		must_be_guarded();
		expect(MODISO_OK, modiso_thread_detach());
		must(getppid() > 0);
	}
}
END_TEST

START_TEST(test_fini)
{
	pthread_t thread;

	make_scene();
	thread = thread_start(be_armed, NULL);
	while (!atomic_load(&armed))
		sched_yield();
	must_be_guarded();
	expect(MODISO_OK, modiso_region_destroy(hosts));
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(open_module));
	expect(MODISO_ERR_BUSY, modiso_fini());
	atomic_store(&let_go, 1);
	thread_join(thread);
	expect(MODISO_OK, modiso_fini());
	must(getppid() > 0);
	atomic_store(&armed, 0);
	make_scene();
	must_be_guarded();
}
END_TEST

/* --- processes --- */

static void be_guarded_in_child(void *unused)
{
	(void)unused;
	must_be_guarded();
	come_and_go(NULL);
}

START_TEST(test_fork)
{
	make_scene();
	must_be_guarded();
	must_exit(child_status(be_guarded_in_child, NULL), 0);
	must_be_guarded();
}
END_TEST

static int service_status;
static bool in_child;

static uintptr_t fork_in_service(uintptr_t value)
{
	pid_t child = fork();

	must(child >= 0);
	in_child = child == 0;
	if (!in_child)
		must_eq(waitpid(child, &service_status, 0), child);
	return value + 1;
}

/* Through the service, and then into the kernel. */
MODULE_CODE static uintptr_t serve_and_call(uintptr_t (*service)(uintptr_t),
					    const void *at)
{
	uintptr_t result = service(1);

	__asm__ volatile("callq *%2"
			 : "+a"(result)
			 : "D"(0ul), "r"(at)
			 : "rcx", "r11", "memory");
	return result;
}

START_TEST(test_fork_in_service)
{
	const struct modiso_fault *fault;
	modiso_fn service;

	make_scene();
	service = make_service("fork", fork_in_service);
	fault = enter_fault(module, make_gate(module, serve_and_call),
			    W(service), W(guard_syscall));
	must_eq(fault->kind, MODISO_FAULT_SYSCALL);
	if (in_child)
		_exit(0);
	must_exit(service_status, 0);
	must_be_guarded();
}
END_TEST

static void execute(void *unused)
{
	(void)unused;
	must_be_guarded();
	execl("/proc/self/exe", "contract_guard_traps", "ends", NULL);
	_exit(1);
}

START_TEST(test_exec)
{
	make_scene();
	must_exit(child_status(execute, NULL), 0);
}
END_TEST

/* --- host code on armed threads --- */

static uintptr_t serve(uintptr_t value)
{
	must(getppid() > 0);
	return value + 1;
}

START_TEST(test_service)
{
	struct modiso_gate *gate;
	modiso_fn service;

	make_scene();
	service = make_service("serve", serve);
	gate = make_gate(module, serve_and_call);
	for (int i = 0; i < 100; i++) {
		must_eq(enter_fault(module, gate, W(service), W(guard_syscall))
				->kind,
			MODISO_FAULT_SYSCALL);
		must(getppid() > 0);
	}
}
END_TEST

static struct modiso_gate *open_gate;

/* A module that is not guarded makes a call above one that is. */
static uintptr_t call_open(uintptr_t value)
{
	uintptr_t args[6] = {0};

	must_eq(enter(open_gate, SYS_getppid, W(args), W(guard_syscall)),
		getppid());
	return value + 1;
}

START_TEST(test_nested)
{
	struct modiso_gate *gate;
	modiso_fn service;

	make_scene();
	open_gate = make_gate(open_module, guard_call);
	service = make_service("open", call_open);
	gate = make_gate(module, serve_and_call);
	for (int i = 0; i < 100; i++)
		must_eq(enter_fault(module, gate, W(service), W(guard_syscall))
				->kind,
			MODISO_FAULT_SYSCALL);
	call_open(1);
}
END_TEST

static sigjmp_buf way_out;

static void jump(int signo)
{
	(void)signo;
	siglongjmp(way_out, 1);
}

MODULE_CODE static uintptr_t spin(volatile uintptr_t *flag)
{
	flag[INSIDE] = 1;
	for (;;)
		__asm__ volatile("pause");
	return 0;
}

static void *interrupt_thread(void *thread)
{
	while (flags()[INSIDE] == 0)
		sched_yield();
	must(!pthread_kill(*(pthread_t *)thread, SIGUSR1));
	return NULL;
}

START_TEST(test_jumped_out)
{
	struct sigaction action = {.sa_handler = jump};
	pthread_t self = pthread_self(), other;
	struct modiso_gate *gate;

	make_scene();
	gate = make_gate(module, spin);
	must(!sigaction(SIGUSR1, &action, NULL));
	for (int i = 0; i < 10; i++) {
		flags()[INSIDE] = 0;
		other = thread_start(interrupt_thread, &self);
		if (sigsetjmp(way_out, 1) == 0)
			enter(gate, W(flags()));
		thread_join(other);
		must_be_guarded();
	}
}
END_TEST

/* --- fibers --- */

static struct modiso_fiber *fiber;

/* A fault, of a system call. */
static void must_fail(struct modiso_gate *gate, uintptr_t a, uintptr_t b,
		      uintptr_t c)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	const uintptr_t args[] = {a, b, c};

	must_eq(modiso_gate_call(gate, args, 3, NULL), MODISO_ERR_FAULT);
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(fault.kind, MODISO_FAULT_SYSCALL);
}

/* A fiber enters none, and one that is not guarded as ever. */
static uintptr_t switch_over(uintptr_t value)
{
	uintptr_t *args = guard_args(1, 2, 3, 4, 5, 6);
	const uintptr_t words[] = {SYS_getpid, W(args), W(guard_syscall)};
	const uintptr_t none[6] = {0};

	expect(MODISO_OK, modiso_fiber_switch(fiber));
	must(getppid() > 0);
	must_eq(modiso_gate_call(call_gate, words, 3, NULL), MODISO_ERR_STATE);
	must_eq(enter(open_gate, SYS_getppid, W(none), W(guard_syscall)),
		getppid());
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	must(getppid() > 0);
	return value + 1;
}

START_TEST(test_fiber)
{
	struct modiso_gate *gate;
	modiso_fn service;

	make_scene();
	open_gate = make_gate(open_module, guard_call);
	expect(MODISO_OK, modiso_fiber_create(&fiber));
	service = make_service("switch", switch_over);
	gate = make_gate(module, serve_and_call);
	for (int i = 0; i < 20; i++)
		must_fail(gate, W(service), W(guard_syscall), 0);
	must_be_guarded();
	expect(MODISO_OK, modiso_fiber_destroy(fiber));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("guard_traps");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (guard_missing(tcase))
		return suite;
	tcase_add_test(tcase, test_setgid);
	tcase_add_test(tcase, test_cancel);
	tcase_add_test(tcase, test_cancel_inside);
	tcase_add_test(tcase, test_thread_end);
	tcase_add_test(tcase, test_detach);
	tcase_add_test(tcase, test_fini);
	tcase_add_test(tcase, test_fork);
	tcase_add_test(tcase, test_fork_in_service);
	tcase_add_test(tcase, test_exec);
	tcase_add_test(tcase, test_service);
	tcase_add_test(tcase, test_nested);
	tcase_add_test(tcase, test_jumped_out);
	tcase_add_test(tcase, test_fiber);
	return suite;
}

int main(int count, char **words)
{
	(void)words;
	return count > 1 ? 0 : test_main(make_suite, TEST_ON_BACKEND);
}
