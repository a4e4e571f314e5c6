/* SPDX-License-Identifier: MIT */
/*
 * contract_confine - the levels above GUARD: READONLY lets a module read what
 * is in no region and not write it, SEALED lets it do neither. A backend that
 * lacks a level refuses it.
 *
 * The module code here touches nothing but its stack and its arguments.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>

static struct modiso_module *module, *other;
static struct modiso_region *data, *others, *hosts;
static uint32_t level;

static const uint32_t levels[] = {MODISO_CONFINE_READONLY,
				  MODISO_CONFINE_SEALED};

static struct modiso_module *make_confined(const char *name, uint32_t wanted)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = wanted,
	};
	struct modiso_module *made = NULL;

	expect(MODISO_OK, modiso_module_create(name, &options, &made));
	return made;
}

static void make_scene_at(uint32_t wanted)
{
	level = wanted;
	world_start();
	module = make_confined("confined", level);
	other = make_confined("other", level);
	data = make_region(module, PAGE, "data");
	others = make_region(other, PAGE, "other's");
	hosts = make_region(NULL, PAGE, "host's");
}

static void make_scene(int which)
{
	make_scene_at(levels[which]);
}

static unsigned char global[64] = "global";

/* @address is in no region: the level alone decides. */
static void check_unregistered(void *address)
{
	struct modiso_gate *load = make_gate(module, poke_load1);
	struct modiso_gate *store = make_gate(module, poke_store1);
	volatile unsigned char *byte = address;
	unsigned char was = *byte;
	const struct modiso_fault *fault;

	if (level == MODISO_CONFINE_READONLY)
		must_eq(enter(load, W(byte)), was);
	else
		must_blame(enter_fault(module, load, W(byte)), MODISO_READ,
			   byte, NULL);
	fault = enter_fault(module, store, W(byte), was ^ 1);
	must_blame(fault, MODISO_WRITE, byte, NULL);
	must_eq(fault->confinement, level);
	must_eq(*byte, was);
}

START_TEST(test_unregistered)
{
	unsigned char local[32] = "local";
	unsigned char *heap = calloc(1, 4096);
	unsigned char *page = pages_map(1, PROT_READ | PROT_WRITE);

	make_scene(_i);
	check_unregistered(global);
	check_unregistered(local);
	check_unregistered(heap);
	check_unregistered(page);
	check_unregistered(&errno);
	free(heap);
	/* The library's own state is closed at both levels. */
	must_blame(enter_fault(module, make_gate(module, poke_load1),
			       W(module)),
		   MODISO_READ, module, NULL);
	must_blame(enter_fault(module, make_gate(module, poke_store1),
			       W(module), 1),
		   MODISO_WRITE, module, NULL);
}
END_TEST

START_TEST(test_registered)
{
	struct modiso_gate *load, *store;
	unsigned char *byte;

	make_scene(_i);
	load = make_gate(module, poke_load1);
	store = make_gate(module, poke_store1);
	byte = region_bytes(data);
	enter(store, W(byte), 7);
	must_eq(enter(load, W(byte)), 7);
	byte = region_bytes(others);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   others);
	must_blame(enter_fault(module, store, W(byte), 1), MODISO_WRITE, byte,
		   others);
	byte = region_bytes(hosts);
	must_blame(enter_fault(module, load, W(byte)), MODISO_READ, byte,
		   hosts);
	must_blame(enter_fault(module, store, W(byte), 1), MODISO_WRITE, byte,
		   hosts);
	must_eq(region_bytes(hosts)[0] + region_bytes(others)[0], 0);
}
END_TEST

MODULE_CODE static uintptr_t sum(uintptr_t a, uintptr_t b, uintptr_t c,
				 uintptr_t d, uintptr_t e, uintptr_t f)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f;
}

