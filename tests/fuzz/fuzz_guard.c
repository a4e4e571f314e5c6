/* SPDX-License-Identifier: MIT */
/*
 * Programs that contract/contract_guard_fuzz has a module run. What the CPU
 * makes of them after their first instructions is not known to anybody; what
 * it must not come to is checked over there.
 */
#include "fuzz/fuzz_guard.h"

#include <string.h>

struct writer {
	uint64_t state;
	uint8_t *to;
	size_t at, room;
};

/* SplitMix64 (Steele, Lea and Flood, 2014). */
static uint64_t next(struct writer *writer)
{
	uint64_t word = writer->state += 0x9e3779b97f4a7c15u;

	word = (word ^ word >> 30) * 0xbf58476d1ce4e5b9u;
	word = (word ^ word >> 27) * 0x94d049bb133111ebu;
	return word ^ word >> 31;
}

static unsigned below(struct writer *writer, size_t limit)
{
	return (unsigned)(next(writer) % limit);
}

static void put(struct writer *writer, const void *bytes, size_t length)
{
	if (length > writer->room - writer->at)
		return;
	memcpy(writer->to + writer->at, bytes, length);
	writer->at += length;
}

/* What somebody who wants out puts into a register. */
static uint64_t value(struct writer *writer, const struct fuzz_targets *targets)
{
	switch (below(writer, 6)) {
	case 0:
		return targets->code[below(writer, targets->code_count)];
	case 1:
	case 2:
		return targets->data[below(writer, targets->data_count)];
	case 3:
		return 0;
	case 4: /* the numbers of system calls, the mask of XRSTOR */
		return below(writer, 2) ? below(writer, 470) : 0x200;
	default:
		return next(writer);
	}
}

/* mov $value, %register; not the stack pointer, most of the time. */
static void load(struct writer *writer, unsigned number, uint64_t word)
{
	uint8_t code[10] = {(uint8_t)(0x48 | number >> 3),
			    (uint8_t)(0xb8 | (number & 7))};

	if (number == 4 && below(writer, 4))
		return;
	memcpy(code + 2, &word, sizeof(word));
	put(writer, code, sizeof(code));
}

static void load_registers(struct writer *writer,
			   const struct fuzz_targets *targets)
{
	for (unsigned number = 0; number < 16; number++)
		if (below(writer, 3))
			load(writer, number, value(writer, targets));
}

/* As an instruction that writes rights wants them; rcx and rdx are 0. */
static void load_rights(struct writer *writer,
			const struct fuzz_targets *targets)
{
	static const uint8_t nothing[] = {0x31, 0xc9, 0x31, 0xd2};

	load(writer, 0, targets->rights[below(writer, targets->rights_count)]);
	put(writer, nothing, sizeof(nothing));
}

/* Of DF, AC, TF and RF each one or not: onto the stack. */
static void push_flags(struct writer *writer)
{
	static const uint32_t bits[] = {0x400, 0x40000, 0x100, 0x10000};
	uint32_t flags = 0x202;
	uint8_t code[5] = {0x68};

	for (size_t i = 0; i < sizeof(bits) / sizeof(*bits); i++)
		if (below(writer, 2))
			flags |= bits[i];
	memcpy(code + 1, &flags, sizeof(flags));
	put(writer, code, sizeof(code));
}

/* By a jump, a call, or a return; or by one that loads flags, a trap's too. */
static void leave(struct writer *writer, const struct fuzz_targets *targets)
{
	static const uint8_t ways[3][3] = {
		{0x41, 0xff, 0xe3}, /* jmp *%r11 */
		{0x41, 0xff, 0xd3}, /* call *%r11 */
		{0x41, 0x53, 0xc3}, /* push %r11; ret */
	};
	static const uint8_t stack[] = {0x6a, 0x2b, 0x54}; /* SS, RSP */
	/* CS; push %r11; iretq */
	static const uint8_t iretq[] = {0x6a, 0x33, 0x41, 0x53, 0x48, 0xcf};
	uintptr_t at = targets->code[below(writer, targets->code_count)];

	/* In the middle of instructions there are far returns as well. */
	if (!targets->near_only && below(writer, 4) == 0)
		at += below(writer, 32);
	load(writer, 11, at);
	if (below(writer, 2))
		load_rights(writer, targets);
	if (targets->near_only || below(writer, 2)) {
		put(writer, ways[below(writer, 3)], 3);
		return;
	}
	put(writer, stack, sizeof(stack));
	push_flags(writer);
	put(writer, iretq, sizeof(iretq));
}

/* Null into a selector makes its base 0, on most CPUs. */
static void clear_bases(struct writer *writer)
{
	static const uint8_t nothing[] = {0x31, 0xc0}, /* xor %eax, %eax */
		gs[] = {0x8e, 0xe8}, fs[] = {0x8e, 0xe0};
	unsigned which = below(writer, 8);

	if (which > 2)
		return;
	put(writer, nothing, sizeof(nothing));
	if (which != 0)
		put(writer, gs, sizeof(gs));
	if (which != 1)
		put(writer, fs, sizeof(fs));
}

static void noise(struct writer *writer, size_t length)
{
	for (; length >= 8; length -= 8) {
		uint64_t word = next(writer);

		put(writer, &word, sizeof(word));
	}
}

/*
 * Of the noise from @from on: ca, cb, cf return far, and so do calls and jumps
 * that ff begins. What stands before it is meant so: an address with another
 * byte in it leads anywhere.
 */
static void make_near(struct writer *writer, size_t from)
{
	for (size_t i = from; i < writer->at; i++) {
		uint8_t *byte = writer->to + i;

		if (*byte == 0xca || *byte == 0xcb || *byte == 0xcf ||
		    (*byte == 0xff && i + 1 < writer->at &&
		     (byte[1] & 0x28) == 0x28) ||
		    (*byte == 0xff && i + 1 < writer->at &&
		     (byte[1] & 0x38) == 0x18))
			*byte = 0x90;
	}
}

size_t fuzz_guard_program(uint64_t seed, const struct fuzz_targets *targets,
			  uint8_t *to, size_t room)
{
	struct writer writer = {.state = seed, .to = to, .room = room};
	unsigned kind = below(&writer, 3);
	size_t planned;

	if (kind != 0) {
		clear_bases(&writer);
		load_registers(&writer, targets);
	}
	if (kind == 2)
		leave(&writer, targets);
	planned = writer.at;
	noise(&writer, 64 + below(&writer, 128));
	if (targets->near_only)
		make_near(&writer, planned);
	return writer.at;
}
