/* SPDX-License-Identifier: MIT */
/*
 * contract_calls - which system calls a way into a module and back makes, and
 * how many: none, or those that close and open pages. A tracer counts them.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 64
/* No system call has this number: the kernel refuses it, the tracer sees it. */
#define MARK 0x7777

enum { REGIONS = 100 };

/* Between the two marks. */
struct counts {
	unsigned all;
	unsigned mprotect;
	unsigned sigreturn;
	unsigned clock;  /* where the kernel has no clock in user memory */
	unsigned gettid; /* where user code cannot read the FS base */
	unsigned tgkill;
	unsigned sigmask;
	unsigned altstack;
	unsigned keys;   /* pkey_mprotect(2) */
	unsigned barrier;
};

static struct modiso_module *first, *second;

static void mark(void)
{
	(void)syscall(MARK);
}

static void count_call(struct counts *counts, long number)
{
	counts->all++;
	counts->mprotect += number == SYS_mprotect;
	counts->sigreturn += number == SYS_rt_sigreturn;
	counts->clock += number == SYS_clock_gettime;
	counts->gettid += number == SYS_gettid;
	counts->tgkill += number == SYS_tgkill;
	counts->sigmask += number == SYS_rt_sigprocmask;
	counts->altstack += number == SYS_sigaltstack;
	counts->keys += number == SYS_pkey_mprotect;
	counts->barrier += number == SYS_membarrier;
}

/* Of the system call that @thread is about to make; -1: it has made it. */
static long number_of(pid_t thread)
{
	struct __ptrace_syscall_info info = {0};

	must(ptrace(PTRACE_GET_SYSCALL_INFO, thread, (void *)sizeof(info),
		    &info) > 0);
	return info.op == PTRACE_SYSCALL_INFO_ENTRY ? (long)info.entry.nr : -1;
}

