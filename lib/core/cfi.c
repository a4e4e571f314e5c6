/* SPDX-License-Identifier: MIT */
#include "core/cfi.h"

#include <string.h>

#define RA MDI_CFI_PC

/* What a function keeps for its caller: rbx, rbp, r12 to r15. */
#define KEPT (1u << 3 | 1u << 6 | 0xfu << 12)

enum how {
	UNDEFINED,
	SAME,
	SAVED,    /* at CFA + offset */
	OFFSET,   /* is CFA + offset; the CFA itself: register + offset */
	REGISTER, /* is another register's */
	SAVED_AT, /* at what the expression says */
	VALUE     /* is what it says */
};

struct rule {
	union {
		int64_t offset;
		uintptr_t from; /* an expression */
	};
	uint32_t length; /* of the expression */
	uint8_t how;     /* enum how */
	uint8_t reg;     /* MDI_CFI_REGISTERS: none that is followed */
};

/* Where everything is while one instruction runs. */
struct row {
	uint32_t said; /* bit n: there is a rule for register n */
	struct rule cfa; /* OFFSET of a register, or VALUE */
	struct rule reg[MDI_CFI_REGISTERS];
};

/* Rows that a function remembers, one inside of the other. */
#define REMEMBERED 4

/* --- running it --- */

struct run {
	const struct mdi_cfi *cfi;
	struct mdi_cfi_entry *entry;
	struct mdi_cfi_bytes *bytes; /* of the program that runs */
	uintptr_t pc, location;
	struct row row, initial, remembered[REMEMBERED];
	unsigned depth;
	bool bad;
};

/* Those with a higher number nothing here is about: vectors, say. */
static void set_rule(struct run *run, uint64_t number, struct rule rule)
{
	if (number >= MDI_CFI_REGISTERS)
		return;
	run->row.reg[number] = rule;
	run->row.said |= 1u << number;
}

static void set(struct run *run, uint64_t number, enum how how, int64_t offset)
{
	set_rule(run, number, (struct rule){.how = how, .offset = offset});
}

/* What the common entry says of it, or does not. */
static void restore(struct run *run, uint64_t number)
{
	if (number >= MDI_CFI_REGISTERS)
		return;
	run->row.said &= ~(1u << number);
	if (run->initial.said & 1u << number)
		set_rule(run, number, run->initial.reg[number]);
}

static struct rule expression(struct run *run, enum how how)
{
	uint64_t length = mdi_cfi_uleb(run->bytes);
	struct rule rule = {.how = how, .from = run->bytes->at};

	if (length > UINT32_MAX)
		run->bad = true;
	mdi_cfi_skip(run->bytes, length);
	rule.length = (uint32_t)length;
	return rule;
}

/* A register that nothing here is about has no known value either. */
static struct rule of_register(enum how how, uint64_t reg, int64_t offset)
{
	return (struct rule){
		.how = how,
		.reg = reg < MDI_CFI_REGISTERS ? (uint8_t)reg
					       : MDI_CFI_REGISTERS,
		.offset = offset,
	};
}

static void define_cfa(struct run *run, uint64_t reg, int64_t offset)
{
	run->row.cfa = of_register(OFFSET, reg, offset);
}

static void remember(struct run *run)
{
	if (run->depth == REMEMBERED)
		run->bad = true;
	else
		run->remembered[run->depth++] = run->row;
}

static void recall(struct run *run)
{
	if (run->depth == 0)
		run->bad = true;
	else
		run->row = run->remembered[--run->depth];
}

static void advance(struct run *run, uint64_t units)
{
	run->location += units * run->entry->code_unit;
}

/* Factored by the common entry, as most offsets are. */
static int64_t factored(const struct run *run, int64_t offset)
{
	return (int64_t)((uint64_t)offset * (uint64_t)run->entry->data_unit);
}

static void run_cfa(struct run *run, uint8_t op)
{
	struct mdi_cfi_bytes *bytes = run->bytes;
	uint64_t reg;

	switch (op) {
	case 0x0c: /* def_cfa */
		reg = mdi_cfi_uleb(bytes);
		define_cfa(run, reg, (int64_t)mdi_cfi_uleb(bytes));
		break;
	case 0x0d: /* def_cfa_register */
		define_cfa(run, mdi_cfi_uleb(bytes), run->row.cfa.offset);
		break;
	case 0x0e: /* def_cfa_offset */
		define_cfa(run, run->row.cfa.reg, (int64_t)mdi_cfi_uleb(bytes));
		break;
	case 0x0f: /* def_cfa_expression */
		run->row.cfa = expression(run, VALUE);
		break;
	case 0x12: /* def_cfa_sf */
		reg = mdi_cfi_uleb(bytes);
		define_cfa(run, reg, factored(run, mdi_cfi_sleb(bytes)));
		break;
	default: /* def_cfa_offset_sf */
		define_cfa(run, run->row.cfa.reg,
			   factored(run, mdi_cfi_sleb(bytes)));
		break;
	}
}

