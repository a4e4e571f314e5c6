/* SPDX-License-Identifier: MIT */
/*
 * contract_limit_step - the time limit's signal at each instruction of a call
 * and of a service call: it makes the call known, or ends it, where the
 * module's own code runs, and does nothing anywhere else. That is where its
 * rights are those that the thread has or, with page permissions, not on the
 * host's stack: in gates as well, as a module can jump there and stay.
 */
#include "contract/step_scene.h"

#include "core/frames.h"
#include "core/limit.h"
#include "os/linux/signal.h"
#include "os/ticker.h"

#include <ucontext.h>

#define TIMED_OUT 99u /* what the thunk returns then */
#define NUMBER    77u /* of the call that is to end */

static struct mdi_limit *limit(void)
{
	return &mdi_thread_self()->limit;
}

/* Some instructions of its own, before the service and behind it. */
#define OWN __asm__ volatile(".rept 8\n\tnop\n\t.endr")

MODULE_CODE static uintptr_t use_service(uintptr_t a, uintptr_t b)
{
	OWN;
	a = service(a) + b;
	OWN;
	return a;
}

static bool in_own(uintptr_t pc)
{
	return pc - (uintptr_t)use_service < 96;
}

static bool wanted(uintptr_t pc)
{
	return in_gate(pc) || in_own(pc);
}

/* As the ticking thread would have it. */
static void want_call(uint32_t wants)
{
	limit()->wants = wants;
	limit()->sent = 1;
}

static void send_call(pid_t pid)
{
	siginfo_t info;

	mdi_call_write(&info);
	must(!syscall(SYS_rt_tgsigqueueinfo, pid, pid, info.si_signo, &info));
}

static uint32_t number_before;
static uint64_t faults;

/* --- a call becomes known --- */

static void set_begin(void)
{
	set_service();
	entry = thunk_of((modiso_fn)use_service, 2, 0, 0, TIMED_OUT);
	faults = modiso_fault_count();
}

static void round_known(void)
{
	want_call(MDI_LIMIT_KNOW);
	number_before = limit()->calls[0].number;
	round_call();
}

/* --- a known call has used up its time --- */

/* Known from the service on: what the signal itself would have done. */
static uintptr_t serve_known(uintptr_t value)
{
	struct mdi_frame *frame = mdi_frame_top(mdi_thread_self());

	frame->stack = 0;
	limit()->calls[0].number = NUMBER;
	limit()->calls[0].link = frame->link;
	limit()->known = 1;
	want_call(NUMBER);
	return serve(value);
}

static void set_known_service(void)
{
	set_begin();
	service = (uintptr_t(*)(uintptr_t))make_service("known", serve_known);
}

static void round_ended(void)
{
	number_before = limit()->calls[0].number;
	round_call();
}

/* --- after each round --- */

/* Shared with the child: in so many rounds; @in_gates of those that ended. */
static struct {
	unsigned ended, known, in_gates;
} *told;

static void must_be_timeout(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	told->ended++;
	faults++;
	must_eq(modiso_fault_last(&fault), 0);
	must_eq(fault.kind, MODISO_FAULT_TIMEOUT);
	must_eq(fault.module, module);
	must(in_own(fault.pc) || in_gate(fault.pc));
	told->in_gates += in_gate(fault.pc);
}

static void check_limit(unsigned sent, bool stepped)
{
	const char *wrong;

	(void)sent;
	if (stepped)
		seen.rflags &= ~0x100ul; /* TF */
	wrong = cpu_is_host(&seen, &before.cpu);
	if (wrong != NULL)
		ck_abort_msg("%s", wrong);
	rounds++;
	must_be_outside();
	if (result == TIMED_OUT)
		must_be_timeout();
	else
		must_eq(result, want);
	told->known += limit()->calls[0].number != number_before;
	must_eq(modiso_fault_count(), faults);
	must_eq(region_bytes(hosts)[BY_SERVICE], (unsigned char)rounds);
	/* What comes next is another call, whatever was known of this one. */
	want_call(MDI_LIMIT_NOTHING);
	must_be_closed();
	faults += 2;
	must_eq(modiso_fault_count(), faults);
	must_eq(limit()->known, 0);
}

static void step(const char *name, void (*setup)(void), void (*round)(void))
{
	struct step_plan plan = plan_of(name, setup, round);
	struct step_count count;

	plan.check = check_limit;
	plan.wanted = wanted;
	plan.signo = SIGFPE;
	plan.send = send_call;
	told = mmap(NULL, sizeof(*told), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(told != MAP_FAILED);
	count = step_run(&plan);
	must(count.wanted >= 120);
	printf("# %s: known %u times, ended %u times, in gates %u of them\n",
	       name, told->known, told->ended, told->in_gates);
}

START_TEST(test_known)
{
	step("becomes known", set_begin, round_known);
	must(told->known >= (on_pkey() ? 40 : 16));
	must_eq(told->ended, 0);
}
END_TEST

START_TEST(test_ended)
{
	step("is over", set_known_service, round_ended);
	must(told->ended >= 8 && told->in_gates >= (on_pkey() ? 8 : 4));
}
END_TEST

/* --- a handler of the host's has just begun --- */

/* As if it were no service: nothing has noted yet that host code runs. */
static uintptr_t serve_on_signal_stack(uintptr_t value)
{
	struct mdi_thread *thread = mdi_thread_self();
	struct mdi_frame *frame = mdi_frame_top(thread);
	uint64_t service_sp = frame->service_sp;
	enum mdi_outcome outcome;
	ucontext_t context = {.uc_flags = 0};
	stack_t stack;

	must(!syscall(SYS_sigaltstack, NULL, &stack));
	context.uc_mcontext.gregs[REG_RSP] =
		(greg_t)(W(stack.ss_sp) + stack.ss_size / 2);
	limit()->calls[0].number = NUMBER;
	limit()->calls[0].link = frame->link;
	limit()->known = 1;
	want_call(NUMBER);
	frame->service_sp = 0;
	outcome = mdi_limit_called(thread, (void *)&context);
	frame->service_sp = service_sp;
	limit()->known = 0;
	must_eq(outcome, MDI_GOES_ON);
	return value;
}

START_TEST(test_on_signal_stack)
{
	struct modiso_module *caller;

	world_start();
	caller = make_module("caller");
	service = (uintptr_t(*)(uintptr_t))make_service("signal stack",
							serve_on_signal_stack);
	must_eq(enter(make_gate(caller, use_service), 1, 2), 3);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("limit_step");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_known);
	tcase_add_test(tcase, test_ended);
	if (!on_pkey()) /* there its rights say it */
		tcase_add_test(tcase, test_on_signal_stack);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