/* A child that stands before @body. */
static pid_t start_traced(void (*body)(void))
{
	pid_t child = fork();
	int status;

	must(child >= 0);
	if (child == 0) {
		ptrace(PTRACE_TRACEME, 0, NULL, NULL);
		raise(SIGSTOP);
		body();
		_exit(0);
	}
	must(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	proc_share_cpu(child);
	ptrace(PTRACE_SETOPTIONS, child, NULL,
	       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL | PTRACE_O_TRACECLONE);
	return child;
}

/*
 * What @body does in a child, with all its threads, between its first mark()
 * and its second.
 */
static struct counts trace(void (*body)(void))
{
	struct counts counts = {0};
	int status, deliver;
	unsigned marks = 0;
	pid_t child = start_traced(body), thread;
	long number;

	for (thread = child, deliver = 0;;) {
		ptrace(PTRACE_SYSCALL, thread, NULL, (void *)(intptr_t)deliver);
		thread = waitpid(-1, &status, __WALL);
		must(thread > 0);
		deliver = 0;
		if (!WIFSTOPPED(status)) {
			if (thread == child)
				break;
			continue;
		}
		if (WSTOPSIG(status) == (SIGTRAP | 0x80)) {
			number = number_of(thread);
			if (number == MARK)
				marks++;
			else if (number >= 0 && marks == 1)
				count_call(&counts, number);
			continue;
		}
		/* A new thread begins with a stop, which is no signal. */
		if (status >> 16 == 0 && WSTOPSIG(status) != SIGSTOP)
			deliver = WSTOPSIG(status);
	}
	must_exit(status, 0);
	must_eq(marks, 2);
	return counts;
}

/* A mark for count_steps(): the tracer is told, and nobody else. */
static inline void stop_here(void)
{
	__asm__ volatile("int3");
}

static void wait_stopped(pid_t child)
{
	int status;

	must(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	must_eq(WSTOPSIG(status), SIGTRAP);
}

static bool at_stop(pid_t child)
{
	long pc = ptrace(PTRACE_PEEKUSER, child,
			 (void *)offsetof(struct user, regs.rip), NULL);

	return (ptrace(PTRACE_PEEKTEXT, child, (void *)pc, NULL) & 0xff) ==
	       0xcc;
}

/* Where it loads its flags the kernel takes the tracer's TF for its own. */
static void no_more_steps(pid_t child)
{
	void *at = (void *)offsetof(struct user, regs.eflags);
	long flags = ptrace(PTRACE_PEEKUSER, child, at, NULL);

	ptrace(PTRACE_POKEUSER, child, at, (void *)(flags & ~0x100l));
}

/*
 * The instructions in user space between the first two stop_here() of @body,
 * between the next two, and so on.
 */
static void count_steps(void (*body)(void), unsigned *steps, unsigned parts)
{
	pid_t child = start_traced(body);
	unsigned part;
	int status;

	for (part = 0; part < parts; part++) {
		ptrace(PTRACE_CONT, child, NULL, NULL);
		wait_stopped(child);
		for (steps[part] = 0; !at_stop(child); steps[part]++) {
			ptrace(PTRACE_SINGLESTEP, child, NULL, NULL);
			wait_stopped(child);
		}
		no_more_steps(child);
		ptrace(PTRACE_CONT, child, NULL, NULL);
		wait_stopped(child);
	}
	kill(child, SIGKILL);
	must(waitpid(child, &status, 0) == child);
}

MODULE_CODE static uintptr_t same(uintptr_t value)
{
	return value;
}

static void make_modules(void)
{
	world_start();
	first = make_module("first");
	second = make_module("second");
	make_region(first, PAGE, "first's");
	make_region(second, PAGE, "second's");
}

static void same_module(void)
{
	struct modiso_gate *gate;
	uintptr_t (*thunk)(uintptr_t);
	uintptr_t i;

	make_modules();
	gate = make_gate(first, same);
	thunk = (uintptr_t(*)(uintptr_t))make_thunk(first, same);
	must_eq(enter(gate, 1) + thunk(1), 2);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(enter(gate, i) + thunk(i), 2 * i);
	mark();
}

START_TEST(test_same_module)
{
	struct counts counts = trace(same_module);

	must_eq(counts.all, 0);
}
END_TEST

static uintptr_t (*service)(uintptr_t);

MODULE_CODE static uintptr_t ask(uintptr_t value)
{
	return service(value);
}

static uintptr_t answer(uintptr_t value)
{
	return value + 1;
}

static void calls_service(void)
{
	struct modiso_gate *gate;
	uintptr_t i;

	make_modules();
	service = (uintptr_t(*)(uintptr_t))make_service("answer", answer);
	gate = make_gate(first, ask);
	must_eq(enter(gate, 1), 2);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(enter(gate, i), i + 1);
	mark();
}

START_TEST(test_service)
{
	struct counts counts = trace(calls_service);

	must_eq(counts.all, 0);
}
END_TEST

static void guarded(void)
{
	struct modiso_gate *gate;
	volatile unsigned char *byte;
	uintptr_t i;

	make_modules();
	byte = region_bytes(make_region(NULL, PAGE, "host's"));
	gate = make_gate(first, same);
	must_eq(enter(gate, 1), 1);
	mark();
	for (i = 0; i < ROUNDS; i++) {
		must_eq(enter(gate, i), i);
		*byte = 1;
	}
	mark();
}

/* Closed on the way in, open again on the way back, and no fault. */
START_TEST(test_guarded)
{
	struct counts counts = trace(guarded);

	must_eq(counts.mprotect, on_pkey() ? 0 : 2 * ROUNDS);
	must_eq(counts.all, counts.mprotect);
}
END_TEST

static void make_regions(struct modiso_module *module, unsigned count)
{
	while (count-- > 0)
		make_region(module, PAGE, "more");
}

static void in_turn_with(unsigned regions)
{
	struct modiso_gate *one, *other;
	uintptr_t i;

	make_modules();
	make_regions(first, regions);
	make_regions(second, regions);
	one = make_gate(first, same);
	other = make_gate(second, same);
	must_eq(enter(one, 1) + enter(other, 1), 2);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(enter(one, i) + enter(other, i), 2 * i);
	mark();
}


static void in_turn(void)
{
	in_turn_with(0);
}

static void in_turn_with_many(void)
{
	in_turn_with(REGIONS - 1);
}

/* One module's stack and data are closed, the other's opened: two calls. */
static void must_be_two_calls(void (*body)(void))
{
	struct counts counts = trace(body);

	must_eq(counts.mprotect, on_pkey() ? 0 : 2 * 2 * ROUNDS);
	must_eq(counts.all, counts.mprotect);
}

START_TEST(test_in_turn)
{
	must_be_two_calls(in_turn);
}
END_TEST

static void faults(void)
{
	struct modiso_region *region;
	struct modiso_gate *gate;
	unsigned i;

	make_modules();
	region = make_region(second, PAGE, "more");
	gate = make_gate(first, poke_store1);
	enter_fault(first, gate, W(region_bytes(region)));
	mark();
	for (i = 0; i < ROUNDS; i++)
		if (modiso_gate_call(gate, WORDS(W(region_bytes(region))),
				     NULL) != MODISO_ERR_FAULT)
			_exit(1);
	mark();
}

/* Nothing but the return from the handler. */
START_TEST(test_faults)
{
	struct counts counts = trace(faults);

	must_eq(counts.sigreturn, ROUNDS);
	must(counts.gettid <= ROUNDS);
	must_eq(counts.all, ROUNDS + counts.clock + counts.gettid);
}
END_TEST

/*
 * --- a host that schedules by itself ---
 *
 * The main thread is the task, in the first module all the time; the scheduler
 * freezes it there, and has the second module run or not. Nobody waits by a
 * system call.
 */
static struct modiso_thread *task;
static pid_t task_pid, task_tid;
static struct modiso_gate *other_gate; /* NULL: nothing runs in between */
static atomic_uint inside, frozen, resumed;
static atomic_bool counted;

MODULE_CODE static uintptr_t be_frozen(uintptr_t rounds)
{
	unsigned i;

	for (i = 1; i <= rounds; i++) {
		inside = i;
		while (resumed < i)
			__asm__ volatile("pause");
	}
	return rounds;
}

static void freeze(int signo)
{
	(void)signo;
	frozen++;
	while (resumed < frozen)
		__asm__ volatile("pause");
}

static void *schedule(void *unused)
{
	unsigned i;

	must_eq(modiso_thread_attach(), 0);
	for (i = 1; i <= ROUNDS + 1; i++) {
		while (inside < i)
			__asm__ volatile("pause");
		if (i == 2)
			mark(); /* the first calls are made */
		(void)syscall(SYS_tgkill, task_pid, task_tid, SIGUSR1);
		while (frozen < i)
			__asm__ volatile("pause");
		if (modiso_thread_preempt(task) != 0 ||
		    (other_gate != NULL &&
		     modiso_gate_call(other_gate, WORDS(i), NULL) != 0) ||
		    modiso_thread_resume(task) != 0)
			_exit(1);
		resumed = i;
	}
	while (!atomic_load(&counted))
		__asm__ volatile("pause");
	return unused;
}

static void preempted(bool other_runs)
{
	const struct sigaction action = {.sa_handler = freeze};
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
	};
	struct modiso_gate *gate;
	pthread_t scheduler;

	expect(MODISO_OK, modiso_init(&options));
	first = make_module("first");
	second = make_module("second");
	make_region(first, PAGE, "first's");
	make_region(second, PAGE, "second's");
	gate = make_gate(first, be_frozen);
	if (other_runs)
		other_gate = make_gate(second, same);
	must(!sigaction(SIGUSR1, &action, NULL));
	task_pid = getpid();
	task_tid = (pid_t)syscall(SYS_gettid);
	expect(MODISO_OK, modiso_thread_self(&task));
	scheduler = thread_start(schedule, NULL);
	must_eq(enter(gate, ROUNDS + 1), ROUNDS + 1);
	mark();
	atomic_store(&counted, true);
	must_eq(frozen, ROUNDS + 1);
	thread_join(scheduler);
}

static void preempted_alone(void)
{
	preempted(false);
}

static void preempted_by_another(void)
{
	preempted(true);
}

/* The signal, its handler's mask and stack, and the return from it: no more. */
static void must_signal_only(struct counts counts)
{
	must_eq(counts.tgkill, ROUNDS);
	must_eq(counts.sigreturn, ROUNDS);
	must(counts.sigmask <= 2 * ROUNDS && counts.altstack <= 2 * ROUNDS);
	must_eq(counts.all, counts.tgkill + counts.sigreturn + counts.sigmask +
				    counts.altstack + counts.mprotect +
				    counts.gettid);
}

START_TEST(test_preempted_alone)
{
	struct counts counts = trace(preempted_alone);

	must_eq(counts.mprotect, 0);
	must_signal_only(counts);
}
END_TEST

/* A switch to the other module, and one back: two calls each. */
START_TEST(test_preempted_by_another)
{
	struct counts counts = trace(preempted_by_another);

	must_eq(counts.mprotect, on_pkey() ? 0 : 2 * 2 * ROUNDS);
	must_signal_only(counts);
}
END_TEST

#define SCHEDULED "it makes system calls of its own"

/* --- more modules than keys, more regions than anybody --- */

enum { CROWD = 1000, SOME = 8, TURNS = 32 };

static uintptr_t (*thunks[CROWD])(uintptr_t);

/* Pages of three protections, several regions of two of them. */
static struct modiso_module *make_rich(const char *name, unsigned i)
{
	struct modiso_module *module = make_module(name);
	struct modiso_region *constant;
	unsigned n;

	for (n = 0; n < 4; n++) {
		make_region(module, PAGE, "data");
		expect(MODISO_OK,
		       modiso_region_create(module, PAGE, MODISO_READ, NULL,
					    &constant));
	}
	expect(MODISO_OK, modiso_region_protect(
				  make_region(module, PAGE, "code"), RX));
	thunks[i] = (uintptr_t(*)(uintptr_t))make_thunk(module, same);
	return module;
}

static void start_with(uint32_t max_keys)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_keys = max_keys};

	expect(MODISO_OK, modiso_init(&options));
}

