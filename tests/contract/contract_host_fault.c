/* SPDX-License-Identifier: MIT */
/*
 * contract_host_fault - a fault of the host itself goes where it went before:
 * to the program's own handler, or it ends the process as it always has.
 */
#include "support/stayer.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

static struct modiso_module *module;
static unsigned char *truncated;

/* What a handler of the program's own was told; shared with the child. */
struct heard {
	int count, signo, code, value;
	pid_t pid;
	const void *address;
	unsigned long mask;
	int went_on;
};

static struct heard *heard;
static unsigned char *own_page;

static void hear(int signo, siginfo_t *info, void *context)
{
	sigset_t mask;

	(void)context;
	heard->count++;
	heard->signo = signo;
	heard->code = info->si_code;
	if (info->si_code > 0 && info->si_code != SI_KERNEL) {
		heard->address = info->si_addr;
	} else if (info->si_code <= 0) {
		heard->pid = info->si_pid;
		heard->value = info->si_value.sival_int;
	}
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	memcpy(&heard->mask, &mask, sizeof(heard->mask));
	if (heard->code > 0 && signo == SIGSEGV &&
	    mprotect(own_page, PAGE, PROT_READ | PROT_WRITE))
		_exit(60);
	if (heard->count == 3)
		_exit(61);
}

static void deed_access(void)
{
	poke_store1(own_page + 5, 1);
	heard->went_on = 1;
}

static void deed_null(void)
{
	poke_load1(NULL);
}

static void deed_non_canonical(void)
{
	poke_load1((void *)((uintptr_t)1 << 62));
}

static void deed_ud2(void)
{
	poke_ud2();
}

static void deed_int3(void)
{
	poke_int3();
	heard->went_on = 1;
}

static void deed_div0(void)
{
	poke_div0();
}

static void deed_bus(void)
{
	poke_load1(truncated + PAGE);
}

static void deed_raise(void)
{
	raise(SIGSEGV);
	heard->went_on = 1;
}

static void deed_queue(void)
{
	sigqueue(getpid(), SIGBUS, (union sigval){.sival_int = 99});
	heard->went_on = 1;
}

/* With a sender that is not true: handed on as it came. */
static void deed_forge(void)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	info.si_signo = SIGILL;
	info.si_code = SI_QUEUE;
	info.si_pid = 1234;
	info.si_value.sival_int = 77;
	syscall(SYS_rt_tgsigqueueinfo, getpid(), proc_gettid(), SIGILL, &info);
	heard->went_on = 1;
}

static void deed_guarded_while_closed(void)
{
	mprotect(own_page, PAGE, PROT_NONE);
	poke_load1(own_page + 9);
	heard->went_on = 1;
}

static const struct {
	const char *name;
	void (*deed)(void);
	int signo;
} deeds[] = {
	{"write to a page that forbids it", deed_access, SIGSEGV},
	{"NULL", deed_null, SIGSEGV},
	{"non-canonical", deed_non_canonical, SIGSEGV},
	{"ud2", deed_ud2, SIGILL},
	{"int3", deed_int3, SIGTRAP},
	{"division by zero", deed_div0, SIGFPE},
	{"truncated file", deed_bus, SIGBUS},
	{"raise", deed_raise, SIGSEGV},
	{"sigqueue", deed_queue, SIGBUS},
	{"queued to the thread", deed_forge, SIGILL},
	{"read of a page that forbids it", deed_guarded_while_closed, SIGSEGV},
};

#define DEEDS ((int)(sizeof(deeds) / sizeof(*deeds)))

static int deed_flags;
static bool with_library, with_handler;

static void do_deed(void *which)
{
	struct sigaction action = {.sa_sigaction = hear};
	int i = *(int *)which;

	action.sa_flags = SA_SIGINFO | deed_flags;
	sigaddset(&action.sa_mask, SIGUSR2);
	if (with_handler)
		sigaction(deeds[i].signo, &action, NULL);
	if (with_library) {
		module = world_module();
		must_eq(enter(make_gate(module, module_add_one), 1), 2);
		enter_fault(module, make_gate(module, poke_load1), 0);
	}
	deeds[i].deed();
}