static void run_register(struct run *run, uint8_t op)
{
	struct mdi_cfi_bytes *bytes = run->bytes;
	uint64_t reg = mdi_cfi_uleb(bytes);

	switch (op) {
	case 0x05: /* offset_extended */
		set(run, reg, SAVED,
		    factored(run, (int64_t)mdi_cfi_uleb(bytes)));
		break;
	case 0x06: /* restore_extended */
		restore(run, reg);
		break;
	case 0x07: /* undefined */
		set(run, reg, UNDEFINED, 0);
		break;
	case 0x08: /* same_value */
		set(run, reg, SAME, 0);
		break;
	case 0x09: /* register */
		set_rule(run, reg,
			 of_register(REGISTER, mdi_cfi_uleb(bytes), 0));
		break;
	case 0x10: /* expression */
		set_rule(run, reg, expression(run, SAVED_AT));
		break;
	case 0x11: /* offset_extended_sf */
		set(run, reg, SAVED, factored(run, mdi_cfi_sleb(bytes)));
		break;
	case 0x14: /* val_offset */
		set(run, reg, OFFSET,
		    factored(run, (int64_t)mdi_cfi_uleb(bytes)));
		break;
	case 0x15: /* val_offset_sf */
		set(run, reg, OFFSET, factored(run, mdi_cfi_sleb(bytes)));
		break;
	default: /* val_expression */
		set_rule(run, reg, expression(run, VALUE));
		break;
	}
}

static void run_other(struct run *run, uint8_t op)
{
	struct mdi_cfi_bytes *bytes = run->bytes;

	switch (op) {
	case 0x01: /* set_loc */
		run->location = mdi_cfi_pointer(bytes, run->entry->encoding, 0);
		break;
	case 0x02: /* advance_loc1 */
	case 0x03: /* advance_loc2 */
	case 0x04: /* advance_loc4 */
		advance(run, mdi_cfi_number(bytes, 1u << (op - 2)));
		break;
	case 0x0a:
		remember(run);
		break;
	case 0x0b:
		recall(run);
		break;
	case 0x0c: /* def_cfa and its kin */
	case 0x0d:
	case 0x0e:
	case 0x0f:
	case 0x12:
	case 0x13:
		run_cfa(run, op);
		break;
	case 0x2e: /* GNU_args_size */
		(void)mdi_cfi_uleb(bytes);
		break;
	default:
		if ((op >= 0x05 && op <= 0x09) || (op >= 0x10 && op <= 0x16))
			run_register(run, op);
		else
			run->bad = true;
	}
}

static void run_one(struct run *run)
{
	struct mdi_cfi_bytes *bytes = run->bytes;
	uint8_t op = mdi_cfi_byte(bytes), low = op & 0x3f;

	if (op == 0) /* fills the entry up */
		return;
	if (op >> 6 == 1)
		advance(run, low);
	else if (op >> 6 == 2)
		set(run, low, SAVED,
		    factored(run, (int64_t)mdi_cfi_uleb(bytes)));
	else if (op >> 6 == 3)
		restore(run, low);
	else
		run_other(run, op);
}

/*
 * As far as the instruction. A step beyond it ends the loop before any rule
 * that comes behind the step.
 */
static bool run_program(struct run *run, struct mdi_cfi_bytes *bytes)
{
	run->bytes = bytes;
	while (bytes->at < bytes->end && run->location <= run->pc &&
	       !run->bad && !bytes->bad)
		run_one(run);
	return !run->bad && !bytes->bad;
}

/* Of a row that has only been begun: most of it says nothing. */
static void copy_rules(struct row *to, const struct row *from)
{
	to->said = from->said;
	for (uint32_t left = from->said; left != 0; left &= left - 1) {
		unsigned number = (unsigned)__builtin_ctz(left);

		to->reg[number] = from->reg[number];
	}
}

static bool find_row(const struct mdi_cfi *cfi, struct mdi_cfi_entry *entry,
		     uintptr_t pc, struct run *run)
{
	run->cfi = cfi;
	run->entry = entry;
	run->pc = pc;
	run->location = entry->start;
	run->row.said = 0;
	run->row.cfa = (struct rule){.how = UNDEFINED};
	run->initial.said = 0;
	run->depth = 0;
	run->bad = false;
	if (!run_program(run, &entry->common))
		return false;
	copy_rules(&run->initial, &run->row);
	return run_program(run, &entry->own);
}

/* --- the caller's registers --- */

struct step {
	const struct mdi_cfi *cfi;
	mdi_cfi_read *read;
	const void *arg;
	const struct mdi_cfi_frame *frame;
	uintptr_t cfa;
};

