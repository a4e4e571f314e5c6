/* SPDX-License-Identifier: MIT */
#include "support/tracer.h"

#include "support/proc.h"
#include "support/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define TRAP_FLAG 0x100ull
#define INT3      0xccul

/* The kernel's number for a step or an int3; others have their own. */
#define IS_EVENT(status) ((status) >> 16 != 0)

/* Check, or who watches over the tests, wants this one to end. */
static volatile sig_atomic_t given_up;

static void give_up(int signo)
{
	(void)signo;
	given_up = 1;
}

/* The line of /proc/self/maps that @pc is in: the child has the same. */
static void print_place(uintptr_t pc)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long start, end, offset;
	char line[512], *name;

	while (maps && fgets(line, sizeof(line), maps)) {
		if (sscanf(line, "%lx-%lx %*s %lx", &start, &end, &offset) != 3)
			continue;
		if (pc < start || pc >= end)
			continue;
		name = strrchr(line, '/');
		if (!name)
			name = strrchr(line, ' ');
		line[strcspn(line, "\n")] = '\0';
		printf(" %#lx (%s+%#lx)", (unsigned long)pc,
		       name ? name + 1 : "?",
		       (unsigned long)pc - start + offset);
		break;
	}
	if (maps)
		fclose(maps);
}

void tracer_report(struct tracer *tracer, const char *what)
{
	printf("# step: %s: %s after the signal at", tracer->name, what);
	print_place(tracer->at);
	printf(", time %u;", tracer->at_times);
	if (ptrace(PTRACE_GETREGS, tracer->pid, NULL, &tracer->regs) == 0) {
		printf(" now at");
		print_place(tracer->regs.rip);
		kill(tracer->pid, SIGKILL);
	}
	printf("\n");
}

/* --- one thread of the child, stopped --- */

static struct user_regs_struct regs_of(pid_t tid)
{
	struct user_regs_struct regs;

	if (ptrace(PTRACE_GETREGS, tid, NULL, &regs) != 0)
		ck_abort_msg("PTRACE_GETREGS: %s", strerror(errno));
	return regs;
}

static void set_regs(pid_t tid, const struct user_regs_struct *regs)
{
	if (ptrace(PTRACE_SETREGS, tid, NULL, regs) != 0)
		ck_abort_msg("PTRACE_SETREGS: %s", strerror(errno));
}

static long peek(pid_t tid, uintptr_t address)
{
	long word;

	errno = 0;
	word = ptrace(PTRACE_PEEKTEXT, tid, (void *)address, NULL);
	if (errno != 0)
		ck_abort_msg("PTRACE_PEEKTEXT: %s", strerror(errno));
	return word;
}

static void poke(pid_t tid, uintptr_t address, long word)
{
	if (ptrace(PTRACE_POKETEXT, tid, (void *)address, (void *)word) != 0)
		ck_abort_msg("PTRACE_POKETEXT: %s", strerror(errno));
}

static int code_of(pid_t tid)
{
	siginfo_t info;

	memset(&info, 0, sizeof(info));
	ptrace(PTRACE_GETSIGINFO, tid, NULL, &info);
	return info.si_code;
}

static void resume(pid_t tid, int request, int signo)
{
	/* One that has been killed meanwhile tells so to waitpid(). */
	if (ptrace(request, tid, NULL, (long)signo) != 0 && errno != ESRCH)
		ck_abort_msg("ptrace(%d): %s", request, strerror(errno));
}

/* --- the breakpoint --- */

/* The word that holds the byte, so that no other page is touched. */
static uintptr_t word_at(uintptr_t address)
{
	return address & ~(uintptr_t)7;
}

/* By a thread that is stopped; it is all threads' memory. */
static void insert(const struct tracer *tracer, pid_t tid)
{
	unsigned shift = 8 * (tracer->breakpoint & 7);
	unsigned long word = (unsigned long)tracer->word;

	word = (word & ~(0xfful << shift)) | INT3 << shift;
	poke(tid, word_at(tracer->breakpoint), (long)word);
}

static void withdraw(const struct tracer *tracer, pid_t tid)
{
	poke(tid, word_at(tracer->breakpoint), tracer->word);
}

/* Is there an int3 in front of @pc now, ours or the program's? */
static bool is_int3_before(pid_t tid, uintptr_t pc)
{
	uintptr_t at = pc - 1;
	unsigned long word = (unsigned long)peek(tid, word_at(at));

	return ((word >> (8 * (at & 7))) & 0xff) == INT3;
}

/*
 * Another thread has executed an int3. Where the byte is another one by now, it
 * was a breakpoint's that has been withdrawn since: again. Returns what makes
 * it go on.
 */