/* The way in and out needs nothing that the module may not touch. */
START_TEST(test_gates)
{
	struct modiso_gate *gate;
	uintptr_t (*thunk)(uintptr_t, uintptr_t, uintptr_t, uintptr_t,
			   uintptr_t, uintptr_t);
	unsigned long n = times(20000, 1000);

	make_scene(_i);
	gate = make_gate(module, sum);
	thunk = (uintptr_t(*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t,
			      uintptr_t, uintptr_t))make_thunk(module, sum);
	while (n--) {
		must_eq(enter(gate, 1, 2, 3, 4, 5, 6), 91);
		must_eq(thunk(6, 5, 4, 3, 2, 1), 56);
	}
}
END_TEST

static const struct {
	modiso_fn entry;
	uintptr_t argument;
	uint32_t kind;
} crashes[] = {
	{(modiso_fn)poke_ud2, 0, MODISO_FAULT_ILLEGAL},
	{(modiso_fn)poke_int3, 0, MODISO_FAULT_TRAP},
	{(modiso_fn)poke_div0, 0, MODISO_FAULT_ARITHMETIC},
	{(modiso_fn)poke_hlt, 0, MODISO_FAULT_PRIVILEGED},
	{(modiso_fn)poke_load1, 0, MODISO_FAULT_UNMAPPED},
	{(modiso_fn)poke_jump, 0, MODISO_FAULT_UNMAPPED},
	{(modiso_fn)poke_recurse, 0, MODISO_FAULT_STACK},
	{(modiso_fn)poke_wild_ud2, 4096, MODISO_FAULT_ILLEGAL},
	{(modiso_fn)poke_smash, 1 << 20, MODISO_FAULT_NONE},
};

START_TEST(test_crashes)
{
	const struct modiso_fault *fault;
	size_t i, round;

	make_scene(_i);
	for (round = 0; round < 20; round++) {
		for (i = 0; i < sizeof(crashes) / sizeof(*crashes); i++) {
			fault = enter_fault(module,
					    make_gate(module, crashes[i].entry),
					    crashes[i].argument);
			if (crashes[i].kind != MODISO_FAULT_NONE)
				must_eq(fault->kind, crashes[i].kind);
			must_eq(fault->confinement, level);
		}
	}
	must_eq(enter(make_gate(module, sum), 1, 2, 3, 4, 5, 6), 91);
}
END_TEST

/* With the host's memory for a stack: nothing is written there. */
START_TEST(test_wild_stack)
{
	unsigned char *page = pages_map(4, PROT_READ | PROT_WRITE);

	make_scene(_i);
	memset(page, 0x6b, 4 * PAGE);
	must_eq(enter_fault(module, make_gate(module, poke_wild_ud2),
			    W(page + 3 * PAGE))
			->kind,
		MODISO_FAULT_ILLEGAL);
	must_blame(enter_fault(module, make_gate(module, poke_wild_push),
			       W(page + 3 * PAGE)),
		   MODISO_WRITE, page + 3 * PAGE - 8, NULL);
	must(all_bytes(page, 0x6b, 4 * PAGE));
}
END_TEST

/* The pointer comes in a register: the code touches no memory but its stack. */
MODULE_CODE static uintptr_t call_through(uintptr_t (*function)(uintptr_t),
					  uintptr_t value)
{
	return function(value) + 1;
}

static uintptr_t serve(uintptr_t value)
{
	global[0]++;
	region_bytes(hosts)[1]++;
	return value + 1;
}

START_TEST(test_services)
{
	modiso_fn service;
	struct modiso_gate *gate;
	int i;

	make_scene(_i);
	service = make_service("serve", serve);
	gate = make_gate(module, call_through);
	for (i = 0; i < 100; i++)
		must_eq(enter(gate, W(service), 5), 7);
	must_eq(region_bytes(hosts)[1], 100);
	/* The function itself is not the service: it has no rights. */
	enter_fault(module, gate, W(serve), 5);
	must_eq(region_bytes(hosts)[1], 100);
}
END_TEST

