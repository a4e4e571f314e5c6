/* SPDX-License-Identifier: MIT */
/*
 * contract_altstack - the program's own alternate signal stacks. It sets and
 * asks for them as without the library, its handlers run there when they want
 * to (SA_ONSTACK), the kernel itself says so meanwhile, and modules can be
 * entered and can fault at any time.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include "arch/arch.h"
#include "os/linux/signal.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define SIZE 65536

static struct modiso_module *module, *other;
static struct modiso_region *hosts;
static struct modiso_gate *same_gate, *other_same, *crime, *bad;
static unsigned char own_bytes[SIZE] __attribute__((aligned(16)));
static stack_t own = {.ss_sp = own_bytes, .ss_size = SIZE};

MODULE_CODE static uintptr_t same(uintptr_t value)
{
	return value;
}

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	hosts = make_region(NULL, PAGE, "hosts");
	same_gate = make_gate(module, same);
	other_same = make_gate(other, same);
	crime = make_gate(module, poke_store1);
	bad = make_gate(module, poke_ud2);
}

/* Calls, faults, guarded memory: with the host's rights, wherever it is. */
static void use_modules(void)
{
	unsigned char *byte = region_bytes(hosts) + 8;

	must_eq(enter(same_gate, 5), 5);
	must_eq(enter(other_same, 6), 6);
	must_blame(enter_fault(module, crime, W(byte), 1), MODISO_WRITE, byte,
		   hosts);
	enter_fault(module, bad, 0);
	byte[1]++;
}

static void must_be(const stack_t *now, const stack_t *want, int flags)
{
	must_eq(now->ss_flags, flags);
	if (flags & SS_DISABLE)
		return;
	must_eq(now->ss_sp, want->ss_sp);
	must_eq(now->ss_size, want->ss_size);
}

/* What the program is told, and what the kernel says. */
static void asked(const stack_t *want, int flags)
{
	stack_t now;

	must(!sigaltstack(NULL, &now));
	must_be(&now, want, flags);
}

static void kernel_says(const stack_t *want, int flags)
{
	stack_t now;

	must(!syscall(SYS_sigaltstack, NULL, &now));
	must_be(&now, want, flags);
}

/* The kernel has one of the library's for this thread. */
static void kernel_has_ours(void)
{
	stack_t now;

	must(!syscall(SYS_sigaltstack, NULL, &now));
	must_eq((unsigned)now.ss_flags, MDI_SS_AUTODISARM);
	must(now.ss_sp != own.ss_sp);
}

static bool on_own(const void *address)
{
	return W(address) - W(own_bytes) < SIZE;
}

/* --- the program sets one --- */

START_TEST(test_set_later)
{
	const stack_t none = {.ss_flags = SS_DISABLE};
	stack_t old;

	make_scene();
	use_modules();
	asked(&none, SS_DISABLE);
	must(!sigaltstack(&own, &old));
	must_be(&old, &none, SS_DISABLE);
	asked(&own, 0);
	kernel_has_ours();
	use_modules();
	must(!sigaltstack(&none, &old));
	must_be(&old, &own, 0);
	use_modules();
	must(!sigaltstack(&own, NULL));
	expect(MODISO_OK, modiso_thread_detach());
	kernel_says(&own, 0);
	asked(&own, 0);
	use_modules();
	asked(&own, 0);
}
END_TEST

START_TEST(test_set_badly)
{
	stack_t bad_flags = {.ss_sp = own_bytes, .ss_size = SIZE,
			     .ss_flags = 64};
	stack_t small = {.ss_sp = own_bytes, .ss_size = 2047};

	make_scene();
	if (_i)
		use_modules();
	errno = 0;
	must_eq(sigaltstack(&bad_flags, NULL), -1);
	must_eq(errno, EINVAL);
	must_eq(sigaltstack(&small, NULL), -1);
	must_eq(errno, ENOMEM);
	must(!sigaltstack(&own, NULL));
	must_eq(sigaltstack(&small, NULL), -1);
	asked(&own, 0);
	use_modules();
}
END_TEST

/* --- a handler that wants it --- */

static volatile int handled;
static void (*in_handler)(void);

