/* SPDX-License-Identifier: MIT */
/*
 * contract_confine_signals - signals, one by one and by the thousand, while
 * confined modules run.
 */
#include "contract/confined.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include "arch/x86_64/frame.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

static atomic_ulong rung;

static void ring(int signo)
{
	(void)signo;
	atomic_fetch_add(&rung, 1);
	global[1]++;
}

MODULE_CODE static uintptr_t spin(uintptr_t rounds)
{
	volatile uintptr_t total = 0;
	uintptr_t i;

	for (i = 0; i < rounds; i++)
		total += i;
	return total;
}

/* Signals and the scheduler meet code that may not touch their frames. */
START_TEST(test_signals)
{
	struct sigaction action = {.sa_handler = ring, .sa_flags = SA_ONSTACK};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = SIGALRM};
	long interval = (long)run_times(200000, 3000000);
	const struct itimerspec often = {{0, interval}, {0, interval}};
	unsigned long wanted = run_times(2000, 100), i;
	struct modiso_gate *spinning, *load;
	timer_t timer;

	make_scene(_i);
	spinning = make_gate(module, spin);
	load = make_gate(module, poke_load1);
	must(!sigaction(SIGALRM, &action, NULL));
	must(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	must(!timer_settime(timer, 0, &often, NULL));
	for (i = 0; atomic_load(&rung) < wanted; i++) {
		must_eq(enter(spinning, 2000), 1999000);
		must_blame(enter_fault(module, load, W(region_bytes(hosts))),
			   MODISO_READ, region_bytes(hosts), hosts);
	}
	must(!timer_delete(timer));
	must_eq(modiso_fault_count(), i);
}
END_TEST

/*
 * Modules of one level, threads that go in and out and fault, and three kinds
 * of signals that come all the time from two directions. The handlers do what
 * handlers are promised: touch what is guarded, call gates, be interrupted.
 */
static struct modiso_gate *quick;
static atomic_bool storm_over;
static atomic_ulong rounds, handled[3], gates_by_handler;

static void handle_guarded(int signo)
{
	atomic_ulong *count = modiso_region_base(hosts);
	int saved = errno;

	(void)signo;
	atomic_fetch_add(count, 1);
	if (atomic_fetch_add(&handled[0], 1) % 7 == 0) {
		must_eq(enter(quick, 1, 2, 3, 4, 5, 6), 91);
		atomic_fetch_add(&gates_by_handler, 1);
	}
	errno = saved;
}

static void handle_nested(int signo)
{
	(void)signo;
	if (atomic_fetch_add(&handled[1], 1) % 5 == 0)
		raise(SIGURG);
}

static void handle_inner(int signo)
{
	handle_guarded(signo);
	atomic_fetch_add(&handled[2], 1);
}

static void calm_down(void)
{
	static const int of_the_storm[] = {SIGALRM, SIGUSR1, SIGUSR2, SIGURG};
	sigset_t set;

	sigemptyset(&set);
	for (size_t i = 0; i < sizeof(of_the_storm) / sizeof(int); i++)
		sigaddset(&set, of_the_storm[i]);
	must_eq(pthread_sigmask(SIG_BLOCK, &set, NULL), 0);
}

static void *storm_worker(void *which)
{
	struct modiso_module *mine = which ? other : module;
	struct modiso_gate *spinning = make_gate(mine, spin);
	struct modiso_gate *load = make_gate(mine, poke_load1);
	struct modiso_gate *adds = make_gate(mine, sum);
	const unsigned char *byte = region_bytes(hosts) + 64;

	while (!atomic_load(&storm_over)) {
		must_eq(enter(spinning, 2000), 1999000);
		must_blame(enter_fault(mine, load, W(byte)), MODISO_READ, byte,
			   hosts);
		must_eq(enter(adds, 1, 2, 3, 4, 5, 6), 91);
		atomic_fetch_add(&rounds, 1);
	}
	/*
	 * A thread that has ended but for its last destructor enters no module
	 * any more, and so no handler of it does.
	 */
	calm_down();
	return NULL;
}

static void handle(int signo, void (*handler)(int), int flags)
{
	struct sigaction action = {.sa_handler = handler, .sa_flags = flags};

	must(!sigaction(signo, &action, NULL));
}

static long long now_ms(void)
{
	struct timespec now;

	must(!clock_gettime(CLOCK_MONOTONIC, &now));
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

/* 10 kHz; in emulation that would leave no time for anything else. */
static void every(int which, int signo)
{
	const long us = (long)run_times(100, 1000);
	const struct itimerval often = {{0, us}, {0, us}};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL,
				 .sigev_signo = signo};
	const struct itimerspec same = {{0, us * 1000}, {0, us * 1000}};
	timer_t timer;

	if (which == 0) {
		must(!setitimer(ITIMER_REAL, &often, NULL));
		return;
	}
	must(!timer_create(CLOCK_MONOTONIC, &event, &timer));
	must(!timer_settime(timer, 0, &same, NULL));
}

