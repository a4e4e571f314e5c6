/* SPDX-License-Identifier: MIT */
#include "support/step.h"

#include "support/proc.h"
#include "support/test.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

/* More than any work of a test has; a longer one is a loop without end. */
#define STEPS_MAX 200000
/* An instruction is interrupted the first so many times that it comes up. */
#define TIMES_MAX 3
/* How often a point that did not come up is tried again. */
#define TRIES 3
/* A round takes milliseconds; one that takes this long hangs. */
#define PATIENCE_SECONDS 60

#define TRAP_FLAG 0x100ull

/* Debug register 7: stop before the instruction at debug register 0. */
#define BREAK_AT_0 1l
#define REGISTER(n) offsetof(struct user, u_debugreg[n])

struct point {
	uintptr_t pc;
	unsigned times; /* it is to come up so often before */
};

/* What parent and child both see. */
struct shared {
	volatile unsigned sent;
	volatile bool stepped, stop;
};

struct tracer {
	const struct step_plan *plan;
	struct shared *shared;
	pid_t pid;
	int pass; /* a signal that the child is still to get */
	struct user_regs_struct regs;
	uintptr_t breakpoint; /* 0: none */
	uintptr_t vdso, vdso_end;
	struct point at; /* where the last signal was put in */
};

enum stop { AT_BEGIN, AT_END, AT_BREAKPOINT, AT_SIGNAL, AT_STEP, GONE };

/* --- the child --- */

static struct shared *told;

unsigned step_sent(void)
{
	return told->sent;
}

static void run_rounds(const struct step_plan *plan, struct shared *shared)
{
	const struct rlimit no_core = {0, 0};

	told = shared;
	setrlimit(RLIMIT_CORE, &no_core);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) != 0)
		ck_abort_msg("PTRACE_TRACEME: %s", strerror(errno));
	raise(SIGSTOP);
	plan->setup();
	while (!shared->stop) {
		plan->round();
		plan->check(shared->sent, shared->stepped);
	}
	_exit(EXIT_SUCCESS);
}

/* --- the tracer --- */

static volatile sig_atomic_t too_long;

