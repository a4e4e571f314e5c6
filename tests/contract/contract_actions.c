/* SPDX-License-Identifier: MIT */
/*
 * contract_actions - sigaction() and its kin answer as they do without the
 * library, and do what they were asked for: once, one change at a time, none
 * that the kernel has refused.
 */
#include "support/proc.h"
#include "support/world.h"

#include "os/critical.h"

#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Not in the headers, or deprecated there. */
typedef void handler_fn(int signo);
handler_fn *old_bsd_signal(int signo, handler_fn *handler) __asm__("bsd_signal");
handler_fn *old_ssignal(int signo, handler_fn *handler) __asm__("ssignal");
handler_fn *old_sysv_signal(int signo, handler_fn *handler)
	__asm__("sysv_signal");
handler_fn *old_sysv_signal2(int signo, handler_fn *handler)
	__asm__("__sysv_signal");
handler_fn *old_sigset(int signo, handler_fn *handler) __asm__("sigset");
int old_sigignore(int signo) __asm__("sigignore");
int old_siginterrupt(int signo, int interrupt) __asm__("siginterrupt");
int own_sigaction(int signo, const struct sigaction *action,
		  struct sigaction *old) __asm__("__sigaction");

static volatile sig_atomic_t first_calls, second_calls;

static void first(int signo)
{
	(void)signo;
	first_calls++;
}

static void second(int signo)
{
	(void)signo;
	second_calls++;
}

MODULE_CODE static uintptr_t same(uintptr_t value)
{
	return value;
}

/* Library, module, and a thread that is attached. */
static void attached(void)
{
	must_eq(enter(make_gate(world_module(), same), 3), 3);
}

static struct sigaction asked_for(int signo)
{
	struct sigaction action;

	must(!sigaction(signo, NULL, &action));
	return action;
}

static void install(int signo, handler_fn *handler, int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	must(!sigaction(signo, &action, NULL));
}

/* What @body, in a child of this process, is killed by; 0: it has ended well */
static int killed_by(void (*body)(void))
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	must(child >= 0);
	if (child == 0) {
		body();
		_exit(0);
	}
	must_eq(waitpid(child, &status, 0), child);
	if (WIFEXITED(status))
		must_eq(WEXITSTATUS(status), 0);
	return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void raise_usr1(void)
{
	raise(SIGUSR1);
}

/* --- SA_RESETHAND --- */

static const int once_in[] = {0, SA_ONSTACK, SA_NODEFER};
#define ONCE_IN (int)(sizeof(once_in) / sizeof(once_in[0]))

/* In the middle of the library, where it has to wait. */
START_TEST(test_once)
{
	attached();
	install(SIGUSR1, first, (int)SA_RESETHAND | once_in[_i]);
	mdi_critical_begin();
	raise(SIGUSR1);
	must_eq(first_calls, 0);
	mdi_critical_end();
	must_eq(first_calls, 1);
	must_eq(asked_for(SIGUSR1).sa_handler, SIG_DFL);
	must_eq(asked_for(SIGUSR1).sa_flags, (int)SA_RESETHAND | once_in[_i]);
	must_eq(killed_by(raise_usr1), SIGUSR1);
}
END_TEST

START_TEST(test_once_simply)
{
	if (_i)
		attached();
	else
		world_start();
	install(SIGUSR1, first, (int)SA_RESETHAND);
	raise(SIGUSR1);
	must_eq(first_calls, 1);
	must_eq(killed_by(raise_usr1), SIGUSR1);
}
END_TEST

static void raise_segv(void)
{
	raise(SIGSEGV);
}

START_TEST(test_once_fault_signal)
{
	attached();
	install(SIGSEGV, first, (int)SA_RESETHAND);
	raise(SIGSEGV);
	must_eq(first_calls, 1);
	must_eq(asked_for(SIGSEGV).sa_handler, SIG_DFL);
	must_eq(killed_by(raise_segv), SIGSEGV);
}
END_TEST

/* A handler that is asked for from the handler is a new one. */
static void again(int signo)
{
	first(signo);
	install(signo, again, (int)SA_RESETHAND);
}

