/* SPDX-License-Identifier: MIT */
/*
 * contract_one_key - threads in many modules on one protection key, with
 * services, signal handlers, fibers and forks between them: each fault is
 * blamed on the module that made it, and no module sees a byte of another.
 *
 * Each module's memory holds a pattern of its own, which the others look for.
 * A call that finds the key in use is refused, which is right; a call that
 * reads another module's byte, or a fault told of another module, is not.
 *
 * MODISO_TEST_SEED replays a run as far as the scheduler lets it;
 * MODISO_TEST_SECONDS makes it last that long, MODISO_TEST_OPERATIONS makes it
 * so many on one key, and a tenth of them on two.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

enum { THREADS = 8, MODULES = 6, LENGTH = 2 * 4096, STRIDE = 64 };
enum { FIBERS = 8, FIBER_STACK = 131072 };
/* So many may wait in a service at a time: their modules keep their keys. */
#define WAITING_MAX 2

static struct one {
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_gate *strangers, *peek, *visit;
	unsigned char tag;
} ones[MODULES];

struct worker {
	pthread_t thread;
	uint64_t random;
	unsigned long rounds;
};

static struct worker workers[THREADS];
static pthread_barrier_t all_there, all_done;
static struct modiso_service *service;
static uintptr_t (*volatile visit_service)(uintptr_t random);
static atomic_bool stop;
static atomic_ulong done, refused, interrupted, forked, switched, waited;
/* A stack that whoever takes it goes on with, for a while. */
static struct fiber {
	struct modiso_fiber *fiber;
	ucontext_t self, *back;
	uint64_t random;
	atomic_bool taken, waits;
	bool over;
} fibers[FIBERS];
static unsigned char stacks[FIBERS][FIBER_STACK] __attribute__((aligned(16)));
static atomic_int waiting;
/* ThreadSanitizer would have to be told of each switch of stacks. */
static const bool with_fibers = !TEST_TSAN;
/* Of the calling thread: what its handler chooses by. */
static _Thread_local volatile uint64_t handler_random;

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state >> 11;
}

/* --- in a module --- */

/* How many of the bytes looked at are not the module's own. */
MODULE_CODE static uintptr_t count_strangers(const volatile unsigned char *byte,
					     uintptr_t tag)
{
	uintptr_t count = 0;

	for (unsigned i = 0; i < LENGTH; i += STRIDE)
		count += byte[i] != tag;
	return count;
}

MODULE_CODE static uintptr_t visit(uintptr_t random)
{
	return visit_service(random) + 1;
}

/* --- what the host does --- */

/* False: the module's key is somebody else's just now. */
static bool call(struct modiso_gate *gate, const uintptr_t *args,
		 unsigned count, uintptr_t *result, int want)
{
	int status = modiso_gate_call(gate, args, count, result);

	if (status == MODISO_ERR_NOKEY) {
		atomic_fetch_add(&refused, 1);
		return false;
	}
	if (status != want)
		ck_abort_msg("a call is %d, not %d: %s", status, want,
			     modiso_last_error_text());
	return true;
}

static void look_at_own(struct one *one)
{
	uintptr_t count = LENGTH;

	if (call(one->strangers, WORDS(W(region_bytes(one->region)), one->tag),
		 &count, MODISO_OK))
		must_eq(count, 0);
}

static void look_at_other(struct one *one, struct one *other, uint64_t random)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	unsigned char *byte = region_bytes(other->region) + random % LENGTH;
	uintptr_t value = 0;

	if (!call(one->peek, WORDS(W(byte)), &value, MODISO_ERR_FAULT))
		return;
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(fault.module, one->module);
	must_eq(fault.thread, proc_gettid());
	must_eq(fault.kind, MODISO_FAULT_ACCESS);
	must_eq(fault.address, byte);
	must_eq(fault.owner, other->module);
}

static void look(uint64_t random)
{
	struct one *one = &ones[random % MODULES];
	struct one *other = &ones[random / MODULES % MODULES];

	if (one == other)
		look_at_own(one);
	else
		look_at_other(one, other, random >> 16);
}

/*
 * Another thread may be the next to go on with it. Neither of these two is part
 * of a function that goes on: that could keep an address of the thread's data.
 */
static void __attribute__((noinline)) wait_as(struct fiber *fiber)
{
	expect(MODISO_OK, modiso_fiber_switch(NULL));
	swapcontext(&fiber->self, fiber->back);
}

static void __attribute__((noinline)) go_on_with(struct fiber *fiber)
{
	ucontext_t here;

	fiber->back = &here;
	expect(MODISO_OK, modiso_fiber_switch(fiber->fiber));
	swapcontext(&here, &fiber->self);
}