/* Answers as without the library; the stack below stays what it is. */
static void handle(int signo)
{
	volatile unsigned char mark[512];
	size_t i;

	(void)signo;
	handled++;
	must(on_own((const void *)mark));
	memset((void *)mark, handled, sizeof(mark));
	asked(&own, SS_ONSTACK);
	kernel_says(&own, SS_ONSTACK);
	errno = 0;
	must_eq(sigaltstack(&own, NULL), -1);
	must_eq(errno, EPERM);
	if (in_handler) {
		in_handler();
		asked(&own, SS_ONSTACK);
	}
	for (i = 0; i < sizeof(mark); i++)
		must_eq(mark[i], (unsigned char)handled);
}

static void install(int signo, void (*handler)(int signo))
{
	struct sigaction action = {.sa_handler = handler,
				   .sa_flags = SA_ONSTACK};

	/* A module that it calls may fault. */
	if (signo == SIGSEGV)
		action.sa_flags |= SA_NODEFER;
	must(!sigaction(signo, &action, NULL));
}

static void set_handlers(void)
{
	make_scene();
	must(!sigaltstack(&own, NULL));
	install(SIGUSR1, handle);
	use_modules();
}

static void raise_usr1(void)
{
	int before = handled;

	raise(SIGUSR1);
	must_eq(handled, before + 1);
	kernel_has_ours();
	asked(&own, 0);
	use_modules();
}

START_TEST(test_in_host_code)
{
	set_handlers();
	in_handler = _i ? use_modules : NULL;
	raise_usr1();
	raise_usr1();
	must_eq(modiso_fault_count(), _i ? 10 : 6);
}
END_TEST

/* The same when the thread has called no gate yet, or no more. */
START_TEST(test_not_attached)
{
	make_scene();
	must(!sigaltstack(&own, NULL));
	install(SIGUSR1, handle);
	raise(SIGUSR1);
	must_eq(handled, 1);
	use_modules();
	raise(SIGUSR1);
	expect(MODISO_OK, modiso_thread_detach());
	raise(SIGUSR1);
	must_eq(handled, 3);
	kernel_says(&own, 0);
}
END_TEST

/* From another thread, while this one is in a module. */
static volatile int inside;

MODULE_CODE static uintptr_t wait_handled(uintptr_t unused)
{
	inside = 1;
	while (!handled)
		sched_yield();
	return unused;
}

static void *wait_thread(void *gate)
{
	must(!sigaltstack(&own, NULL));
	must_eq(enter(gate, 7), 7);
	kernel_has_ours();
	use_modules();
	return NULL;
}

START_TEST(test_in_module)
{
	pthread_t thread;

	make_scene();
	install(SIGUSR1, handle);
	in_handler = _i ? use_modules : NULL;
	thread = thread_start(wait_thread, make_gate(module, wait_handled));
	while (!inside)
		sched_yield();
	must_eq(pthread_kill(thread, SIGUSR1), 0);
	thread_join(thread);
	must_eq(handled, 1);
}
END_TEST

/* A service is host code, and so is what it calls. */
static uintptr_t (*volatile service)(uintptr_t value);

static uintptr_t serve(uintptr_t value)
{
	raise(SIGUSR1);
	return value + 1;
}

MODULE_CODE static uintptr_t call_service(uintptr_t value)
{
	return service(value);
}

START_TEST(test_in_service)
{
	set_handlers();
	service = (uintptr_t(*)(uintptr_t))make_service("serve", serve);
	in_handler = _i ? use_modules : NULL;
	must_eq(enter(make_gate(module, call_service), 1), 2);
	must_eq(handled, 1);
	kernel_has_ours();
	use_modules();
}
END_TEST

/* --- one upon another --- */

static void nest(int signo)
{
	volatile char here;

	(void)signo;
	must(on_own((const void *)&here));
	asked(&own, SS_ONSTACK);
	use_modules();
	if (++handled < 4)
		raise(handled % 2 ? SIGUSR2 : SIGHUP);
	asked(&own, SS_ONSTACK);
	use_modules();
}

/* Before and after each has called gates. */
START_TEST(test_nested)
{
	set_handlers();
	install(SIGUSR1, nest);
	install(SIGUSR2, nest);
	install(SIGHUP, nest);
	raise(SIGUSR1);
	must_eq(handled, 3 + 1);
	kernel_has_ours();
	use_modules();
}
END_TEST

static void raise_usr2(void)
{
	raise(SIGUSR2);
	kernel_says(&own, SS_ONSTACK);
}

