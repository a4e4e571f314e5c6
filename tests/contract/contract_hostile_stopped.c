/* SPDX-License-Identifier: MIT */
/*
 * contract_hostile_stopped - a process that calls gates is stopped or stepped
 * by another at any instruction, and goes on as if it had not been.
 */
#include "contract/hostile_scene.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"
#include "core/region.h"

#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/rseq.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOPS = 40 };

static struct stopped {
	uint32_t over;
	uint64_t calls;
} * stopped;

MODULE_CODE static uintptr_t double_it(uintptr_t value)
{
	return 2 * value;
}

/* Calls a gate, faults in another, looks at what is left; until it is told. */
static void call_for_ever(void *unused)
{
	struct modiso_gate *good = make_gate(module, double_it);
	struct modiso_gate *bad = make_gate(module, poke_ud2);
	uintptr_t i;

	(void)unused;
	for (i = 0; !__atomic_load_n(&stopped->over, __ATOMIC_SEQ_CST); i++) {
		must_eq(enter(good, i), 2 * i);
		if (i % 16 == 0)
			enter_fault(module, bad, 0);
		region_bytes(hosts)[0]++;
		__atomic_fetch_add(&stopped->calls, 1, __ATOMIC_SEQ_CST);
	}
}

static void wait_for_calls(pid_t child, unsigned more)
{
	uint64_t calls = __atomic_load_n(&stopped->calls, __ATOMIC_SEQ_CST);
	int status;

	while (__atomic_load_n(&stopped->calls, __ATOMIC_SEQ_CST) <
	       calls + more) {
		if (waitpid(child, &status, WNOHANG) == child)
			must_exit(status, 1000); /* it did not wait for us */
		sched_yield();
	}
}

/* As a debugger does; false: that is forbidden to this process. */
static bool hold_and_let_go(pid_t child)
{
	int status;

	if (ptrace(PTRACE_ATTACH, child, NULL, NULL)) {
		must_eq(errno, EPERM);
		return false;
	}
	must_eq(waitpid(child, &status, __WALL), child);
	must(WIFSTOPPED(status));
	/* Whatever came first is given back; the stop itself is not. */
	must(!ptrace(PTRACE_DETACH, child, NULL,
		     WSTOPSIG(status) == SIGSTOP ? 0 : W(WSTOPSIG(status))));
	must(!kill(child, SIGCONT));
	return true;
}

/* A child that calls, and is let end. */
static pid_t start_caller(void)
{
	pid_t child;

	stopped = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(stopped != MAP_FAILED);
	make_scene();
	child = fork();
	must(child >= 0);
	if (!child) {
		call_for_ever(NULL);
		_exit(0);
	}
	wait_for_calls(child, 1);
	return child;
}

static void end_caller(pid_t child)
{
	int status;

	__atomic_store_n(&stopped->over, 1, __ATOMIC_SEQ_CST);
	must_eq(waitpid(child, &status, 0), child);
	must_exit(status, 0);
}

START_TEST(test_stopped)
{
	pid_t child = start_caller();
	int status, i;

	for (i = 0; i < STOPS; i++) {
		must(!kill(child, SIGSTOP));
		must_eq(waitpid(child, &status, WUNTRACED), child);
		must(WIFSTOPPED(status));
		must(!kill(child, SIGCONT));
		wait_for_calls(child, 1);
	}
	for (i = 0; i < STOPS && hold_and_let_go(child); i++)
		wait_for_calls(child, 1);
	wait_for_calls(child, 20);
	end_caller(child);
}
END_TEST

#define TRAP_FLAG 0x100ull

/*
 * What a debugger does about a kernel that takes the trap flag for the
 * program's own once it has stepped over a popf: it takes it out again, before
 * a signal's frame keeps it.
 */
static void clear_trap_flag(pid_t child)
{
	struct user_regs_struct registers;

	must(!ptrace(PTRACE_GETREGS, child, NULL, &registers));
	if (!(registers.eflags & TRAP_FLAG))
		return;
	registers.eflags &= ~TRAP_FLAG;
	must(!ptrace(PTRACE_SETREGS, child, NULL, &registers));
}

/* The child's own signals go on to it, and the steps and the stop do not. */
static uintptr_t signal_of(int status)
{
	int signo = WSTOPSIG(status);

	return signo == SIGTRAP || signo == SIGSTOP ? 0 : (uintptr_t)signo;
}

/* Attach, execute so many instructions one by one, let go wherever that is. */
static bool step_and_let_go(pid_t child, unsigned long steps)
{
	int status;

	if (ptrace(PTRACE_ATTACH, child, NULL, NULL)) {
		must_eq(errno, EPERM);
		return false;
	}
	must_eq(waitpid(child, &status, __WALL), child);
	must(WIFSTOPPED(status));
	/* A signal that came first; the stop is still to come. */
	while (WSTOPSIG(status) != SIGSTOP) {
		must(!ptrace(PTRACE_CONT, child, NULL, signal_of(status)));
		must_eq(waitpid(child, &status, __WALL), child);
		must(WIFSTOPPED(status));
	}
	while (steps-- > 0) {
		clear_trap_flag(child);
		must(!ptrace(PTRACE_SINGLESTEP, child, NULL,
			     signal_of(status)));
		must_eq(waitpid(child, &status, __WALL), child);
		must(WIFSTOPPED(status));
	}
	clear_trap_flag(child);
	must(!ptrace(PTRACE_DETACH, child, NULL, signal_of(status)));
	return true;
}

/* From wherever it is, through gates, faults and handlers, to anywhere. */
START_TEST(test_stepped)
{
	unsigned long each = run_times(2000, 300), i;
	pid_t child = start_caller();

	for (i = 0; i < 10; i++) {
		if (!step_and_let_go(child, each + 17 * i)) {
			must(!kill(child, SIGKILL));
			test_skip("ptrace", "tracing is forbidden here");
		}
		wait_for_calls(child, 20);
	}
	end_caller(child);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("hostile_stopped");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_stopped);
	add_test_but_tsan(tcase, test_stepped,
			  "its run-time library puts signals off");
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