/* Of each kind of signal, and of what it came into the midst of. */
static bool stormed_enough(void)
{
	return atomic_load(&rounds) > 10 && atomic_load(&handled[0]) > 100 &&
	       atomic_load(&handled[2]) > 0 &&
	       atomic_load(&gates_by_handler) > 10;
}

START_TEST(test_storm)
{
	long long end;
	pthread_t threads[2];
	unsigned i = 0;

	make_scene_at((uint32_t)_i);
	quick = make_gate(make_confined("quick", (uint32_t)_i), sum);
	handle(SIGALRM, handle_guarded, 0);
	handle(SIGUSR1, handle_guarded, SA_ONSTACK | SA_RESTART);
	handle(SIGUSR2, handle_nested, SA_NODEFER);
	handle(SIGURG, handle_inner, 0);
	for (i = 0; i < 2; i++)
		threads[i] = thread_start(storm_worker, i ? module : NULL);
	end = now_ms() + (getenv("MODISO_TEST_LONG") ? 10000 : 1000);
	every(0, SIGALRM);
	every(1, SIGUSR1);
	/*
	 * Not faster than they are taken, or nobody gets on; and for as long as
	 * a loaded machine needs.
	 */
	for (i = 0; now_ms() < end || !stormed_enough(); i++) {
		must_eq(pthread_kill(threads[i % 2], i % 3 ? SIGUSR1 : SIGUSR2),
			0);
		while (atomic_load(&handled[0]) < i / 2)
			sched_yield();
	}
	atomic_store(&storm_over, true);
	for (i = 0; i < 2; i++)
		thread_join(threads[i]);
	handle(SIGALRM, SIG_IGN, 0);
	handle(SIGUSR1, SIG_IGN, 0);
	must_eq(atomic_load((atomic_ulong *)modiso_region_base(hosts)),
		atomic_load(&handled[0]));
}
END_TEST

/*
 * --- all fault signals at once ---
 *
 * They are sent while the process is stopped, so when it goes on the kernel
 * begins one handler upon the other, before the first instruction of any.
 */
static const int sent[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGTRAP, SIGSYS};
#define SENT (sizeof(sent) / sizeof(*sent))
static atomic_uint *shared; /* [0]: the module runs; [1]: a bit for each */

static void note_fault(int signo)
{
	for (size_t i = 0; i < SENT; i++)
		if (sent[i] == signo && atomic_fetch_or(&shared[1], 1u << i) +
						(1u << i) ==
					(1u << SENT) - 1)
			*region_bytes(data) = 1;
}

MODULE_CODE static uintptr_t spin_until(uintptr_t word)
{
	volatile unsigned char *stop = (unsigned char *)word;

	stop[1] = 1;
	while (!*stop)
		;
	return 7;
}

static void *tell_when_inside(void *unused)
{
	while (!__atomic_load_n(region_bytes(data) + 1, __ATOMIC_ACQUIRE))
		sched_yield();
	atomic_store(&shared[0], 1);
	return unused;
}

static void be_sent_faults(uint32_t wanted)
{
	struct modiso_gate *gate;
	pthread_t teller;

	make_scene_at(wanted);
	gate = make_gate(module, spin_until);
	for (size_t i = 0; i < SENT; i++)
		handle(sent[i], note_fault, SA_ONSTACK);
	teller = thread_start(tell_when_inside, NULL);
	must_eq(enter(gate, W(region_bytes(data))), 7);
	thread_join(teller);
	must_eq(atomic_load(&shared[1]), (1u << SENT) - 1);
}

START_TEST(test_faults_together)
{
	int status;
	pid_t pid;

	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(shared != MAP_FAILED);
	pid = fork();
	must(pid >= 0);
	if (pid == 0) {
		be_sent_faults((uint32_t)_i);
		_exit(0);
	}
	while (!atomic_load(&shared[0]))
		must_eq(waitpid(pid, &status, WNOHANG), 0);
	must(!kill(pid, SIGSTOP));
	must_eq(waitpid(pid, &status, WUNTRACED), pid);
	must(WIFSTOPPED(status));
	for (size_t i = 0; i < SENT; i++)
		must(!syscall(SYS_tgkill, pid, pid, sent[i]));
	must(!kill(pid, SIGCONT));
	must_eq(waitpid(pid, &status, 0), pid);
	must_exit(status, 0);
}
END_TEST

/*
 * --- what a signal's handler has on its stack ---
 *
 * Linux before 6.12 writes a signal's frame with the rights of the code that it
 * interrupts, so modules have rights to where it begins.
 */
