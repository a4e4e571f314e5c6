/* SPDX-License-Identifier: MIT */
/*
 * check_context - floating-point state in saved contexts of each form: with an
 * XSAVE area, as FXSAVE leaves it on CPUs that have no other, and with none.
 */
#include "support/test.h"
#include "support/world.h"

#include "arch/context.h"
#include "arch/x86_64/frame.h"

#include <string.h>
#include <ucontext.h>

/* As the kernel has them: struct _fpx_sw_bytes, and the header of XSAVE. */
#define MAGIC_AT 464
#define MAGIC	 0x46505853u
#define BV_AT	 512
#define X87	 1u
#define VECTORS	 6u
#define PKRU	 (1u << 9)

#define PENDING 0xb884 /* busy, top 7, a division by zero, and the sum */
#define OPEN	0x37b

static ucontext_t context;
static _Alignas(64) unsigned char area[4096];

static struct _libc_fpstate *state(void)
{
	return (void *)area;
}

static uint64_t *bv(void)
{
	return (uint64_t *)(void *)(area + BV_AT);
}

static struct mdi_context *saved(void)
{
	return (struct mdi_context *)(void *)&context;
}

enum form { EXTENDED, LEGACY, NONE, FORMS };

static void make(int form)
{
	const uint32_t magic = MAGIC;

	memset(&context, 0, sizeof(context));
	memset(area, 0, sizeof(area));
	state()->cwd = OPEN;
	state()->swd = PENDING;
	state()->ftw = 0xc0;
	state()->rip = 0x1234567;
	state()->mxcsr = 0x9fc0;
	state()->_xmm[3].element[0] = 77;
	*bv() = X87 | VECTORS | PKRU;
	if (form == EXTENDED)
		memcpy(area + MAGIC_AT, &magic, sizeof(magic));
	if (form != NONE)
		context.uc_mcontext.fpregs = state();
}

/* What the CPU would load of the x87: empty, and nothing that is pending. */
static void must_be_new(int form)
{
	if (form == EXTENDED)
		must_eq(*bv() & X87, 0);
	if (form != LEGACY)
		return;
	must_eq(state()->cwd, 0x37f);
	must_eq(state()->swd, 0);
	must_eq(state()->ftw, 0);
}

/* All else is the module's result. */
START_TEST(test_late_drop)
{
	make(_i);
	mdi_context_late_drop(saved());
	must_be_new(_i);
	must_eq(*bv() | X87, X87 | VECTORS | PKRU);
	must_eq(state()->mxcsr, 0x9fc0);
	must_eq(state()->_xmm[3].element[0], 77);
	must_eq(context.uc_mcontext.fpregs, _i == NONE ? NULL : state());
}
END_TEST

START_TEST(test_redirect)
{
	make(_i);
	mdi_context_redirect(saved(), area, 4096, 8192);
	must_be_new(_i);
	if (_i == EXTENDED)
		must_eq(*bv(), PKRU);
	must_eq(context.uc_mcontext.gregs[REG_RIP], area);
	must_eq(context.uc_mcontext.gregs[REG_RSP], 4096);
	must_eq(context.uc_mcontext.gregs[REG_R10], 8192);
}
END_TEST

/* By the host's modes, whatever the module has made of its own. */
START_TEST(test_late_wanted)
{
	struct mdi_frame frame = {.x87_control = OPEN};
	bool has_state = _i != NONE;

	make(_i);
	must_eq(mdi_context_late_wanted(saved(), &frame), has_state);
	must_eq(mdi_context_late_pc(saved()), has_state ? 0x1234567 : 0);
	frame.x87_control = 0x37f;
	must(!mdi_context_late_wanted(saved(), &frame));
	frame.x87_control = 0x37e;
	must(!mdi_context_late_wanted(saved(), &frame));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("context");
	TCase *tcase = tcase_create("unit");

	tcase_add_loop_test(tcase, test_late_drop, 0, FORMS);
	tcase_add_loop_test(tcase, test_redirect, 0, FORMS);
	tcase_add_loop_test(tcase, test_late_wanted, 0, FORMS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
