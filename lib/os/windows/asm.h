/* SPDX-License-Identifier: MIT */
/*
 * os/windows/asm.h - PE, and the TEB in GS. A PE file has no hidden symbols: a
 * DLL exports what is marked for it and nothing else.
 */
#ifndef MDI_OS_WINDOWS_ASM_H
#define MDI_OS_WINDOWS_ASM_H

#define SYMBOL(name) .globl name
#define SYMBOL_PLACE(name) .globl name
#define SYMBOL_END(name)

#define GATE_TEXT  .section mdi_gate_text, "xr"
#define ENTRY_TEXT .section mdi_entry_text, "xr"
#define CONSTANTS  .section .rdata, "dr"
#define END_OF_FILE
/* The system's unwinder does not read what .cfi_personality writes. */
#define PERSONALITY(function)
/*
 * It asks @function (by Microsoft's calling convention) when it comes to here
 * from above; what lies below it never sees.
 */
#define UNWIND_TO(function)    \
	.seh_proc function;    \
	.seh_handler function, @except; \
	.seh_endprologue
#define UNWIND_TO_END .seh_endproc

/* GNU as has no stack of sections for PE. */
.macro LIST_PLACE list, at
	.section \list, "dr"
	.p2align 2
	.long	\at - .
	GATE_TEXT
.endm

#define HERE_BLOCK(to, by) \
	movq mdi_here_offset(%rip), by; \
	movq %gs:(by), to
#define THREAD_POINTER(to) movq %gs:0x30, to

/* FS is nobody's here, no module has a thread pointer: not a block's address */
#define POINTED_BLOCK $-1
#define IF_POINTED(label)
#define SET_FS_BASE ud2

#endif /* MDI_OS_WINDOWS_ASM_H */