static int pass_int3(struct tracer *tracer, pid_t tid, int *signo)
{
	struct user_regs_struct regs = regs_of(tid);
	bool ours = tracer->breakpoint != 0 &&
		    regs.rip == tracer->breakpoint + 1;

	if (!ours && is_int3_before(tid, regs.rip))
		return PTRACE_CONT;
	*signo = 0;
	regs.rip--;
	set_regs(tid, &regs);
	/* One at a time: until that one is over, others go round. */
	if (!ours || tracer->over != 0)
		return PTRACE_CONT;
	withdraw(tracer, tid);
	tracer->over = tid;
	return PTRACE_SINGLESTEP;
}

/* Any stop of another thread than the one that is followed. */
static void pass_other(struct tracer *tracer, pid_t tid, int status)
{
	int request = PTRACE_CONT, signo, code;
	bool is_over = tracer->over == tid;

	if (is_over)
		tracer->over = 0;
	if (!WIFSTOPPED(status))
		return;
	if (is_over && tracer->breakpoint != 0)
		insert(tracer, tid);
	signo = IS_EVENT(status) ? 0 : WSTOPSIG(status);
	code = signo == SIGTRAP ? code_of(tid) : 0;
	if (code == SI_KERNEL)
		request = pass_int3(tracer, tid, &signo);
	else if (is_over && signo == SIGTRAP)
		signo = 0;
	resume(tid, request, signo);
}

/* --- the thread that is followed --- */

static void get_regs(struct tracer *tracer)
{
	tracer->regs = regs_of(tracer->pid);
	/*
	 * A step over popf makes the kernel believe that the trap flag, which
	 * it sets for every further step, is the program's own.
	 */
	if (tracer->regs.eflags & TRAP_FLAG) {
		tracer->regs.eflags &= ~TRAP_FLAG;
		set_regs(tracer->pid, &tracer->regs);
	}
}

/* The next stop of that thread; those of others are dealt with on the way. */
static int wait_for_stop(struct tracer *tracer)
{
	int status = 0;
	pid_t tid;

	for (;;) {
		tid = waitpid(-1, &status, __WALL);
		if (tid < 0 && errno != EINTR)
			ck_abort_msg("waitpid: %s", strerror(errno));
		if (given_up) {
			kill(tracer->pid, SIGSTOP);
			if (tid != tracer->pid)
				waitpid(tracer->pid, NULL, __WALL);
			tracer_report(tracer, "given up");
			_exit(EXIT_FAILURE);
		}
		if (tid == tracer->pid)
			return status;
		if (tid > 0)
			pass_other(tracer, tid, status);
	}
}

static enum tracer_stop ended(struct tracer *tracer, int status)
{
	char what[64];

	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return GONE;
	if (WIFSIGNALED(status))
		snprintf(what, sizeof(what), "the child died of %d",
			 WTERMSIG(status));
	else
		snprintf(what, sizeof(what), "the child failed");
	tracer_report(tracer, what);
	/* Its own message, if it has one, is the test's already. */
	if (WIFSIGNALED(status))
		ck_abort_msg("%s: %s", tracer->name, what);
	_exit(EXIT_FAILURE);
}

/* Let it run, as @request says, until it stops. */
static enum tracer_stop go(struct tracer *tracer, int request)
{
	int status, code;

	do {
		resume(tracer->pid, request, tracer->signo);
		tracer->signo = 0;
		status = wait_for_stop(tracer);
		tracer->stops++;
	} while (WIFSTOPPED(status) && IS_EVENT(status));
	if (!WIFSTOPPED(status))
		return ended(tracer, status);
	get_regs(tracer);
	if (WSTOPSIG(status) == SIGTRAP) {
		uintptr_t pc = tracer->regs.rip;

		code = code_of(tracer->pid);
		if (code != SI_KERNEL && request == PTRACE_SINGLESTEP)
			return AT_STEP;
		if (code == SI_KERNEL && pc == (uintptr_t)step_begin + 1)
			return AT_BEGIN;
		if (code == SI_KERNEL && pc == (uintptr_t)step_end + 1)
			return AT_END;
		if (code == SI_KERNEL && tracer->breakpoint != 0 &&
		    pc == tracer->breakpoint + 1) {
			tracer->regs.rip = tracer->breakpoint;
			set_regs(tracer->pid, &tracer->regs);
			return AT_BREAKPOINT;
		}
		/* As another thread may: see pass_int3(). */
		if (code == SI_KERNEL && !is_int3_before(tracer->pid, pc)) {
			tracer->regs.rip = pc - 1;
			set_regs(tracer->pid, &tracer->regs);
			return go(tracer, request);
		}
	}
	tracer->signo = WSTOPSIG(status);
	return AT_SIGNAL;
}

enum tracer_stop tracer_continue(struct tracer *tracer)
{
	return go(tracer, PTRACE_CONT);
}

enum tracer_stop tracer_run(struct tracer *tracer)
{
	enum tracer_stop stop;

