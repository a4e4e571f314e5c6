/* SPDX-License-Identifier: MIT */
#include "contract/guard_code.h"

struct modiso_module *make_guarded(const char *name)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
		.syscalls = MODISO_SYSCALLS_NONE,
	};
	struct modiso_module *made = NULL;

	expect(MODISO_OK, modiso_module_create(name, &options, &made));
	return made;
}

/* What cannot be had is refused, in words. */
START_TEST(test_refused)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.syscalls = MODISO_SYSCALLS_NONE,
	};
	struct modiso_module *made = UNTOUCHED;

	world_start();
	expect(MODISO_ERR_NOTSUP,
	       modiso_module_create("refused", &options, &made));
	must(made == UNTOUCHED);
}
END_TEST

bool guard_missing(TCase *tcase)
{
	if (!on_pkey())
		tcase_add_test(tcase, test_refused);
	return !on_pkey();
}

/* The stack pointer is put right by the code's own return. */
__asm__(".text\n"
	".globl guard_call, guard_syscall, guard_int80, guard_sysenter\n"
	".type guard_call, @function\n"
	"guard_call:\n\t"
	"pushq %rbx; pushq %rbp\n\t"
	"movq %rdi, %rax; movq %rdx, %r11; movq %rsi, %rcx\n\t"
	"movq 0(%rcx), %rdi; movq 8(%rcx), %rsi; movq 16(%rcx), %rdx\n\t"
	"movq 24(%rcx), %r10; movq 32(%rcx), %r8; movq 40(%rcx), %r9\n\t"
	/* The same for the entries of 32-bit code. */
	"movq %rdi, %rbx; movq %rsi, %rcx; movq %r9, %rbp\n\t"
	"callq *%r11\n\t"
	"popq %rbp; popq %rbx; ret\n"
	"guard_syscall: syscall; ret\n"
	"guard_int80: int $0x80; ret\n"
	"guard_sysenter: sysenter; ret\n");

/*
 *	rbx	rounds left	rbp	turns of the loop
 */
__asm__(".text\n"
	".globl guard_work, guard_work_end\n"
	".type guard_work, @function\n"
	"guard_work:\n\t"
	"pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14\n\t"
	"pushq %r15; movq %rdi, %rbx; movq %rsi, %rbp\n"
	"1: movl $0x1111, %edi; movl $0x2222, %esi; movl $0x3333, %edx\n\t"
	"movl $0x4444, %r8d; movl $0x5555, %r9d; movl $0x6666, %r10d\n\t"
	"movl $0x7777, %r11d; movl $0x8888, %r12d; movl $0x9999, %r13d\n\t"
	"movl $0xaaaa, %r14d; movl $0xbbbb, %r15d\n\t"
	"movq %rdi, %xmm3; movq %r15, %xmm15; movq %rbp, %rcx; stc\n"
	/* Carry stays set; rax follows rcx. */
	"2: movq %rcx, %rax; jnc 8f; leaq -1(%rcx), %rcx; leaq -1(%rax), %rax\n\t"
	"jnc 8f; jrcxz 3f; jmp 2b\n"
	"3: jnc 8f; cmpq %rax, %rcx; jne 8f\n\t"
	"movq %xmm3, %rax; cmpq $0x1111, %rax; jne 8f\n\t"
	"movq %xmm15, %rax; cmpq $0xbbbb, %rax; jne 8f\n\t"
	"cmpq $0x1111, %rdi; jne 8f; cmpq $0x2222, %rsi; jne 8f\n\t"
	"cmpq $0x3333, %rdx; jne 8f; cmpq $0x4444, %r8; jne 8f\n\t"
	"cmpq $0x5555, %r9; jne 8f; cmpq $0x6666, %r10; jne 8f\n\t"
	"cmpq $0x7777, %r11; jne 8f; cmpq $0x8888, %r12; jne 8f\n\t"
	"cmpq $0x9999, %r13; jne 8f; cmpq $0xaaaa, %r14; jne 8f\n\t"
	"cmpq $0xbbbb, %r15; jne 8f; decq %rbx; jnz 1b\n\t"
	"xorl %eax, %eax; jmp 9f\n"
	"8: movq %rbx, %rax\n"
	"9: popq %r15; popq %r14; popq %r13; popq %r12; popq %rbp; popq %rbx\n\t"
	"ret\n"
	"guard_work_end:\n");