/* As few keys as can be: each call takes the key of the other module. */
static void start_with_one_slot(void)
{
	start_with(2);
	make_rich("one", 0);
	make_rich("other", 1);
	must_eq(thunks[0](1) + thunks[1](2), 3);
	must_eq(thunks[0](1) + thunks[1](2), 3);
}

static void misses(void)
{
	uintptr_t i;

	start_with_one_slot();
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(thunks[i & 1](i), i);
	mark();
}

/* One call for each protection of the pages that go and of those that come. */
static void must_be_few_calls(void (*body)(void))
{
	struct counts counts = trace(body);

	if (on_pkey()) {
		must(counts.keys <= 6 * ROUNDS && counts.keys > 0);
		must_eq(counts.all, counts.keys + counts.barrier);
		must(counts.barrier <= ROUNDS);
	} else {
		must_eq(counts.mprotect, 4 * ROUNDS);
		must_eq(counts.all, counts.mprotect);
	}
}

START_TEST(test_miss)
{
	must_be_few_calls(misses);
}
END_TEST

/*
 * A hundred regions of three protections, made in any order; those that are
 * filled first and get theirs later have said so.
 */
static void make_mixed(const char *name, unsigned i, size_t range)
{
	static const uint32_t later[] = {0, MODISO_READ, RX,
					 0, RX,          MODISO_READ};
	struct modiso_module_options narrow = {
		.struct_size = sizeof(narrow),
		.range_size = range,
	};
	struct modiso_module *module;
	struct modiso_region *region, *waiting = NULL;
	uint32_t waiting_for = 0;
	unsigned n;

	expect(MODISO_OK, modiso_module_create(name, &narrow, &module));

	for (n = 0; n < REGIONS; n++) {
		struct modiso_region_options options = {
			.struct_size = sizeof(options),
			.becomes = later[(n * n + i) % 6],
		};

		expect(MODISO_OK,
		       modiso_region_create(module, (1 + n % 3) * PAGE,
					    n % 7 ? RW : MODISO_READ, &options,
					    &region));
		if (options.becomes == 0)
			continue;
		/* Each stays as it is until there is another one. */
		if (waiting)
			expect(MODISO_OK,
			       modiso_region_protect(waiting, waiting_for));
		waiting = region;
		waiting_for = options.becomes;
	}
	expect(MODISO_OK, modiso_region_protect(waiting, waiting_for));
	thunks[i] = (uintptr_t(*)(uintptr_t))make_thunk(module, same);
}

