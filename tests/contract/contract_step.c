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
#include "arch/x86_64/signal.h"
#include "backend/backend.h"
#include "core/module.h"
#include "os/memory.h"

#include <pthread.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
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

static atomic_uint handled;
static void (*work)(void);
static bool no_windows; /* the work opens none */

static void handle(int signo)
{
	(void)signo;
	atomic_fetch_add(&handled, 1);
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
	must_blame(
		enter_fault(other, other_store_gate, W(region_bytes(own)), 1),
		MODISO_WRITE, region_bytes(own), own);
	must_eq(*byte, 0);
}

/* Nothing that has to wait for anybody. */
static void work_light(void)
{
	region_bytes(hosts)[BY_HANDLER]++;
	must_eq(service(6), 7);
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

/* The thread is in no call, with the host's rights and signal mask. */
static void must_be_outside(void)
{
	const struct mdi_thread *thread = mdi_thread_self();
	sigset_t mask;

	must(thread);
	must_eq(thread->frame, mdi_thread_frames(thread));
	must_eq(thread->window_count, 0);
	must_eq(thread->in_handler, 0);
	if (on_pkey())
		must_eq(mdi_rdpkru(), before.pkru);
	must(!sigprocmask(SIG_BLOCK, NULL, &mask));
	must(!memcmp(&mask, &before.mask, 8));
}

static void must_be_as_before(void)
{
	stack_t altstack;

	must_be_outside();
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
	must_eq(bytes[BY_WINDOW], no_windows ? 0 : (unsigned char)handled);
	must_eq(bytes[BY_SERVICE], (unsigned char)(handled + rounds * served));
	must_eq(bytes[CRIME] | bytes[HANDLER_CRIME], 0);
	must_be_closed();
}

static int variant;
static void (*handler)(int signo) = handle;

static void set_scene(void)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.name = "closed",
		.flags = MODISO_REGION_CLOSED,
	};
	struct sigaction action = {
		.sa_handler = handler,
		.sa_flags = onstack[variant],
	};

	if (!modiso_backend_current())
		world_start();
	module = make_module("module");
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
	const char *missing = tracer_missing();

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
		.stride = (unsigned)(on_pkey() ? times(1, 41) : times(1, 997)),
	};
}

/* At each instruction of a round, of which gates have at least @least. */
static void step_each(const char *name, void (*setup)(void),
		      void (*round)(void), int which, unsigned least)
{
	struct step_plan plan = plan_of(name, setup, round);
	struct step_count count;

	variant = which;
	count = step_run(&plan);
	must(count.wanted >= least);
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
	shape = _i % SHAPES;
	/* In and out: no gate is shorter than 50. */
	step_each("gate", set_gate, round_call, VARIANTS - 1 - _i / SHAPES, 50);
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
	step_each("service", set_service, round_call, _i, 120);
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
	step_each("listed service", set_allowed, round_call, _i, 120);
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
	step_each("refused service", set_refused, round_fault, _i, 100);
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
	step_each("fault", set_fault, round_fault, _i, 120);
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
	step_each("code of a fault", set_code, round_code, _i, 50);
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
	step_each("nested", set_nested, round_call, _i, 140);
}
END_TEST

/* --- windows --- */

static struct modiso_region *seen_through;

static void round_window(void)
{
	step_begin();
	expect(MODISO_OK, modiso_window_open(seen_through, RW));
	region_bytes(seen_through)[64]++;
	result = cpu_call(&seen, entry, 20, 22, 3, 4);
	region_bytes(seen_through)[64]++;
	expect(MODISO_OK, modiso_window_close(seen_through));
	step_end();
}

static void verify_window(void)
{
	expect(MODISO_OK, modiso_window_open(seen_through, MODISO_READ));
	must_eq(region_bytes(seen_through)[64], (unsigned char)(2 * rounds));
	expect(MODISO_OK, modiso_window_close(seen_through));
}

static void set_window(void)
{
	set_service();
	seen_through = closed ? closed : hosts;
	verify = verify_window;
}

START_TEST(test_window)
{
	step_each("window", set_window, round_window, _i, 120);
}
END_TEST

/* --- a thread's first call --- */

static void round_first_call(void)
{
	expect(MODISO_OK, modiso_thread_detach());
	round_call();
}

static void set_first_call(void)
{
	/* No thread is attached on a signal stack of the program's own. */
	const stack_t none = {.ss_flags = SS_DISABLE};

	must(!sigaltstack(&none, NULL));
	set_scene();
	entry = thunk_of((modiso_fn)sum, 2, 8, 0, 0);
	want = 42;
	links_change = true;
}

START_TEST(test_first_call)
{
	step_each("first call", set_first_call, round_first_call, _i, 50);
}
END_TEST

