/* SPDX-License-Identifier: MIT */
/*
 * What a process may have been started with that takes away what gates and
 * recovery are made of. All of it is of the process and cannot be undone, so
 * it is refused with the policy's name.
 */
#include "os/process.h"

#include "os/windows/windows.h"

/* By number: a compiler's headers may be older than the policy. */
struct policy {
	int number;
	DWORD bits; /* any of them */
	const char *why;
};

static const struct policy policies[] = {
	/* ProhibitDynamicCode */
	{ 2, 1u << 0,
	  "this process may make no memory executable "
	  "(ProcessDynamicCodePolicy), which the code of an image has to "
	  "become; start it without arbitrary code guard" },
	/* EnableControlFlowGuard */
	{ 7, 1u << 0,
	  "this process has control flow guard "
	  "(ProcessControlFlowGuardPolicy), with which a thread goes on after "
	  "a fault on no stack but its own; link it without /guard:cf" },
	/* EnableRopStackPivot, EnableRopCallerCheck, EnableRopSimExec */
	{ 12, 1u << 6 | 1u << 8 | 1u << 10,
	  "this process may call the system on its own stack alone "
	  "(ProcessPayloadRestrictionPolicy), and a fault in a module is "
	  "served on another one; start it without those mitigations" },
	/* EnableUserShadowStack, SetContextIpValidation */
	{ 15, 1u << 0 | 1u << 2,
	  "this program runs with a user shadow stack "
	  "(ProcessUserShadowStackPolicy), which a gate cannot switch; link it "
	  "without /CETCOMPAT" },
};

/*
 * The system writes nothing where it does not know the question, so what is
 * asked for is zero first. User shadow stacks have more bits than one word in
 * later versions; all that matters is in the first.
 */
static bool has(const struct policy *policy)
{
	DWORD flags = 0;

	return GetProcessMitigationPolicy(
		       GetCurrentProcess(),
		       (PROCESS_MITIGATION_POLICY)policy->number, &flags,
		       sizeof(flags)) &&
	       (flags & policy->bits) != 0;
}

const char *mdi_os_forbids(void)
{
	for (size_t i = 0; i < MDI_COUNT(policies); i++)
		if (has(&policies[i]))
			return policies[i].why;
	return NULL;
}
