/* SPDX-License-Identifier: MIT */
/*
 * contract_service - a module calls into the host: on the host's stack, with
 * the host's rights, and back with its own.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <xmmintrin.h>

static struct modiso_module *module, *other;
static struct modiso_region *hosts, *others;

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	hosts = make_region(NULL, PAGE, "host's");
	others = make_region(other, PAGE, "other's");
}

/* --- where and with what it runs --- */

static struct {
	int calls;
	bool on_stack;
	struct modiso_module *caller;
	unsigned char host_byte, other_byte;
	unsigned mxcsr;
	uint64_t rflags;
	bool copied;
} seen;

static uint64_t flags_now(void)
{
	uint64_t flags;

	__asm__ volatile("pushf\n\tpop %0" : "=r"(flags));
	return flags;
}

static uintptr_t look(uintptr_t value)
{
	char from[200], to[200];

	seen.rflags = flags_now();
	seen.mxcsr = _mm_getcsr();
	seen.calls++;
	seen.on_stack = thread_owns_stack(&value) || thread_owns_stack(from);
	seen.caller = modiso_module_caller();
	seen.host_byte = region_bytes(hosts)[3]++;
	seen.other_byte = region_bytes(others)[3]++;
	memset(from, 'f', sizeof(from));
	memmove(to, from, sizeof(to));
	seen.copied = !memcmp(from, to, sizeof(to));
	return value + 1;
}

static uintptr_t (*volatile service)(uintptr_t value);

MODULE_CODE static uintptr_t call_service(uintptr_t value)
{
	volatile uintptr_t mine = value;

	return service(value) + (mine == value ? 0 : 1000);
}

START_TEST(test_host_side)
{
	struct modiso_gate *gate;
	int i;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("look", look);
	gate = make_gate(module, call_service);
	region_bytes(hosts)[3] = 10;
	region_bytes(others)[3] = 20;
	for (i = 0; i < 3; i++) {
		must_eq(enter(gate, 5), 6);
		must_eq(seen.calls, i + 1);
		must(seen.on_stack);
		must_eq(seen.caller, module);
		must_eq(seen.host_byte, 10 + i);
		must_eq(seen.other_byte, 20 + i);
		must(seen.copied);
	}
	must_eq(modiso_module_caller(), NULL);
	must_eq(region_bytes(hosts)[3], 13);
	must_eq(region_bytes(others)[3], 23);
}
END_TEST

/* Back in the module the rights are the module's, on either side of a call. */
MODULE_CODE static uintptr_t call_then_touch(uintptr_t value, uintptr_t address)
{
	return service(value) + poke_load1((const void *)address);
}

START_TEST(test_rights_on_return)
{
	struct modiso_gate *gate;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("look", look);
	gate = make_gate(module, call_then_touch);
	must_eq(enter(gate, 5, W(UNTOUCHED)), 6);
	must_blame(enter_fault(module, gate, 5, W(region_bytes(hosts))),
		   MODISO_READ, region_bytes(hosts), hosts);
	must_blame(enter_fault(module, gate, 5, W(region_bytes(others))),
		   MODISO_READ, region_bytes(others), others);
	must_eq(seen.calls, 3);
	must_eq(modiso_module_caller(), NULL);
}
END_TEST

/* --- arguments --- */

static double take_all(uintptr_t a, double p, uintptr_t b, double q,
		       uintptr_t c, double r, uintptr_t d, double s,
		       uintptr_t e, double t, uintptr_t f, double u, double v,
		       double w)
{
	region_bytes(hosts)[0] = 1;
	return (double)(a * 100000 + b * 10000 + c * 1000 + d * 100 + e * 10 +
			f) +
	       p * q * r * s * t * u * v * w;
}

static float take_float(float value)
{
	return value / 2;
}

static int take_int(int value, const char *text)
{
	return -value * (int)strlen(text);
}

static double (*volatile all_service)(uintptr_t, double, uintptr_t, double,
				      uintptr_t, double, uintptr_t, double,
				      uintptr_t, double, uintptr_t, double,
				      double, double);
static float (*volatile float_service)(float);
static int (*volatile int_service)(int, const char *);

MODULE_CODE static uintptr_t pass_all(void)
{
	return all_service(1, 1.5, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8) ==
	       123456 + 1.5 * 2 * 3 * 4 * 5 * 6 * 7 * 8;
}

MODULE_CODE static uintptr_t pass_float(void)
{
	return float_service(-3.0f) == -1.5f;
}