static enum mdi_cfi_result evaluate(const struct step *step,
				    const struct rule *rule,
				    const uintptr_t *first, uintptr_t *value)
{
	struct mdi_cfi_bytes bytes;

	mdi_cfi_bytes(&bytes, step->cfi, rule->from,
		      rule->from + rule->length);
	return mdi_cfi_expression(&bytes, step->read, step->arg, step->frame,
				  first, value);
}

static enum mdi_cfi_result find_cfa(struct step *step, const struct rule *rule)
{
	if (rule->how == VALUE)
		return evaluate(step, rule, NULL, &step->cfa);
	if (rule->how != OFFSET || rule->reg >= MDI_CFI_REGISTERS)
		return MDI_CFI_DAMAGED;
	if (!(step->frame->known & 1u << rule->reg))
		return MDI_CFI_LOST;
	step->cfa = step->frame->reg[rule->reg] + (uintptr_t)rule->offset;
	return MDI_CFI_CALLER;
}

static enum mdi_cfi_result load(const struct step *step, uintptr_t at,
				uintptr_t *value)
{
	return step->read(step->arg, at, value, sizeof(*value)) ? MDI_CFI_CALLER
								: MDI_CFI_STACK;
}

/* One register of the caller's; MDI_CFI_LOST: nobody has kept it. */
static enum mdi_cfi_result find_register(const struct step *step,
					 const struct rule *rule,
					 unsigned number, uintptr_t *value)
{
	enum mdi_cfi_result result;
	unsigned from = number;

	switch (rule->how) {
	case SAVED:
		return load(step, step->cfa + (uintptr_t)rule->offset, value);
	case OFFSET:
		*value = step->cfa + (uintptr_t)rule->offset;
		return MDI_CFI_CALLER;
	case SAVED_AT:
		result = evaluate(step, rule, &step->cfa, value);
		return result == MDI_CFI_CALLER ? load(step, *value, value)
						: result;
	case VALUE:
		return evaluate(step, rule, &step->cfa, value);
	case UNDEFINED:
		return MDI_CFI_LOST;
	case REGISTER:
		from = rule->reg;
		break;
	case SAME:
		break;
	}
	if (from >= MDI_CFI_REGISTERS || !(step->frame->known & 1u << from))
		return MDI_CFI_LOST;
	*value = step->frame->reg[from];
	return MDI_CFI_CALLER;
}

/* Of what nothing is said, a function keeps what the ABI has it keep. */
static void keep(const struct step *step, struct mdi_cfi_frame *caller)
{
	*caller = *step->frame;
	caller->known &= KEPT;
	caller->reg[MDI_CFI_SP] = step->cfa;
	caller->known |= 1u << MDI_CFI_SP;
}

static enum mdi_cfi_result find_caller(struct step *step, const struct row *row,
				       struct mdi_cfi_frame *caller)
{
	enum mdi_cfi_result result = find_cfa(step, &row->cfa);

	if (result != MDI_CFI_CALLER)
		return result;
	if (row->said & 1u << RA && row->reg[RA].how == UNDEFINED)
		return MDI_CFI_OUTERMOST;
	keep(step, caller);
	for (uint32_t left = row->said; left != 0; left &= left - 1) {
		unsigned number = (unsigned)__builtin_ctz(left);

		result = find_register(step, &row->reg[number], number,
				       &caller->reg[number]);
		if (result == MDI_CFI_CALLER)
			caller->known |= 1u << number;
		else if (result == MDI_CFI_LOST)
			caller->known &= ~(1u << number);
		else
			return result;
	}
	if (!(caller->known & 1u << RA) || !(caller->known & 1u << MDI_CFI_SP))
		return MDI_CFI_LOST;
	return caller->reg[RA] == 0 ? MDI_CFI_OUTERMOST : MDI_CFI_CALLER;
}

enum mdi_cfi_result mdi_cfi_step(const struct mdi_cfi *cfi, mdi_cfi_read *read,
				 const void *arg, struct mdi_cfi_frame *frame)
{
	uintptr_t pc = frame->reg[RA] - (frame->exact ? 0 : 1);
	struct step step = {cfi, read, arg, frame, 0};
	struct mdi_cfi_frame caller;
	enum mdi_cfi_result result;
	struct mdi_cfi_entry entry;
	struct run run;

	result = mdi_cfi_find(cfi, pc, &entry);
	if (result != MDI_CFI_CALLER)
		return result;
	if (!find_row(cfi, &entry, pc, &run))
		return MDI_CFI_DAMAGED;
	result = find_caller(&step, &run.row, &caller);
	if (result != MDI_CFI_CALLER)
		return result;
	/* Up it goes, or for ever; but a signal's stack can be anywhere. */
	if (!entry.signal_frame &&
	    caller.reg[MDI_CFI_SP] <= frame->reg[MDI_CFI_SP])
		return MDI_CFI_STACK;
	caller.exact = entry.signal_frame;
	*frame = caller;
	return MDI_CFI_CALLER;
}