static void ring(int signo)
{
	(void)signo;
	too_long = 1;
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

static void report(struct tracer *tracer, const char *what)
{
	printf("# step: %s: %s after the signal at", tracer->plan->name, what);
	print_place(tracer->at.pc);
	printf(", time %u;", tracer->at.times);
	if (ptrace(PTRACE_GETREGS, tracer->pid, NULL, &tracer->regs) == 0) {
		printf(" now at");
		print_place(tracer->regs.rip);
	}
	printf("\n");
	kill(tracer->pid, SIGKILL);
	waitpid(tracer->pid, NULL, __WALL);
}

static void set_regs(struct tracer *tracer)
{
	if (ptrace(PTRACE_SETREGS, tracer->pid, NULL, &tracer->regs) != 0)
		ck_abort_msg("PTRACE_SETREGS: %s", strerror(errno));
}

/* @address 0: none. */
static int try_breakpoint(pid_t pid, uintptr_t address)
{
	if (ptrace(PTRACE_POKEUSER, pid, (void *)REGISTER(0),
		   (void *)address) != 0)
		return -1;
	return (int)ptrace(PTRACE_POKEUSER, pid, (void *)REGISTER(7),
			   (void *)(address ? BREAK_AT_0 : 0));
}

static void set_breakpoint(pid_t pid, uintptr_t address)
{
	if (try_breakpoint(pid, address) != 0)
		ck_abort_msg("PTRACE_POKEUSER: %s", strerror(errno));
}

static void get_regs(struct tracer *tracer)
{
	if (ptrace(PTRACE_GETREGS, tracer->pid, NULL, &tracer->regs) != 0)
		ck_abort_msg("PTRACE_GETREGS: %s", strerror(errno));
	/*
	 * A step over popf makes the kernel believe that the trap flag, which
	 * it sets for every further step, is the program's own.
	 */
	if (tracer->regs.eflags & TRAP_FLAG) {
		tracer->regs.eflags &= ~TRAP_FLAG;
		set_regs(tracer);
	}
}

/* Is this stop an int3 at @address? */
static bool is_int3(const struct tracer *tracer, const siginfo_t *info,
		    uintptr_t address)
{
	return info->si_code == SI_KERNEL && tracer->regs.rip == address + 1;
}

/* Let the child run, as @request says, until it stops. */
static enum stop resume(struct tracer *tracer, int request)
{
	int status = 0, signo;
	siginfo_t info;

	if (ptrace(request, tracer->pid, NULL, (long)tracer->pass) != 0)
		ck_abort_msg("ptrace(%d): %s", request, strerror(errno));
	tracer->pass = 0;
	while (waitpid(tracer->pid, &status, __WALL) != tracer->pid) {
		if (too_long) {
			kill(tracer->pid, SIGSTOP);
			waitpid(tracer->pid, &status, __WALL);
			report(tracer, "the child hangs");
			ck_abort_msg("%s: the child hangs",
				     tracer->plan->name);
		}
		if (errno != EINTR)
			ck_abort_msg("waitpid: %s", strerror(errno));
	}
	if (!WIFSTOPPED(status)) {
		char what[64];

		if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
			return GONE;
		if (WIFSIGNALED(status))
			snprintf(what, sizeof(what), "the child died of %d",
				 WTERMSIG(status));
		else
			snprintf(what, sizeof(what), "the child failed");
		report(tracer, what);
		/* Its own message, if it has one, is the test's already. */
		if (WIFSIGNALED(status))
			ck_abort_msg("%s: %s", tracer->plan->name, what);
		_exit(EXIT_FAILURE);
	}
	signo = WSTOPSIG(status);
	get_regs(tracer);
	if (signo == SIGTRAP) {
		memset(&info, 0, sizeof(info));
		ptrace(PTRACE_GETSIGINFO, tracer->pid, NULL, &info);
		if (is_int3(tracer, &info, (uintptr_t)step_begin))
			return AT_BEGIN;
		if (is_int3(tracer, &info, (uintptr_t)step_end))
			return AT_END;
		if (tracer->breakpoint != 0 &&
		    tracer->breakpoint == tracer->regs.rip)
			return AT_BREAKPOINT;
		if (request == PTRACE_SINGLESTEP && info.si_code != SI_KERNEL)
			return AT_STEP;
	}
	tracer->pass = signo;
	return AT_SIGNAL;
}

/*
 * Until @address is about to be executed. A breakpoint of the CPU: it is the
 * thread's own, and others may execute the same code meanwhile.
 */
static enum stop run_to_address(struct tracer *tracer, uintptr_t address)
{
	enum stop stop;

	set_breakpoint(tracer->pid, address);
	tracer->breakpoint = address;
	do
		stop = resume(tracer, PTRACE_CONT);
	while (stop == AT_SIGNAL);
	tracer->breakpoint = 0;
	set_breakpoint(tracer->pid, 0);
	return stop;
}

/*
 * One instruction; what the kernel has mapped to tell the time counts as one,
 * because it begins again when the clock ticks meanwhile, and it always does.
 */
static enum stop step(struct tracer *tracer)
{
	enum stop stop = resume(tracer, PTRACE_SINGLESTEP);
	long back;

	if (stop != AT_STEP || tracer->regs.rip < tracer->vdso ||
	    tracer->regs.rip >= tracer->vdso_end)
		return stop;
	errno = 0;
	back = ptrace(PTRACE_PEEKDATA, tracer->pid, (void *)tracer->regs.rsp,
		      NULL);
	if (errno != 0)
		ck_abort_msg("PTRACE_PEEKDATA: %s", strerror(errno));
	stop = run_to_address(tracer, (uintptr_t)back);
	return stop == AT_BREAKPOINT ? AT_STEP : stop;
}

/* On to one of the two marks, whatever signals come on the way. */
static void run_to(struct tracer *tracer, enum stop mark)
{
	enum stop stop;

	alarm(PATIENCE_SECONDS);
	do
		stop = resume(tracer, PTRACE_CONT);
	while (stop == AT_SIGNAL);
	alarm(0);
	if (stop != mark)
		ck_abort_msg("%s: stopped at %d, not at %d", tracer->plan->name,
			     stop, mark);
}

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

static void start(struct tracer *tracer, const struct step_plan *plan)
{
	const struct sigaction alarmed = {.sa_handler = ring};
	int status = 0;

	memset(tracer, 0, sizeof(*tracer));
	tracer->plan = plan;
	tracer->shared = mmap(NULL, sizeof(struct shared),
			      PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (tracer->shared == MAP_FAILED)
		ck_abort_msg("mmap: %s", strerror(errno));
	find_vdso(tracer);
	too_long = 0;
	sigaction(SIGALRM, &alarmed, NULL);
	fflush(stdout);
	tracer->pid = fork();
	if (tracer->pid < 0)
		ck_abort_msg("fork: %s", strerror(errno));
	if (tracer->pid == 0)
		run_rounds(plan, tracer->shared);
	if (waitpid(tracer->pid, &status, __WALL) != tracer->pid ||
	    !WIFSTOPPED(status))
		ck_abort_msg("%s: the child did not start", plan->name);
	if (ptrace(PTRACE_SETOPTIONS, tracer->pid, NULL,
		   PTRACE_O_EXITKILL) != 0)
		ck_abort_msg("PTRACE_SETOPTIONS: %s", strerror(errno));
}

/* The signal comes now, before the instruction at which the child stands. */
static void put_in(struct tracer *tracer, uintptr_t pc, unsigned times)
{
	tracer->at = (struct point){pc, times};
	tracer->shared->sent++;
	tracer->pass = tracer->plan->signo;
	if (tracer->plan->company != 0)
		kill(tracer->pid, tracer->plan->company);
}

/* A round or two that make what is made once. */
static void warm_up(struct tracer *tracer)
{
	for (int i = 0; i < 2; i++) {
		run_to(tracer, AT_BEGIN);
		put_in(tracer, tracer->regs.rip, 0);
		run_to(tracer, AT_END);
	}
}

static void finish(struct tracer *tracer)
{
	enum stop stop;

	tracer->shared->stop = true;
	alarm(PATIENCE_SECONDS);
	do
		stop = resume(tracer, PTRACE_CONT);
	while (stop == AT_SIGNAL);
	alarm(0);
	if (stop != GONE)
		ck_abort_msg("%s: the child goes on", tracer->plan->name);
	munmap(tracer->shared, sizeof(struct shared));
}

/* From the begin mark to @point; false: the round ended before. */
static bool go_to(struct tracer *tracer, const struct point *point)
{
	enum stop stop;

	for (unsigned i = 0;; i++) {
		if (tracer->regs.rip != point->pc || i > 0) {
			stop = run_to_address(tracer, point->pc);
			if (stop == AT_END)
				return false;
			if (stop != AT_BREAKPOINT)
				ck_abort_msg("stopped at %d", stop);
		}
		if (i == point->times)
			return true;
		/* Over it: a signal that is on its way comes first. */
		stop = resume(tracer, PTRACE_SINGLESTEP);
		if (stop == AT_END)
			return false;
	}
}

/*
 * The same step by step. After a fault, the instruction that the handler goes
 * back to, or has put in its place, ignores breakpoints (the resume flag).
 */
static bool walk_to(struct tracer *tracer, const struct point *point)
{
	unsigned times = 0;
	enum stop stop;

	tracer->shared->stepped = true;
	for (stop = AT_STEP; stop != AT_END; stop = step(tracer))
		if (stop == AT_STEP && tracer->regs.rip == point->pc &&
		    times++ == point->times)
			return true;
	return false;
}

const char *step_missing(void)
{
	const char *missing = NULL;
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		return "fork failed";
	if (pid == 0) {
		if (ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0)
			raise(SIGSTOP);
		_exit(EXIT_SUCCESS);
	}
	if (waitpid(pid, &status, __WALL) != pid || !WIFSTOPPED(status))
		return "ptrace(2) is not allowed here";
	if (try_breakpoint(pid, (uintptr_t)step_begin) != 0)
		missing = "there are no debug registers here";
	kill(pid, SIGKILL);
	waitpid(pid, &status, __WALL);
	return missing;
}

/* --- the plan --- */

static unsigned times_before(const struct point *points, size_t count,
			     uintptr_t pc)
{
	while (count-- > 0)
		if (points[count].pc == pc)
			return points[count].times + 1;
	return 0;
}

/* One round step by step; the points of it, in the order that they come up. */
static size_t record(struct tracer *tracer, struct point *points, size_t *steps)
{
	size_t count = 0;
	enum stop stop = AT_STEP;

	run_to(tracer, AT_BEGIN);
	*steps = 0;
	tracer->shared->stepped = true;
	while (stop != AT_END) {
		uintptr_t pc = tracer->regs.rip;

		if (*steps % 128 == 0)
			alarm(PATIENCE_SECONDS);
		if (stop == AT_STEP) {
			unsigned times = times_before(points, count, pc);

			if (*steps + 1 == STEPS_MAX)
				ck_abort_msg("%s: more than %d steps",
					     tracer->plan->name, STEPS_MAX);
			if (times < TIMES_MAX && pc != (uintptr_t)step_end &&
			    (!tracer->plan->only || tracer->plan->wanted(pc)))
				points[count++] =
					(struct point){pc, times};
			++*steps;
		}
		stop = step(tracer);
	}
	alarm(0);
	return count;
}

struct step_count step_run(const struct step_plan *plan)
{
	struct point *points = calloc(STEPS_MAX, sizeof(*points));
	unsigned stride = plan->stride ? plan->stride : 1;
	struct step_count count = {0};
	struct tracer tracer;
	size_t found, i;

	if (!points)
		ck_abort_msg("no memory");
	start(&tracer, plan);
	warm_up(&tracer);
	proc_share_cpu(tracer.pid);
	found = record(&tracer, points, &count.steps);
	for (i = 0; i < found; i++) {
		const struct point *point = &points[i];
		bool wanted = plan->wanted(point->pc) && point->times == 0;
		bool done = false;

		if (i % stride != 0 && !wanted)
			continue;
		for (int try = 0; try < TRIES && !done; try++) {
			run_to(&tracer, AT_BEGIN);
			tracer.shared->stepped = false;
			alarm(PATIENCE_SECONDS);
			done = try < TRIES - 1 ? go_to(&tracer, point)
					       : walk_to(&tracer, point);
			alarm(0);
			if (!done)
				continue;
			put_in(&tracer, point->pc, point->times);
			run_to(&tracer, AT_END);
		}
		if (!done && wanted) {
			tracer.at = *point;
			report(&tracer, "a point is missed");
			ck_abort_msg("%s: a gate's instruction is missed",
				     plan->name);
		}
		count.points += done;
		count.places += done && point->times == 0;
		count.wanted += wanted;
		count.missed += !done;
	}
	finish(&tracer);
	free(points);
	printf("# step: %s: %zu instructions, a signal at %zu points "
	       "(%zu addresses, %zu of gates); %zu points missed\n",
	       plan->name, count.steps, count.points, count.places,
	       count.wanted, count.missed);
	return count;
}

static bool is_fault(int signo)
{
	return signo == SIGSEGV || signo == SIGBUS || signo == SIGILL ||
	       signo == SIGFPE || signo == SIGTRAP || signo == SIGSYS;
}

struct step_count step_at_faults(const struct step_plan *plan, unsigned rounds)
{
	struct step_count count = {0};
	struct tracer tracer;

	start(&tracer, plan);
	warm_up(&tracer);
	proc_share_cpu(tracer.pid);
	while (rounds-- > 0) {
		enum stop stop;

		run_to(&tracer, AT_BEGIN);
		alarm(PATIENCE_SECONDS);
		do
			stop = resume(&tracer, PTRACE_CONT);
		while (stop == AT_SIGNAL && !is_fault(tracer.pass));
		alarm(0);
		if (stop != AT_SIGNAL)
			ck_abort_msg("%s: no fault", plan->name);
		tracer.at = (struct point){tracer.regs.rip, 0};
		tracer.shared->sent++;
		kill(tracer.pid, plan->signo);
		count.points++;
		run_to(&tracer, AT_END);
	}
	finish(&tracer);
	printf("# step: %s: a signal at %zu faults\n", plan->name,
	       count.points);
	return count;
}