/* --- a handler that does not come back --- */

static sigjmp_buf way_out;

static void handle_and_jump(int signo)
{
	handle(signo);
	siglongjmp(way_out, 1);
}

/*
 * Far below the calls before it: what their frames say of the host's stack does
 * not fit this one.
 */
static __attribute__((noinline)) void call_below(void)
{
	volatile char room[20000];

	room[0] = 0;
	if (sigsetjmp(way_out, 1) == 0) {
		step_begin();
		cpu_call(&seen, entry, 20, 22, 3, 4);
	}
	step_end();
	room[1] = room[0];
}

static void round_jump(void)
{
	must_eq(enter(sum_gate, 1, 2), 3);
	must_eq(enter(other_sum_gate, 3, 4), 7);
	call_below();
}

/* No call is under way, and all works as if none had been. */
static void check_jump(unsigned sent, bool stepped)
{
	(void)stepped;
	must_eq(handled, sent);
	must_be_outside();
	must_eq(region_bytes(hosts)[CRIME] | region_bytes(hosts)[HANDLER_CRIME],
		0);
	must_eq(service(6), 7);
	must_be_closed();
}

static void set_jump(void)
{
	handler = handle_and_jump;
	set_service();
}

static void set_jump_scrub(void)
{
	handler = handle_and_jump;
	set_scene();
	entry = thunk_of((modiso_fn)sum, 2, 0, MODISO_GATE_SCRUB, 0);
}

static void set_jump_fault(void)
{
	handler = handle_and_jump;
	set_scene();
	entry = thunk_of((modiso_fn)commit_crime, 2, 8, 0, 99);
}

static void (*const jump_scenes[])(void) = {set_jump, set_jump_scrub,
					    set_jump_fault};
#define JUMP_SCENES (int)(sizeof(jump_scenes) / sizeof(jump_scenes[0]))

START_TEST(test_jump)
{
	struct step_plan plan = plan_of("jump", jump_scenes[_i % JUMP_SCENES],
					round_jump);

	variant = _i / JUMP_SCENES;
	plan.check = check_jump;
	must(step_run(&plan).wanted >= 50);
}
END_TEST

/* --- one call too deep --- */

static struct modiso_gate *deep_gate;
static uintptr_t (*volatile deepen)(uintptr_t);

MODULE_CODE static uintptr_t call_deepen(uintptr_t level)
{
	return deepen(level);
}

static void call_too_deep(void)
{
	const uintptr_t args[2] = {1, 2};
	uintptr_t untouched = 99;

	must_eq(modiso_gate_call(sum_gate, args, 2, &untouched),
		MODISO_ERR_LIMIT);
	must_eq(untouched, 99);
}

static uintptr_t go_deeper(uintptr_t level)
{
	if (level < MDI_DEPTH_MAX)
		return enter(deep_gate, level + 1);
	step_begin();
	code = cpu_call(&seen, entry, 20, 22, 3, 4) != 99;
	step_end();
	return level;
}

static void work_deep(void)
{
	/* Before the first round and after each there is room. */
	region_bytes(hosts)[BY_HANDLER]++;
	call_too_deep();
	must_eq(service(6), 7);
}

static void round_too_deep(void)
{
	result = enter(deep_gate, 1);
}

static void verify_too_deep(void)
{
	must_eq(code, 0);
}

static void set_too_deep(void)
{
	set_scene();
	work = work_deep;
	no_windows = true;
	deepen = (uintptr_t(*)(uintptr_t))make_service("deepen", go_deeper);
	deep_gate = make_gate(module, call_deepen);
	entry = thunk_of((modiso_fn)sum, 2, 8, 0, 99);
	want = MDI_DEPTH_MAX;
	verify = verify_too_deep;
}

START_TEST(test_too_deep)
{
	step_each("one too deep", set_too_deep, round_too_deep, _i, 20);
}
END_TEST

/* --- the library's own signal entry --- */

static bool entry_too;

static void handle_other(int signo)
{
	(void)signo;
	if (!entry_too)
		step_begin();
	must_eq(enter(sum_gate, 1, 2), 3);
	must_eq(enter(other_sum_gate, 3, 4), 7);
}

MODULE_CODE static uintptr_t call_kernel(uintptr_t a, uintptr_t b)
{
	uintptr_t number = SYS_tgkill, pid = (uintptr_t)proc_gettid();

	if (entry_too)
		step_begin();
	__asm__ volatile("syscall"
			 : "+a"(number)
			 : "D"(pid), "S"(pid), "d"((uintptr_t)SIGUSR2)
			 : "rcx", "r11", "memory");
	return number + a + b;
}

static void round_handler(void)
{
	result = cpu_call(&seen, entry, 20, 22, 3, 4);
	step_end();
}

