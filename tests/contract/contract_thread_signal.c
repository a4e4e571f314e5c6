/* SPDX-License-Identifier: MIT */
/*
 * contract_thread_signal - the signal stack and the signals of a thread that
 * the library serves.
 */
#include "contract/thread_scene.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"
#include "arch/x86_64/signal.h"
#include "os/linux/sys.h"

#include <pthread.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/syscall.h>

/* Does the kernel have it? The program is told so all the time. */
static bool same_stack(const stack_t *want)
{
	stack_t now;

	must(!sigaltstack(NULL, &now));
	must_eq(now.ss_sp, want->ss_sp);
	must_eq(now.ss_size, want->ss_size);
	must_eq(now.ss_flags & ~SS_ONSTACK, want->ss_flags);
	must(!syscall(SYS_sigaltstack, NULL, &now));
	return now.ss_sp == want->ss_sp && now.ss_size == want->ss_size &&
	       now.ss_flags == want->ss_flags;
}

static void *own_signal_stack(void *bytes)
{
	stack_t mine = {.ss_sp = bytes, .ss_size = 16384};

	must(!sigaltstack(&mine, NULL));
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	enter_fault(module, make_gate(module, poke_ud2), 0);
	must(!same_stack(&mine));
	expect(MODISO_OK, modiso_thread_detach());
	must(same_stack(&mine));
	expect(MODISO_OK, modiso_thread_attach());
	expect(MODISO_OK, modiso_thread_detach());
	must(same_stack(&mine));
	return NULL;
}

static void *no_signal_stack(void *unused)
{
	const stack_t none = {.ss_flags = SS_DISABLE};

	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	must(!same_stack(&none));
	expect(MODISO_OK, modiso_thread_detach());
	must(same_stack(&none));
	return unused;
}

START_TEST(test_signal_stack_put_back)
{
	unsigned char *bytes = pages_map(4, PROT_READ | PROT_WRITE);

	make_scene();
	thread_join(thread_start(no_signal_stack, NULL));
	thread_join(thread_start(own_signal_stack, bytes));
	own_signal_stack(bytes);
	/* And at the end of the library, on every thread that is left. */
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	world_stop();
	must(same_stack(&(stack_t){.ss_sp = bytes, .ss_size = 16384}));
}
END_TEST

static volatile int attach_code, attach_fault;
static struct modiso_gate *attach_gate;

static void attach_in_handler(int signo)
{
	(void)signo;
	attach_code = modiso_thread_attach();
	attach_fault = modiso_gate_call(attach_gate, NULL, 0, NULL);
}

static void raw_handler(int signo, siginfo_t *info, void *context)
{
	(void)info;
	(void)context;
	attach_in_handler(signo);
}

/*
 * The stack that is in use is exchanged all the same, for good: the return from
 * the handler does not bring it back.
 */
static void *attach_on_signal_stack(void *bytes)
{
	/* A handler of a fault's signal blocks that, unless told not to. */
	struct sigaction action = {.sa_handler = attach_in_handler,
				   .sa_flags = SA_ONSTACK | SA_NODEFER};
	const int signals[] = {SIGUSR1, SIGILL};
	const struct mdi_sigaction raw = {
		.handler = raw_handler,
		.flags = SA_ONSTACK | SA_SIGINFO | MDI_SA_RESTORER,
		.restorer = mdi_signal_restorer,
	};
	stack_t mine = {.ss_sp = bytes, .ss_size = 65536};

	attach_gate = make_gate(module, poke_ud2);

	must(!sigaltstack(&mine, NULL));
	for (int i = 0; i < 4; i++) {
		must(!sigaction(signals[i % 2], &action, NULL));
		must(!raise(signals[i % 2]));
		must_eq(attach_code, MODISO_OK);
		must_eq(attach_fault, MODISO_ERR_FAULT);
		enter_fault(module, attach_gate, 0);
		must(!same_stack(&mine));
		expect(MODISO_OK, modiso_thread_detach());
		must(same_stack(&mine));
	}
	/* A handler that the library knows nothing of: its return would. */
	must(!mdi_sys_sigaction(SIGUSR2, &raw, NULL));
	must(!raise(SIGUSR2));
	must_eq(attach_code, MODISO_ERR_STATE);
	must(same_stack(&mine));
	expect(MODISO_OK, modiso_thread_attach());
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	return NULL;
}

START_TEST(test_attach_on_signal_stack)
{
	make_scene();
	thread_join(thread_start(attach_on_signal_stack,
				 pages_map(16, PROT_READ | PROT_WRITE)));
}
END_TEST

static const int needed[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};

static void *enter_blocked(void *signo)
{
	struct modiso_gate *gate = make_gate(module, module_add_one);
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, *(const int *)signo);
	must(!pthread_sigmask(SIG_BLOCK, &set, NULL));
	expect(MODISO_ERR_STATE, modiso_thread_attach());
	expect(MODISO_ERR_STATE, modiso_gate_call(gate, WORDS(1), NULL));
	must(!pthread_sigmask(SIG_UNBLOCK, &set, NULL));
	must_eq(enter(gate, 1), 2);
	return NULL;
}

START_TEST(test_blocked_signal)
{
	int signo = needed[_i];

	make_scene();
	thread_join(thread_start(enter_blocked, &signo));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("thread_signal");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_signal_stack_put_back);
	tcase_add_test(tcase, test_attach_on_signal_stack);
	tcase_add_loop_test(tcase, test_blocked_signal, 0, 6);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
