/* SPDX-License-Identifier: MIT */
#include "contract/step_scene.h"

/* --- the scene, in the child --- */

struct modiso_module *module, *other;
struct modiso_region *own, *hosts, *closed;
struct modiso_gate *sum_gate, *other_sum_gate, *store_gate, *other_store_gate;
uintptr_t (*volatile service)(uintptr_t);
unsigned char *own_bytes, *scene_of_crime;

MODULE_CODE uintptr_t sum(uintptr_t a, uintptr_t b)
{
	return a + b;
}

uintptr_t serve(uintptr_t value)
{
	region_bytes(hosts)[BY_SERVICE]++;
	return value + 1;
}

uintptr_t host_sum(uintptr_t a, uintptr_t b)
{
	return a + b;
}

/* --- the handler --- */

atomic_uint handled;
void (*work)(void);
bool no_windows;

void handle(int signo)
{
	(void)signo;
	atomic_fetch_add(&handled, 1);
	work();
	errno = 77;
}

static void use_window(struct modiso_region *region)
{
	unsigned char *byte = region_bytes(region) + BY_WINDOW;
	unsigned char was;

	expect(MODISO_OK, modiso_window_open(region, RW));
	was = *byte;
	*byte = (unsigned char)(was + 1);
	must_eq(enter(sum_gate, 5, 6), 11);
	must_eq(*byte, (unsigned char)(was + 1));
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

void work_and_fault(void)
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

void work_light(void)
{
	region_bytes(hosts)[BY_HANDLER]++;
	must_eq(service(6), 7);
}

static void (*const works[])(void) = {work_well, work_and_fault};
static const int onstack[] = {0, SA_ONSTACK};
_Static_assert(sizeof(works) / sizeof(works[0]) == VARIANTS, "works");

/* --- what must be as before --- */

struct outside before;

#define TRAP_FLAG 0x100ul

struct cpu_seen seen;
volatile uintptr_t result;
uintptr_t want;
unsigned rounds, served;
void (*verify)(void);
bool links_change;

static uint64_t link_of(struct modiso_module *of)
{
	return mdi_thread_link(mdi_thread_self(), of->domain.head.link)->stack;
}

static void look_around(void)
{
	cpu_call(&before.cpu, (modiso_fn)host_sum, 1, 2, 0, 0);
	if (on_pkey())
		before.pkru = mdi_rights_read();
	must(!sigprocmask(SIG_BLOCK, NULL, &before.mask));
	must(!syscall(SYS_sigaltstack, NULL, &before.altstack));
	before.links[0] = link_of(module);
	before.links[1] = link_of(other);
}

void must_be_outside(void)
{
	const struct mdi_thread *thread = mdi_thread_self();
	sigset_t mask;

	must(thread);
	must_eq(thread->frame, mdi_thread_frames(thread));
	must_eq(thread->window_count, 0);
	must_eq(thread->in_handler, 0);
	if (on_pkey())
		must_eq(mdi_rights_read(), before.pkru);
	must(!sigprocmask(SIG_BLOCK, NULL, &mask));
	must(!memcmp(&mask, &before.mask, 8));
}

static void must_be_as_before(void)
{
	stack_t altstack;

	must_be_outside();
	must(!syscall(SYS_sigaltstack, NULL, &altstack));
	must_eq(altstack.ss_sp, before.altstack.ss_sp);
	must_eq(altstack.ss_size, before.altstack.ss_size);
	must_eq(altstack.ss_flags, before.altstack.ss_flags);
	if (!links_change) {
		must_eq(link_of(module), before.links[0]);
		must_eq(link_of(other), before.links[1]);
	}
}

void must_be_closed(void)
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

int variant;
bool no_signal_stack;
/* A handler that asks for an alternate stack has this one, its thread's own. */
static unsigned char signal_stack[65536];
void (*handler)(int signo) = handle;

void set_scene(void)
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
		expect(MODISO_OK,
		       modiso_region_create(NULL, PAGE, RW, &options, &closed));
	own_bytes = region_bytes(own);
	scene_of_crime = region_bytes(hosts) + CRIME;
	sum_gate = make_gate(module, sum);
	other_sum_gate = make_gate(other, sum);
	store_gate = make_gate(module, poke_store1);
	other_store_gate = make_gate(other, poke_store1);
	service = (uintptr_t(*)(uintptr_t))make_service("serve", serve);
	work = works[variant];
	must(!sigaction(SIGUSR1, &action, NULL));
	if (action.sa_flags & SA_ONSTACK && !no_signal_stack)
		must(!sigaltstack(&(stack_t){.ss_sp = signal_stack,
					     .ss_size = sizeof(signal_stack)},
				  NULL));
	must_be_closed();
	look_around();
}

/*
 * Gates, services and landings; what fetches words for services; and the
 * entries of signals, in one file.
 */
bool in_gate(uintptr_t pc)
{
	return (pc >= (uintptr_t)mdi_service_stacked_call &&
		pc < (uintptr_t)mdi_service_stacked_end) ||
	       (pc >= (uintptr_t)__start_mdi_gate_text &&
		pc < (uintptr_t)__stop_mdi_gate_text) ||
	       (pc >= (uintptr_t)mdi_signal_pkey &&
		pc <= (uintptr_t)mdi_signal_restorer);
}

struct step_plan plan_of(const char *name, void (*setup)(void),
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
		/* Of what is in C; the scenes differ in where they begin. */
		.stride = (unsigned)run_times(2, on_pkey() ? 41 : 997),
	};
}

void step_each(const char *name, void (*setup)(void), void (*round)(void),
	       int which, unsigned least)
{
	struct step_plan plan = plan_of(name, setup, round);
	struct step_count count;

	variant = which;
	count = step_run(&plan);
	must(count.wanted >= least);
}

int step_first(void)
{
	return emulated() ? VARIANTS - 1 : 0;
}

bool step_all(void)
{
	return on_pkey() || !emulated();
}

/* --- what is called --- */

modiso_fn entry;

void round_call(void)
{
	step_begin();
	result = cpu_call(&seen, entry, 20, 22, 3, 4);
	step_end();
}

modiso_fn thunk_of(modiso_fn function, uint32_t words, uint32_t floats,
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

MODULE_CODE static uintptr_t call_service(uintptr_t a, uintptr_t b)
{
	return service(a) + b;
}

void set_service(void)
{
	set_scene();
	entry = thunk_of((modiso_fn)call_service, 2, 8, 0, 0);
	want = 43;
	served = 1;
}

/* A list is asked. */
uintptr_t (*volatile listed)(uintptr_t);
struct modiso_service *listed_service;

MODULE_CODE uintptr_t call_listed(uintptr_t a, uintptr_t b)
{
	return listed(a) + b;
}

void set_listed(void)
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

/* --- what a fault is told to --- */

unsigned filtered, landed;

static bool is_rounds(const struct modiso_fault *fault)
{
	return fault->kind == MODISO_FAULT_SERVICE ||
	       fault->address == W(scene_of_crime);
}

enum modiso_verdict filter(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	filtered += is_rounds(fault);
	return MODISO_VERDICT_END;
}

void land(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	landed += is_rounds(fault);
}

MODULE_CODE uintptr_t commit_crime(uintptr_t a, uintptr_t b)
{
	uintptr_t value = service(a) + b;

	own_bytes[5]++;
	return poke_store1(scene_of_crime, value);
}