static void plain_handler(int signo)
{
	(void)signo;
	use_modules();
}

/* One that does not ask for the stack, upon one that does; and beside it. */
START_TEST(test_without_onstack)
{
	set_handlers();
	must(signal(SIGUSR2, plain_handler) == SIG_DFL);
	raise(SIGUSR2);
	kernel_has_ours();
	in_handler = raise_usr2;
	raise_usr1();
}
END_TEST

/* --- faults of the host --- */

static sigjmp_buf way_out;
static unsigned char *closed_page;
static int *volatile nowhere;

static void mend(int signo)
{
	handle(signo);
	must(!mprotect(closed_page, PAGE, PROT_READ | PROT_WRITE));
}

static void jump(int signo)
{
	handle(signo);
	siglongjmp(way_out, 1);
}

static void open_and_close(void)
{
	must(!mprotect(closed_page, PAGE, PROT_NONE));
	*(volatile unsigned char *)closed_page = 1;
	kernel_has_ours();
	use_modules();
}

START_TEST(test_host_fault)
{
	int i;

	set_handlers();
	install(SIGSEGV, mend);
	closed_page = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS,
			   -1, 0);
	must(closed_page != MAP_FAILED);
	in_handler = _i ? use_modules : NULL;
	for (i = 1; i < 5; i++) {
		open_and_close();
		must_eq(handled, i);
	}
}
END_TEST

/* A handler that does not come back leaves nothing behind. */
START_TEST(test_jump)
{
	volatile int i;

	set_handlers();
	install(SIGSEGV, jump);
	install(SIGUSR1, jump);
	in_handler = _i & 1 ? use_modules : NULL;
	for (i = 0; i < 100; i++) {
		if (sigsetjmp(way_out, 1) == 0) {
			if (_i & 2)
				raise(SIGUSR1);
			poke_store1(nowhere, 1);
		}
		must_eq(handled, i + 1);
		asked(&own, 0);
		if (i % 3 == 0)
			use_modules();
		if (i % 5 == 0)
			must(!sigaltstack(&own, NULL));
	}
	use_modules();
	kernel_has_ours();
}
END_TEST

/* An overflow of the host's stack, as languages' run-time libraries meet it. */
static __attribute__((noinline)) int recurse(volatile char *from)
{
	volatile char room[4096];

	room[0] = from[0];
	return room[0] == 0 ? recurse(room) + room[1] : 0;
}

static void *overflow(void *unused)
{
	volatile char first = 0;

	must(!sigaltstack(&own, NULL));
	use_modules();
	if (sigsetjmp(way_out, 1) == 0)
		must_eq(recurse(&first), 0);
	must_eq(handled, 1);
	use_modules();
	return unused;
}

START_TEST(test_stack_overflow)
{
	make_scene();
	install(SIGSEGV, jump);
	thread_join(thread_start(overflow, NULL));
}
END_TEST

/* --- the program goes to the kernel by itself --- */

static const stack_t raw_none = {.ss_flags = SS_DISABLE};

START_TEST(test_raw)
{
	const stack_t *stack = _i ? &raw_none : &own;

	make_scene();
	use_modules();
	install(SIGUSR1, plain_handler);
	must(!syscall(SYS_sigaltstack, stack, NULL));
	enter_fault(module, bad, 0);
	kernel_has_ours();
	use_modules();
	asked(&own, _i ? SS_DISABLE : 0);
	must(!syscall(SYS_sigaltstack, stack, NULL));
	raise(SIGUSR1);
	kernel_has_ours();
	use_modules();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("altstack");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_set_later);
	tcase_add_loop_test(tcase, test_set_badly, 0, 2);
	tcase_add_loop_test(tcase, test_in_host_code, 0, 2);
	tcase_add_test(tcase, test_not_attached);
	tcase_add_loop_test(tcase, test_in_module, 0, 2);
	tcase_add_loop_test(tcase, test_in_service, 0, 2);
	tcase_add_test(tcase, test_nested);
	tcase_add_test(tcase, test_without_onstack);
	tcase_add_loop_test(tcase, test_host_fault, 0, 2);
	tcase_add_loop_test(tcase, test_jump, 0, 4);
	tcase_add_test(tcase, test_stack_overflow);
	tcase_add_loop_test(tcase, test_raw, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