START_TEST(test_once_again)
{
	int i;

	attached();
	install(SIGUSR1, again, (int)SA_RESETHAND);
	for (i = 1; i <= 100; i++) {
		raise(SIGUSR1);
		must_eq(first_calls, i);
	}
}
END_TEST

/* Many threads at once: one of them has it, and the process ends. */
static atomic_int *calls;
static atomic_bool go;

static void count_call(int signo)
{
	(void)signo;
	atomic_fetch_add(calls, 1);
	while (true)
		pause();
}

static void *raise_at_once(void *unused)
{
	while (!atomic_load(&go))
		;
	raise(SIGUSR1);
	return unused;
}

static void raise_in_threads(void)
{
	pthread_t thread[4];
	int i;

	install(SIGUSR1, count_call, (int)SA_RESETHAND);
	for (i = 0; i < 4; i++)
		thread[i] = thread_start(raise_at_once, NULL);
	atomic_store(&go, true);
	for (i = 0; i < 4; i++)
		thread_join(thread[i]);
}

START_TEST(test_once_in_threads)
{
	int i;

	attached();
	calls = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(calls != MAP_FAILED);
	for (i = 0; i < 20; i++) {
		atomic_store(calls, 0);
		must_eq(killed_by(raise_in_threads), SIGUSR1);
		must(atomic_load(calls) <= 1); /* or is on its way there */
	}
}
END_TEST

/* --- all other flags --- */

static const int all_flags[] = {
	0,	    SA_NOCLDSTOP, SA_NOCLDWAIT, SA_SIGINFO,
	SA_ONSTACK, SA_RESTART,	  SA_NODEFER,	(int)SA_RESETHAND,
};
#define FLAGS (int)(sizeof(all_flags) / sizeof(all_flags[0]))

START_TEST(test_flags_are_answered)
{
	static const int signals[] = {SIGCHLD, SIGUSR1, SIGSEGV, 40};
	struct sigaction action, now;
	int one, other, i;

	attached();
	for (i = 0; i < 4; i++)
		for (one = 0; one < FLAGS; one++)
			for (other = 0; other < FLAGS; other++) {
				memset(&action, 0, sizeof(action));
				action.sa_handler = first;
				action.sa_flags =
					all_flags[one] | all_flags[other];
				sigaddset(&action.sa_mask, SIGUSR2);
				must(!sigaction(signals[i], &action, NULL));
				now = asked_for(signals[i]);
				must_eq(now.sa_handler, first);
				must_eq(now.sa_flags, action.sa_flags);
				must(sigismember(&now.sa_mask, SIGUSR2));
				must(!sigismember(&now.sa_mask, SIGUSR1));
			}
}
END_TEST

/* A child that nobody has to wait for. */
START_TEST(test_no_zombies)
{
	int status;
	pid_t child;

	attached();
	install(SIGCHLD, first, SA_NOCLDWAIT);
	child = fork();
	if (child == 0)
		_exit(0);
	must(child > 0);
	must_eq(waitpid(child, &status, 0), -1);
	must_eq(errno, ECHILD);
}
END_TEST

static volatile int depth, deepest;

static void nest(int signo)
{
	depth++;
	if (depth > deepest)
		deepest = depth;
	if (++first_calls < 3)
		raise(signo);
	depth--;
}

START_TEST(test_no_defer)
{
	attached();
	install(SIGUSR1, nest, _i ? SA_NODEFER : 0);
	raise(SIGUSR1);
	must_eq(first_calls, 3);
	must_eq(deepest, _i ? 3 : 1);
}
END_TEST

/* --- every function that sets a handler or hands one out --- */

