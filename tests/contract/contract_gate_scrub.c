/* SPDX-License-Identifier: MIT */
/*
 * contract_gate_scrub - a scrubbed gate shows a module no register of the host
 * but its arguments.
 */
#include "contract/gate_calls.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include "arch/arch.h"
#include "arch/cpu.h"

#include <string.h>

/* A register that the entry finds: nothing, its argument, its own address. */
static void check_register(uintptr_t word, int index, const void *entry)
{
	enum { RDI = 5, RSP = 7 };

	if (word == POKE_SECRET || (uint32_t)word == (uint32_t)POKE_SECRET)
		ck_abort_msg("register %d holds the host's secret", index);
	if (index != RDI && index != RSP && word && word != W(entry))
		ck_abort_msg("register %d is %#llx", index,
				     (unsigned long long)word);
}

START_TEST(test_scrub)
{
	static const void *const entries[] = {
		poke_registers_xmm, poke_registers_ymm, poke_registers_zmm};
	struct modiso_gate_options options = {SIZED, .flags = MODISO_GATE_SCRUB,
					      .word_args = 1, .float_args = 0};
	struct modiso_module *module = world_module();
	struct poke_registers *seen;
	struct modiso_gate *gate;
	modiso_fn thunk;
	int i, round;

	seen = modiso_region_base(make_region(module, sizeof(*seen), "seen"));
	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)W(entries[_i]),
					     &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	for (round = 0; round < 3; round++) {
		memset(seen, 0, sizeof(*seen));
		cpu_call_secret(thunk, W(seen), (enum cpu_vectors)_i);
		must_eq(modiso_gate_status(), MODISO_OK);
		must_eq(seen->word[5], seen);
		for (i = 0; i < 16; i++)
			check_register(seen->word[i], i, entries[_i]);
		/* Vectors beyond the width that was stored are zero anyway. */
		must(all_bytes(seen->vector, 0, sizeof(seen->vector)));
		must(all_bytes(seen->mask, 0, sizeof(seen->mask)));
		must(all_bytes(seen->mmx, 0, sizeof(seen->mmx)));
	}
}
END_TEST

/* The test above can fail: without the gate the secret is there. */
START_TEST(test_scrub_control)
{
	struct poke_registers seen;
	uint64_t secret = POKE_SECRET;
	int i;

	world_start();
	memset(&seen, 0, sizeof(seen));
	cpu_call_secret((modiso_fn)poke_registers_xmm, W(&seen), CPU_XMM);
	for (i = 0; i < 16; i++) {
		if (i != 5 && i != 7)
			must_eq(seen.word[i], POKE_SECRET);
		must(!memcmp(seen.vector[i], &secret, sizeof(secret)));
	}
	for (i = 0; i < 8; i++)
		must_eq(seen.mmx[i], POKE_SECRET);
}
END_TEST

/* --- modes, and what the x87 notes --- */

static const double zero, one = 1;

/* The host's: rounding, flags, an operand of its own, in the x87's notes. */
static void divide(uint16_t control)
{
	__asm__ volatile("fninit\n\tfldcw %0\n\tfldl %1\n\tfdivl %2"
			 :
			 : "m"(control), "m"(one), "m"(zero));
}

static void x87_flags(void)
{
	divide(0xf7f);
}

static void x87_full(void)
{
	divide(0xf7f);
	__asm__ volatile("fnclex\n\tffree %%st(0)\n\tfincstp\n\t"
			 ".rept 8\n\tfld1\n\t.endr" ::: "memory");
}

/*
 * Not masked, and dropped before anything waits for it. New CPUs note the
 * operand of such exceptions alone.
 */
static void x87_unheard(void)
{
	divide(0x37b);
	__asm__ volatile("fnclex\n\tffree %%st(0)\n\tfincstp" ::: "memory");
}

START_TEST(test_scrub_modes)
{
	static void (*const before[])(void) = {x87_flags, x87_full,
						x87_unheard};
	struct modiso_gate_options options = {SIZED, .flags = MODISO_GATE_SCRUB,
					      .word_args = 1,
					      .float_args = _i / 3};
	struct modiso_module *module = world_module();
	struct poke_registers *seen;
	struct poke_x87 was;
	struct modiso_gate *gate;
	modiso_fn thunk;

	seen = modiso_region_base(make_region(module, sizeof(*seen), "seen"));
	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)poke_registers_xmm,
				  &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	before[_i % 3]();
	__builtin_ia32_ldmxcsr(0x7fbf);
	__asm__ volatile("fnstenv %0\n\tfldenv %0" : "=m"(was));
	((CALLED(uintptr_t, uintptr_t))thunk)(W(seen));
	must_eq(__builtin_ia32_stmxcsr(), 0x7fbf);
	__builtin_ia32_ldmxcsr(0x1f80);
	must_eq(modiso_gate_status(), MODISO_OK);
	must_eq(seen->mxcsr, 0x1f80);
	must_eq(seen->x87.control & 0xffff, 0x37f);
	must_eq(seen->x87.status & 0xffff, 0);
	must_eq(seen->x87.tags & 0xffff, 0xffff);
	/* Emulation's FXRSTOR leaves both as they are. */
	must(seen->x87.instruction != was.instruction || emulated());
	must(seen->x87.operand != (uint32_t)W(&zero) || emulated());
}
END_TEST

