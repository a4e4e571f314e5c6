/* SPDX-License-Identifier: MIT */
/*
 * contract_step - a signal at each instruction of what takes a thread into a
 * module and back: gates, services, nested calls, the way out of a fault,
 * windows, a thread's first call, the library's own signal entry. The handler
 * works: guarded memory, a window, calls into the module that it interrupted
 * and into another one, a service; in half of the cases modules fault under it.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/step.h"
#include "support/world.h"

#include "arch/arch.h"
#include "arch/x86_64/frame.h"
#include "arch/x86_64/pkru.h"
#include "backend/backend.h"
#include "core/module.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

/* --- the scene, in the child --- */

static struct modiso_module *module, *other;
static struct modiso_region *own, *hosts, *closed;
static struct modiso_gate *sum_gate, *other_sum_gate, *store_gate,
	*other_store_gate;
static uintptr_t (*volatile service)(uintptr_t);
/* For modules: the library's records are not for them. */
static unsigned char *own_bytes, *scene_of_crime;

/* Offsets into the host's region: who writes where. */
enum {
	BY_HANDLER = 1,
	BY_WINDOW,
	BY_SERVICE,
	CRIME,         /* a module's, in a round */
	HANDLER_CRIME, /* a module's, under a handler */
	CHECK_CRIME    /* a module's, after a round */
};

MODULE_CODE static uintptr_t sum(uintptr_t a, uintptr_t b)
{
	return a + b;
}

static uintptr_t serve(uintptr_t value)
{
	region_bytes(hosts)[BY_SERVICE]++;
	return value + 1;
}

static uintptr_t host_sum(uintptr_t a, uintptr_t b)
{
	return a + b;
}

/* --- the handler --- */

static volatile unsigned handled;
static void (*work)(void);

static void handle(int signo)
{
	(void)signo;
	handled++;
	work();
	errno = 77;
}

static void use_window(struct modiso_region *region)
{
	unsigned char *byte = region_bytes(region) + BY_WINDOW;
	unsigned char before;

	expect(MODISO_OK, modiso_window_open(region, RW));
	before = *byte;
	*byte = (unsigned char)(before + 1);
	must_eq(enter(sum_gate, 5, 6), 11);
	must_eq(*byte, (unsigned char)(before + 1));
	expect(MODISO_OK, modiso_window_close(region));
}

static void work_well(void)
{
	unsigned char bytes[8] = {0};

	region_bytes(hosts)[BY_HANDLER]++;
	use_window(hosts);
	if (closed)
		use_window(closed);
	must_eq(enter(sum_gate, 1, 2), 3);
	must_eq(enter(other_sum_gate, 3, 4), 7);
	must_eq(service(6), 7);
	expect(MODISO_OK, modiso_copy_in(module, bytes, region_bytes(own), 8));
	must_eq(bytes[0], 0x55);
}

static void work_and_fault(void)
{
	unsigned char *byte = region_bytes(hosts) + HANDLER_CRIME;

	work_well();
	must_blame(enter_fault(module, store_gate, W(byte), 1), MODISO_WRITE,
		   byte, hosts);
	must_blame(enter_fault(other, other_store_gate, W(region_bytes(own)), 1),
		   MODISO_WRITE, region_bytes(own), own);
	must_eq(*byte, 0);
}

/* One kind of work without SA_ONSTACK, the other one with it. */
static void (*const works[])(void) = {work_well, work_and_fault};
static const int onstack[] = {0, SA_ONSTACK};
#define VARIANTS (int)(sizeof(works) / sizeof(works[0]))

/* --- what must be as before --- */

static struct {
	struct cpu_seen cpu;
	uint32_t pkru;
	sigset_t mask;
	stack_t altstack;
	uint64_t links[2];
} before;

#define TRAP_FLAG 0x100ul

static struct cpu_seen seen;
static volatile uintptr_t result;
static uintptr_t want;
static unsigned rounds, served;
static void (*verify)(void);
static bool links_change;

static uint64_t link_of(struct modiso_module *of)
{
	return mdi_thread_link(mdi_thread_self(), of->domain.head.link)->stack;
}

static void look_around(void)
{
	cpu_call(&before.cpu, (modiso_fn)host_sum, 1, 2, 0, 0);
	if (on_pkey())
		before.pkru = mdi_rdpkru();
	must(!sigprocmask(SIG_BLOCK, NULL, &before.mask));
	must(!sigaltstack(NULL, &before.altstack));
	before.links[0] = link_of(module);
	before.links[1] = link_of(other);
}

