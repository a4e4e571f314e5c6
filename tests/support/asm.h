/* SPDX-License-Identifier: MIT */
/*
 * support/asm.h - what assembly says of its symbols, in object files of Linux
 * and of Windows.
 */
#ifndef TESTS_SUPPORT_ASM_H
#define TESTS_SUPPORT_ASM_H

#ifdef _WIN32
#	define SYMBOL(name)	.globl name
#	define SYMBOL_END(name)
#	define CONSTANTS	.section .rdata, "dr"
#	define END_OF_FILE
#else
#	define SYMBOL(name)	.globl name; .type name, @function
#	define SYMBOL_END(name) .size name, . - name
#	define CONSTANTS	.section .rodata
#	define END_OF_FILE	.section .note.GNU-stack, "", @progbits
#endif

#endif /* TESTS_SUPPORT_ASM_H */
