/* SPDX-License-Identifier: MIT */
/*
 * contract_dispatch - somebody else in the program has system calls of a thread
 * stopped, by Syscall User Dispatch: prctl(2), PR_SET_SYSCALL_USER_DISPATCH. It
 * goes on beside the library: each SIGSYS comes to whose it is.
 */
#include "support/proc.h"
#include "support/world.h"

#include <signal.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#define DISPATCH 59 /* PR_SET_SYSCALL_USER_DISPATCH */

static volatile uint8_t selector;
static volatile sig_atomic_t stopped;

static long parent_here(void);

/*
 * By the system call itself: nothing that defines prctl(3) sees it. The side of
 * the program on which its libraries lie need not ask: the handler's way to
 * that of the program makes calls. They are above it, or, where a stack may
 * grow without limit (ulimit -s unlimited), below.
 */
static int dispatch(unsigned long mode, volatile uint8_t *word)
{
	unsigned long begin = 0x500000000000, end = 0x600000000000;
	bool above = (uintptr_t)&getppid > (uintptr_t)&parent_here;

	if (!mode)
		return (int)syscall(SYS_prctl, DISPATCH, mode, 0ul, 0ul, NULL);
	if (above)
		return (int)syscall(SYS_prctl, DISPATCH, mode, end,
				    0x7ffffffff000 - end, word);
	return (int)syscall(SYS_prctl, DISPATCH, mode, 1ul, begin, word);
}

static long parent_here(void)
{
	long result = SYS_getppid;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 :
			 : "rcx", "r11", "memory");
	return result;
}

static void emulate(int signo, siginfo_t *info, void *context)
{
	greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;

	must_eq(signo, SIGSYS);
	must_eq(info->si_code, 2);
	selector = 0;
	stopped++;
	registers[REG_RAX] = 4711;
}

static void install(void)
{
	struct sigaction action = {
		.sa_sigaction = emulate,
		.sa_flags = SA_SIGINFO,
	};

	must(!sigaction(SIGSYS, &action, NULL));
}

static void must_emulate(void)
{
	int before = stopped;

	must(!dispatch(1, &selector));
	selector = 1;
	must_eq(parent_here(), 4711);
	must_eq(stopped, before + 1);
	must(!dispatch(0, NULL));
	must(parent_here() != 4711);
}

/* On a thread that the library knows, and on one that it does not. */
static void *in_thread(void *gate)
{
	must_emulate();
	if (gate != NULL) {
		must_eq(enter(gate, 1), 2);
		must_emulate();
	}
	return NULL;
}

START_TEST(test_goes_on)
{
	struct modiso_gate *gate;

	install();
	gate = make_gate(world_module(), module_add_one);
	must_emulate();
	must_eq(enter(gate, 1), 2);
	must_emulate();
	for (int i = 0; i < 2; i++)
		thread_join(thread_start(in_thread, i ? gate : NULL));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("dispatch");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_goes_on);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
