/* SPDX-License-Identifier: MIT */
/*
 * contract_service_sweep - a service leaves nothing of the host in the
 * registers of the module.
 */
#include "contract/service_caller.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <string.h>

typedef POKE (*after_fn)(struct poke_registers *, modiso_fn, uintptr_t);
static const after_fn after[] = {poke_after_xmm, poke_after_ymm,
				 poke_after_zmm};

/* Nothing but zeros, in what xmm0 does not carry. */
static void must_be_swept(const struct poke_registers *found)
{
	int i;

	for (i = 0; i < 16; i++)
		if (found->word[i] == POKE_SECRET ||
		    (uint32_t)found->word[i] == (uint32_t)POKE_SECRET)
			ck_abort_msg("register %d holds the host's secret", i);
	must(all_bytes(found->vector[0] + 8, 0, sizeof(found->vector) - 8));
	must(all_bytes(found->mask, 0, sizeof(found->mask)));
	must(all_bytes(found->mmx, 0, sizeof(found->mmx)));
	must_eq(found->x87.status & 0xffff, 0);
	must_eq(found->x87.tags & 0xffff, 0xffff);
}

/* @thunk leaves POKE_SECRET everywhere: what is in xmm0 when it is back? */
static uint64_t swept(struct modiso_gate *gate, modiso_fn thunk,
		      struct poke_registers *found, uintptr_t vectors)
{
	uint64_t low;

	memset(found, 0, sizeof(*found));
	enter(gate, W(found), W(thunk), vectors);
	must_eq(found->word[0], vectors + 1);
	must_be_swept(found);
	memcpy(&low, found->vector[0], sizeof(low));
	return low;
}

static void check_swept(struct modiso_module *caller, uint32_t flags,
			uintptr_t vectors)
{
	struct modiso_service_options float_result = {
		.struct_size = sizeof(float_result),
		.flags = MODISO_SERVICE_FLOAT};
	struct modiso_gate_options options = {
		.struct_size = sizeof(options), .flags = flags, .word_args = 3};
	struct poke_registers *at =
		modiso_region_base(make_region(caller, sizeof(*at), "seen"));
	modiso_fn word = make_service("word", poke_litter);
	struct modiso_service *made;
	struct modiso_gate *gate;

	expect(MODISO_OK, modiso_service_create("float", (modiso_fn)poke_litter,
						&float_result, &made));
	expect(MODISO_OK, modiso_gate_create(caller, (modiso_fn)after[vectors],
					     &options, &gate));
	must_eq(swept(gate, word, at, vectors), 0);
	must_eq(swept(gate, modiso_service_thunk(made), at, vectors),
		POKE_SECRET);
	must_eq(swept(gate, word, at, vectors), 0);
}

START_TEST(test_swept)
{
	check_swept(world_module(), MODISO_GATE_SCRUB, (uintptr_t)_i);
}
END_TEST

START_TEST(test_swept_sealed)
{
	struct modiso_module_options options = {.struct_size = sizeof(options),
						.confinement =
							MODISO_CONFINE_SEALED};
	struct modiso_module *sealed;

	world_start();
	expect(MODISO_OK, modiso_module_create("sealed", &options, &sealed));
	check_swept(sealed, 0, (uintptr_t)_i);
}
END_TEST

/* Links that threads have from before the module's first scrubbing gate. */
START_TEST(test_swept_late)
{
	struct modiso_module *late = world_module();

	must_eq(enter(make_gate(late, plain), 3), 3);
	check_swept(late, MODISO_GATE_SCRUB, CPU_XMM);
}
END_TEST

/* The tests above can fail: without the gate the secret is there. */
START_TEST(test_swept_control)
{
	struct poke_registers at;
	uint64_t secret = POKE_SECRET;
	int i;

	world_start();
	memset(&at, 0, sizeof(at));
	after[_i](&at, (modiso_fn)poke_litter, (uintptr_t)_i);
	for (i = 0; i < 16; i++)
		must(!memcmp(at.vector[i], &secret, sizeof(secret)));
	for (i = 0; i < 8; i++)
		must_eq(at.mmx[i], POKE_SECRET);
	must_eq(at.word[2], POKE_SECRET);
	must_eq(at.word[11], POKE_SECRET);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("service_sweep");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_swept, CPU_XMM, (int)cpu_vectors() + 1);
	if (on_pkey())
		tcase_add_loop_test(tcase, test_swept_sealed, CPU_XMM,
				    (int)cpu_vectors() + 1);
	tcase_add_test(tcase, test_swept_late);
	tcase_add_loop_test(tcase, test_swept_control, CPU_XMM,
			    (int)cpu_vectors() + 1);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