static void mixed_misses(void)
{
	uintptr_t i;

	start_with(on_pkey() ? 2 : 0);
	make_mixed("one", 0, 0);
	make_mixed("other", 1, 2 << 20);
	must_eq(thunks[0](1) + thunks[1](2), 3);
	must_eq(thunks[0](1) + thunks[1](2), 3);
	mark();
	for (i = 0; i < ROUNDS; i++)
		must_eq(thunks[i & 1](i), i);
	mark();
}

START_TEST(test_mixed_regions)
{
	must_be_few_calls(mixed_misses);
}
END_TEST

static const char *image_path(void)
{
	static const char *const paths[] = {"modules/count-gcc.so",
					    "modules/count-clang.so"};

	return access(paths[0], R_OK) == 0 ? paths[0] : paths[1];
}

/* A module as modiso-cc makes it, with a heap and regions of its own. */
static void load_counter(struct modiso_module *module, unsigned i)
{
	struct modiso_image *image;
	struct modiso_gate *gate;

	expect(MODISO_OK,
	       modiso_image_load(module, image_path(), NULL, &image));
	expect(MODISO_OK, modiso_image_gate(image, "count", NULL, &gate));
	expect(MODISO_OK,
	       modiso_gate_thunk(gate, (modiso_fn *)(void *)&thunks[i]));
}

static void make_rest(struct modiso_module *module)
{
	expect(MODISO_OK, modiso_heap_create(module, 64 * PAGE, NULL));
	make_regions(module, 3);
}