MODULE_CODE static uintptr_t pass_int(void)
{
	return int_service(7, "module") == -42;
}

START_TEST(test_arguments)
{
	make_scene();
	all_service = (double (*)(uintptr_t, double, uintptr_t, double,
				  uintptr_t, double, uintptr_t, double,
				  uintptr_t, double, uintptr_t, double, double,
				  double))make_service("all", take_all);
	float_service = (float (*)(float))make_service("float", take_float);
	int_service = (int (*)(int, const char *))make_service("int", take_int);
	must_eq(enter(make_gate(module, pass_all), 0), 1);
	must_eq(enter(make_gate(module, pass_float), 0), 1);
	must_eq(enter(make_gate(module, pass_int), 0), 1);
	must_eq(region_bytes(hosts)[0], 1);
	/* Called by the host it is the function itself. */
	must_eq(int_service(7, "module"), -42);
	must(float_service(-3.0f) == -1.5f);
}
END_TEST

START_TEST(test_called_by_host)
{
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("look", look);
	must_eq(service(5), 6);
	must_eq(seen.calls, 1);
	must_eq(seen.caller, NULL);
	must(seen.on_stack);
}
END_TEST

/* A caller's registers survive a service as they survive any call. */
static uintptr_t clobber(uintptr_t value)
{
	region_bytes(hosts)[1] = 1;
	return value + 1;
}

static struct cpu_seen module_seen, module_before;

MODULE_CODE static uintptr_t plain(uintptr_t value)
{
	return value;
}

MODULE_CODE static uintptr_t watch_registers(uintptr_t value)
{
	cpu_call(&module_before, (modiso_fn)plain, value, 0, 0, 0);
	return cpu_call(&module_seen, (modiso_fn)service, value, 0, 0, 0);
}

START_TEST(test_module_side)
{
	const char *wrong;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("clobber", clobber);
	must_eq(enter(make_gate(module, watch_registers), 5), 6);
	wrong = cpu_is_host(&module_seen, &module_before);
	if (wrong)
		ck_abort_msg("%s", wrong);
}
END_TEST

/* --- what a service leaves in registers --- */

typedef uintptr_t (*after_fn)(struct poke_registers *, modiso_fn, uintptr_t);
static const after_fn after[] = {poke_after_xmm, poke_after_ymm,
				 poke_after_zmm};

/* Nothing but zeros, in what xmm0 does not carry. */
static void must_be_swept(const struct poke_registers *found)
{
	int i;

	for (i = 0; i < 16; i++)
		if (found->word[i] == POKE_SECRET ||
		    (uint32_t)found->word[i] == (uint32_t)POKE_SECRET)
			ck_abort_msg("register %d holds the host's secret", i);
	must(all_bytes(found->vector[0] + 8, 0, sizeof(found->vector) - 8));
	must(all_bytes(found->mask, 0, sizeof(found->mask)));
	must(all_bytes(found->mmx, 0, sizeof(found->mmx)));
}

/* @thunk leaves POKE_SECRET everywhere: what is in xmm0 when it is back? */
static uint64_t swept(struct modiso_gate *gate, modiso_fn thunk,
		      struct poke_registers *found, uintptr_t vectors)
{
	uint64_t low;

	memset(found, 0, sizeof(*found));
	enter(gate, W(found), W(thunk), vectors);
	must_eq(found->word[0], vectors + 1);
	must_be_swept(found);
	memcpy(&low, found->vector[0], sizeof(low));
	return low;
}

static void check_swept(struct modiso_module *caller, uint32_t flags,
			uintptr_t vectors)
{
	struct modiso_service_options float_result = {
		.struct_size = sizeof(float_result),
		.flags = MODISO_SERVICE_FLOAT};
	struct modiso_gate_options options = {
		.struct_size = sizeof(options), .flags = flags, .word_args = 3};
	struct poke_registers *at =
		modiso_region_base(make_region(caller, sizeof(*at), "seen"));
	modiso_fn word = make_service("word", poke_litter);
	struct modiso_service *made;
	struct modiso_gate *gate;

	expect(MODISO_OK, modiso_service_create("float", (modiso_fn)poke_litter,
						&float_result, &made));
	expect(MODISO_OK, modiso_gate_create(caller, (modiso_fn)after[vectors],
					     &options, &gate));
	must_eq(swept(gate, word, at, vectors), 0);
	must_eq(swept(gate, modiso_service_thunk(made), at, vectors),
		POKE_SECRET);
	must_eq(swept(gate, word, at, vectors), 0);
}