static void wait_in_service(struct fiber *fiber)
{
	if (atomic_fetch_add(&waiting, 1) < WAITING_MAX) {
		atomic_fetch_add(&waited, 1);
		atomic_store(&fiber->waits, true);
		wait_as(fiber);
		atomic_store(&fiber->waits, false);
	}
	atomic_fetch_sub(&waiting, 1);
}

/*
 * A service: the caller's module is inside of its call all the time. @random
 * ends with the number of the fiber that calls, or FIBERS.
 */
static uintptr_t look_from_service(uintptr_t random)
{
	unsigned number = random & 15;

	look(random >> 8);
	if (number < FIBERS && random >> 4 & 1)
		wait_in_service(&fibers[number]);
	look(random >> 24);
	return random;
}

static void look_through_service(struct one *one, uint64_t random,
				 unsigned number)
{
	uintptr_t word = (random & ~(uintptr_t)15) | number, result = 0;

	if (call(one->visit, WORDS(word), &result, MODISO_OK))
		must_eq(result, word + 1);
}

static void on_signal(int signo)
{
	uint64_t random = handler_random;

	(void)signo;
	handler_random = next_random(&random);
	atomic_fetch_add(&interrupted, 1);
	look(random);
}

/* --- fibers --- */

static void fiber_body(int number)
{
	struct fiber *fiber = &fibers[number];
	uint64_t random;

	while (!atomic_load(&stop)) {
		random = next_random(&fiber->random);
		if (random >> 32 & 1)
			look(random);
		look_through_service(&ones[random % MODULES], random,
				     (unsigned)number);
		wait_as(fiber);
	}
	fiber->over = true;
	wait_as(fiber);
	abort();
}

static void __attribute__((noinline)) make_fiber(int number, uint64_t random)
{
	struct fiber *fiber = &fibers[number];

	expect(MODISO_OK, modiso_fiber_create(&fiber->fiber));
	fiber->random = random;
	getcontext(&fiber->self);
	fiber->self.uc_stack.ss_sp = stacks[number];
	fiber->self.uc_stack.ss_size = FIBER_STACK;
	makecontext(&fiber->self, (void (*)(void))fiber_body, 1, number);
}

static void make_fibers(uint64_t random)
{
	for (int i = 0; i < FIBERS; i++)
		make_fiber(i, random * (2 * (uint64_t)i + 17));
}

/* False: somebody has it. */
static bool try_fiber(struct fiber *fiber)
{
	if (atomic_exchange(&fiber->taken, true))
		return false;
	go_on_with(fiber);
	atomic_fetch_add(&switched, 1);
	atomic_store(&fiber->taken, false);
	return true;
}

/* One that waits in a service first: others cannot have that module's key. */
static void some_fiber(uint64_t random)
{
	for (unsigned i = 0; i < 2 * FIBERS; i++) {
		struct fiber *fiber = &fibers[(random + i) % FIBERS];

		if ((i >= FIBERS || atomic_load(&fiber->waits)) &&
		    try_fiber(fiber))
			return;
	}
}

static void end_fibers(void)
{
	for (int i = 0; i < FIBERS; i++) {
		while (!fibers[i].over)
			go_on_with(&fibers[i]);
		expect(MODISO_OK, modiso_fiber_destroy(fibers[i].fiber));
	}
}

/* The child is one thread, which finds every module whole, and each fiber. */
static void fork_and_look(void)
{
	int status = 0;
	pid_t pid = fork();

	must(pid >= 0);
	if (pid == 0) {
		for (int i = 0; i < FIBERS && with_fibers; i++)
			(void)try_fiber(&fibers[i]);
		for (int i = 0; i < MODULES; i++) {
			look_at_own(&ones[i]);
			look_at_other(&ones[i], &ones[(i + 1) % MODULES], 7);
		}
		_exit(EXIT_SUCCESS);
	}
	while (waitpid(pid, &status, 0) != pid)
		must_eq(errno, EINTR);
	must_eq(status, 0);
	atomic_fetch_add(&forked, 1);
}

/*
 * ThreadSanitizer's own clocks are no match for a handler that comes at any
 * instruction: a clock that a thread has been merging when the handler merged
 * a newer one goes back to the older, and what is guarded by a lock is called
 * a race. It keeps signals for later where it can, but the library's entries
 * are the kernel's. So there each thread interrupts itself.
 */
static pthread_t interrupt_whom(uint64_t random)
{
	return TEST_TSAN ? pthread_self() : workers[random & 7].thread;
}