static void *shared_page(void)
{
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	must(page != MAP_FAILED);
	return page;
}

static void make_own_pages(void)
{
	int fd = memfd_create("truncated", MFD_CLOEXEC);

	heard = shared_page();
	own_page = pages_map(1, PROT_READ);
	must(fd >= 0 && !ftruncate(fd, PAGE));
	truncated =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(truncated != MAP_FAILED);
	close(fd);
}

/* The handler that was there hears what it hears without the library. */
START_TEST(test_own_fault_handler)
{
	struct heard without;
	int status[2], i = _i % DEEDS;

	deed_flags = _i < DEEDS ? 0 : SA_NODEFER;
	with_handler = true;
	make_own_pages();
	with_library = false;
	status[0] = child_status(do_deed, &i);
	without = *heard;
	must(without.count > 0);
	must_eq(without.signo, deeds[i].signo);
	memset(heard, 0, sizeof(*heard));
	with_library = true;
	status[1] = child_status(do_deed, &i);
	must_eq(status[1], status[0]);
	must_eq(heard->count, without.count);
	must_eq(heard->signo, without.signo);
	must_eq(heard->code, without.code);
	must_eq(heard->address, without.address);
	must_eq(heard->value, without.value);
	must_eq(heard->went_on, without.went_on);
	must_eq(heard->mask, without.mask);
	must_eq(heard->pid != 0, without.pid != 0);
}
END_TEST

/* That there is a core file is asked, and not what it has of the memory. */
static void keep_core_small(void)
{
	FILE *filter = fopen("/proc/self/coredump_filter", "w");

	must(filter && fputs("0", filter) >= 0 && !fclose(filter));
}

/* Without a handler the process dies of it, core file and all. */
static int die_in(const char *directory, int which)
{
	int status = 0;
	pid_t pid = fork();

	must(pid >= 0);
	if (!pid) {
		if (chdir(directory))
			_exit(62);
		do_deed(&which);
		_exit(63);
	}
	must_eq(waitpid(pid, &status, 0), pid);
	return status;
}

START_TEST(test_own_fault_default)
{
	char directory[] = "/tmp/modiso-fault-XXXXXX", command[128];
	struct rlimit limit;
	int status[2];

	make_own_pages();
	must(!getrlimit(RLIMIT_CORE, &limit));
	limit.rlim_cur = limit.rlim_max;
	must(!setrlimit(RLIMIT_CORE, &limit));
	keep_core_small();
	must(mkdtemp(directory));
	with_library = false;
	status[0] = die_in(directory, _i);
	with_library = true;
	status[1] = die_in(directory, _i);
	snprintf(command, sizeof(command), "rm -rf '%s'", directory);
	must_eq(system(command), 0);
	must(WIFSIGNALED(status[0]));
	must_eq(WTERMSIG(status[0]), deeds[_i].signo);
	must(WIFSIGNALED(status[1]));
	must_eq(WTERMSIG(status[1]), WTERMSIG(status[0]));
	must_eq(!!WCOREDUMP(status[1]), !!WCOREDUMP(status[0]));
}
END_TEST

static void ignore_and_kill(void *unused)
{
	(void)unused;
	signal(SIGSEGV, SIG_IGN);
	module = world_module();
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	/* Sent by somebody: ignored. Raised by the CPU: cannot be. */
	raise(SIGSEGV);
	kill(getpid(), SIGSEGV);
	enter_fault(module, make_gate(module, poke_load1), 0);
	poke_load1(NULL);
	_exit(64);
}

START_TEST(test_own_fault_ignored)
{
	must_die(child_status(ignore_and_kill, NULL), SIGSEGV);
}
END_TEST

