/* SPDX-License-Identifier: MIT */
/*
 * support/poke.h - module code that misbehaves, in assembly: no optimiser has
 * a say in what it does, and the instruction that does it is known.
 *
 * That instruction is the first of its function, or carries the label with _at
 * at its end. Where a second argument is called crash, the code ends in ud2
 * instead of a return when it is not 0.
 */
#ifndef TESTS_SUPPORT_POKE_H
#define TESTS_SUPPORT_POKE_H

#include <modiso/gate.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define POKE MODISO_CALL uintptr_t

/* Memory. The vector stores write whatever their register holds. */
POKE poke_load1(const void *address);
POKE poke_load8(const void *address);
POKE poke_load16(const void *address);
POKE poke_load32(const void *address); /* needs AVX */
POKE poke_store1(void *address, uintptr_t value);
POKE poke_store8(void *address, uintptr_t value);
POKE poke_store16(void *address);
POKE poke_store32(void *address); /* needs AVX */
/* Fails its comparison unless *address is @expected; returns what was there. */
POKE poke_cmpxchg(void *address, uintptr_t expected, uintptr_t value);
POKE poke_copy(void *to, const void *from, size_t length);
POKE poke_jump(const void *address);
extern const char poke_cmpxchg_at[], poke_copy_at[];

/* Crashes. */
POKE poke_ud2(void);
POKE poke_int3(void);
POKE poke_hlt(void);
POKE poke_cli(void);
POKE poke_movaps(const void *address); /* a multiple of 16, or a fault */
POKE poke_overflow(void);
POKE poke_div0(void);
POKE poke_x87(void); /* unmasked division by zero, x87 and SSE */
POKE poke_sse(void);
extern const char poke_overflow_at[], poke_div0_at[], poke_x87_at[],
	poke_sse_at[];

/* Stacks. */
POKE poke_recurse(void);          /* until there is no stack left */
POKE poke_drop(size_t bytes);     /* one store that far down */
POKE poke_dig(size_t bytes);      /* a store on each page down to there */
POKE poke_wild_push(void *stack); /* rsp = stack; push */
POKE poke_wild_ud2(void *stack);
POKE poke_wild_jump(void *stack, const void *function);
POKE poke_local(void); /* the address of its stack */
extern const char poke_recurse_end[], poke_drop_at[], poke_wild_push_at[],
	poke_wild_ud2_at[];

/* A signal to a thread, by a system call; what that returned. */
POKE poke_tkill(uintptr_t tid, uintptr_t signo);

/* Ways back. */
POKE poke_return_low(size_t bytes);       /* rsp that much too low */
POKE poke_return_to(const void *address); /* another return address */
POKE poke_smash(size_t words, uintptr_t value); /* and all above it */

/* A far jump, with a DS for 32-bit code; the stack pointer is noted before. */
struct poke_far {
	uint32_t offset;
	uint16_t selector, unused;
	uint64_t rsp;
};
POKE poke_far(struct poke_far *to);
POKE poke_far_gs(struct poke_far *to, void *block_base);

/* CPU state left behind. */
POKE poke_trash(uintptr_t value, uintptr_t crash); /* callee-saved */
POKE poke_flags(uintptr_t flags, uintptr_t crash);
POKE poke_mxcsr(uintptr_t value, uintptr_t crash);
POKE poke_fcw(uintptr_t value, uintptr_t crash);
/* With an exception that the CPU has yet to tell of, if @control lets it. */
#define POKE_DIVIDE_OPEN 0x37b
POKE poke_late(uintptr_t control, uintptr_t crash);
POKE poke_x87_full(uintptr_t unused, uintptr_t crash);
POKE poke_mmx(uintptr_t value, uintptr_t crash);
POKE poke_fsbase(uintptr_t value, uintptr_t crash); /* needs FSGSBASE */
POKE poke_gsbase(uintptr_t value, uintptr_t crash);

/* Selectors. FS and GS get the base of what is loaded. */
#define POKE_USER_DS 0x2b
POKE poke_ds(uintptr_t value, uintptr_t crash);
POKE poke_es(uintptr_t value, uintptr_t crash);
POKE poke_fs(uintptr_t value, uintptr_t crash);
POKE poke_gs(uintptr_t value, uintptr_t crash);

