/* SPDX-License-Identifier: MIT */
/*
 * os/linux/asm.h - ELF, and the thread pointer in FS.
 */
#ifndef MDI_OS_LINUX_ASM_H
#define MDI_OS_LINUX_ASM_H

#define SYMBOL(name) \
	.globl name; \
	.hidden name; \
	.type name, @function
#define SYMBOL_PLACE(name) \
	.globl name; \
	.hidden name
#define SYMBOL_END(name) .size name, . - name

/* One section for all gates: the handler knows their code by address. */
#define GATE_TEXT .section mdi_gate_text, "ax", @progbits
/*
 * No gates. With those, all code of the library that writes rights or a segment
 * base: core/gadget.c leaves it as it is.
 */
#define ENTRY_TEXT .section mdi_entry_text, "ax", @progbits
#define CONSTANTS  .section .rodata

/* What an unwinder asks at a call in a function: a function of unwind.c. */
#define PERSONALITY(function) .cfi_personality 0x1b, function
#define UNWIND_TO(function)   PERSONALITY(function)
#define UNWIND_TO_END

/* The note that keeps the stack from becoming executable. */
#define END_OF_FILE .section .note.GNU-stack, "", @progbits

/* The place \at, in GATE_TEXT, is an element of \list. */
.macro LIST_PLACE list, at
	.pushsection \list, "a", @progbits
	.p2align 2
	.long	\at - .
	.popsection
.endm

/* @to: the block that the thread goes by, or MDI_UNATTACHED. */
#define HERE_BLOCK(to, by) \
	movq mdi_here@gottpoff(%rip), by; \
	movq %fs:H_BLOCK(by), to

/* What a block's thread_pointer is compared with. */
#define THREAD_POINTER(to) \
	cmpl $0, A_FSGSBASE+mdi_arch_state(%rip); \
	je 91f; \
	rdfsbase to; \
	jmp 92f; \
91:	movq %fs:0, to; \
92:

/* What lies at the thread pointer: a block, where a module has put its own. */
#define POINTED_BLOCK %fs:TCB_BLOCK
/* Where it is aligned as one is. The C library's own word there hardly is. */
#define IF_POINTED(label) \
	testl $MDI_BLOCK_SIZE-1, POINTED_BLOCK; \
	jz label

/*
 * The base of FS becomes what rsi says, where programs may not write it
 * themselves, or the process ends. Uses rax, rcx, rdi, r11.
 */
#define SET_FS_BASE \
	movl $ARCH_SET_FS, %edi; \
	movl $SYS_ARCH_PRCTL, %eax; \
	syscall; \
	testq %rax, %rax; \
	jnz mdi_os_pointer_refused
#define SYS_ARCH_PRCTL 158
#define ARCH_SET_FS 0x1002

#endif /* MDI_OS_LINUX_ASM_H */