static void must_be_as_before(void)
{
	const struct mdi_thread *thread = mdi_thread_self();
	sigset_t mask;
	stack_t altstack;

	must(thread);
	must_eq(thread->frame, mdi_thread_frames(thread));
	must_eq(thread->window_count, 0);
	must_eq(thread->in_handler, 0);
	if (on_pkey())
		must_eq(mdi_rdpkru(), before.pkru);
	must(!sigprocmask(SIG_BLOCK, NULL, &mask));
	must(!memcmp(&mask, &before.mask, 8));
	must(!sigaltstack(NULL, &altstack));
	must_eq(altstack.ss_sp, before.altstack.ss_sp);
	must_eq(altstack.ss_size, before.altstack.ss_size);
	must_eq(altstack.ss_flags, before.altstack.ss_flags);
	if (!links_change) {
		must_eq(link_of(module), before.links[0]);
		must_eq(link_of(other), before.links[1]);
	}
}

/* Rights and blame, of both modules. */
static void must_be_closed(void)
{
	unsigned char *byte = region_bytes(hosts) + CHECK_CRIME;

	must_eq(enter(sum_gate, 20, 3), 23);
	must_blame(enter_fault(module, store_gate, W(byte), 1), MODISO_WRITE,
		   byte, hosts);
	must_blame(enter_fault(other, other_store_gate, W(byte), 1),
		   MODISO_WRITE, byte, hosts);
	must_eq(*byte, 0);
	must_eq(enter(other_sum_gate, 20, 4), 24);
}

static void check(unsigned sent, bool stepped)
{
	const unsigned char *bytes = region_bytes(hosts);
	const char *wrong;

	if (stepped)
		seen.rflags &= ~TRAP_FLAG;
	wrong = cpu_is_host(&seen, &before.cpu);
	rounds++;
	must_eq(handled, sent);
	if (verify)
		verify();
	must_eq(result, want);
	if (wrong)
		ck_abort_msg("%s", wrong);
	must_be_as_before();
	must_eq(bytes[BY_HANDLER], (unsigned char)handled);
	must_eq(bytes[BY_WINDOW], (unsigned char)handled);
	must_eq(bytes[BY_SERVICE], (unsigned char)(handled + rounds * served));
	must_eq(bytes[CRIME] | bytes[HANDLER_CRIME], 0);
	must_be_closed();
}

static int variant;

static void set_scene(void)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.name = "closed",
		.flags = MODISO_REGION_CLOSED,
	};
	struct sigaction action = {
		.sa_handler = handle,
		.sa_flags = onstack[variant],
	};

	module = world_module();
	other = make_module("other");
	own = make_region(module, PAGE, "own");
	memset(region_bytes(own), 0x55, PAGE);
	hosts = make_region(NULL, PAGE, "hosts");
	if (on_pkey())
		expect(MODISO_OK, modiso_region_create(NULL, PAGE, RW, &options,
						       &closed));
	own_bytes = region_bytes(own);
	scene_of_crime = region_bytes(hosts) + CRIME;
	sum_gate = make_gate(module, sum);
	other_sum_gate = make_gate(other, sum);
	store_gate = make_gate(module, poke_store1);
	other_store_gate = make_gate(other, poke_store1);
	service = (uintptr_t(*)(uintptr_t))make_service("serve", serve);
	work = works[variant];
	must(!sigaction(SIGUSR1, &action, NULL));
	must_be_closed();
	look_around();
}

static bool in_gate(uintptr_t pc)
{
	return pc >= (uintptr_t)__start_mdi_gate_text &&
	       pc < (uintptr_t)__stop_mdi_gate_text;
}

static struct step_plan plan_of(const char *name, void (*setup)(void),
				void (*round)(void))
{
	const char *missing = step_missing();

	if (missing)
		test_skip("ptrace", missing);
	return (struct step_plan){
		.name = name,
		.setup = setup,
		.round = round,
		.check = check,
		.signo = SIGUSR1,
		.wanted = in_gate,
		/* The run-time library of a sanitizer is no place for it. */
		.only = TEST_SANITIZED,
		.stride = (unsigned)(on_pkey() ? times(1, 13) : times(1, 97)),
	};
}

/* --- gates --- */

static modiso_fn entry;

static void round_call(void)
{
	step_begin();
	result = cpu_call(&seen, entry, 20, 22, 3, 4);
	step_end();
}

MODULE_CODE static uintptr_t sum_four(uintptr_t a, uintptr_t b, uintptr_t c,
				      uintptr_t d)
{
	return a + b + c + d;
}

