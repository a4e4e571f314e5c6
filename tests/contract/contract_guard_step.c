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

static Suite *make_suite(void)
{
	Suite *suite = suite_create("guard_step");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (guard_missing(tcase))
		return suite;
	tcase_add_loop_test(tcase, test_gate, step_first(), VARIANTS);
	tcase_add_loop_test(tcase, test_way_back, step_first(), VARIANTS);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
