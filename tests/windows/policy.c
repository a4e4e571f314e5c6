/* SPDX-License-Identifier: MIT */
/*
 * windows/policy - what a process may have been started with that recovery
 * would not survive: modiso_init() refuses, with the policy's name.
 *
 * No process of this test's can be started so: Wine has none of them. So this
 * program answers in the system's place, by the pointer that the import of that
 * function is.
 */
#include "support/world.h"

#include <string.h>
#include <windows.h>

static struct {
	int number;
	DWORD flags;
} asked_for;

static WINAPI BOOL answer(HANDLE process, int policy, void *buffer, SIZE_T size)
{
	(void)process;
	if (policy == asked_for.number)
		memcpy(buffer, &asked_for.flags, size);
	return TRUE;
}

extern WINAPI BOOL (*const __imp_GetProcessMitigationPolicy)(HANDLE, int,
							     void *, SIZE_T);
WINAPI BOOL (*const __imp_GetProcessMitigationPolicy)(HANDLE, int, void *,
						      SIZE_T) = answer;

static const struct {
	int number;
	DWORD flags;
	const char *name; /* NULL: it does not matter */
} policies[] = {
	{2, 0x1, "ProcessDynamicCodePolicy"},
	{2, 0x8, NULL}, /* AuditProhibitDynamicCode */
	{7, 0x1, "ProcessControlFlowGuardPolicy"},
	{7, 0x2, NULL}, /* EnableExportSuppression alone */
	{12, 0x40, "ProcessPayloadRestrictionPolicy"},
	{12, 0x100, "ProcessPayloadRestrictionPolicy"},
	{12, 0x400, "ProcessPayloadRestrictionPolicy"},
	{12, 0xaaa, NULL}, /* what is written down and not stopped */
	{15, 0x1, "ProcessUserShadowStackPolicy"},
	{15, 0x4, "ProcessUserShadowStackPolicy"},
	{15, 0x2, NULL}, /* AuditUserShadowStack */
};
#define POLICIES (int)(sizeof(policies) / sizeof(*policies))

START_TEST(test_refused)
{
	for (int i = 0; i < POLICIES; i++) {
		asked_for.number = policies[i].number;
		asked_for.flags = policies[i].flags;
		if (policies[i].name == NULL) {
			world_start();
			world_stop();
			continue;
		}
		expect(MODISO_ERR_NOTSUP, modiso_init(NULL));
		must(strstr(modiso_last_error_text(), policies[i].name));
	}
	asked_for.number = -1;
	world_start();
	world_stop();
}
END_TEST

/* --- what an exception is there and on Linux is not --- */

MODULE_CODE static uintptr_t trap(uintptr_t which)
{
	if (which == 0)
		__asm__ volatile("int $0x2d");
	else
		__asm__ volatile("pushfq\n\torq $0x100, (%%rsp)\n\tpopfq\n\t"
				 "nop" ::: "memory", "cc");
	return which;
}

START_TEST(test_trap)
{
	struct modiso_module *module = world_module();
	struct modiso_gate *gate = make_gate(module, trap);

	for (uintptr_t which = 0; which < 2; which++)
		for (int i = 0; i < 3; i++)
			must_eq(enter_fault(module, gate, which)->kind,
				MODISO_FAULT_TRAP);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("policy");
	TCase *tcase = tcase_create("windows");

	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_trap);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