static void image_misses(void)
{
	struct modiso_module *one, *other;
	uintptr_t i;

	start_with(on_pkey() ? 2 : 0);
	one = make_module("one");
	load_counter(one, 0);
	make_rest(one);
	must_eq(thunks[0](1), 1);
	/* In another order, and it has been inside before. */
	other = make_module("other");
	make_rest(other);
	must_eq(enter(make_gate(other, same), 7), 7);
	load_counter(other, 1);
	must_eq(thunks[1](2), 2);
	must_eq(thunks[0](7), 22);
	must_eq(thunks[1](7), 23);
	mark();
	for (i = 0; i < ROUNDS; i++)
		thunks[i & 1](0);
	mark();
	must_eq(thunks[0](7), 43 + ROUNDS / 2);
	must_eq(thunks[1](7), 44 + ROUNDS / 2);
}

START_TEST(test_image_miss)
{
	if (access(image_path(), R_OK) != 0)
		test_skip("modules", "the tests were built without a compiler "
				     "for them");
	must_be_few_calls(image_misses);
}
END_TEST

/* One piece of code for all, whatever the compiler makes of it. */
static void __attribute__((noinline)) counted_call(unsigned i)
{
	uintptr_t (*thunk)(uintptr_t) = thunks[i];

	stop_here();
	thunk(1);
	stop_here();
}

/*
 * As many modules as share all keys, each entered in turn: every call is a
 * miss. The gate is one for a word and no floats, as that which the benchmark
 * counts.
 */
static void a_crowd_takes_turns(void)
{
	struct modiso_gate_options options = {.struct_size = sizeof(options),
					      .word_args = 1};
	struct modiso_gate *gate;
	char name[16];
	unsigned i, round;

	start_with(0);
	for (i = 0; i < TURNS; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		expect(MODISO_OK,
		       modiso_gate_create(make_rich(name, i), (modiso_fn)same,
					  &options, &gate));
		expect(MODISO_OK,
		       modiso_gate_thunk(gate,
					 (modiso_fn *)(void *)&thunks[i]));
	}
	for (round = 0; round < 2; round++)
		for (i = 0; i < TURNS; i++)
			must_eq(thunks[i](i), i);
	counted_call(0);
	counted_call(1);
}

/*
 * From the call to behind it, those of the gate (64) and of six system calls
 * among them, as GCC makes them. What others do is not counted that closely.
 */
#if defined(__OPTIMIZE__) && !defined(__clang__)
#	define MISS_STEPS 400
#else
#	define MISS_STEPS 2000
#endif

START_TEST(test_miss_steps)
{
	unsigned steps[2];
	int i;

	count_steps(a_crowd_takes_turns, steps, 2);
	for (i = 0; i < 2; i++) {
		printf("# a miss: %u instructions\n", steps[i]);
		must(steps[i] > 64);
		must(TEST_SANITIZED || steps[i] <= MISS_STEPS);
	}
}
END_TEST

static void alone_and_in_a_crowd(void)
{
	char name[16];
	unsigned i;

	world_start();
	for (i = 0; i < CROWD; i++) {
		snprintf(name, sizeof(name), "m%u", i);
		make_rich(name, i);
		if (i == 0) {
			must_eq(thunks[0](1), 1);
			counted_call(0);
		} else if (i < SOME) {
			must_eq(thunks[i](i), i);
		}
	}
	must_eq(thunks[0](1), 1);
	counted_call(0);
}

/* A call into a module that has a key asks nobody, however many there are. */
START_TEST(test_hit_steps)
{
	unsigned steps[2];

	count_steps(alone_and_in_a_crowd, steps, 2);
	must_eq(steps[1], steps[0]);
}
END_TEST

/* A hundred regions are switched like one. */
START_TEST(test_many_regions)
{
	must_be_two_calls(in_turn_with_many);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("calls");
	TCase *tcase = tcase_create("contract");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_same_module);
	tcase_add_test(tcase, test_service);
	tcase_add_test(tcase, test_guarded);
	tcase_add_test(tcase, test_in_turn);
	tcase_add_test(tcase, test_faults);
	add_test_but_tsan(tcase, test_preempted_alone, SCHEDULED);
	add_test_but_tsan(tcase, test_preempted_by_another, SCHEDULED);
	tcase_add_test(tcase, test_miss);
	tcase_add_test(tcase, test_mixed_regions);
	tcase_add_test(tcase, test_image_miss);
	if (on_pkey())
		add_test_but_tsan(tcase, test_miss_steps,
				  "what it adds is not the same each time");
	add_test_but_tsan(tcase, test_hit_steps,
			  "what it adds is not the same each time");
	tcase_add_test(tcase, test_many_regions);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