static void one_operation(struct worker *worker)
{
	uint64_t random = next_random(&worker->random);
	struct one *one = &ones[random % MODULES];

	handler_random = random | 1;
	switch (random >> 32 & 7) {
	case 0:
		must_eq(pthread_kill(interrupt_whom(random >> 40), SIGUSR1), 0);
		break;
	case 1:
		look_through_service(one, random, FIBERS);
		break;
	case 2:
		if (with_fibers)
			some_fiber(random >> 8);
		break;
	case 3:
		must_eq(region_bytes(one->region)[random % LENGTH], one->tag);
		break;
	default:
		look(random);
	}
	if ((random >> 20 & 1023) == 0)
		fork_and_look();
}

static void *work(void *arg)
{
	struct worker *worker = arg;

	pthread_barrier_wait(&all_there);
	while (worker->rounds-- && !atomic_load(&stop)) {
		one_operation(worker);
		if (atomic_fetch_add(&done, 1) % 1024 == 0)
			test_gets_on(atomic_load(&done));
	}
	/* The others may still send it a signal. */
	pthread_barrier_wait(&all_done);
	return NULL;
}

/* Of each thread, where what is asked for is divided by @share. */
static unsigned long rounds_of_each(unsigned long seconds, unsigned long share)
{
	unsigned long operations = run_asked("MODISO_TEST_OPERATIONS");

	if (seconds != 0)
		return ~0ul;
	return operations != 0 ? operations / share / THREADS :
				 run_times(1500, 200);
}

static uint64_t seed(void)
{
	const char *given = getenv("MODISO_TEST_SEED");
	struct timespec now;

	if (given)
		return strtoull(given, NULL, 0) | 1;
	clock_gettime(CLOCK_REALTIME, &now);
	return ((uint64_t)now.tv_sec << 20 ^ (uint64_t)now.tv_nsec) | 1;
}

static void make_ones(void)
{
	char name[16];

	for (int i = 0; i < MODULES; i++) {
		struct one *one = &ones[i];

		snprintf(name, sizeof(name), "m%d", i);
		one->tag = (unsigned char)(0x31 + i);
		one->module = make_module(name);
		one->region = make_region(one->module, LENGTH, name);
		memset(region_bytes(one->region), one->tag, LENGTH);
		one->strangers = make_gate(one->module, count_strangers);
		one->peek = make_gate(one->module, poke_load1);
		one->visit = make_gate(one->module, visit);
	}
	expect(MODISO_OK,
	       modiso_service_create("visit", (modiso_fn)look_from_service,
				     NULL, &service));
	visit_service = (uintptr_t(*)(uintptr_t))modiso_service_thunk(service);
}

/* With two keys one is left for modules; four leave one or two. */
START_TEST(test_one_key)
{
	/* A long run looks for faults, and waits for nothing. */
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.key_wait_ms = run_asked("MODISO_TEST_OPERATIONS") ? 0 : 1,
	};
	const struct sigaction action = {.sa_handler = on_signal,
					 .sa_flags = SA_RESTART};
	unsigned long seconds = run_asked("MODISO_TEST_SECONDS");
	unsigned long rounds = rounds_of_each(seconds, _i ? 10 : 1);
	uint64_t start = seed();
	int i;

	printf("# MODISO_TEST_SEED=%llu\n", (unsigned long long)start);
	if (on_pkey())
		options.max_keys = _i ? 4 : 2;
	expect(MODISO_OK, modiso_init(&options));
	must_eq(sigaction(SIGUSR1, &action, NULL), 0);
	make_ones();
	if (with_fibers)
		make_fibers(start);
	must(!pthread_barrier_init(&all_there, NULL, THREADS + 1) &&
	     !pthread_barrier_init(&all_done, NULL, THREADS));
	for (i = 0; i < THREADS; i++) {
		workers[i].random = start * (2 * (uint64_t)i + 1);
		workers[i].rounds = rounds;
		workers[i].thread = thread_start(work, &workers[i]);
	}
	pthread_barrier_wait(&all_there);
	if (seconds) {
		nanosleep(&(struct timespec){.tv_sec = (time_t)seconds}, NULL);
		atomic_store(&stop, true);
	}
	for (i = 0; i < THREADS; i++)
		thread_join(workers[i].thread);
	atomic_store(&stop, true);
	if (with_fibers)
		end_fibers();
	printf("# %lu operations, %lu calls without a key, %lu in handlers, "
	       "%lu forks, %lu with fibers, %lu of them left in a service\n",
	       atomic_load(&done), atomic_load(&refused),
	       atomic_load(&interrupted), atomic_load(&forked),
	       atomic_load(&switched), atomic_load(&waited));
	must(atomic_load(&interrupted) > 0);
	must(!with_fibers || atomic_load(&waited) > 0);
	for (i = 0; i < MODULES; i++)
		expect(MODISO_OK, modiso_module_destroy(ones[i].module));
	expect(MODISO_OK, modiso_service_destroy(service));
	expect(MODISO_OK, modiso_fini());
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("one_key");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_one_key, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
