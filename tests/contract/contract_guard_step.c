/* SPDX-License-Identifier: MIT */
/*
 * contract_guard_step - a signal at each instruction of the gates into a
 * guarded module, and of the way back into it when a handler has interrupted
 * it.
 */
#include "contract/guard_code.h"
#include "contract/step_scene.h"

#include <ucontext.h>

static struct modiso_module *guarded_module;
static struct modiso_gate *stopped_gate;
static struct modiso_region *args_region;

/* A system call after the round is stopped: what it was all for. */
static void verify_guard(void)
{
	const struct modiso_fault *fault = enter_fault(
		guarded_module, stopped_gate, SYS_getpid,
		W(region_bytes(args_region)), W(guard_syscall));

	must_eq(fault->kind, MODISO_FAULT_SYSCALL);
}

static void set_guarded(modiso_fn function)
{
	struct modiso_module *open;

	set_scene();
	open = module;
	guarded_module = make_guarded("guarded");
	module = guarded_module;
	entry = thunk_of(function, 2, 0, 0, 0);
	module = open;
	args_region = make_region(guarded_module, PAGE, "arguments");
	stopped_gate = make_gate(guarded_module, guard_call);
	verify = verify_guard;
	verify_guard();
	want = 42;
}

static void set_gate(void)
{
	set_guarded((modiso_fn)sum);
}

START_TEST(test_gate)
{
	step_each("guarded", set_gate, round_call, _i, 60);
}
END_TEST

/* --- the way back --- */

/* It calls the kernel, and the host's SIGSYS handler answers with 7. */
uintptr_t call_and_add(uintptr_t a, uintptr_t b);
__asm__(".text\n"
	".globl call_and_add\n"
	".type call_and_add, @function\n"
	"call_and_add:\n\t"
	"movl $0x1111, %ecx; movl $0x2222, %edx; movl $0x3333, %r8d\n\t"
	"movl $0x4444, %r9d; movl $0x5555, %r10d; movq %rdi, %xmm5\n\t"
	"movl $39, %eax; stc\n"
	"syscall\n"
	"1: cmpl $7, %eax; jne 9f\n\t"
	"cmpl $0x2222, %edx; jne 9f; cmpl $0x3333, %r8d; jne 9f\n\t"
	"cmpl $0x4444, %r9d; jne 9f; cmpl $0x5555, %r10d; jne 9f\n\t"
	"movq %xmm5, %rax; cmpq %rdi, %rax; jne 9f\n\t"
	"leaq (%rdi,%rsi), %rax; ret\n"
	"9: xorl %eax, %eax; ret\n");

static enum modiso_verdict pass(const struct modiso_fault *fault, void *arg)
{
	(void)arg;
	return fault->syscall_number == SYS_getpid &&
			       fault->syscall_args[0] == 20
		       ? MODISO_VERDICT_PASS
		       : MODISO_VERDICT_END;
}

static void answer(int signo, siginfo_t *info, void *context)
{
	ucontext_t *of = context;

	(void)signo;
	must_eq(info->si_syscall, SYS_getpid);
	of->uc_mcontext.gregs[REG_RAX] = 7;
	step_begin();
}

static void round_answered(void)
{
	result = cpu_call(&seen, entry, 20, 22, 3, 4);
	step_end();
}

static void set_answered(void)
{
	struct sigaction action = {.sa_sigaction = answer,
				   .sa_flags = SA_SIGINFO | SA_NODEFER};

	set_guarded((modiso_fn)call_and_add);
	must(!sigaction(SIGSYS, &action, NULL));
	expect(MODISO_OK,
	       modiso_fault_notify(guarded_module, pass, NULL, NULL));
}

/* Gates and signal entries as well; the way back has eleven. */
static bool in_resume(uintptr_t pc)
{
	return pc >= (uintptr_t)mdi_resume && pc < (uintptr_t)mdi_resume_end;
}

START_TEST(test_way_back)
{
	struct step_plan plan =
		plan_of("way back", set_answered, round_answered);
	struct step_count count;

	variant = _i;
	plan.wanted = in_resume;
	count = step_run(&plan);
	must(count.wanted >= 9);
}
END_TEST

/* --- a module that jumps into a gate --- */