static struct modiso_gate *stores;
static volatile uint64_t *hosts_secret; /* ones and zeros exchanged */
static volatile uintptr_t handlers_stack;

static void must_not_store(volatile const void *at)
{
	volatile const uint64_t *word = at;
	uint64_t was = *word;

	must_blame(enter_fault(module, stores, W(word), ~was), MODISO_WRITE,
		   (const void *)at, NULL);
	must_eq(*word, was);
}

/* It calls a module, which has no say in how it goes on. */
static void call_module(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *interrupted = context;
	volatile uint64_t local = ~*hosts_secret;

	must_eq(signo, SIGUSR1);
	must_not_store(&local);
	must_not_store((const char *)context - 8); /* where it returns to */
	must_not_store(info);
	must_not_store(&interrupted->uc_mcontext.gregs[REG_RIP]);
	must_not_store(interrupted->uc_mcontext.fpregs);
	must_eq(enter(make_gate(module, sum), 1, 2, 3, 4, 5, 6), 91);
}

static void note_stack(int signo, siginfo_t *info, void *context)
{
	volatile uint64_t local = ~*hosts_secret;

	(void)signo;
	(void)info;
	(void)context;
	handlers_stack = W(&local);
}

static void take_signals(void (*handler)(int, siginfo_t *, void *))
{
	struct sigaction action = {.sa_sigaction = handler,
				   .sa_flags = SA_SIGINFO};

	hosts_secret = (void *)region_bytes(hosts);
	*hosts_secret = 0x123456789abcdef1;
	stores = make_gate(module, poke_store8);
	must_eq(enter(make_gate(module, sum), 1, 2, 3, 4, 5, 6), 91);
	must(!sigaction(SIGUSR1, &action, NULL));
}

START_TEST(test_stack_closed)
{
	make_scene(_i);
	take_signals(call_module);
	for (int i = 0; i < 3; i++)
		must(!raise(SIGUSR1));
}
END_TEST

/* With the secret in registers, of which the kernel's frame has all. */
static void be_interrupted(void)
{
	long number = SYS_tkill, tid = syscall(SYS_gettid);

	__asm__ volatile("mov %[secret], %%r12\n\t"
			 "not %%r12\n\t"
			 "movq %%r12, %%xmm9\n\t"
			 "syscall\n\t"
			 "xor %%r12d, %%r12d\n\t"
			 "pxor %%xmm9, %%xmm9"
			 : "+a"(number)
			 : "D"(tid), "S"((long)SIGUSR1),
			   [secret] "m"(*hosts_secret)
			 : "rcx", "r11", "r12", "xmm9", "memory");
	must_eq(number, 0);
}

MODULE_CODE static uintptr_t look_for(volatile const uint64_t *page,
				      uint64_t exchanged)
{
	uintptr_t found = 0;

	for (unsigned i = 0; i < PAGE / sizeof(*page); i++)
		found += ~page[i] == exchanged;
	return found;
}

/* A module that is called later finds nothing of it. */
START_TEST(test_stack_clean)
{
	struct modiso_gate *looks;
	uintptr_t stacks, found, i;

	make_scene_at(MODISO_CONFINE_SEALED);
	take_signals(note_stack);
	looks = make_gate(module, look_for);
	be_interrupted();
	stacks = handlers_stack & -(uintptr_t)MDI_ALTSTACK_SIZE;
	for (i = 0; i < MDI_ALTSTACK_SIZE; i += PAGE) {
		found = 0;
		if (modiso_gate_call(looks, WORDS(stacks + i, *hosts_secret),
				     &found) == MODISO_OK)
			must_eq(found, 0);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("confine_signals");
	TCase *tcase = tcase_create("contract");
	uint32_t caps = backend_caps();
	int i;

	add_loop_test_but_tsan(tcase, test_storm, MODISO_CONFINE_GUARD,
			       MODISO_CONFINE_GUARD + 1,
			       "10,000 signals a second leave it no time");
	if (on_pkey()) {
		tcase_add_loop_test(tcase, test_stack_closed, 0, 2);
		tcase_add_test(tcase, test_stack_clean);
	}
	for (i = 0; i < 2; i++) {
		if (!(caps & 1u << levels[i]))
			continue;
		tcase_add_loop_test(tcase, test_signals, i, i + 1);
		tcase_add_loop_test(tcase, test_storm, (int)levels[i],
				    (int)levels[i] + 1);
		tcase_add_loop_test(tcase, test_faults_together, (int)levels[i],
				    (int)levels[i] + 1);
	}
	tcase_add_loop_test(tcase, test_faults_together, MODISO_CONFINE_GUARD,
			    MODISO_CONFINE_GUARD + 1);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
