/* SPDX-License-Identifier: MIT */
/*
 * check_gate_slot - a slot is looked at behind every instruction that fills or
 * retires it: whoever jumps through it just then finds a whole gate or none.
 */
#include "support/test.h"
#include "support/trap_flag.h"
#include "support/world.h"

#include "arch/x86_64/frame.h"
#include "core/gate.h"

#include <signal.h>
#include <string.h>

static struct mdi_gate_slot slot;
static struct mdi_gate_slot gate;
static volatile unsigned dead, whole, torn;

static void here(void)
{
}

static void there(void)
{
}

static void way_in(void)
{
}

/* All that a gate goes by, once it is reached. */
static bool is_whole(void)
{
	return slot.domain == gate.domain && slot.entry == gate.entry &&
	       slot.value == gate.value && slot.words == gate.words &&
	       slot.floats == gate.floats && slot.next == gate.next &&
	       slot.link == gate.link;
}

/* Where a thunk that jumps now comes to; from mdi_gate_valued() on to inner. */
static void look(int signo)
{
	bool through = slot.enter != mdi_gate_dead &&
		       slot.enter != mdi_gate_valued;
	bool behind = slot.inner != mdi_gate_dead;

	(void)signo;
	if (!through && !behind)
		dead++;
	else if (is_whole() && (!through || behind))
		whole++;
	else
		torn++;
}

static void begin(uint64_t old_value, uint64_t value)
{
	struct sigaction action = {.sa_handler = look};

	must(!sigaction(SIGTRAP, &action, NULL));
	gate = (struct mdi_gate_slot){
		.enter = value != 0 ? mdi_gate_valued : way_in,
		.domain = (void *)0x2000,
		.entry = there,
		.value = value,
		.inner = way_in,
		.words = 3,
		.floats = 4,
		.next = there,
		.link = 32,
	};
	/* What the gate before has left. */
	slot = (struct mdi_gate_slot){
		.enter = old_value != 0 ? mdi_gate_valued : mdi_gate_dead,
		.domain = (void *)0x1000,
		.entry = here,
		.value = old_value,
		.inner = mdi_gate_dead,
		.words = 1,
		.floats = 2,
		.next = here,
		.link = 16,
	};
}

START_TEST(test_fill)
{
	begin(_i & 1 ? 7 : 0, _i & 2 ? 9 : 0);
	trap_flag_set();
	mdi_gate_slot_fill(&slot, &gate);
	trap_flag_clear();
	must(dead != 0 && whole != 0);
	must_eq(torn, 0);
	must(!memcmp(&slot, &gate, sizeof(slot)));
}
END_TEST

START_TEST(test_retire)
{
	begin(0, _i ? 9 : 0);
	slot = gate;
	trap_flag_set();
	mdi_gate_slot_retire(&slot);
	trap_flag_clear();
	must(dead != 0 && whole != 0);
	must_eq(torn, 0);
	must(slot.enter == (_i ? mdi_gate_valued : mdi_gate_dead));
	must(slot.inner == mdi_gate_dead);
	must(is_whole());
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("gate_slot");
	TCase *tcase = tcase_create("unit");

	tcase_add_loop_test(tcase, test_fill, 0, 4);
	tcase_add_loop_test(tcase, test_retire, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