START_TEST(test_old_functions)
{
	struct sigaction action = {.sa_handler = first}, old;

	attached();
	must_eq(signal(SIGUSR1, first), SIG_DFL);
	must_eq(asked_for(SIGUSR1).sa_flags, SA_RESTART);
	must_eq(old_bsd_signal(SIGUSR1, second), first);
	must_eq(old_ssignal(SIGUSR1, first), second);
	must_eq(old_sysv_signal(SIGUSR1, second), first);
	must_eq(asked_for(SIGUSR1).sa_flags, (int)SA_RESETHAND | SA_NODEFER);
	must_eq(old_sysv_signal2(SIGUSR1, first), second);
	must_eq(old_sigset(SIGUSR1, second), first);
	must_eq(asked_for(SIGUSR1).sa_flags, 0);
	must_eq(own_sigaction(SIGUSR1, &action, &old), 0);
	must_eq(old.sa_handler, second);
	raise(SIGUSR1);
	must_eq(first_calls, 1);
	must_eq(old_sigignore(SIGUSR1), 0);
	raise(SIGUSR1);
	must_eq(asked_for(SIGUSR1).sa_handler, SIG_IGN);
	must_eq(first_calls + second_calls, 1);
}
END_TEST

START_TEST(test_sigset_holds)
{
	sigset_t mask;

	attached();
	must_eq(old_sigset(SIGUSR1, first), SIG_DFL);
	must_eq(old_sigset(SIGUSR1, SIG_HOLD), first);
	must(!sigprocmask(SIG_BLOCK, NULL, &mask));
	must(sigismember(&mask, SIGUSR1));
	raise(SIGUSR1);
	must_eq(first_calls, 0);
	must_eq(old_sigset(SIGUSR1, second), SIG_HOLD);
	must_eq(second_calls, 1);
}
END_TEST

START_TEST(test_siginterrupt)
{
	attached();
	signal(SIGUSR1, first);
	must_eq(old_siginterrupt(SIGUSR1, 1), 0);
	must_eq(asked_for(SIGUSR1).sa_flags, 0);
	must_eq(signal(SIGUSR1, second), first);
	must_eq(asked_for(SIGUSR1).sa_flags, 0);
	must_eq(old_siginterrupt(SIGUSR1, 0), 0);
	must_eq(asked_for(SIGUSR1).sa_flags, SA_RESTART);
	must_eq(signal(SIGUSR1, first), second);
	must_eq(asked_for(SIGUSR1).sa_flags, SA_RESTART);
}
END_TEST

START_TEST(test_bad_calls)
{
	static const int bad[] = {-1, 0, 32, 33, 65, 1000, SIGKILL, SIGSTOP};
	struct sigaction action = {.sa_handler = first};
	size_t i;

	if (_i)
		attached();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		errno = 0;
		must_eq(sigaction(bad[i], &action, NULL), -1);
		must_eq(errno, EINVAL);
		must_eq(signal(bad[i], first), SIG_ERR);
		must_eq(old_sysv_signal(bad[i], first), SIG_ERR);
		must_eq(old_sigset(bad[i], first), SIG_ERR);
		must_eq(old_sigignore(bad[i]), -1);
	}
	errno = 0;
	must_eq(signal(SIGUSR1, SIG_ERR), SIG_ERR);
	must_eq(errno, EINVAL);
}
END_TEST

/* --- the library's entry, that somebody got from the kernel --- */

struct kernel_action {
	void (*handler)(int signo);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

static struct kernel_action in_kernel(int signo)
{
	struct kernel_action action;