START_TEST(test_swept)
{
	check_swept(world_module(), MODISO_GATE_SCRUB, (uintptr_t)_i);
}
END_TEST

START_TEST(test_swept_sealed)
{
	struct modiso_module_options options = {.struct_size = sizeof(options),
						.confinement =
							MODISO_CONFINE_SEALED};
	struct modiso_module *sealed;

	world_start();
	expect(MODISO_OK, modiso_module_create("sealed", &options, &sealed));
	check_swept(sealed, 0, (uintptr_t)_i);
}
END_TEST

/* Links that threads have from before the module's first scrubbing gate. */
START_TEST(test_swept_late)
{
	struct modiso_module *late = world_module();

	must_eq(enter(make_gate(late, plain), 3), 3);
	check_swept(late, MODISO_GATE_SCRUB, CPU_XMM);
}
END_TEST

/* The tests above can fail: without the gate the secret is there. */
START_TEST(test_swept_control)
{
	struct poke_registers at;
	uint64_t secret = POKE_SECRET;
	int i;

	world_start();
	memset(&at, 0, sizeof(at));
	after[_i](&at, (modiso_fn)poke_litter, (uintptr_t)_i);
	for (i = 0; i < 16; i++)
		must(!memcmp(at.vector[i], &secret, sizeof(secret)));
	for (i = 0; i < 8; i++)
		must_eq(at.mmx[i], POKE_SECRET);
	must_eq(at.word[2], POKE_SECRET);
	must_eq(at.word[11], POKE_SECRET);
}
END_TEST

/*
 * A module that leaves the CPU in a bad way does so to itself: the service
 * finds the modes that the gate call had.
 */
MODULE_CODE static uintptr_t bad_modes(uintptr_t which)
{
	static const uintptr_t mxcsr[] = {0x1f80, 0x5f80, 0xffc0, 0};

	if (which < 4)
		poke_mxcsr(mxcsr[which], 0);
	else if (which == 4)
		poke_flags(0x402, 0);
	else if (which == 5)
		poke_flags(0x40002, 0);
	else
		poke_flags(0x40402, 0);
	return service(which) - 1;
}

START_TEST(test_bad_modes)
{
	struct modiso_gate *gate;
	uintptr_t which;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("look", look);
	gate = make_gate(module, bad_modes);
	for (which = 0; which < 7; which++) {
		must_eq(enter(gate, which), which);
		must_eq(seen.mxcsr & ~0x3fu, 0x1f80);
		must(seen.copied);
		must_eq(seen.rflags & (0x400 | 0x40000), 0);
	}
}
END_TEST

/*
 * A stack pointer that is not the module's own: the way into the host and back
 * writes nothing there, for the module could not have done so itself.
 */
START_TEST(test_wild_stack)
{
	struct modiso_gate *gate;
	unsigned char *bytes;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("look", look);
	gate = make_gate(module, poke_wild_jump);
	bytes = region_bytes(others);
	memset(bytes, 0x3c, PAGE);
	enter_fault(module, gate, W(bytes + PAGE / 2), W(service));
	/* But for what the service itself did, if it was called. */
	bytes[3] = 0x3c;
	must(all_bytes(bytes, 0x3c, PAGE));
	bytes = region_bytes(hosts);
	memset(bytes, 0x3c, PAGE);
	enter_fault(module, gate, W(bytes + PAGE / 2), W(service));
	bytes[3] = 0x3c;
	must(all_bytes(bytes, 0x3c, PAGE));
	enter_fault(module, gate, 64, W(service));
	enter_fault(module, gate, (uintptr_t)1 << 62, W(service));
	must_eq(modiso_module_caller(), NULL);
	must_eq(enter(make_gate(module, call_service), 1), 2);
}
END_TEST

/* --- who may call --- */

#define SIZED .struct_size = sizeof(struct modiso_service_options)

