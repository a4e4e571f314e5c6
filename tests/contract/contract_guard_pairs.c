/* SPDX-License-Identifier: MIT */
/*
 * contract_guard_pairs - a guard of system calls together with what else a
 * module can be made with: both hold, or it is refused.
 */
#include "contract/guard_scene.h"

#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define LIMIT_MS 50

static struct modiso_module_options options = {
	.struct_size = sizeof(options),
	.confinement = MODISO_CONFINE_SEALED,
	.syscalls = MODISO_SYSCALLS_NONE,
};

/* The scene's module is one with these options. */
static void scene(void)
{
	make_scene();
	module = NULL;
	expect(MODISO_OK, modiso_module_create("pair", &options, &module));
	own = make_region(module, PAGE, "own too");
	call_gate = make_gate(module, guard_call);
}

static uintptr_t *no_args(void)
{
	return guard_args(0, 0, 0, 0, 0, 0);
}

START_TEST(test_confinements)
{
	options.confinement = (uint32_t)_i;
	scene();
	must_stop(SYS_getpid, no_args(), guard_syscall);
	expect(MODISO_OK, modiso_syscall_set(module, 0, SYS_getpid,
					     MODISO_SYSCALL_ALLOW, 0));
	must_eq(enter(call_gate, SYS_getpid, W(no_args()), W(guard_syscall)),
		getpid());
}
END_TEST

__attribute__((naked)) static uintptr_t spin(void)
{
	__asm__("1:\tjmp 1b");
}

/* What tells threads apart in a signal is gone by then: the bases. */
MODULE_CODE static void spin_without(void)
{
	__asm__("movl $0x2b, %eax\n\t"
		"movl %eax, %fs\n\t"
		"movl %eax, %gs\n"
		"1:\tjmp 1b");
}

static volatile sig_atomic_t heard;

static void hear(int signo)
{
	(void)signo;
	heard++;
}

/* Handlers of the host interrupt the module meanwhile. */
static void interrupt_often(void)
{
	struct sigaction action = {.sa_handler = hear, .sa_flags = SA_RESTART};
	const struct itimerval often = {{0, 5000}, {0, 5000}};

	must(!sigaction(SIGALRM, &action, NULL));
	must(!setitimer(ITIMER_REAL, &often, NULL));
}

START_TEST(test_limit)
{
	struct modiso_gate *gates[2];

	interrupt_often();
	options.time_limit_ms = LIMIT_MS;
	scene();
	gates[0] = make_gate(module, spin);
	gates[1] = make_gate(module, spin_without);
	for (int i = 0; i < 4; i++) {
		heard = 0;
		must_eq(enter_fault(module, gates[i % 2])->kind,
			MODISO_FAULT_TIMEOUT);
		must(heard > 0);
		must_stop(SYS_getpid, no_args(), guard_syscall);
	}
}
END_TEST

static intptr_t take_long(const struct modiso_syscall *call, void *unused)
{
	struct timespec begin, now;

	(void)call;
	(void)unused;
	must(!clock_gettime(CLOCK_THREAD_CPUTIME_ID, &begin));
	do
		must(!clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now));
	while ((now.tv_sec - begin.tv_sec) * 1000 +
		       (now.tv_nsec - begin.tv_nsec) / 1000000 <
	       3 * LIMIT_MS);
	return 5;
}

/* What the host does for a call is not the module's time. */
START_TEST(test_limit_and_callback)
{
	options.time_limit_ms = LIMIT_MS;
	scene();
	expect(MODISO_OK,
	       modiso_syscall_callback(module, 0, 1000, take_long, NULL));
	must_eq(enter(call_gate, 1000, W(no_args()), W(guard_syscall)), 5);
}
END_TEST

/* Nor is it what the kernel does, by the clock either. */
START_TEST(test_wall_limit_and_sleep)
{
	struct timespec *time;

	options.time_limit_ms = LIMIT_MS;
	options.flags = MODISO_MODULE_WALL_TIME;
	options.syscalls = MODISO_SYSCALLS_COMPUTE;
	scene();
	time = (struct timespec *)(region_bytes(own) + 512);
	*time = (struct timespec){0, 3 * LIMIT_MS * 1000000l};
	must_eq(enter(call_gate, SYS_nanosleep,
		      W(guard_args(W(time), 0, 0, 0, 0, 0)), W(guard_syscall)),
		0);
	must_eq(enter_fault(module, make_gate(module, spin))->kind,
		MODISO_FAULT_TIMEOUT);
}
END_TEST

/* A module that is watched and not stopped cannot have its calls stopped. */
START_TEST(test_permissive)
{
	struct modiso_module *made = UNTOUCHED;

	make_scene();
	options.flags = MODISO_MODULE_PERMISSIVE;
	for (options.syscalls = MODISO_SYSCALLS_NONE;
	     options.syscalls <= MODISO_SYSCALLS_LOG; options.syscalls++) {
		expect(MODISO_ERR_INVAL,
		       modiso_module_create("both", &options, &made));
		must(strstr(modiso_last_error_text(), "permissive"));
		must(made == UNTOUCHED);
	}
}
END_TEST

/* Data that is closed by page permissions is closed by keys anyway. */
START_TEST(test_closed)
{
	const struct modiso_options closed = {
		.struct_size = sizeof(closed),
		.backend = on_pkey() ? MODISO_BACKEND_PKEY :
				       MODISO_BACKEND_MPROTECT,
		.closed = MODISO_CLOSED_DATA,
	};
	struct modiso_module *made = NULL;

	expect(MODISO_OK, modiso_init(&closed));
	if (on_pkey()) {
		expect(MODISO_OK,
		       modiso_module_create("both", &options, &made));
		return;
	}
	expect(MODISO_ERR_NOTSUP,
	       modiso_module_create("both", &options, &made));
	must(strstr(modiso_last_error_text(), "protection keys"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("guard_pairs");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	/* What a sanitizer needs of the program's data cannot be closed. */
	if (!TEST_SANITIZED)
		tcase_add_test(tcase, test_closed);
	if (guard_missing(tcase))
		return suite;
	tcase_add_loop_test(tcase, test_confinements, MODISO_CONFINE_GUARD,
			    MODISO_CONFINE_SEALED + 1);
	tcase_add_test(tcase, test_limit);
	tcase_add_test(tcase, test_limit_and_callback);
	tcase_add_test(tcase, test_wall_limit_and_sleep);
	tcase_add_test(tcase, test_permissive);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