	must(!syscall(SYS_rt_sigaction, signo, NULL, &action, 8));
	return action;
}

START_TEST(test_entry_put_back)
{
	handler_fn *entry;
	int signo = _i ? SIGSEGV : SIGUSR1;

	attached();
	signal(signo, first);
	entry = in_kernel(signo).handler;
	must(entry != first);
	must_eq(signal(signo, entry), first);
	raise(signo);
	must_eq(first_calls, 1);
	must_eq(signal(signo, second), first);
	raise(signo);
	must_eq(second_calls, 1);
}
END_TEST

/* --- two at once --- */

static atomic_bool stop;

static void must_block(int signo)
{
	sigset_t mask;

	must(!pthread_sigmask(SIG_BLOCK, NULL, &mask));
	must(sigismember(&mask, signo));
	must(!sigismember(&mask, signo == SIGUSR2 ? SIGHUP : SIGUSR2));
}

static void block_usr2(int signo)
{
	first(signo);
	must_block(SIGUSR2);
}

static void block_hup(int signo)
{
	first(signo);
	must_block(SIGHUP);
}

/* Each with a mask and a flag of its own. */
static void install_one(bool usr2)
{
	struct sigaction action = {
		.sa_handler = usr2 ? block_usr2 : block_hup,
		.sa_flags = usr2 ? SA_RESTART : 0,
	};

	sigaddset(&action.sa_mask, usr2 ? SIGUSR2 : SIGHUP);
	must(!sigaction(SIGUSR1, &action, NULL));
}

static void *install_in_turn(void *unused)
{
	bool usr2 = true;

	while (!atomic_load(&stop)) {
		install_one(usr2);
		usr2 = !usr2;
	}
	return unused;
}

static void *install_its_own(void *usr2)
{
	while (!atomic_load(&go))
		;
	install_one(usr2 != NULL);
	return NULL;
}

/* A handler is called with the mask that was asked for with it. */
START_TEST(test_not_torn)
{
	unsigned long n = run_times(20000, 300), i;
	pthread_t thread;

	attached();
	install_one(true);
	thread = thread_start(install_in_turn, NULL);
	for (i = 0; i < n; i++)
		raise(SIGUSR1);
	atomic_store(&stop, true);
	thread_join(thread);
	must_eq(first_calls, n);
}
END_TEST

/* What is answered is what the kernel has. */
START_TEST(test_set_at_once)
{
	unsigned long n = run_times(3000, 50), i;
	pthread_t thread[2];
	bool restarts;

	attached();
	for (i = 0; i < n; i++) {
		atomic_store(&go, false);
		thread[0] = thread_start(install_its_own, NULL);
		thread[1] = thread_start(install_its_own, thread);
		atomic_store(&go, true);
		thread_join(thread[0]);
		thread_join(thread[1]);
		restarts = in_kernel(SIGUSR1).flags & SA_RESTART;
		must_eq(asked_for(SIGUSR1).sa_handler,
			restarts ? block_usr2 : block_hup);
	}
}
END_TEST

/* --- the kernel refuses --- */

/* From now on it lets nobody change what @signo does. */
static void refuse_changes(int signo)
{
	struct sock_filter filter[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_rt_sigaction, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[0])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)signo, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 1, 0),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(filter) / sizeof(filter[0]),
				     filter};

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

START_TEST(test_refused)
{
	struct sigaction action = {.sa_handler = second};

	attached();
	signal(SIGUSR1, first);
	refuse_changes(SIGUSR1);
	errno = 0;
	must_eq(sigaction(SIGUSR1, &action, NULL), -1);
	must_eq(errno, EPERM);
	must_eq(signal(SIGUSR1, SIG_IGN), SIG_ERR);
	must_eq(asked_for(SIGUSR1).sa_handler, first);
	must_eq(asked_for(SIGUSR1).sa_flags, SA_RESTART);
	raise(SIGUSR1);
	must_eq(first_calls, 1);
	must_eq(second_calls, 0);
}
END_TEST

#define NO_SIGNALS "it keeps signals until the code it watches is left"

static Suite *make_suite(void)
{
	Suite *suite = suite_create("actions");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_once, 0, ONCE_IN);
	tcase_add_loop_test(tcase, test_once_simply, 0, 2);
	tcase_add_test(tcase, test_once_fault_signal);
	tcase_add_test(tcase, test_once_again);
	add_test_but_tsan(tcase, test_once_in_threads, NO_SIGNALS);
	tcase_add_test(tcase, test_flags_are_answered);
	tcase_add_test(tcase, test_no_zombies);
	tcase_add_loop_test(tcase, test_no_defer, 0, 2);
	tcase_add_test(tcase, test_old_functions);
	tcase_add_test(tcase, test_sigset_holds);
	tcase_add_test(tcase, test_siginterrupt);
	tcase_add_loop_test(tcase, test_bad_calls, 0, 2);
	add_loop_test_but_tsan(tcase, test_entry_put_back, 0, 2, NO_SIGNALS);
	add_test_but_tsan(tcase, test_not_torn, NO_SIGNALS);
	add_test_but_tsan(tcase, test_set_at_once, NO_SIGNALS);
	add_test_but_tsan(tcase, test_refused, NO_SIGNALS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