/* Without that flag too: an argument that was not given is zero. */
START_TEST(test_words_cleared)
{
	struct modiso_gate_options options = {SIZED, .word_args = 1};
	struct modiso_module *module = world_module();
	struct poke_registers *seen;
	struct modiso_gate *gate;
	int i;

	seen = modiso_region_base(make_region(module, sizeof(*seen), "seen"));
	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)poke_registers_xmm,
				  &options, &gate));
	memset(seen, 0xa5, sizeof(*seen));
	enter(gate, W(seen));
	must_eq(seen->word[3], 0); /* rdx */
	must_eq(seen->word[2], 0); /* rcx */
	must_eq(seen->word[4], 0); /* rsi */
	must_eq(seen->word[8], 0); /* r8 */
	must_eq(seen->word[9], 0); /* r9 */
	for (i = 0; i < 16; i++)
		must(seen->word[i] != 0xa5a5a5a5a5a5a5a5ul);
}
END_TEST

/* Arguments survive the scrubbing, all fourteen of them. */
START_TEST(test_scrub_keeps_arguments)
{
	struct modiso_gate_options options = {SIZED, .flags = MODISO_GATE_SCRUB,
					      .word_args = 6, .float_args = 8};
	struct modiso_module *module = world_module();
	struct modiso_gate *gate;
	modiso_fn thunk;

	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)mix, &options, &gate));
	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	ck_assert_double_eq(
		((CALLED(double, uintptr_t, double, uintptr_t, double,
			 uintptr_t, double, uintptr_t, double, uintptr_t,
			 double, uintptr_t, double, double, double))thunk)(
			1, 1.5, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 8),
		123456 + 1.5 * 2 * 3 * 4 * 5 * 6 * 7 * 8);
}
END_TEST

/* --- registers that few machines have --- */

static struct mdi_cpu *cpu(void)
{
	return (struct mdi_cpu *)(uintptr_t)mdi_cpu();
}

MODULE_CODE static uintptr_t serve(uintptr_t (*service)(void))
{
	return service != NULL ? service() : 7;
}

static int what, where;

/* As where they are: the instructions that clear them come next, or none. */
static MODISO_CALL uintptr_t pretend(void)
{
	mdi_arch_state.amx = what == 0;
	mdi_arch_state.apx = what == 1;
	mdi_arch_state.wide = true;
	return 7;
}

static void scrub(void *unused)
{
	struct modiso_gate_options options = {SIZED, .flags = MODISO_GATE_SCRUB,
					      .word_args = 1};
	struct modiso_module *module = world_module();
	struct modiso_gate *gate;
	modiso_fn service = make_service("pretend", pretend);

	(void)unused;
	cpu()->amx = true; /* not the gate for machines that have neither */
	expect(MODISO_OK, modiso_gate_create(module, (modiso_fn)serve, &options,
					     &gate));
	if (where == 0)
		pretend();
	must_eq(enter(gate, where ? W(service) : 0), 7);
}

/* On the way in, and when a service returns. */
START_TEST(test_wide)
{
	char text[16384]; /* a report, or none */
	bool there;

	what = _i % 3;
	where = _i / 3;
	there = what == 0 ? cpu()->amx : what == 1 ? cpu()->apx : true;
	must_eq(child_output(scrub, NULL, text, sizeof(text)) == 0, there);
}
END_TEST

/* What nobody knows to clear is not left there: nothing is sealed. */
START_TEST(test_unknown)
{
	struct modiso_gate_options options = {SIZED,
					      .flags = MODISO_GATE_SCRUB};
	struct modiso_module_options sealed = {
		.struct_size = sizeof(sealed),
		.confinement = MODISO_CONFINE_SEALED};
	struct modiso_options needs = {.struct_size = sizeof(needs),
				       .require = MODISO_CAP_SEALED};
	struct modiso_module *module, *other;
	struct modiso_gate *gate;

	cpu()->others = 1ull << 20;
	module = world_module();
	must_eq(modiso_gate_create(module, (modiso_fn)serve, &options, &gate),
		MODISO_ERR_NOTSUP);
	must(strstr(modiso_last_error_text(), "bit 20 of XCR0"));
	must_eq(modiso_module_create("sealed", &sealed, &other),
		MODISO_ERR_NOTSUP);
	if (on_pkey())
		must(strstr(modiso_last_error_text(), "bit 20 of XCR0"));
	must_eq(enter(make_gate(module, serve), 0), 7);
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
	must_eq(modiso_init(&needs), MODISO_ERR_NOTSUP);
	if (on_pkey())
		must(strstr(modiso_last_error_text(), "bit 20 of XCR0"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("gate_scrub");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_scrub, CPU_XMM, (int)cpu_vectors() + 1);
	tcase_add_test(tcase, test_scrub_control);
	tcase_add_loop_test(tcase, test_scrub_modes, 0, 6);
	tcase_add_test(tcase, test_words_cleared);
	tcase_add_test(tcase, test_scrub_keeps_arguments);
	tcase_add_loop_test(tcase, test_wide, 0, 6);
	tcase_add_test(tcase, test_unknown);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
