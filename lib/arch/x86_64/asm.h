/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/asm.h - what no assembly file may forget.
 *
 * FUNC/ENDF give a symbol what the system's object files can say of it, which
 * is os/asm.h's: hidden visibility, a type, a size; and call-frame information
 * and an endbr64. Every file ends with END_OF_FILE.
 */
#ifndef MDI_ARCH_X86_64_ASM_H
#define MDI_ARCH_X86_64_ASM_H

#include "os/asm.h"

/* A function that C or a pointer calls: the CFA is where the caller had it. */
#define FUNC(name) \
	SYMBOL(name); \
	.p2align 4; \
name: \
	.cfi_startproc; \
	endbr64

/* Reached by jumps with a notrack prefix alone: no endbr64 needed. */
#define GATE(name) \
	SYMBOL(name); \
	.p2align 4; \
name: \
	.cfi_startproc

/* Many small functions in a row, each with an endbr64 of its own. */
#define TABLE(name) \
	SYMBOL(name); \
	.p2align 4; \
name: \
	.cfi_startproc

#define ENDF(name) \
	.cfi_endproc; \
	SYMBOL_END(name)

/* A place inside a function that C must know by address. */
#define LABEL(name) \
	SYMBOL_PLACE(name); \
name:

/* EAX := PKRU, EDX := 0. ECX must be zero. */
#define RDPKRU .byte 0x0f, 0x01, 0xee

/* PKRU := EAX. ECX and EDX must be zero, or the CPU raises #GP. */
#define WRPKRU .byte 0x0f, 0x01, 0xef

#endif /* MDI_ARCH_X86_64_ASM_H */
