/* SPDX-License-Identifier: MIT */
/*
 * arch/context.h - the machine state that a trap has saved, and that the return
 * from its handler loads. All of it is AS-Safe.
 */
#ifndef MDI_ARCH_CONTEXT_H
#define MDI_ARCH_CONTEXT_H

#include "base/common.h"

/* As many as struct modiso_fault has. */
#define MDI_REGISTERS 18

struct mdi_context; /* the system's own form of it */
struct mdi_frame;
struct mdi_resume_words; /* what of it a module's memory keeps */
struct mdi_thread;

/* Rights of the interrupted code; @offset from struct mdi_cpu. NULL: none. */
uint32_t *mdi_context_rights(struct mdi_context *context, uint32_t offset);
void mdi_context_set_rights(struct mdi_context *context, uint32_t offset,
			    uint32_t rights);

/*
 * Go on in @label with this stack pointer, @block where gates have the thread's
 * block, and clean flags: as host code, with nothing of the module's state that
 * code could come upon.
 */
void mdi_context_redirect(struct mdi_context *context, const void *label,
			  uintptr_t sp, uintptr_t block);

/*
 * No floating-point or vector state to return with: the kernel puts in that of
 * a new process, sooner than it reads one back. Rights are part of it: only
 * where protection keys are off.
 */
void mdi_context_drop_fpu(struct mdi_context *context);

/*
 * The next instruction alone: a trap comes behind it, and no signal but those
 * that faults come as in front of it. Returns the signals that were blocked;
 * mdi_context_step_over() puts both back.
 */
uint64_t mdi_context_step(struct mdi_context *context);
bool mdi_context_steps(const struct mdi_context *context);
void mdi_context_step_over(struct mdi_context *context, uint64_t mask);

uintptr_t mdi_context_pc(const struct mdi_context *context);
void mdi_context_set_pc(struct mdi_context *context, const void *pc);
uintptr_t mdi_context_sp(const struct mdi_context *context);
/* A general register, by its number in instructions. */
void mdi_context_set_register(struct mdi_context *context, unsigned number,
			      uintptr_t value);
/* Argument @n, from 0, of the function that has just been entered. */
uintptr_t mdi_context_argument(const struct mdi_context *context, unsigned n);
/* In the order of struct modiso_fault.registers. */
void mdi_context_registers(const struct mdi_context *context,
			   uintptr_t out[MDI_REGISTERS]);
/*
 * Those of the host's that a call leaves as they were, where a gate will return
 * to, and the stack pointer then. Bit n of the answer: out[n] is one of them.
 */
uint32_t mdi_frame_registers(const struct mdi_frame *frame,
			     uintptr_t out[MDI_REGISTERS]);
/* The same argument, of a fault that was recorded. */
uintptr_t mdi_registers_argument(const uintptr_t registers[MDI_REGISTERS],
				 unsigned n);
const char *mdi_register_name(unsigned number);

/*
 * As if the instruction there, a load of a word into a general register, had
 * found 0. False: it is another one.
 */
bool mdi_context_load_zero(struct mdi_context *context);

/* For page faults: what was tried, as MODISO_READ, _WRITE or _EXEC; else 0. */
uint32_t mdi_context_access(const struct mdi_context *context);

/*
 * Did a gate's way out of a module trap, at @pc, because something was not as
 * the host has it that the thread can put right? mdi_context_mend() does, and
 * the instruction is run again; false: that was not it.
 */
bool mdi_gate_wants_mending(uintptr_t pc);
bool mdi_context_mend(struct mdi_context *context, struct mdi_thread *thread);

/*
 * Arithmetic of which the CPU tells late: is @pc an instruction of a way out of
 * a module that is told of what ran before it?
 */
bool mdi_gate_hears_late(uintptr_t pc);
/* Does the host, as it was when it called the gate, want to be told? */
bool mdi_context_late_wanted(const struct mdi_context *context,
			     const struct mdi_frame *frame);
/* The instruction that it was; the CPU's word, which module code can set. */
uintptr_t mdi_context_late_pc(const struct mdi_context *context);
/* Nobody is told. */
void mdi_context_late_drop(struct mdi_context *context);

/* --- modules whose system calls are guarded: core/guard.h --- */

/*
 * The state of guarded module code, to go on with @rights: a copy of it that
 * leads to mdi_resume(), for the return from the handler. @words: of the
 * module's memory. Its address; 0: there
 * is no such way back, as from 32-bit code. No signal may come any more.
 */
uintptr_t mdi_context_resume(const struct mdi_context *context,
			     struct mdi_thread *thread,
			     struct mdi_resume_words *words, uint32_t offset,
			     uint32_t rights);
/* If the thread was in mdi_resume(): as if it had come out of it. */
void mdi_context_settle(struct mdi_context *context, struct mdi_thread *thread,
			const struct mdi_resume_words *words, uint32_t offset);
/* Host code between a gate's last store and its WRPKRU stores again. */
void mdi_context_store_again(struct mdi_context *context);
/* The system call that was stopped is made once more. */
void mdi_context_call_again(struct mdi_context *context);
/* The module goes on behind it, with this result. */
void mdi_context_call_result(struct mdi_context *context, intptr_t result);
/* What it was called with; @narrow: by an entry of 32-bit code. */
void mdi_context_call_arguments(const struct mdi_context *context, bool narrow,
				uintptr_t out[6]);

#endif /* MDI_ARCH_CONTEXT_H */
