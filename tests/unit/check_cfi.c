/* SPDX-License-Identifier: MIT */
/*
 * check_cfi - from frame to frame, as the compiler's own unwinder goes; and
 * call-frame information that was damaged at every byte.
 */
#include "support/test.h"
#include "support/world.h"

#include "core/cfi.h"
#include "core/walk.h"

#include <stdlib.h>
#include <string.h>
#include <ucontext.h>
#include <unwind.h>

#define FRAMES 64

static uintptr_t want[FRAMES], got[FRAMES];
static size_t want_count, got_count;

static bool read_own(const void *arg, uintptr_t at, void *to, size_t length)
{
	(void)arg;
	memcpy(to, (const void *)at, length);
	return true;
}

/* On a stack that is as it should be, where nothing else is read. */
static bool read_stack(const void *arg, uintptr_t at, void *to, size_t length)
{
	const uintptr_t *stack = arg;

	return at >= stack[0] && at < stack[1] && stack[1] - at >= length &&
	       read_own(NULL, at, to, length);
}

static void begin_at(const ucontext_t *context, struct mdi_cfi_frame *frame)
{
	static const int places[MDI_CFI_REGISTERS] = {
		REG_RAX, REG_RDX, REG_RCX, REG_RBX, REG_RSI, REG_RDI,
		REG_RBP, REG_RSP, REG_R8,  REG_R9,  REG_R10, REG_R11,
		REG_R12, REG_R13, REG_R14, REG_R15, REG_RIP};

	for (size_t i = 0; i < MDI_CFI_REGISTERS; i++)
		frame->reg[i] =
			(uintptr_t)context->uc_mcontext.gregs[places[i]];
	frame->known = (1u << MDI_CFI_REGISTERS) - 1;
	frame->exact = true;
}

static enum mdi_cfi_result walk(struct mdi_cfi_frame *frame)
{
	enum mdi_cfi_result result = MDI_CFI_CALLER;
	struct mdi_cfi cfi;

	got_count = 0;
	while (result == MDI_CFI_CALLER && got_count < FRAMES) {
		got[got_count++] = frame->reg[MDI_CFI_PC];
		if (!mdi_walk_object(frame->reg[MDI_CFI_PC] - !frame->exact,
				       &cfi))
			return MDI_CFI_NONE;
		result = mdi_cfi_step(&cfi, read_own, NULL, frame);
	}
	return result;
}

static _Unwind_Reason_Code visit(struct _Unwind_Context *context, void *arg)
{
	(void)arg;
	if (want_count < FRAMES)
		want[want_count++] = _Unwind_GetIP(context);
	return _URC_NO_REASON;
}

/* Both from this function: from its caller on they must agree. */
static __attribute__((noinline)) void compare(void)
{
	struct mdi_cfi_frame frame;
	ucontext_t context;
	size_t last;

	want_count = 0;
	_Unwind_Backtrace(visit, NULL);
	must(!getcontext(&context));
	begin_at(&context, &frame);
	must_eq(walk(&frame), MDI_CFI_OUTERMOST);
	must(got_count > 3);
	/* The unwinder tells of an outermost frame 0 as well. */
	last = want_count - (want[want_count - 1] == 0);
	must_eq(got_count, last);
	for (size_t i = 1; i < got_count; i++)
		must_eq(got[i], want[i]);
}

START_TEST(test_plain)
{
	compare();
}
END_TEST

static int order(const void *a, const void *b)
{
	compare();
	return memcmp(a, b, 4);
}

START_TEST(test_callback)
{
	int numbers[2] = {2, 1};

	qsort(numbers, 2, sizeof(*numbers), order);
}
END_TEST

/* A frame whose address is an expression: the stack was aligned anew. */
static __attribute__((noinline)) void aligned(void)
{
	volatile char line[64] __attribute__((aligned(64)));
	volatile size_t size = 100;
	volatile char *more = __builtin_alloca(size);

	line[0] = more[0] = 1;
	compare();
	must(line[0] == more[0]);
}

START_TEST(test_aligned)
{
	aligned();
}
END_TEST

/* --- damaged --- */

static unsigned char *copy_of_code;
static struct mdi_cfi damaged;

/* A function's own object, all its pages that can be read, somewhere else. */
static void copy_object(uintptr_t pc)
{
	struct mdi_cfi cfi;

	must(mdi_walk_object(pc, &cfi));
	copy_of_code = calloc(1, cfi.end - cfi.base);
	must(copy_of_code);
	/* The table and what it leads to lie side by side in one segment. */
	memcpy(copy_of_code + (cfi.header - cfi.base),
	       (const void *)cfi.header, 4096);
	damaged = (struct mdi_cfi){
		.base = (uintptr_t)copy_of_code,
		.end = (uintptr_t)copy_of_code + (cfi.end - cfi.base),
		.header = (uintptr_t)copy_of_code + (cfi.header - cfi.base),
	};
}

/*
 * Whatever the bytes are, a step ends, with an answer, and nothing but the file
 * and the stack is read: those are two buffers here, in a process that would
 * not survive much else.
 */