START_TEST(test_listed)
{
	struct modiso_service_options options = {
		SIZED, .flags = MODISO_SERVICE_LISTED};
	struct modiso_gate *mine, *its;
	struct modiso_service *listed;
	const struct modiso_fault *fault;

	make_scene();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)look,
						&options, &listed));
	service = (uintptr_t(*)(uintptr_t))modiso_service_thunk(listed);
	mine = make_gate(module, call_service);
	its = make_gate(other, call_service);
	fault = enter_fault(module, mine, 1);
	must_eq(fault->kind, MODISO_FAULT_SERVICE);
	must_eq(fault->signo, 0);
	must_eq(fault->access, 0);
	must_eq(fault->depth, 1);
	must_eq(seen.calls, 0);
	expect(MODISO_OK, modiso_service_allow(listed, module));
	must_eq(enter(mine, 1), 2);
	fault = enter_fault(other, its, 1);
	must_eq(fault->kind, MODISO_FAULT_SERVICE);
	expect(MODISO_OK, modiso_service_allow(listed, other));
	/* Twice is once. */
	expect(MODISO_OK, modiso_service_allow(listed, other));
	must_eq(enter(its, 1), 2);
	must_eq(enter(mine, 1), 2);
	must_eq(seen.calls, 3);
	expect(MODISO_OK, modiso_service_deny(listed, module));
	must_eq(enter_fault(module, mine, 1)->kind, MODISO_FAULT_SERVICE);
	must_eq(enter(its, 1), 2);
	expect(MODISO_OK, modiso_service_deny(listed, module));
	expect(MODISO_OK, modiso_service_deny(listed, other));
	must_eq(enter_fault(other, its, 1)->kind, MODISO_FAULT_SERVICE);
	must_eq(seen.calls, 4);
	/* The host is on no list. */
	must_eq(service(1), 2);
	expect(MODISO_OK, modiso_service_destroy(listed));
}
END_TEST

/* A refusal leaves nothing behind: the next call is as any other. */
START_TEST(test_after_refusal)
{
	struct modiso_service_options options = {
		SIZED, .flags = MODISO_SERVICE_LISTED};
	struct modiso_service *listed;
	uintptr_t (*open)(uintptr_t);
	struct modiso_gate *call, *touch;
	modiso_fn closed;
	int i;

	make_scene();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)look,
						&options, &listed));
	closed = modiso_service_thunk(listed);
	open = (uintptr_t(*)(uintptr_t))make_service("open", look);
	call = make_gate(module, call_service);
	touch = make_gate(module, call_then_touch);
	for (i = 0; i < 3; i++) {
		service = (uintptr_t(*)(uintptr_t))closed;
		must_eq(enter_fault(module, call, 1)->kind,
			MODISO_FAULT_SERVICE);
		service = open;
		seen.on_stack = false;
		must_eq(enter(call, 1), 2);
		must(seen.on_stack);
		must_eq(seen.caller, module);
		must_blame(
			enter_fault(module, touch, 1, W(region_bytes(hosts))),
			MODISO_READ, region_bytes(hosts), hosts);
	}
}
END_TEST

/* The place on the list is the module's, not that of the next one made. */
START_TEST(test_list_forgets)
{
	struct modiso_service_options options = {
		SIZED, .flags = MODISO_SERVICE_LISTED};
	struct modiso_service *listed;
	struct modiso_module *next;
	int i;

	make_scene();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)look,
						&options, &listed));
	service = (uintptr_t(*)(uintptr_t))modiso_service_thunk(listed);
	for (i = 0; i < 40; i++) {
		next = make_module("next");
		must_eq(enter_fault(next, make_gate(next, call_service), 1)
				->kind,
			MODISO_FAULT_SERVICE);
		expect(MODISO_OK, modiso_service_allow(listed, next));
		must_eq(enter(make_gate(next, call_service), 1), 2);
		expect(MODISO_OK, modiso_module_destroy(next));
	}
	expect(MODISO_OK, modiso_service_destroy(listed));
}
END_TEST

START_TEST(test_destroyed)
{
	struct modiso_service *once;
	struct modiso_gate *gate;
	const struct modiso_fault *fault;

	make_scene();
	expect(MODISO_OK,
	       modiso_service_create("once", (modiso_fn)look, NULL, &once));
	service = (uintptr_t(*)(uintptr_t))modiso_service_thunk(once);
	gate = make_gate(module, call_service);
	must_eq(enter(gate, 1), 2);
	expect(MODISO_OK, modiso_service_destroy(once));
	fault = enter_fault(module, gate, 1);
	must_eq(fault->kind, MODISO_FAULT_SERVICE);
	must_eq(fault->signo, 0);
	must_eq(seen.calls, 1);
}
END_TEST

/* A fault without a signal is told like any other, and cannot be retried. */
static int filtered, landed;

static enum modiso_verdict retrying(const struct modiso_fault *fault, void *arg)
{
	filtered += fault->kind == MODISO_FAULT_SERVICE;
	(void)arg;
	return MODISO_VERDICT_RETRY;
}

