/* SPDX-License-Identifier: MIT */
/* Which register has which argument, and what they are called. */
#include "arch/arch.h"

#include <string.h>

/* In the order of struct modiso_fault.registers. */
static const uint8_t argument_register[6] = { 5, 4, 3, 2, 8, 9 };

uintptr_t mdi_registers_argument(const uintptr_t registers[MDI_REGISTERS],
				 unsigned n)
{
	return registers[argument_register[n]];
}

uintptr_t mdi_context_argument(const struct mdi_context *context, unsigned n)
{
	uintptr_t registers[MDI_REGISTERS];

	mdi_context_registers(context, registers);
	return mdi_registers_argument(registers, n);
}

const char *mdi_register_name(unsigned number)
{
	static const char *const names[] = {"rax", "rbx", "rcx",   "rdx", "rsi",
					    "rdi", "rbp", "rsp",   "r8",  "r9",
					    "r10", "r11", "r12",   "r13", "r14",
					    "r15", "rip", "rflags"};

	return names[number];
}

const char *mdi_rights_words(uint32_t rights, int key)
{
	static const char *const words[] = {"read and write", "no access",
					    "read only", "no access"};

	return words[rights >> (2 * (key & 15)) & 3];
}

uint32_t mdi_frame_registers(const struct mdi_frame *frame,
			     uintptr_t out[MDI_REGISTERS])
{
	out[1] = frame->rbx;
	out[6] = frame->rbp;
	out[7] = frame->sp + sizeof(uintptr_t);
	out[12] = frame->r12;
	out[13] = frame->r13;
	out[14] = frame->r14;
	out[15] = frame->r15;
	memcpy(&out[16], (const void *)frame->sp, sizeof(uintptr_t));
	return 1u << 1 | 1u << 6 | 1u << 7 | 0x1fu << 12;
}