static void set_handler(void)
{
	struct sigaction action = {.sa_handler = handle_other};

	set_scene();
	must(!sigaction(SIGUSR2, &action, NULL));
	entry = thunk_of((modiso_fn)call_kernel, 2, 8, 0, 0);
	want = 42;
	/* Where all is blocked at first, so is what a step raises. */
	entry_too = mdi_open.state.signal_key == MDI_NO_KEY;
}

START_TEST(test_in_handler)
{
	step_each("in a handler", set_handler, round_handler, _i, 80);
}
END_TEST

/*
 * Two signals at once at each instruction of the entry, on the way in and on
 * the way out: the handler of the second one runs on the stack of the first,
 * before its first instruction, and touches what is closed.
 */
static atomic_uint accompanied;

static void handle_company(int signo)
{
	(void)signo;
	atomic_fetch_add(&accompanied, 1);
	must_eq(region_bytes(hosts)[CRIME], 0);
	must_eq(enter(sum_gate, 5, 6), 11);
}

static void verify_company(void)
{
	must_eq(accompanied, handled);
}

static void set_company(void)
{
	struct sigaction action = {.sa_handler = handle_company};

	set_handler();
	must(!sigaction(SIGURG, &action, NULL));
	verify = verify_company;
}

/* From the entry's first instruction to its system call. */
static bool in_entry(uintptr_t pc)
{
	const uintptr_t call = (uintptr_t)mdi_signal_restorer + 7;

	return on_pkey() ? pc >= (uintptr_t)mdi_async_pkey && pc <= call
			 : pc >= (uintptr_t)mdi_async_plain && pc <= call;
}

START_TEST(test_two_in_handler)
{
	struct step_plan plan =
		plan_of("two in a handler", set_company, round_handler);
	struct step_count count;

	variant = _i;
	plan.company = SIGURG;
	plan.wanted = in_entry;
	plan.only = true;
	count = step_run(&plan);
	must(count.wanted >= 5); /* the way out */
}
END_TEST

/* --- copies --- */

static unsigned char *file_pages;
static unsigned char copied[32];

static void round_copy(void)
{
	memset(copied, 0, sizeof(copied));
	step_begin();
	code = modiso_copy_in(module, copied, file_pages + PAGE - 16, 32);
	step_end();
	result = cpu_call(&seen, (modiso_fn)host_sum, 20, 22, 0, 0);
}

static void verify_copy(void)
{
	must_eq(code, MODISO_ERR_FAULT);
	must(all_bytes(copied, 0x66, 16));
	must(all_bytes(copied + 16, 0, 16));
}

static void set_copy(void)
{
	struct modiso_region *region;
	int file = memfd_create("file", MFD_CLOEXEC);

	set_scene();
	must(file >= 0 && !ftruncate(file, 2 * PAGE));
	file_pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  file, 0);
	must(file_pages != MAP_FAILED);
	memset(file_pages, 0x66, 2 * PAGE);
	expect(MODISO_OK, modiso_region_adopt(module, file_pages, 2 * PAGE, RW,
					      NULL, &region));
	must(!ftruncate(file, PAGE));
	want = 42;
	verify = verify_copy;
}

START_TEST(test_copy)
{
	step_each("copy", set_copy, round_copy, _i, 4);
}
END_TEST

/* --- a sealed module --- */

static void set_sealed(void)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
	};
	struct modiso_module *guarded;

	set_scene();
	guarded = module;
	expect(MODISO_OK, modiso_module_create("sealed", &options, &module));
	entry = thunk_of((modiso_fn)sum, 2, 8, 0, 0);
	module = guarded;
	want = 42;
}

START_TEST(test_sealed)
{
	step_each("sealed", set_sealed, round_call, _i, 60);
}
END_TEST

/* --- protection keys of the program's own --- */

static int own_key;

/* What a handler makes of its rights ends with it. */
static void work_with_keys(void)
{
	must(!pkey_set(own_key, PKEY_DISABLE_WRITE));
	work_and_fault();
	must_eq(pkey_get(own_key), PKEY_DISABLE_WRITE);
}

static void set_own_keys(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.max_keys = 6,
	};

	own_key = pkey_alloc(0, 0);
	must(own_key > 0);
	expect(MODISO_OK, modiso_init(&options));
	set_service();
	work = work_with_keys;
}

START_TEST(test_own_keys)
{
	step_each("the program's own keys", set_own_keys, round_call, _i, 130);
}
END_TEST

/* --- another thread that waits, or is waited for (mprotect) --- */

static atomic_uint turns; /* of the other thread */
static atomic_uint turns_done;
static atomic_int main_tid, partner_tid;
static struct modiso_gate *stay_gate;