/* Sent while a module runs: not the module's fault, and the module goes on. */
static void hear_and_wake(int signo, siginfo_t *info, void *context)
{
	hear(signo, info, context);
	stayers_leave();
}

START_TEST(test_sent_into_module)
{
	static const int signals[] = {SIGSEGV, SIGBUS,  SIGILL,
				      SIGFPE,  SIGTRAP, SIGSYS};
	struct sigaction action = {.sa_sigaction = hear_and_wake,
				   .sa_flags = SA_SIGINFO};
	pthread_t thread;
	const union sigval five = {.sival_int = 5};
	int signo = signals[_i / 2];

	make_own_pages();
	sigaction(signo, &action, NULL);
	module = world_module();
	thread = stayer_start(module);
	if (_i % 2)
		must_eq(pthread_kill(thread, signo), 0);
	else
		must_eq(pthread_sigqueue(thread, signo, five), 0);
	thread_join(thread);
	must_eq(heard->count, 1);
	must_eq(heard->signo, signo);
	must_eq(heard->code, _i % 2 ? SI_TKILL : SI_QUEUE);
	must_eq(heard->pid, getpid());
	if (!(_i % 2))
		must_eq(heard->value, 5);
}
END_TEST

/* --- sent with the siginfo of a fault, which a process may do to itself --- */

static const struct {
	int signo, code;
	bool trap; /* told behind its instruction */
} forged[] = {
	{SIGSEGV, SEGV_MAPERR, false}, {SIGSEGV, SEGV_ACCERR, false},
	{SIGSEGV, SEGV_PKUERR, false}, {SIGBUS, BUS_ADRERR, false},
	{SIGILL, ILL_ILLOPN, false},   {SIGFPE, FPE_INTDIV, false},
	{SIGTRAP, TRAP_TRACE, true},   {SIGTRAP, 6 /* TRAP_PERF */, true},
	{SIGBUS, BUS_MCEERR_AO, true}, {SIGSYS, 1 /* SYS_SECCOMP */, true},
};

#define FORGED ((int)(sizeof(forged) / sizeof(*forged)))

static volatile int inside, done;
static struct modiso_region *guarded;
static struct modiso_gate *faulty;

MODULE_CODE static uintptr_t wait_until_done(void)
{
	inside = 1;
	while (!done)
		continue;
	return 7;
}

/* Host code, wherever it comes: it touches what modules may not. */
static void hear_forged(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	heard->count++;
	heard->address = info->si_addr;
	heard->value += region_bytes(guarded)[0];
	done = 1;
	if (faulty)
		heard->went_on += modiso_gate_call(faulty, WORDS(8), NULL) ==
				  MODISO_ERR_FAULT;
}

/* SA_NODEFER: what the handler does is to fault. */
static void hear_forgeries(int signo)
{
	struct sigaction action = {.sa_sigaction = hear_forged,
				   .sa_flags = SA_SIGINFO | SA_NODEFER};

	make_own_pages();
	module = world_module();
	guarded = make_region(NULL, PAGE, "host's");
	region_bytes(guarded)[0] = 5;
	must(!sigaction(signo, &action, NULL));
}

/*
 * To the process, by its first thread, which blocks it: the kernel lets nobody
 * else do that. So it goes to the other one.
 */
static void forge(int which, const void *address)
{
	siginfo_t info;
	sigset_t set;

	while (!inside)
		sched_yield();
	memset(&info, 0, sizeof(info));
	info.si_signo = forged[which].signo;
	info.si_code = forged[which].code;
	info.si_addr = (void *)W(address);
	sigemptyset(&set);
	sigaddset(&set, info.si_signo);
	must(!pthread_sigmask(SIG_BLOCK, &set, NULL));
	must(!syscall(SYS_rt_sigqueueinfo, getpid(), info.si_signo, &info));
}

static void *be_victim(void *unused)
{
	(void)unused;
	must_eq(enter(make_gate(module, wait_until_done)), 7);
	return NULL;
}

