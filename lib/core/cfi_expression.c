/* SPDX-License-Identifier: MIT */
/*
 * DWARF expressions, as far as compilers and the C library use them for frames:
 * no jumps, so that each ends with its last byte.
 */
#include "core/cfi.h"

#define DEPTH 16

enum {
	OP_ADDRESS = 0x03,
	OP_FETCH = 0x06,
	OP_CONST1U = 0x08,
	OP_CONST8S = 0x0f,
	OP_CONSTU = 0x10,
	OP_CONSTS = 0x11,
	OP_DUP = 0x12,
	OP_DROP = 0x13,
	OP_OVER = 0x14,
	OP_SWAP = 0x16,
	OP_AND = 0x1a,
	OP_MINUS = 0x1c,
	OP_MUL = 0x1e,
	OP_NEG = 0x1f,
	OP_NOT = 0x20,
	OP_OR = 0x21,
	OP_PLUS = 0x22,
	OP_PLUS_CONSTU = 0x23,
	OP_SHL = 0x24,
	OP_SHR = 0x25,
	OP_SHRA = 0x26,
	OP_XOR = 0x27,
	OP_EQ = 0x29,
	OP_GE = 0x2a,
	OP_GT = 0x2b,
	OP_LE = 0x2c,
	OP_LT = 0x2d,
	OP_NE = 0x2e,
	OP_LIT0 = 0x30,
	OP_BREG0 = 0x70,
	OP_BREGX = 0x92,
	OP_NOP = 0x96
};

struct machine {
	struct mdi_cfi_bytes *bytes;
	mdi_cfi_read *read;
	const void *arg;
	const struct mdi_cfi_frame *frame;
	uintptr_t stack[DEPTH];
	unsigned depth;
	enum mdi_cfi_result result;
};

static void fail(struct machine *m, enum mdi_cfi_result result)
{
	if (m->result == MDI_CFI_CALLER)
		m->result = result;
}

static void push(struct machine *m, uintptr_t value)
{
	if (m->depth == DEPTH)
		fail(m, MDI_CFI_DAMAGED);
	else
		m->stack[m->depth++] = value;
}

static uintptr_t pop(struct machine *m)
{
	if (m->depth == 0) {
		fail(m, MDI_CFI_DAMAGED);
		return 0;
	}
	return m->stack[--m->depth];
}

static void fetch(struct machine *m)
{
	uintptr_t at = pop(m), value = 0;

	if (m->result == MDI_CFI_CALLER &&
	    !m->read(m->arg, at, &value, sizeof(value)))
		fail(m, MDI_CFI_STACK);
	push(m, value);
}

static void base_register(struct machine *m, uint64_t number)
{
	int64_t offset = mdi_cfi_sleb(m->bytes);

	if (number >= MDI_CFI_REGISTERS) {
		fail(m, MDI_CFI_DAMAGED);
		return;
	}
	if (!(m->frame->known & 1u << number))
		fail(m, MDI_CFI_LOST);
	push(m, m->frame->reg[number] + (uintptr_t)offset);
}

/* const1u, const1s, const2u... */
static void constant(struct machine *m, uint8_t op)
{
	unsigned size = 1u << ((op - OP_CONST1U) / 2);
	unsigned shift = 64 - 8 * size;
	uint64_t value = mdi_cfi_number(m->bytes, size);

	if (op & 1)
		value = (uint64_t)((int64_t)(value << shift) >> shift);
	push(m, value);
}

static uintptr_t two(uint8_t op, uintptr_t a, uintptr_t b)
{
	unsigned shift = b < 64 ? (unsigned)b : 63;

	switch (op) {
	case OP_AND:
		return a & b;
	case OP_MINUS:
		return a - b;
	case OP_MUL:
		return a * b;
	case OP_OR:
		return a | b;
	case OP_PLUS:
		return a + b;
	case OP_SHL:
		return b < 64 ? a << shift : 0;
	case OP_SHR:
		return b < 64 ? a >> shift : 0;
	case OP_SHRA:
		return (uintptr_t)((intptr_t)a >> shift);
	case OP_XOR:
		return a ^ b;
	case OP_EQ:
		return a == b;
	case OP_GE:
		return (intptr_t)a >= (intptr_t)b;
	case OP_GT:
		return (intptr_t)a > (intptr_t)b;
	case OP_LE:
		return (intptr_t)a <= (intptr_t)b;
	case OP_LT:
		return (intptr_t)a < (intptr_t)b;
	default:
		return a != b;
	}
}

static bool takes_two(uint8_t op)
{
	return op == OP_AND || op == OP_MINUS || op == OP_MUL || op == OP_OR ||
	       op == OP_PLUS || (op >= OP_SHL && op <= OP_XOR) ||
	       (op >= OP_EQ && op <= OP_NE);
}

static void rearrange(struct machine *m, uint8_t op)
{
	uintptr_t a = pop(m), b;

	if (op == OP_DROP)
		return;
	if (op == OP_DUP) {
		push(m, a);
		push(m, a);
		return;
	}
	b = pop(m);
	push(m, op == OP_SWAP ? a : b);
	push(m, op == OP_SWAP ? b : a);
	if (op == OP_OVER)
		push(m, b);
}

static void operate(struct machine *m, uint8_t op)
{
	uintptr_t b;

	if (takes_two(op)) {
		b = pop(m);
		push(m, two(op, pop(m), b));
	} else if (op >= OP_LIT0 && op < OP_LIT0 + 32) {
		push(m, op - OP_LIT0);
	} else if (op >= OP_BREG0 && op < OP_BREG0 + 32) {
		base_register(m, op - OP_BREG0);
	} else if (op >= OP_CONST1U && op <= OP_CONST8S) {
		constant(m, op);
	} else if (op == OP_DUP || op == OP_DROP || op == OP_OVER ||
		   op == OP_SWAP) {
		rearrange(m, op);
	} else if (op == OP_FETCH) {
		fetch(m);
	} else if (op == OP_ADDRESS) {
		push(m, mdi_cfi_number(m->bytes, 8));
	} else if (op == OP_CONSTU) {
		push(m, mdi_cfi_uleb(m->bytes));
	} else if (op == OP_CONSTS) {
		push(m, (uintptr_t)mdi_cfi_sleb(m->bytes));
	} else if (op == OP_PLUS_CONSTU) {
		push(m, pop(m) + mdi_cfi_uleb(m->bytes));
	} else if (op == OP_NEG) {
		push(m, -pop(m));
	} else if (op == OP_NOT) {
		push(m, ~pop(m));
	} else if (op == OP_BREGX) {
		base_register(m, mdi_cfi_uleb(m->bytes));
	} else if (op != OP_NOP) {
		fail(m, MDI_CFI_DAMAGED);
	}
}

enum mdi_cfi_result mdi_cfi_expression(struct mdi_cfi_bytes *bytes,
				       mdi_cfi_read *read, const void *arg,
				       const struct mdi_cfi_frame *frame,
				       const uintptr_t *first, uintptr_t *value)
{
	struct machine m = {
		.bytes = bytes,
		.read = read,
		.arg = arg,
		.frame = frame,
		.result = MDI_CFI_CALLER,
	};

	if (first != NULL)
		push(&m, *first);
	while (bytes->at < bytes->end && m.result == MDI_CFI_CALLER &&
	       !bytes->bad)
		operate(&m, mdi_cfi_byte(bytes));
	*value = pop(&m);
	return bytes->bad ? MDI_CFI_DAMAGED : m.result;
}