static void *wait_partner(void *unused)
{
	unsigned turn = 0;

	(void)unused;
	atomic_store(&partner_tid, proc_gettid());
	for (;; turn++) {
		while (atomic_load(&turns) == turn)
			sched_yield();
		must_eq(enter(other_sum_gate, 1, turn), 1 + turn);
		region_bytes(hosts)[128]++;
		atomic_fetch_add(&turns_done, 1);
	}
	return NULL;
}

/* The partner waits for this module's end from here on. */
MODULE_CODE static uintptr_t let_wait(uintptr_t a, uintptr_t b)
{
	atomic_fetch_add(&turns, 1);
	proc_wait_asleep(atomic_load(&partner_tid));
	step_begin();
	return a + b;
}

static void round_partner(void)
{
	result = cpu_call(&seen, entry, 20, 22, 3, 4);
	step_end();
	while (atomic_load(&turns_done) != atomic_load(&turns))
		sched_yield();
}

static void set_partner(void)
{
	set_scene();
	entry = thunk_of((modiso_fn)let_wait, 2, 8, 0, 0);
	want = 42;
	thread_start(wait_partner, NULL);
	while (!atomic_load(&partner_tid))
		sched_yield();
}

START_TEST(test_partner_waits)
{
	step_each("another thread waits", set_partner, round_partner, _i, 20);
}
END_TEST

/*
 * Inside until the thread that waits for it has had its signal; where none was
 * sent, until it sleeps.
 */
MODULE_CODE static uintptr_t stay(uintptr_t before_that)
{
	atomic_fetch_add(&turns_done, 1);
	while (handled == before_that &&
	       (step_sent() != before_that ||
		!proc_is_asleep(atomic_load(&main_tid))))
		sched_yield();
	return 7;
}

static void *stay_partner(void *unused)
{
	unsigned turn = 0;

	(void)unused;
	for (;; turn++) {
		while (atomic_load(&turns) == turn)
			sched_yield();
		must_eq(enter(stay_gate, handled), 7);
	}
	return NULL;
}

static void round_stay(void)
{
	atomic_fetch_add(&turns, 1);
	while (atomic_load(&turns_done) != atomic_load(&turns))
		sched_yield();
	round_call();
}

static void set_stay(void)
{
	set_scene();
	/* Each call of the handler's would wait for the other thread. */
	work = work_light;
	no_windows = true;
	stay_gate = make_gate(other, stay);
	entry = thunk_of((modiso_fn)sum, 2, 8, 0, 0);
	want = 42;
	atomic_store(&main_tid, proc_gettid());
	thread_start(stay_partner, NULL);
}

START_TEST(test_partner_stays)
{
	step_each("another thread stays", set_stay, round_stay, _i, 50);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("step");
	TCase *tcase = tcase_create("contract");

	/* Emulation has time for one, and for what it alone can show. */
	const int count = emulated() ? 1 : VARIANTS, first = VARIANTS - count;
	const bool all = on_pkey() || !emulated();

	tcase_add_loop_test(tcase, test_service, first, VARIANTS);
	tcase_add_loop_test(tcase, test_fault, first, VARIANTS);
	if (all) {
		tcase_add_loop_test(tcase, test_gate, 0, SHAPES * count);
		tcase_add_loop_test(tcase, test_service_allowed, first,
				    VARIANTS);
		tcase_add_loop_test(tcase, test_service_refused, first,
				    VARIANTS);
		tcase_add_loop_test(tcase, test_pending_at_fault, first,
				    VARIANTS);
		tcase_add_loop_test(tcase, test_code, first, VARIANTS);
		tcase_add_loop_test(tcase, test_nested, first, VARIANTS);
		tcase_add_loop_test(tcase, test_window, first, VARIANTS);
		tcase_add_loop_test(tcase, test_first_call, first, VARIANTS);
		tcase_add_loop_test(tcase, test_too_deep, first, VARIANTS);
		add_loop_test_but_tsan(tcase, test_jump, first * JUMP_SCENES,
				       VARIANTS * JUMP_SCENES,
				       "its library may be jumped out of");
		tcase_add_loop_test(tcase, test_in_handler, first, VARIANTS);
		tcase_add_loop_test(tcase, test_two_in_handler, first,
				    VARIANTS);
		tcase_add_loop_test(tcase, test_copy, first, VARIANTS);
	}
	if (on_pkey()) {
		tcase_add_loop_test(tcase, test_sealed, first, VARIANTS);
		tcase_add_loop_test(tcase, test_own_keys, first, VARIANTS);
	} else {
		tcase_add_loop_test(tcase, test_partner_waits, first, VARIANTS);
		tcase_add_loop_test(tcase, test_partner_stays, first, VARIANTS);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