static void landing(const struct modiso_fault *fault, void *arg)
{
	landed += fault->kind == MODISO_FAULT_SERVICE;
	(void)arg;
}

START_TEST(test_denied_is_told)
{
	struct modiso_service_options options = {
		SIZED, .flags = MODISO_SERVICE_LISTED};
	struct modiso_service *listed;

	make_scene();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)look,
						&options, &listed));
	service = (uintptr_t(*)(uintptr_t))modiso_service_thunk(listed);
	expect(MODISO_OK, modiso_fault_notify(NULL, retrying, landing, NULL));
	must_eq(enter_fault(module, make_gate(module, call_service), 1)->kind,
		MODISO_FAULT_SERVICE);
	must_eq(filtered, 1);
	must_eq(landed, 1);
}
END_TEST

START_TEST(test_wrong_arguments)
{
	struct modiso_service_options options = {SIZED};
	struct modiso_service *out = UNTOUCHED, *open;
	char name[MODISO_NAME_SIZE + 1];

	make_scene();
	memset(name, 'n', sizeof(name));
	name[MODISO_NAME_SIZE] = '\0';
	expect(MODISO_ERR_INVAL,
	       modiso_service_create(NULL, (modiso_fn)look, NULL, &out));
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("", (modiso_fn)look, NULL, &out));
	expect(MODISO_ERR_INVAL,
	       modiso_service_create(name, (modiso_fn)look, NULL, &out));
	expect(MODISO_ERR_INVAL, modiso_service_create("s", NULL, NULL, &out));
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("s", (modiso_fn)look, NULL, NULL));
	options.struct_size = 0;
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("s", (modiso_fn)look, &options, &out));
	options.struct_size = 4;
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("s", (modiso_fn)look, &options, &out));
	options.struct_size = sizeof(options);
	options.flags = 1u << 2;
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("s", (modiso_fn)look, &options, &out));
	must_eq(out, UNTOUCHED);
	name[MODISO_NAME_SIZE - 1] = '\0';
	expect(MODISO_OK,
	       modiso_service_create(name, (modiso_fn)look, NULL, &open));
	/* It has no list to be put on. */
	expect(MODISO_ERR_INVAL, modiso_service_allow(open, module));
	expect(MODISO_ERR_INVAL, modiso_service_deny(open, module));
	expect(MODISO_ERR_INVAL, modiso_service_allow(NULL, module));
	expect(MODISO_ERR_INVAL, modiso_service_allow(open, NULL));
	expect(MODISO_ERR_INVAL, modiso_service_deny(NULL, module));
	expect(MODISO_ERR_INVAL, modiso_service_deny(open, NULL));
}
END_TEST

/* As many as promised, one too many, and again when they are gone. */
START_TEST(test_limit)
{
	enum { SERVICES = 4096 };
	static struct modiso_service *services[SERVICES];
	struct modiso_service *out = UNTOUCHED;
	int i, round;

	make_scene();
	for (round = 0; round < 2; round++) {
		for (i = 0; i < SERVICES; i++)
			expect(MODISO_OK,
			       modiso_service_create("s", (modiso_fn)look, NULL,
						     &services[i]));
		expect(MODISO_ERR_LIMIT,
		       modiso_service_create("s", (modiso_fn)look, NULL, &out));
		must_eq(out, UNTOUCHED);
		for (i = 0; i < SERVICES; i++) {
			service = (uintptr_t(*)(uintptr_t))modiso_service_thunk(
				services[i]);
			if (i % 512 == 511)
				must_eq(enter(make_gate(module, call_service),
					      1),
					2);
		}
		for (i = 0; i < SERVICES; i++)
			expect(MODISO_OK, modiso_service_destroy(services[i]));
	}
}
END_TEST

/* --- services that call gates, and that wait --- */

static struct modiso_gate *inner_gate;

static uintptr_t call_inner(uintptr_t value)
{
	uintptr_t result = 0;
	struct modiso_module *before = modiso_module_caller();
	int code = modiso_gate_call(inner_gate, WORDS(value), &result);

	seen.caller = before == modiso_module_caller() ? before : NULL;
	return code ? 1000 + (uintptr_t)-code : result + 1;
}