/*
 * Where a gate takes its frame it stands on the host's stack, and where that
 * was a handler of the host's asks. Here a module stands there, on a stack of
 * its choice: in the middle of the program's own for signals, on which an outer
 * handler could have its frames.
 */
static unsigned char signals[65536] __attribute__((aligned(16)));
static struct modiso_gate *jump_gate;
static struct poke_registers *registers;
static const void *targets[2];

static void be_on_top(int signo)
{
	volatile unsigned char here = 0;

	(void)signo;
	must(W(signals) + sizeof(signals) - W(&here) < sizeof(signals) / 4);
	work_light();
	atomic_fetch_add(&handled, 1);
}

/* In a gate into guarded modules. */
static const void *find_wrpkru(void)
{
	uintptr_t pc = W(mdi_gate_guard);

	while (mdi_rights_stored(pc) == 0)
		pc++;
	return (const void *)pc;
}

static void set_jump(void)
{
	const stack_t own_stack = {.ss_sp = signals,
				   .ss_size = sizeof(signals)};

	set_guarded((modiso_fn)sum);
	must(!sigaltstack(&own_stack, NULL));
	jump_gate = make_gate(guarded_module, poke_jump_with);
	registers = (void *)region_bytes(args_region);
	memset(registers, 0, PAGE);
	registers->word[7] = W(signals) + sizeof(signals) / 2; /* rsp */
	targets[0] = (const void *)mdi_gate_guard;
	targets[1] = find_wrpkru(); /* with all rights in rax */
}

static bool taken_out;

static void round_jump(void)
{
	int code;
	uint64_t faults;

	step_begin();
	for (size_t i = 0; i < 2; i++) {
		registers->word[11] = W(targets[i]); /* r11 */
		faults = modiso_fault_count();
		code = modiso_gate_call(jump_gate, WORDS(W(registers)), NULL);
		must_eq(code, taken_out ? MODISO_ERR_ABANDONED
					: MODISO_ERR_FAULT);
		/* Who is taken out goes no further. */
		must_eq(modiso_fault_count() - faults, !taken_out);
		taken_out = false;
	}
	step_end();
}

static void check_jump(unsigned sent, bool stepped)
{
	(void)stepped;
	must_eq(handled, sent);
	must_be_outside();
	verify_guard();
}

static void step_jump(const char *name, void (*setup)(void))
{
	struct step_plan plan;
	struct step_count count;

	variant = VARIANTS - 1; /* SA_ONSTACK */
	handler = be_on_top;
	plan = plan_of(name, setup, round_jump);
	plan.check = check_jump;
	count = step_run(&plan);
	must(count.wanted >= 60);
}

START_TEST(test_jump_to_gate)
{
	step_jump("jump to a gate", set_jump);
}
END_TEST

/* It is taken out of its module there as anywhere else. */
static struct modiso_thread *self;
static unsigned *taken_out_there; /* shared with the child */

static void take_out(int signo, siginfo_t *info, void *context)
{
	const ucontext_t *of = context;
	uintptr_t pc = W(of->uc_mcontext.gregs[REG_RIP]);

	(void)signo;
	(void)info;
	atomic_fetch_add(&handled, 1);
	if (pc != W(targets[0]) && pc != W(targets[1]))
		return;
	/* In host code, where the gate begins, there is nothing to leave. */
	taken_out = modiso_thread_abandon(self, NULL, NULL) == MODISO_OK;
	*taken_out_there += taken_out;
}

static void set_taken_out(void)
{
	const struct sigaction action = {.sa_sigaction = take_out,
					 .sa_flags = SA_SIGINFO | SA_ONSTACK};

	set_jump();
	expect(MODISO_OK, modiso_thread_self(&self));
	must(!sigaction(SIGUSR1, &action, NULL));
}

START_TEST(test_taken_out_of_gate)
{
	taken_out_there = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(taken_out_there != MAP_FAILED);
	step_jump("taken out of a gate", set_taken_out);
	must(*taken_out_there >= 2);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("guard_step");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (guard_missing(tcase))
		return suite;
	tcase_add_loop_test(tcase, test_gate, step_first(), VARIANTS);
	tcase_add_loop_test(tcase, test_way_back, step_first(), VARIANTS);
	tcase_add_test(tcase, test_jump_to_gate);
	tcase_add_test(tcase, test_taken_out_of_gate);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