/* The handler hears it, with the host's rights, and the module goes on. */
START_TEST(test_forged)
{
	int which = _i % FORGED;
	pthread_t thread;

	hear_forgeries(forged[which].signo);
	if (_i >= FORGED)
		faulty = make_gate(make_module("other"), poke_load1);
	thread = thread_start(be_victim, NULL);
	forge(which, own_page);
	thread_join(thread);
	must_eq(heard->count, 1);
	must_eq(heard->address, own_page);
	must_eq(heard->value, 5);
	must_eq(heard->went_on, _i >= FORGED);
}
END_TEST

static sigjmp_buf marked_at;

static void look_at_flags(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *at = context;

	(void)signo;
	(void)info;
	siglongjmp(marked_at, at->uc_mcontext.gregs[REG_EFL] & 0x10000 ? 2 : 1);
}

/* Does the CPU set RF in the flags of a fault? */
static bool marks_faults(void)
{
	struct sigaction action = {.sa_sigaction = look_at_flags,
				   .sa_flags = SA_SIGINFO},
			 before;
	int seen;

	must(!sigaction(SIGSEGV, &action, &before));
	seen = sigsetjmp(marked_at, 1);
	if (seen == 0)
		poke_load1(NULL);
	must(!sigaction(SIGSEGV, &before, NULL));
	return seen == 2;
}

static void *be_victim_again(void *marks)
{
	struct modiso_gate *gate = make_gate(module, wait_until_done);
	int code;

	enter_fault(module, make_gate(module, poke_load1), W(own_page));
	code = modiso_gate_call(gate, NULL, 0, NULL);
	must_eq(code, marks ? MODISO_OK : MODISO_ERR_FAULT);
	return NULL;
}

/*
 * With all that the kernel still knows of the thread's last fault. Where the
 * CPU does not mark faults nothing tells the two apart: the call is over then.
 */
START_TEST(test_forged_again)
{
	bool marks = marks_faults();
	pthread_t thread;

	hear_forgeries(SIGSEGV);
	own_page = pages_nowhere();
	thread = thread_start(be_victim_again, marks ? &marks : NULL);
	forge(0, own_page);
	thread_join(thread);
	must_eq(heard->count, marks);
}
END_TEST

/* A fault signal that is sent while a filter runs is none of the filter's. */
static int sent_in_filter;

static enum modiso_verdict send_in_filter(const struct modiso_fault *fault,
					  void *arg)
{
	(void)arg;
	if (done)
		return MODISO_VERDICT_END; /* the handler's own */
	must_eq(fault->address, 24);
	must(!pthread_kill(pthread_self(), sent_in_filter));
	must_eq(fault->address, 24);
	return MODISO_VERDICT_END;
}

START_TEST(test_sent_into_filter)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	hear_forgeries(forged[_i].signo);
	sent_in_filter = forged[_i].signo;
	faulty = make_gate(make_module("other"), poke_load1);
	expect(MODISO_OK, modiso_fault_notify(NULL, send_in_filter, NULL,
					      NULL));
	expect(MODISO_ERR_FAULT,
	       modiso_gate_call(make_gate(module, poke_load1), WORDS(24),
				NULL));
	must_eq(heard->count, 1);
	must_eq(heard->went_on, 1);
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(fault.module, module);
	must_eq(fault.address, 24);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("host_fault");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_own_fault_handler, 0, 2 * DEEDS);
	tcase_add_loop_test(tcase, test_own_fault_default, 0, DEEDS);
	tcase_add_test(tcase, test_own_fault_ignored);
	tcase_add_loop_test(tcase, test_sent_into_module, 0, 12);
	tcase_add_loop_test(tcase, test_forged, 0, 2 * FORGED);
	tcase_add_test(tcase, test_forged_again);
	tcase_add_loop_test(tcase, test_sent_into_filter, 0, FORGED);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
