/* SPDX-License-Identifier: MIT */
/*
 * check_trap - the order of the questions that a trap is asked: traps that no
 * CPU has raised, and what is tried for each, one after the other.
 */
#include "support/test.h"
#include "support/world.h"

#include "core/region.h"
#include "core/trap.h"

#include <string.h>

static struct mdi_domain domain;
static struct modiso_region writable = {.access = RW};

struct sample {
	const char *name;
	struct mdi_trap trap;
	/* All verdicts, in order; the last one is MDI_PASS. */
	enum mdi_verdict verdicts[6];
};

#define RAISED .event.raised = true, .attached = true
#define MODULE RAISED, .domain = &domain
#define SEGV   .event.kind = MDI_EVENT_PROTECTED
#define DOOR(what)                                                             \
	.event.kind = MDI_EVENT_ILLEGAL, .where = MDI_AT_DOOR, .door = (what)

static const struct sample samples[] = {
	{"sent", {.event.kind = MDI_EVENT_PROTECTED}, {MDI_PASS}},
	{"sent into a filter", {.in_filter = true}, {MDI_PASS}},
	{"in a filter",
	 {MODULE, SEGV, .in_filter = true, .allowed = true},
	 {MDI_FILTER_FAULT, MDI_TRY_AGAIN, MDI_FAULT, MDI_FAULT_ORPHAN,
	  MDI_PASS}},
	{"no frame for a gate",
	 {RAISED, SEGV, .where = MDI_AT_GATE, .no_frame = true},
	 {MDI_TOO_DEEP, MDI_PASS}},
	{"a way out that is to be mended",
	 {MODULE, SEGV, .where = MDI_AT_GATE, .mends = true},
	 {MDI_MEND, MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"a way out that is told of the module's arithmetic",
	 {RAISED, .event.kind = MDI_EVENT_ARITHMETIC, .late = true,
	  .mends = true},
	 {MDI_MEND, MDI_PASS}},
	{"a way out that is told of the host's",
	 {RAISED, .event.kind = MDI_EVENT_ARITHMETIC, .late = true},
	 {MDI_PASS}},
	{"a module makes a thread",
	 {MODULE, DOOR(MDI_DOOR_THREAD)},
	 {MDI_MAKE_THREAD, MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"a jump at home",
	 {MODULE, DOOR(MODISO_FAULT_JUMP), .stays = true},
	 {MDI_GO_ON, MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"a jump to the host's stack",
	 {MODULE, DOOR(MODISO_FAULT_JUMP)},
	 {MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"a jump without a gate",
	 {.event.raised = true, .domain = &domain, DOOR(MODISO_FAULT_JUMP)},
	 {MDI_GO_ON, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"the thread ends",
	 {MODULE, DOOR(MODISO_FAULT_EXCEPTION), .exception = &domain},
	 {MDI_END_THREAD, MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"an exception",
	 {MODULE, DOOR(MODISO_FAULT_EXCEPTION)},
	 {MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"rights on their way",
	 {MODULE, SEGV, .access = MODISO_READ, .place.at = &writable,
	  .allowed = true},
	 {MDI_TRY_AGAIN, MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"a walk at the gate",
	 {MODULE, SEGV, .access = MODISO_READ, .walks = true},
	 {MDI_WALK_ENDS, MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"host code as the module",
	 {MODULE, SEGV, .access = MODISO_READ, .left = true},
	 {MDI_LEFT, MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"what a permissive module may do once",
	 {MODULE, SEGV, .access = MODISO_WRITE, .place.at = &writable,
	  .permits = true},
	 {MDI_PERMIT, MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"the same of its own thread",
	 {.event.raised = true, .domain = &domain, SEGV, .access = MODISO_READ,
	  .permits = true},
	 {MDI_PERMIT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"a system call that a policy answers",
	 {MODULE, .event.kind = MDI_EVENT_CALL, .where = MDI_AT_MODULE,
	  .armed = true, .answers = true},
	 {MDI_ANSWER, MDI_FAULT, MDI_FAULT_ORPHAN, MDI_CALL_AGAIN, MDI_PASS}},
	{"a system call that somebody else has stopped",
	 {RAISED, .event.kind = MDI_EVENT_CALL, .where = MDI_AT_HOST},
	 {MDI_PASS}},
	{"the module's fault",
	 {MODULE, SEGV, .access = MODISO_WRITE, .place.at = &writable},
	 {MDI_FAULT, MDI_FAULT_ORPHAN, MDI_PASS}},
	{"the fault of a module's own thread",
	 {.event.raised = true, .domain = &domain, SEGV, .access = MODISO_READ},
	 {MDI_FAULT_ORPHAN, MDI_PASS}},
	{"the host reads what is closed",
	 {RAISED, SEGV, .access = MODISO_READ, .place.at = &writable},
	 {MDI_OPEN, MDI_PASS}},
	{"the host executes what is data",
	 {RAISED, SEGV, .access = MODISO_EXEC, .place.at = &writable},
	 {MDI_PASS}},
	{"the host, somewhere",
	 {RAISED, SEGV, .access = MODISO_READ},
	 {MDI_OPEN, MDI_PASS}},
	{"a copy of what is closed",
	 {RAISED, SEGV, .access = MODISO_READ, .place.at = &writable,
	  .where = MDI_AT_COPY},
	 {MDI_OPEN, MDI_COPY_FAILS, MDI_PASS}},
	{"a copy of a truncated file",
	 {RAISED, .event.kind = MDI_EVENT_VOID, .access = MODISO_READ,
	  .where = MDI_AT_COPY},
	 {MDI_COPY_FAILS, MDI_PASS}},
	{"a service, at what it was handed",
	 {RAISED, SEGV, .access = MODISO_READ, .handed = true},
	 {MDI_OPEN, MDI_FAULT_HANDED, MDI_PASS}},
	{"a service, at no address",
	 {RAISED, .event.kind = MDI_EVENT_PRIVILEGED, .handed = true},
	 {MDI_FAULT_HANDED, MDI_PASS}},
	{"a signal that is sent to a service",
	 {.event.kind = MDI_EVENT_PROTECTED, .handed = true},
	 {MDI_PASS}},
	{"the host divides by zero", {RAISED, .event.kind = MDI_EVENT_ARITHMETIC}, {MDI_PASS}},
};

#define SAMPLES ((int)(sizeof(samples) / sizeof(*samples)))

START_TEST(test_order)
{
	const struct sample *sample = &samples[_i];
	enum mdi_verdict verdict;
	unsigned row = 0, i = 0;

	do {
		verdict = mdi_trap_verdict(&sample->trap, &row);
		if (verdict != sample->verdicts[i])
			ck_abort_msg("%s: verdict %u is %d, not %d",
				     sample->name, i, verdict,
				     sample->verdicts[i]);
		i++;
	} while (verdict != MDI_PASS);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("trap");
	TCase *tcase = tcase_create("unit");

	tcase_add_loop_test(tcase, test_order, 0, SAMPLES);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
