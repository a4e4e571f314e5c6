/* SPDX-License-Identifier: MIT */
/*
 * contract_gate_return - what a module does to its stack, or to the words on
 * it, does not decide where the host goes on.
 */
#include "contract/gate_calls.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <string.h>

static struct modiso_gate *damage_inner, *damage_outer;
static uintptr_t (*volatile damage_service)(uintptr_t, uintptr_t);
static int damage_code;

/* A gate call that may end either way, but ends, with a host that is whole. */
static int call_damaged(struct modiso_gate *gate, uintptr_t a, uintptr_t b)
{
	struct cpu_seen before, seen;
	const char *wrong;
	int code;

	state_gate = gate;
	cpu_call(&before, (modiso_fn)host_function, 0, 0, 0, 0);
	code = (int)cpu_call(&seen, (modiso_fn)call_state_gate, a, b, 0, 0);
	wrong = cpu_is_host(&seen, &before);
	if (wrong)
		ck_abort_msg("%s", wrong);
	if (code != MODISO_OK && code != MODISO_ERR_FAULT)
		ck_abort_msg("gate call: %s", modiso_error_name(code));
	return code;
}

START_TEST(test_return_shifted)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *low = make_gate(module, poke_return_low);
	struct modiso_region *hosts = make_region(NULL, PAGE, "host's");
	uintptr_t shift, guarded = W(region_bytes(hosts));

	memset(region_bytes(hosts), 0x55, PAGE);
	for (shift = 8; shift <= 4096; shift += shift < 64 ? 8 : 488)
		call_damaged(low, shift, 0);
	for (shift = 8; shift <= 512; shift += 8)
		call_damaged(low, (uintptr_t)-shift, 0);
	/* Onto host memory: the way back neither writes nor needs it. */
	shift = enter(make_gate(module, poke_local), 0) - (guarded + PAGE / 2);
	call_damaged(low, shift, 0);
	call_damaged(low, shift + 8, 0);
	must(all_bytes(region_bytes(hosts), 0x55, PAGE));
	call_damaged(low, 1, 0);
	call_damaged(low, (uintptr_t)1 << 40, 0);
	call_damaged(low, (uintptr_t)1 << 62, 0);
	must_eq(enter(make_gate(module, all_ones), 1), 0);
}
END_TEST

START_TEST(test_return_elsewhere)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, poke_return_to);
	struct modiso_region *data = make_region(module, PAGE, "data");
	const struct modiso_fault *fault;

	fault = enter_fault(module, gate, W(poke_ud2));
	must_eq(fault->kind, MODISO_FAULT_ILLEGAL);
	must_eq(fault->pc, poke_ud2);
	fault = enter_fault(module, gate, 0);
	must_eq(fault->kind, MODISO_FAULT_UNMAPPED);
	must_eq(fault->pc, 0);
	fault = enter_fault(module, gate, W(region_bytes(data)));
	must_blame(fault, MODISO_EXEC, region_bytes(data), data);
	fault = enter_fault(module, gate, (uintptr_t)1 << 60);
	must_eq(fault->kind, MODISO_FAULT_PRIVILEGED);
	must_eq(enter(make_gate(module, all_ones), 1), 0);
}
END_TEST

START_TEST(test_return_slot_smashed)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, poke_smash);
	uintptr_t words;

	for (words = 1; words <= 32; words++) {
		enter_fault(module, gate, words, 0x4141414141414141ul);
		enter_fault(module, gate, words, 0);
		enter_fault(module, gate, words, W(poke_ud2));
	}
	/* All that there is of the stack, and further if it could. */
	enter_fault(module, gate, 1 << 20, 0x4141414141414141ul);
	must_eq(enter(make_gate(module, all_ones), 1), 0);
}
END_TEST

/*
 * The inner call of two smashes the whole stack, the outer call's frame and
 * all. Whatever becomes of the module's own frame, the host code in between
 * and the host code above find theirs.
 */
static uintptr_t damage_between(uintptr_t words, uintptr_t value)
{
	char mine[64];

	memset(mine, 'm', sizeof(mine));
	damage_code = modiso_gate_call(damage_inner, WORDS(words, value), NULL);
	return all_bytes(mine, 'm', sizeof(mine)) ? 12 : 13;
}

MODULE_CODE static uintptr_t damage_entry(uintptr_t words, uintptr_t value)
{
	volatile char frame[512];

	frame[0] = frame[511] = 1;
	return damage_service(words, value) + (uintptr_t)frame[0] - 1;
}

START_TEST(test_outer_frame_smashed)
{
	struct modiso_module *module = world_module();
	uintptr_t words, result;
	int code;

	damage_service = (uintptr_t(*)(uintptr_t, uintptr_t))make_service(
		"between", damage_between);
	damage_inner = make_gate(module, poke_smash);
	damage_outer = make_gate(module, damage_entry);
	for (words = 1; words < 300; words += 7) {
		damage_code = 0;
		result = 0;
		errno = ERRNO_MARK;
		code = modiso_gate_call(damage_outer, WORDS(words, 0), &result);
		must_eq(damage_code, MODISO_ERR_FAULT);
		if (code != MODISO_ERR_FAULT)
			expect_code(code, MODISO_OK, "gate call", __FILE__,
				    __LINE__);
	}
	call_damaged(damage_outer, 1 << 20, 0x4242424242424242ul);
	must_eq(damage_code, MODISO_ERR_FAULT);
	must_eq(enter(make_gate(module, all_ones), 1), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("gate_return");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_return_shifted);
	tcase_add_test(tcase, test_return_elsewhere);
	tcase_add_test(tcase, test_return_slot_smashed);
	tcase_add_test(tcase, test_outer_frame_smashed);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
