/* SPDX-License-Identifier: MIT */
/*
 * arch/x86_64/unwind.h - what the unwinder meets at the edge of a module.
 *
 * A C++ exception, pthread_exit(3) and thread cancellation walk up the stack
 * and run each frame's own clean-up. At a gate the module's frames end and the
 * host's begin, with other rights on another stack, and neither side may run
 * the other's code with its own rights. So the gates have a personality
 * routine, as a C++ function has:
 *
 *	out of a module		the walk stops at the gate, still with the
 *				module's rights, and goes through a door below
 *	out of host code above	a service, or a handler of the host that
 *	a module		interrupted it: the module's frames are skipped,
 *				its call is over, and the walk goes on from
 *				where the host had called the gate
 */
#ifndef MDI_ARCH_X86_64_UNWIND_H
#define MDI_ARCH_X86_64_UNWIND_H

#include "arch/x86_64/frame.h"

/*
 * Doors: instructions that trap, by which module code ends its call or asks
 * for it. The fault handler knows them by address (core/door.c); a module that
 * jumps to one does no more than that.
 */
extern const char mdi_door_exception[]; /* it was caught by nobody */
extern const char mdi_door_ending[];    /* rdi: the thread ends */
extern const char mdi_door_exit[];      /* edi: status, esi: MDI_EXIT_* */
extern const char mdi_door_abort[];
extern const char mdi_door_jump[]; /* rdi: the stack pointer after the jump */
extern const char mdi_door_thread[]; /* a thread is about to be made */
#define MDI_DOOR_SIZE 2            /* the instruction */

/* DWARF's number of modiso_fault.registers[n], without the flags. */
static const uint8_t mdi_dwarf_register[17] = {
	0, 3, 2, 1, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16,
};

/* Through that door, in a module: the process is to end (os/libc.h). */
MODISO_CALL void mdi_door_open_exit(int status, unsigned how)
	__attribute__((noreturn));

/* These come back when the module may do it. */
MODISO_CALL void mdi_door_open_abort(void);
MODISO_CALL void mdi_door_open_jump(uintptr_t sp);
MODISO_CALL void mdi_door_open_thread(void);

/* The stack pointer in a jmp_buf of the C library. */
uintptr_t mdi_jump_sp(const void *jmp_buf);

/*
 * Go on unwinding from here, on the host's stack with the host's rights; when
 * nobody catches it, the process ends as it does without the library.
 */
void mdi_unwind_go_on(void *exception) __attribute__((noreturn));

#endif /* MDI_ARCH_X86_64_UNWIND_H */
