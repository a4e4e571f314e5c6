/* SPDX-License-Identifier: MIT */
/*
 * WRPKRU and XRSTOR. XRSTOR loads PKRU if bit 9 of EAX is set, from memory of
 * the caller's choice. Code that means it for vector registers has the mask as
 * a constant, and so do the dynamic linkers that have one:
 *
 *	b8 nn nn nn nn        movl  $mask, %eax
 *	31 d2                 xorl  %edx, %edx
 *	0f ae 6c 24 40        xrstor 0x40(%rsp)
 *
 * Its detour:
 *
 *	0f ae 6c 24 40        xrstor 0x40(%rsp)
 *	a9 00 02 00 00        testl $0x200, %eax
 *	75 05                 jne   1f
 *	e9 nn nn nn nn        jmp   back
 *	0f 0b              1: ud2
 *
 * The two instructions that are new leave the flags as the xorl has left them.
 * Who jumps to the xrstor, with a mask of his choice, comes by the test with
 * that mask still in EAX, as XRSTOR changes no general register, and no memory
 * is touched between the two.
 */
#include "arch/gadget.h"

#include "arch/cpu.h"
#include "arch/forbidden.h"
#include "arch/length.h"
#include "arch/x86_64/frame.h"

#include <string.h>

#define JUMP_LENGTH 5u
#define MASK_LENGTH 7u /* both instructions in front of XRSTOR */
#define INT3        0xcc

uint32_t mdi_gadget_kinds(void)
{
	uint32_t kinds = MODISO_SCAN_WRPKRU | MODISO_SCAN_XRSTOR |
			 MODISO_SCAN_BASE;

	return mdi_cpu()->apx ? kinds | MODISO_SCAN_REX2 : kinds;
}

const char *mdi_gadget_name(uint32_t kind)
{
	return kind == MODISO_SCAN_WRPKRU     ? "wrpkru"
	       : kind == MODISO_SCAN_XRSTOR   ? "xrstor"
	       : kind == MODISO_SCAN_WRFSBASE ? "wrfsbase"
	       : kind == MODISO_SCAN_WRGSBASE ? "wrgsbase"
					      : "instruction behind REX2";
}

/* Of those behind REX2 the one that enters the kernel is the guard's. */
bool mdi_gadget_is(uint32_t kind, const uint8_t *bytes, size_t length)
{
	return kind != MODISO_SCAN_REX2 || bytes[length - 1] != 0x05;
}

/* --- planning --- */

/* The instruction at @at, and the two in front of it. */
struct place {
	uintptr_t before[2]; /* the nearer one first */
	size_t length;       /* 0: none begins there */
};

/* All of the function must make sense, to its last byte. */
static const char *walk(uintptr_t at, uintptr_t start, uintptr_t end,
			struct place *place)
{
	uintptr_t last = 0, before = 0;
	size_t length;

	place->length = 0;
	for (uintptr_t pc = start; pc != end; pc += length) {
		length = mdi_code_length((const void *)pc, end - pc);
		if (length == 0)
			return "the function around it holds what is no known "
			       "instruction";
		if (pc == at)
			*place = (struct place){{last, before}, length};
		before = last;
		last = pc;
	}
	return place->length != 0 ? NULL
				  : "these bytes are a part of other "
				    "instructions";
}

static bool has_mask(const uint8_t *bytes, const struct place *place,
		     uintptr_t at)
{
	uint32_t mask;

	if (place->before[0] != at - 2 || place->before[1] != at - MASK_LENGTH)
		return false;
	memcpy(&mask, bytes - MASK_LENGTH + 1, sizeof(mask));
	return bytes[-(int)MASK_LENGTH] == 0xb8 && bytes[-2] == 0x31 &&
	       bytes[-1] == 0xd2 && !(mask & MDI_XSTATE_PKRU);
}

/* mod 0, r/m 5: the address is told from where the instruction lies. */
static bool is_relative(uint8_t modrm)
{
	return (modrm & 0xc7) == 0x05;
}

const char *mdi_gadget_plan(struct mdi_gadget *gadget, uintptr_t at,
			    uint32_t kind, uintptr_t start, uintptr_t end)
{
	const uint8_t *bytes = (const uint8_t *)at;
	struct place place;
	const char *why;

	if (kind != MODISO_SCAN_WRPKRU && kind != MODISO_SCAN_XRSTOR)
		return "nothing that could take its place is known";
	why = walk(at, start, end, &place);
	if (why != NULL)
		return why;
	if (kind == MODISO_SCAN_XRSTOR) {
		if (!has_mask(bytes, &place, at))
			return "whether it is meant to load rights is not "
			       "known";
		if (place.length < JUMP_LENGTH || is_relative(bytes[2]))
			return "it does not leave room for a jump";
	}
	*gadget = (struct mdi_gadget){
		.at = at,
		.length = (uint8_t)place.length,
		.detours = kind == MODISO_SCAN_XRSTOR,
	};
	memcpy(gadget->was, bytes, place.length);
	memset(gadget->now, INT3, sizeof(gadget->now));
	return NULL;
}

/* --- detours --- */

/* e9 and how far it is from its end. */
static bool put_jump(uint8_t *to, uintptr_t from, uintptr_t target)
{
	intptr_t far = (intptr_t)(target - (from + JUMP_LENGTH));
	int32_t near = (int32_t)far;

	to[0] = 0xe9;
	memcpy(to + 1, &near, sizeof(near));
	return near == far;
}

bool mdi_gadget_detour(struct mdi_gadget *gadget,
		       uint8_t code[MDI_DETOUR_SIZE])
{
	static const uint8_t check[] = {
		0xa9, 0x00, 0x02, 0x00, 0x00, 0x75, JUMP_LENGTH,
	};
	size_t at = gadget->length;

	memset(code, INT3, MDI_DETOUR_SIZE);
	memcpy(code, gadget->was, at);
	memcpy(code + at, check, sizeof(check));
	at += sizeof(check);
	code[at + JUMP_LENGTH] = 0x0f;
	code[at + JUMP_LENGTH + 1] = 0x0b;
	return put_jump(code + at, gadget->detour + at,
			gadget->at + gadget->length) &&
	       put_jump(gadget->now, gadget->at, gadget->detour);
}

bool mdi_gadget_in_detour(const struct mdi_gadget *gadget, uintptr_t at)
{
	return gadget->detours && gadget->removed && at == gadget->detour;
}

/* --- the trap --- */

uintptr_t mdi_gadget_trapped_at(const struct mdi_context *context)
{
	return mdi_context_pc(context) - 1;
}

bool mdi_gadget_carry_out(const struct mdi_gadget *gadget,
			  struct mdi_context *context, uint32_t offset)
{
	enum { RAX, RBX, RCX, RDX }; /* the order of registers */
	uintptr_t reg[MDI_REGISTERS];

	mdi_context_registers(context, reg);
	if ((reg[RCX] | reg[RDX]) & UINT32_MAX)
		return false;
	mdi_context_set_rights(context, offset, (uint32_t)reg[RAX]);
	mdi_context_set_pc(context,
			   (const void *)(gadget->at + gadget->length));
	return true;
}