/* SEALED modules get no registers of the host's, asked for or not. */
START_TEST(test_scrubbed)
{
	struct modiso_gate_options options = {.struct_size = sizeof(options),
					      .word_args = 1};
	struct poke_registers *seen;
	struct modiso_gate *gate;
	modiso_fn thunk;
	int i;

	make_scene(1);
	seen = modiso_region_base(make_region(module, sizeof(*seen), "seen"));
	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)poke_registers_xmm,
				  &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	cpu_call_secret(thunk, W(seen), CPU_XMM);
	must_eq(modiso_gate_status(), MODISO_OK);
	for (i = 0; i < 16; i++)
		must(seen->word[i] != POKE_SECRET);
	must(all_bytes(seen->vector, 0, sizeof(seen->vector)));
}
END_TEST

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
	long interval = (long)times(200000, 3000000);
	const struct itimerspec often = {{0, interval}, {0, interval}};
	unsigned long wanted = times(2000, 100), i;
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

static void *worker(void *gate)
{
	unsigned long n = times(20000, 1000);

	while (n--)
		must_eq(enter(gate, 1, 2, 3, 4, 5, 6), 91);
	return NULL;
}

START_TEST(test_threads)
{
	pthread_t threads[4];
	int i;

	make_scene(_i);
	for (i = 0; i < 4; i++)
		threads[i] = thread_start(
			worker, make_gate(i % 2 ? module : other, sum));
	for (i = 0; i < 4; i++)
		thread_join(threads[i]);
}
END_TEST

/* Modules of all levels side by side, each at its own. */
START_TEST(test_mixed)
{
	struct modiso_module *open;
	struct modiso_gate *open_store, *store;
	int i;

	make_scene(_i);
	open = make_confined("open", MODISO_CONFINE_GUARD);
	open_store = make_gate(open, poke_store1);
	store = make_gate(module, poke_store1);
	for (i = 0; i < 50; i++) {
		enter(open_store, W(global), (uintptr_t)i);
		must_eq(global[0], i);
		must_blame(enter_fault(module, store, W(global), 99),
			   MODISO_WRITE, global, NULL);
		must_eq(global[0], i);
	}
}
END_TEST

/*
 * What only reads works under READONLY, thread-local storage included. The
 * pointers save the first call's work of the dynamic linker, which writes.
 */
static size_t (*volatile lib_strlen)(const char *) = strlen;
static int (*volatile lib_memcmp)(const void *, const void *,
				  size_t) = memcmp;
static const char *(*volatile lib_strstr)(const char *, const char *) =
	(const char *(*)(const char *, const char *))(modiso_fn)strstr;
static unsigned long (*volatile lib_strtoul)(const char *, char **,
					     int) = strtoul;
static void *(*volatile lib_memcpy)(void *, const void *, size_t) = memcpy;
static _Thread_local uintptr_t own_tls = 11;

MODULE_CODE static uintptr_t use_libc(char *own)
{
	static const char text[] = "one two 12345 three";
	const char *found;

	if (lib_strlen(text) != sizeof(text) - 1)
		return 1;
	found = lib_strstr(text, "123");
	if (found != text + 8 || lib_memcmp(found, "12345", 5))
		return 2;
	if (lib_strtoul(found, NULL, 10) != 12345)
		return 3;
	lib_memcpy(own, text, sizeof(text));
	if (lib_memcmp(own, text, sizeof(text)))
		return 4;
	return own_tls;
}

START_TEST(test_libc)
{
	make_scene(0);
	must_eq(enter(make_gate(module, use_libc), W(region_bytes(data))), 11);
	/* Where it would write, it traps: the copy ends at the first byte. */
	must_blame(enter_fault(module, make_gate(module, use_libc), W(global)),
		   MODISO_WRITE, global, NULL);
	must_str((char *)global, "global");
}
END_TEST

/* A service enters the other module, which calls a service, and so on. */
static struct modiso_gate *nest_gate[2];
static modiso_fn nest_service;
static unsigned nest_depth;