static modiso_fn thunk_of(modiso_fn function, uint32_t words, uint32_t floats,
			  uint32_t flags, uintptr_t value)
{
	struct modiso_gate_options options = {
		.struct_size = sizeof(options),
		.flags = flags,
		.word_args = words,
		.float_args = floats,
		.fault_value = value,
	};
	struct modiso_gate *gate;
	modiso_fn thunk;

	expect(MODISO_OK,
	       modiso_gate_create(module, function, &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	return thunk;
}

static int shape;

static void set_gate(void)
{
	static const struct {
		modiso_fn function;
		uint32_t words, floats, flags;
		uintptr_t value, want;
	} shapes[] = {
		{(modiso_fn)sum, 2, 8, 0, 0, 42},
		{(modiso_fn)sum_four, 6, 8, 0, 99, 49},
		{(modiso_fn)sum, 2, 0, MODISO_GATE_SCRUB, 0, 42},
		{(modiso_fn)sum_four, 4, 0, MODISO_GATE_SCRUB, 0, 49},
		{(modiso_fn)sum_four, 4, 1, MODISO_GATE_SCRUB, 0, 49},
	};

	set_scene();
	entry = thunk_of(shapes[shape].function, shapes[shape].words,
			 shapes[shape].floats, shapes[shape].flags,
			 shapes[shape].value);
	want = shapes[shape].want;
}
#define SHAPES 5

START_TEST(test_gate)
{
	struct step_plan plan = plan_of("gate", set_gate, round_call);
	struct step_count count;

	variant = _i % VARIANTS;
	shape = _i / VARIANTS;
	count = step_run(&plan);
	/* In and out: no gate is shorter than this. */
	must(count.wanted >= 50);
}
END_TEST

/* --- services --- */

MODULE_CODE static uintptr_t call_service(uintptr_t a, uintptr_t b)
{
	return service(a) + b;
}

static void set_service(void)
{
	set_scene();
	entry = thunk_of((modiso_fn)call_service, 2, 8, 0, 0);
	want = 43;
	served = 1;
}

START_TEST(test_service)
{
	struct step_plan plan = plan_of("service", set_service, round_call);
	struct step_count count;

	variant = _i;
	count = step_run(&plan);
	must(count.wanted >= 120);
}
END_TEST

/* A list is asked. */
static uintptr_t (*volatile listed)(uintptr_t);
static struct modiso_service *listed_service;

MODULE_CODE static uintptr_t call_listed(uintptr_t a, uintptr_t b)
{
	return listed(a) + b;
}

static void set_listed(void)
{
	struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_SERVICE_LISTED,
	};

	set_service();
	expect(MODISO_OK, modiso_service_create("listed", (modiso_fn)serve,
						&options, &listed_service));
	listed = (uintptr_t(*)(uintptr_t))modiso_service_thunk(listed_service);
	entry = thunk_of((modiso_fn)call_listed, 2, 8, 0, 0);
}

static void set_allowed(void)
{
	set_listed();
	expect(MODISO_OK, modiso_service_allow(listed_service, module));
}

START_TEST(test_service_allowed)
{
	struct step_plan plan =
		plan_of("listed service", set_allowed, round_call);
	struct step_count count;

	variant = _i;
	count = step_run(&plan);
	must(count.wanted >= 120);
}
END_TEST

/* --- faults --- */

static unsigned filtered, landed;
static struct modiso_fault record;
static uint32_t want_kind;

static bool is_rounds(const struct modiso_fault *fault)
{
	return fault->kind == MODISO_FAULT_SERVICE ||
	       fault->address == W(scene_of_crime);
}

static enum modiso_verdict filter(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	filtered += is_rounds(fault);
	return MODISO_VERDICT_END;
}

static void land(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	landed += is_rounds(fault);
}

static void verify_fault(void)
{
	must_eq(filtered, rounds);
	must_eq(landed, rounds);
	must_eq(record.kind, want_kind);
	must_eq(record.module, module);
	must_eq(record.depth, 1);
	if (want_kind == MODISO_FAULT_ACCESS)
		must_blame(&record, MODISO_WRITE,
			   scene_of_crime, hosts);
}

static void read_record(void)
{
	memset(&record, 0, sizeof(record));
	record.struct_size = sizeof(record);
	expect(MODISO_OK, modiso_fault_last(&record));
}

static void round_fault(void)
{
	round_call();
	read_record();
}

static void set_refused(void)
{
	set_listed();
	served = 0;
	expect(MODISO_OK, modiso_fault_notify(NULL, filter, land, NULL));
	entry = thunk_of((modiso_fn)call_listed, 2, 8, 0, 99);
	want = 99;
	want_kind = MODISO_FAULT_SERVICE;
	verify = verify_fault;
}

START_TEST(test_service_refused)
{
	struct step_plan plan =
		plan_of("refused service", set_refused, round_fault);
	struct step_count count;

	variant = _i;
	count = step_run(&plan);
	must(count.wanted >= 100);
}
END_TEST

MODULE_CODE static uintptr_t commit_crime(uintptr_t a, uintptr_t b)
{
	uintptr_t value = service(a) + b;

	own_bytes[5]++;
	return poke_store1(scene_of_crime, value);
}

static void set_fault(void)
{
	set_service();
	expect(MODISO_OK, modiso_fault_notify(NULL, filter, land, NULL));
	entry = thunk_of((modiso_fn)commit_crime, 2, 8, 0, 99);
	want = 99;
	want_kind = MODISO_FAULT_ACCESS;
	verify = verify_fault;
}

START_TEST(test_fault)
{
	struct step_plan plan = plan_of("fault", set_fault, round_fault);
	struct step_count count;

	variant = _i;
	count = step_run(&plan);
	must(count.wanted >= 120);
}
END_TEST

/* The signal is there when the fault is, and comes when that is dealt with. */
START_TEST(test_pending_at_fault)
{
	struct step_plan plan =
		plan_of("pending at a fault", set_fault, round_fault);

	variant = _i;
	step_at_faults(&plan, (unsigned)times(200, 20));
}
END_TEST

/* The code, and the sentence that belongs to it. */
static int code;
static char sentence[400];

static void round_code(void)
{
	const uintptr_t args[2] = {20, 22};
	uintptr_t untouched = 99;

	step_begin();
	code = modiso_gate_call(store_gate, args, 2, &untouched);
	snprintf(sentence, sizeof(sentence), "%s", modiso_last_error_text());
	step_end();
	result = untouched;
	seen = before.cpu;
	for (unsigned i = 0; i < 6; i++)
		seen.saved[i] = CPU_SAVED(i);
}

static void verify_code(void)
{
	must_eq(code, MODISO_ERR_FAULT);
	must(strstr(sentence, "0x14"));
}

static void set_code(void)
{
	set_scene();
	want = 99;
	verify = verify_code;
}

START_TEST(test_code)
{
	struct step_plan plan = plan_of("code of a fault", set_code,
					round_code);
	struct step_count count;

	variant = _i;
	count = step_run(&plan);
	must(count.wanted >= 50);
}
END_TEST

/* --- nested --- */

static uintptr_t serve_nested(uintptr_t value)
{
	unsigned char *byte = region_bytes(hosts) + CRIME;
	const uintptr_t args[2] = {W(byte), 1};
	uintptr_t untouched = 7;

	value = enter(sum_gate, value, 1);
	value = enter(other_sum_gate, value, 1);
	must_eq(modiso_gate_call(other_store_gate, args, 2, &untouched),
		MODISO_ERR_FAULT);
	return value + untouched;
}

static void verify_nested(void)
{
	must_eq(filtered, rounds);
	must_eq(landed, rounds);
}

static void set_nested(void)
{
	set_scene();
	expect(MODISO_OK, modiso_fault_notify(NULL, filter, land, NULL));
	service = (uintptr_t(*)(uintptr_t))make_service("nest", serve_nested);
	/* What the handler calls is not that one. */
	listed = service;
	service = (uintptr_t(*)(uintptr_t))make_service("serve too", serve);
	entry = thunk_of((modiso_fn)call_listed, 2, 8, 0, 0);
	want = 20 + 2 + 7 + 22;
	verify = verify_nested;
}

START_TEST(test_nested)
{
	struct step_plan plan = plan_of("nested", set_nested, round_call);
	struct step_count count;

	variant = _i;
	count = step_run(&plan);
	must(count.wanted >= 140);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("step");
	TCase *tcase = tcase_create("contract");

	/* Emulation has time for one. */
	const int first = emulated() ? VARIANTS - 1 : 0;

	tcase_set_timeout(tcase, 100);
	tcase_add_loop_test(tcase, test_gate, 0, SHAPES * VARIANTS);
	tcase_add_loop_test(tcase, test_service, first, VARIANTS);
	tcase_add_loop_test(tcase, test_service_allowed, first, VARIANTS);
	tcase_add_loop_test(tcase, test_service_refused, first, VARIANTS);
	tcase_add_loop_test(tcase, test_fault, first, VARIANTS);
	tcase_add_loop_test(tcase, test_pending_at_fault, first, VARIANTS);
	tcase_add_loop_test(tcase, test_code, first, VARIANTS);
	tcase_add_loop_test(tcase, test_nested, first, VARIANTS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
