/* SPDX-License-Identifier: MIT */
/*
 * contract_limit_jump - a module jumps into a gate, to bytes that lead to
 * themselves, mostly in the middle of an instruction: its time limit ends that
 * as well, at each such place. And it traps again and again where it goes on.
 */
#include "support/poke.h"
#include "support/world.h"

#include "arch/x86_64/frame.h"
#include "core/limit.h"
#include "core/thread.h"

#include <stdio.h>
#include <string.h>

#define LIMIT_MS 1u

/* In a module's page: what it loads, and what it jumps by. */
struct poked {
	uint64_t registers[16];
	uint64_t word;
};

static struct poked *poked;

/* In the order of poke_jump_with(), by their numbers in instructions. */
static const unsigned char place_of[16] = {
	0, 2, 3, 1, 7, 6, 4, 5, 8, 9, 10, 11, 12, 13, 14, 15,
};
#define JUMPS_BY 11 /* and is as it was then */
#define RSP      4
#define RIP      5

static void set(unsigned number, uint64_t value)
{
	poked->registers[place_of[number]] = value;
}

/* jmp *number, or jmp *displacement(number), at the byte behind a prefix. */
static bool set_to_loop(const unsigned char *code, unsigned prefix,
			uintptr_t pc)
{
	unsigned mode = code[1] >> 6, kind = code[1] >> 3 & 7;
	unsigned number = (code[1] & 7) | prefix << 3;
	int32_t far = 0;

	if (code[0] != 0xff || kind != 4 || (number & 7) == RSP)
		return false;
	if (mode == 3) {
		set(number, pc);
		return true;
	}
	if (number == JUMPS_BY || (mode == 0 && (number & 7) == RIP))
		return false;
	if (mode == 1)
		far = (int8_t)code[2];
	if (mode == 2)
		memcpy(&far, code + 2, sizeof(far));
	set(number, (uintptr_t)&poked->word - (uintptr_t)(intptr_t)far);
	return true;
}

static bool loops(const unsigned char *code)
{
	uintptr_t pc = (uintptr_t)code;

	memset(poked, 0, sizeof(*poked));
	poked->registers[JUMPS_BY] = pc;
	poked->word = pc;
	if (code[0] == 0xeb && code[1] == 0xfe)
		return true;
	return code[0] == 0x41 ? set_to_loop(code + 1, 1, pc) :
				 set_to_loop(code, 0, pc);
}

/* One of a table is enough. */
static bool is_another_thunk(const unsigned char *code)
{
	return (uintptr_t)code - (uintptr_t)__start_mdi_gate_text >
		       MDI_THUNK_SIZE &&
	       memcmp(code, code - MDI_THUNK_SIZE, 4) == 0;
}

START_TEST(test_each)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.time_limit_ms = LIMIT_MS,
	};
	const unsigned char *code = (const void *)__start_mdi_gate_text;
	const uintptr_t end = (uintptr_t)__stop_mdi_gate_text;
	const struct modiso_fault *fault;
	struct modiso_module *module;
	struct modiso_region *hosts;
	struct modiso_gate *jump;
	unsigned found = 0;

	world_start();
	expect(MODISO_OK, modiso_module_create("jumps", &options, &module));
	poked = (void *)region_bytes(make_region(module, PAGE, "poked"));
	hosts = make_region(NULL, PAGE, "hosts");
	jump = make_gate(module, poke_jump_with);
	for (; (uintptr_t)code + 8 < end; code++) {
		if (is_another_thunk(code) || !loops(code))
			continue;
		fault = enter_fault(module, jump, W(poked->registers));
		must_eq(fault->kind, MODISO_FAULT_TIMEOUT);
		must_eq(fault->pc, (uintptr_t)code);
		region_bytes(hosts)[0]++;
		found++;
	}
	printf("# %u places\n", found);
	must(found >= 4);
	must_eq(region_bytes(hosts)[0], (unsigned char)found);
}
END_TEST

/* --- traps that a module goes on behind --- */

/* The jump stays off the stack of the gate's caller, as far as it is told. */
__attribute__((naked)) static uintptr_t jump_on(void)
{
	__asm__("1:\tcall mdi_door_open_jump\n\tjmp 1b");
}

/* As a walk of its own stack does, at the frame that is named above it. */
__attribute__((naked)) static uintptr_t walk_on(void)
{
	__asm__("mov 8(%rsp), %rax\n"
		"1:\tmov 48(%rax), %rcx\n\tjmp 1b");
}

static struct modiso_module *limited(uint32_t limit)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.time_limit_ms = limit,
	};
	struct modiso_module *module;

	if (on_pkey()) {
		options.confinement = MODISO_CONFINE_SEALED;
		options.syscalls = MODISO_SYSCALLS_NONE;
	}
	expect(MODISO_OK, modiso_module_create("goes on", &options, &module));
	return module;
}

/* A module that is in handlers nearly all the time. */
START_TEST(test_goes_on)
{
	const uintptr_t near = W(__builtin_frame_address(0)) - (16 << 20);
	struct modiso_module *module;

	world_start();
	module = limited(20);
	must_eq(enter_fault(module, make_gate(module, jump_on), near)->kind,
		MODISO_FAULT_TIMEOUT);
	if (on_pkey())
		must_eq(enter_fault(module, make_gate(module, walk_on))->kind,
			MODISO_FAULT_TIMEOUT);
}
END_TEST

static unsigned asked;

/* The ticking thread's calls come in the handler of a fault, and there alone */
static enum modiso_verdict call_here(const struct modiso_fault *fault,
				     void *arg)
{
	struct mdi_thread *thread = mdi_thread_self();
	struct mdi_limit *limit = &thread->limit;

	(void)arg;
	if (fault->kind == MODISO_FAULT_TIMEOUT)
		return MODISO_VERDICT_END;
	switch (asked++) {
	case 0:
		mdi_limit_want(thread, MDI_LIMIT_KNOW);
		return MODISO_VERDICT_RETRY;
	case 1:
		/* So much that the C library's code, too, would be ended. */
		limit->calls[0].used_ns = UINT64_MAX;
		mdi_limit_want(thread, limit->calls[0].number);
		return limit->known == 1 ? MODISO_VERDICT_RETRY
					 : MODISO_VERDICT_END;
	default:
		return MODISO_VERDICT_END;
	}
}

START_TEST(test_called_in_handler)
{
	struct modiso_module *module;

	world_start();
	module = limited(100000000); /* nobody else calls it */
	expect(MODISO_OK, modiso_fault_notify(module, call_here, NULL, NULL));
	must_eq(enter_fault(module, make_gate(module, poke_ud2))->kind,
		MODISO_FAULT_TIMEOUT);
	must_eq(asked, 2);
	must_eq(mdi_thread_self()->limit.wants, MDI_LIMIT_NOTHING);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("limit_jump");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_each);
	tcase_add_test(tcase, test_goes_on);
	tcase_add_test(tcase, test_called_in_handler);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