static uintptr_t nest_serve(uintptr_t left)
{
	uintptr_t result;

	region_bytes(hosts)[2]++;
	if (nest_depth < left)
		nest_depth++;
	else
		return 0;
	result = enter(nest_gate[nest_depth % 2], W(nest_service), left);
	region_bytes(hosts)[2]--;
	enter_fault(other, make_gate(other, poke_load1),
		    W(region_bytes(hosts)));
	return result;
}

START_TEST(test_nested)
{
	make_scene(_i);
	nest_service = make_service("nest", nest_serve);
	nest_gate[0] = make_gate(module, call_through);
	nest_gate[1] = make_gate(other, call_through);
	must_eq(enter(nest_gate[0], W(nest_service), 10), 11);
	must_eq(nest_depth, 10);
	must_eq(region_bytes(hosts)[2], 1);
}
END_TEST

/* --- the storm --- */

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
	const long us = (long)times(100, 1000);
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
	end = now_ms() + (getenv("MODISO_TEST_LONG") ? 10000 : 3000);
	every(0, SIGALRM);
	every(1, SIGUSR1);
	/*
	 * Not faster than they are taken, or nobody gets on; and for as long as
	 * a loaded machine needs.
	 */
	for (i = 0; now_ms() < end || !stormed_enough(); i++) {
		must_eq(pthread_kill(threads[i % 2],
				     i % 3 ? SIGUSR1 : SIGUSR2),
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

/* A level that is not there: said so, and nothing weaker in its place. */
START_TEST(test_refused)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = levels[_i],
	};
	struct modiso_options need = {.struct_size = sizeof(need)};
	struct modiso_module *out = NULL;

	world_start();
	expect(MODISO_ERR_NOTSUP, modiso_module_create("x", &options, &out));
	must_eq(out, NULL);
	world_stop();
	need.require = 1u << levels[_i];
	expect(MODISO_ERR_NOTSUP, modiso_init(&need));
}
END_TEST

static uint32_t backend_caps(void)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};

	if (modiso_backend_query(on_pkey() ? MODISO_BACKEND_PKEY
					   : MODISO_BACKEND_MPROTECT,
				 &info))
		return 0;
	return info.caps;
}

static Suite *make_suite(void)
{
	Suite *suite = suite_create("confine");
	TCase *tcase = tcase_create("contract");
	uint32_t caps = backend_caps();
	int i;

	tcase_set_timeout(tcase, 60);
	add_loop_test_but_tsan(tcase, test_storm, MODISO_CONFINE_GUARD,
			       MODISO_CONFINE_GUARD + 1,
			       "10,000 signals a second leave it no time");
	for (i = 0; i < 2; i++) {
		if (!(caps & 1u << levels[i])) {
			tcase_add_loop_test(tcase, test_refused, i, i + 1);
			continue;
		}
		tcase_add_loop_test(tcase, test_unregistered, i, i + 1);
		tcase_add_loop_test(tcase, test_registered, i, i + 1);
		tcase_add_loop_test(tcase, test_gates, i, i + 1);
		tcase_add_loop_test(tcase, test_crashes, i, i + 1);
		tcase_add_loop_test(tcase, test_wild_stack, i, i + 1);
		tcase_add_loop_test(tcase, test_services, i, i + 1);
		tcase_add_loop_test(tcase, test_signals, i, i + 1);
		tcase_add_loop_test(tcase, test_threads, i, i + 1);
		tcase_add_loop_test(tcase, test_mixed, i, i + 1);
		tcase_add_loop_test(tcase, test_nested, i, i + 1);
		tcase_add_loop_test(tcase, test_storm, (int)levels[i],
				    (int)levels[i] + 1);
		if (levels[i] == MODISO_CONFINE_READONLY)
			tcase_add_test(tcase, test_libc);
		if (levels[i] == MODISO_CONFINE_SEALED)
			tcase_add_test(tcase, test_scrubbed);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
