/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/asm.h - what no assembly file may forget.
 *
 * FUNC/ENDF give a symbol hidden visibility, a type, a size, call-frame
 * information and an endbr64; every file ends with END_OF_FILE, the note that
 * keeps the stack from becoming executable.
 */
#ifndef MDI_ARCH_X86_64_ASM_H
#define MDI_ARCH_X86_64_ASM_H

/* A function that C or a pointer calls: the CFA is where the caller had it. */
#define FUNC(name) \
	.globl name; \
	.hidden name; \
	.type name, @function; \
	.p2align 4; \
name: \
	.cfi_startproc; \
	endbr64

/* Reached by jumps with a notrack prefix alone: no endbr64 needed. */
#define GATE(name) \
	.globl name; \
	.hidden name; \
	.type name, @function; \
	.p2align 4; \
name: \
	.cfi_startproc

/* Many small functions in a row, each with an endbr64 of its own. */
#define TABLE(name) \
	.globl name; \
	.hidden name; \
	.type name, @function; \
	.p2align 4; \
name: \
	.cfi_startproc

#define ENDF(name) \
	.cfi_endproc; \
	.size name, . - name

/* A place inside a function that C must know by address. */
#define LABEL(name) \
	.globl name; \
	.hidden name; \
name:

/*
 * No gates. With those, all code of the library that writes rights or a segment
 * base: core/gadget.c leaves it as it is.
 */
#define ENTRY_TEXT .section mdi_entry_text, "ax", @progbits

#define END_OF_FILE .section .note.GNU-stack, "", @progbits

/* EAX := PKRU, EDX := 0. ECX must be zero. */
#define RDPKRU .byte 0x0f, 0x01, 0xee

/* PKRU := EAX. ECX and EDX must be zero, or the CPU raises #GP. */
#define WRPKRU .byte 0x0f, 0x01, 0xef

#endif /* MDI_ARCH_X86_64_ASM_H */