START_TEST(test_service_calls_gate)
{
	struct modiso_gate *gate;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("inner", call_inner);
	gate = make_gate(module, call_service);
	inner_gate = make_gate(other, plain);
	must_eq(enter(gate, 5), 6);
	must_eq(seen.caller, module);
	inner_gate = make_gate(module, plain);
	must_eq(enter(gate, 5), 6);
	/* The inner one faults: the service is told, the outer one goes on. */
	inner_gate = make_gate(other, poke_load1);
	must_eq(enter(gate, 5), 1000 - MODISO_ERR_FAULT);
	must_eq(seen.caller, module);
	must_eq(modiso_fault_count(), 1);
	inner_gate = make_gate(module, poke_recurse);
	must_eq(enter(gate, 5), 1000 - MODISO_ERR_FAULT);
	must_eq(modiso_module_caller(), NULL);
	must_eq(enter(make_gate(module, plain), 5), 5);
}
END_TEST

static sem_t waiting, go_on;

static uintptr_t wait_in_host(uintptr_t value)
{
	sem_post(&waiting);
	while (sem_wait(&go_on))
		;
	region_bytes(hosts)[2]++;
	return value + 1;
}

static void *wait_thread(void *gate)
{
	must_eq(enter(gate, 5), 6);
	return NULL;
}

/* While one thread waits in a service no other thread need wait for it. */
START_TEST(test_blocking_service)
{
	pthread_t thread;
	int i;

	make_scene();
	sem_init(&waiting, 0, 0);
	sem_init(&go_on, 0, 0);
	service = (uintptr_t(*)(uintptr_t))make_service("wait", wait_in_host);
	thread = thread_start(wait_thread, make_gate(module, call_service));
	while (sem_wait(&waiting))
		;
	for (i = 0; i < 10; i++) {
		must_eq(enter(make_gate(other, plain), 7), 7);
		must_eq(enter(make_gate(module, plain), 7), 7);
		enter_fault(other, make_gate(other, poke_load1),
			    W(region_bytes(hosts)));
		region_bytes(hosts)[0]++;
	}
	expect(MODISO_ERR_BUSY, modiso_module_destroy(module));
	sem_post(&go_on);
	thread_join(thread);
	must_eq(region_bytes(hosts)[2], 1);
	must_eq(region_bytes(hosts)[0], 10);
}
END_TEST

static uintptr_t fault_of_host(uintptr_t address)
{
	return poke_load1((const void *)address);
}

/* A service's own fault is the host's, not the module's. */
static void service_faults(void *unused)
{
	(void)unused;
	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("bad", fault_of_host);
	(void)!modiso_gate_call(make_gate(module, call_service), WORDS(8),
				NULL);
}

START_TEST(test_fault_in_service)
{
	must_die(child_status(service_faults, NULL), SIGSEGV);
}
END_TEST

START_TEST(test_cycles)
{
	unsigned long n = times(200000, 5000);
	struct modiso_gate *gate;
	struct proc_usage before;

	make_scene();
	service = (uintptr_t(*)(uintptr_t))make_service("clobber", clobber);
	gate = make_gate(module, call_service);
	must_eq(enter(gate, 1), 2);
	before = proc_usage();
	while (n--)
		must_eq(enter(gate, n), n + 1);
	proc_must_not_grow(&before, 0, 256);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("service");
	TCase *tcase = tcase_create("contract");

	tcase_set_timeout(tcase, 60);
	tcase_add_test(tcase, test_host_side);
	tcase_add_test(tcase, test_rights_on_return);
	tcase_add_test(tcase, test_arguments);
	tcase_add_test(tcase, test_called_by_host);
	tcase_add_test(tcase, test_module_side);
	tcase_add_loop_test(tcase, test_swept, CPU_XMM, (int)cpu_vectors() + 1);
	if (on_pkey())
		tcase_add_loop_test(tcase, test_swept_sealed, CPU_XMM,
				    (int)cpu_vectors() + 1);
	tcase_add_test(tcase, test_swept_late);
	tcase_add_loop_test(tcase, test_swept_control, CPU_XMM,
			    (int)cpu_vectors() + 1);
	tcase_add_test(tcase, test_bad_modes);
	tcase_add_test(tcase, test_wild_stack);
	tcase_add_test(tcase, test_listed);
	tcase_add_test(tcase, test_after_refusal);
	tcase_add_test(tcase, test_list_forgets);
	tcase_add_test(tcase, test_destroyed);
	tcase_add_test(tcase, test_denied_is_told);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_limit);
	tcase_add_test(tcase, test_service_calls_gate);
	tcase_add_test(tcase, test_blocking_service);
	tcase_add_test(tcase, test_fault_in_service);
	tcase_add_test(tcase, test_cycles);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