/* The rights register; only where there are protection keys. */
POKE poke_rdpkru(void);
/*
 * Jump to @wrpkru, an instruction of that kind, as if to take all rights, and
 * read *@secret with what comes of it. poke_leaked: it could be read.
 */
POKE poke_wrpkru_jump(const void *wrpkru, const void *secret);
extern volatile uint64_t poke_leak;
extern volatile uint32_t poke_leaked;

/*
 * Jump to word[11] (r11) with all general registers from @registers, in the
 * order of struct poke_registers; rsp 0 is the module's own, with nothing on it
 * but addresses of code that reads *poke_secret and sets poke_leaked. Where
 * that faults r8 and r9 hold FS and GS base if rbx and r12 are the same.
 */
POKE poke_jump_with(const uint64_t registers[16]);
POKE poke_jump_without_gs(const uint64_t registers[16]);
POKE poke_jump_without_bases(const uint64_t registers[16]);
extern const char poke_jump_landed[];
extern const void *volatile poke_secret;

/* What the entry finds in its registers. */
struct poke_registers {
	/* rax rbx rcx rdx rsi rdi rbp rsp r8-r15, as the record has them */
	uint64_t word[16];
	uint8_t vector[32][64]; /* xmm, ymm or zmm: the rest stays as it was */
	uint64_t mask[8];       /* k0-k7, with zmm */
	uint64_t mmx[8];        /* the x87 registers' low words */
	uint32_t mxcsr;
	struct poke_x87 {
		uint32_t control, status, tags, instruction, opcode, operand,
			unused;
	} x87; /* as fnstenv has it; addresses are lower halves */
};
POKE poke_registers_xmm(struct poke_registers *to);
POKE poke_registers_ymm(struct poke_registers *to);
POKE poke_registers_zmm(struct poke_registers *to);

/*
 * The host's side: call a function and look at what it left behind.
 */
struct cpu_seen {
	uint64_t saved[6]; /* rbx rbp r12 r13 r14 r15 */
	uint64_t rflags;
	uint32_t mxcsr;
	uint16_t fcw;
	uint16_t ftw; /* as fnstenv has it: 0xffff is an empty stack */
};
/* What cpu_call() puts in the six callee-saved registers. */
#define CPU_SAVED(i) (0x1111111111111111ul * ((i) + 1))
POKE cpu_call(struct cpu_seen *seen, modiso_fn function, uintptr_t a,
	      uintptr_t b, uintptr_t c, uintptr_t d);

/*
 * cpu_is_host - is what cpu_call() saw what a host function leaves behind?
 * @before: what a call of a well-behaved host function left.
 *
 * Returns NULL, or what is wrong.
 */
const char *cpu_is_host(const struct cpu_seen *seen,
			const struct cpu_seen *before);
bool cpu_has_avx(void);
bool cpu_has_fsgsbase(void); /* for user code, that is */

/* Call function(a) with POKE_SECRET in every register that a call can have. */
#define POKE_SECRET 0x5ec2e75ec2e75ec2ul
enum cpu_vectors { CPU_XMM = 0, CPU_YMM = 1, CPU_ZMM = 2 };

/*
 * A host function that leaves POKE_SECRET in every register that a function
 * may change, but in rax: returns @vectors + 1.
 */
POKE poke_litter(enum cpu_vectors vectors);
/* Call function(a), then store what it left behind; rbx is the module's. */
POKE poke_after_xmm(struct poke_registers *to, modiso_fn function,
		    uintptr_t a);
POKE poke_after_ymm(struct poke_registers *to, modiso_fn function,
		    uintptr_t a);
POKE poke_after_zmm(struct poke_registers *to, modiso_fn function,
		    uintptr_t a);
/* The widest that this CPU and kernel have. */
enum cpu_vectors cpu_vectors(void);
POKE cpu_call_secret(modiso_fn function, uintptr_t a,
		     enum cpu_vectors vectors);

/* A function of the machine code "mov $42, %eax; ret", to be copied. */
extern const unsigned char poke_code42[], poke_code42_end[];

#endif /* TESTS_SUPPORT_POKE_H */