START_TEST(test_damaged)
{
	uintptr_t stack[512], bounds[2] = {W(stack), W(stack + 512)};
	static unsigned answers[MDI_CFI_LOST + 1];
	struct mdi_cfi_frame frame;
	ucontext_t context;
	unsigned seed = 1;

	memset(stack, 0, sizeof(stack));
	must(!getcontext(&context));
	copy_object(W(compare));
	for (unsigned i = 0; i < 200000; i++) {
		size_t room = damaged.end - damaged.header;
		unsigned char *at =
			(unsigned char *)damaged.header +
			(size_t)rand_r(&seed) % (room < 4096 ? room : 4096);

		*at = (unsigned char)rand_r(&seed);
		begin_at(&context, &frame);
		frame.reg[MDI_CFI_SP] = W(stack + 16);
		frame.reg[6] = W(stack + 32);
		frame.reg[MDI_CFI_PC] =
			damaged.base +
			(size_t)rand_r(&seed) % (damaged.end - damaged.base);
		answers[mdi_cfi_step(&damaged, read_stack, bounds, &frame)]++;
	}
	must(answers[MDI_CFI_DAMAGED] + answers[MDI_CFI_NONE] > 100);
	free(copy_of_code);
}
END_TEST

/* One program of instructions after the other, at random, in a right entry. */
START_TEST(test_random_programs)
{
	unsigned char file[512];
	uintptr_t stack[512], bounds[2] = {W(stack), W(stack + 512)};
	struct mdi_cfi cfi = {W(file), W(file) + sizeof(file), W(file)};
	static unsigned answers[MDI_CFI_LOST + 1];
	static const unsigned char header[] = {1, 0x1b, 0x03, 0x3b};
	static const unsigned char common[] = {
		16, 0, 0, 0, 0, 0, 0, 0, 1, 'z', 'R', 0, 1, 0x78, 16, 1, 0x1b,
		0x0c, 7, 8};
	struct mdi_cfi_frame frame;
	ucontext_t context;
	unsigned seed = 7;

	for (size_t i = 0; i < 512; i++)
		stack[i] = W(stack + i);
	must(!getcontext(&context));
	for (unsigned round = 0; round < 200000; round++) {
		int32_t words[] = {60, 1, 0, 128};
		uint32_t entry[] = {120, 0, 0, 256};

		/* The header, with one entry of the table. */
		memset(file, 0, sizeof(file));
		memcpy(file, header, 4);
		memcpy(file + 4, words, sizeof(words));
		memcpy(file + 64, common, sizeof(common));
		/* The distance back to the common one, and the code: file. */
		entry[1] = 128 + 4 - 64;
		entry[2] = (uint32_t)-(128 + 8);
		memcpy(file + 128, entry, sizeof(entry));
		file[144] = 0; /* no augmentation */
		for (size_t i = 145; i < 128 + 124; i++)
			file[i] = (unsigned char)(rand_r(&seed) >> 7);
		begin_at(&context, &frame);
		frame.reg[MDI_CFI_SP] = W(stack + 16);
		frame.reg[6] = W(stack + 32);
		frame.reg[MDI_CFI_PC] = W(file) + (size_t)rand_r(&seed) % 256;
		answers[mdi_cfi_step(&cfi, read_stack, bounds, &frame)]++;
	}
	/* It comes to all of these: the programs do run. */
	must(answers[MDI_CFI_CALLER] > 10);
	must(answers[MDI_CFI_DAMAGED] > 10);
	must(answers[MDI_CFI_STACK] > 10);
	must(answers[MDI_CFI_LOST] > 10 || answers[MDI_CFI_OUTERMOST] > 10);
}
END_TEST

/* --- long --- */

static void put(unsigned char **to, uint64_t number, size_t size)
{
	memcpy(*to, &number, size);
	*to += size;
}

/* One step by an entry with so many bytes that say nothing. */
static enum mdi_cfi_result step_by(uint32_t nothing)
{
	static const unsigned char header[] = {1, 0xff, 0x03, 0x3b};
	static const unsigned char common[] = {
		1, 0, 1, 0x78, 16, 0x0c, 7, 8, 0x90, 1, 0, 0,
	};
	const uintptr_t stack[2] = {0x1234, 0};
	unsigned char *object = calloc(1, nothing + 256), *to = object;
	struct mdi_cfi cfi = {W(object), W(object) + nothing + 256, W(object)};
	struct mdi_cfi_frame frame = {.exact = true};
	enum mdi_cfi_result result;

	memcpy(to, header, sizeof(header));
	to += sizeof(header);
	put(&to, 1, 4);
	put(&to, 0, 4); /* the function begins where the header does */
	put(&to, 36, 4);
	put(&to, 4 + sizeof(common), 4);
	put(&to, 0, 4);
	memcpy(to, common, sizeof(common));
	to += sizeof(common);
	must_eq(to - object, 36);
	put(&to, 20 + nothing, 4);
	put(&to, 24, 4);
	put(&to, W(object), 8);
	put(&to, 100, 8);
	frame.reg[MDI_CFI_PC] = W(object) + 50;
	frame.reg[MDI_CFI_SP] = W(stack);
	frame.known = 1u << MDI_CFI_PC | 1u << MDI_CFI_SP;
	result = mdi_cfi_step(&cfi, read_own, NULL, &frame);
	if (result == MDI_CFI_CALLER)
		must_eq(frame.reg[MDI_CFI_PC], 0x1234);
	free(object);
	return result;
}

/* An image says how long its entries are, and the host walks. */
START_TEST(test_long)
{
	must_eq(step_by(100000), MDI_CFI_CALLER);
	must_eq(step_by(300000), MDI_CFI_DAMAGED);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("cfi");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_plain);
	tcase_add_test(tcase, test_callback);
	tcase_add_test(tcase, test_aligned);
	tcase_add_test(tcase, test_damaged);
	tcase_add_test(tcase, test_random_programs);
	tcase_add_test(tcase, test_long);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