	do
		stop = tracer_continue(tracer);
	while (stop == AT_SIGNAL);
	return stop;
}

enum tracer_stop tracer_run_to(struct tracer *tracer, uintptr_t address)
{
	enum tracer_stop stop;

	tracer->word = peek(tracer->pid, word_at(address));
	tracer->breakpoint = address;
	insert(tracer, tracer->pid);
	stop = tracer_run(tracer);
	if (stop != GONE)
		withdraw(tracer, tracer->pid);
	tracer->breakpoint = 0;
	return stop;
}

enum tracer_stop tracer_step(struct tracer *tracer)
{
	enum tracer_stop stop = go(tracer, PTRACE_SINGLESTEP);

	if (stop != AT_STEP || tracer->regs.rip < tracer->vdso ||
	    tracer->regs.rip >= tracer->vdso_end)
		return stop;
	stop = tracer_run_to(tracer,
			     (uintptr_t)peek(tracer->pid, tracer->regs.rsp));
	return stop == AT_BREAKPOINT ? AT_STEP : stop;
}

/*
 * The signal is queued, and delivered when the child goes on. It cannot be
 * handed over as the signal to go on with, as ptrace(2) allows where a signal
 * is about to be delivered: when a step has taken the child into a handler, it
 * stops behind the building of the handler's frame (signal_delivered() in the
 * kernel), which asks nobody, and a signal that is handed over there is lost.
 */
void tracer_send(struct tracer *tracer, int signo)
{
	if (syscall(SYS_tgkill, tracer->pid, tracer->pid, signo) != 0)
		ck_abort_msg("tgkill: %s", strerror(errno));
}

/* --- the child --- */

static void find_vdso(struct tracer *tracer)
{
	FILE *maps = fopen("/proc/self/maps", "re");
	unsigned long begin, end;
	char line[512];

	while (maps && fgets(line, sizeof(line), maps)) {
		if (strstr(line, "[vdso]") &&
		    sscanf(line, "%lx-%lx", &begin, &end) == 2) {
			tracer->vdso = begin;
			tracer->vdso_end = end;
		}
	}
	if (maps)
		fclose(maps);
}

/* In the child: @go says that it is traced by now. */
static void run_body(int go, void (*body)(void *arg), void *arg)
{
	const struct rlimit no_core = {0, 0};
	char byte;

	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	signal(SIGTERM, SIG_DFL);
	if (read(go, &byte, 1) != 1)
		_exit(EXIT_FAILURE);
	close(go);
	body(arg);
	_exit(EXIT_SUCCESS);
}

/* A traced child that waits for a byte, to be written to the result. */
static int seize(struct tracer *tracer, void (*body)(void *arg), void *arg)
{
	const long options = PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE;
	int ends[2];

	if (pipe(ends) != 0)
		ck_abort_msg("pipe: %s", strerror(errno));
	fflush(stdout);
	tracer->pid = fork();
	if (tracer->pid < 0)
		ck_abort_msg("fork: %s", strerror(errno));
	if (tracer->pid == 0) {
		close(ends[1]);
		run_body(ends[0], body, arg);
	}
	close(ends[0]);
	if (ptrace(PTRACE_SEIZE, tracer->pid, NULL, options) == 0)
		return ends[1];
	close(ends[1]);
	kill(tracer->pid, SIGKILL);
	waitpid(tracer->pid, NULL, 0);
	return -1;
}

void tracer_start(struct tracer *tracer, const char *name,
		  void (*body)(void *arg), void *arg)
{
	const struct sigaction action = {.sa_handler = give_up};
	int begin, status = 0;

	memset(tracer, 0, sizeof(*tracer));
	tracer->name = name;
	find_vdso(tracer);
	given_up = 0;
	sigaction(SIGTERM, &action, NULL);
	begin = seize(tracer, body, arg);
	if (begin < 0)
		ck_abort_msg("ptrace(2) is not allowed here");
	/* Stopped, as between any two calls from here on. */
	if (ptrace(PTRACE_INTERRUPT, tracer->pid, NULL, NULL) != 0 ||
	    waitpid(tracer->pid, &status, __WALL) != tracer->pid ||
	    !WIFSTOPPED(status))
		ck_abort_msg("%s: the child did not start", name);
	if (write(begin, "", 1) != 1)
		ck_abort_msg("write: %s", strerror(errno));
	close(begin);
}

static void nothing(void *unused)
{
	(void)unused;
}

const char *tracer_missing(void)
{
	struct tracer tracer = {.name = "may a process be traced"};
	int begin = seize(&tracer, nothing, NULL);

	if (begin < 0)
		return "ptrace(2) is not allowed here";
	close(begin);
	waitpid(tracer.pid, NULL, __WALL);
	return NULL;
}
