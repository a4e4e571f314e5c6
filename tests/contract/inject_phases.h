/* SPDX-License-Identifier: MIT */
/*
 * contract/inject_phases.h - each call with what comes before it, what must
 * hold when it has succeeded or failed, and the codes that its comment names.
 */
#ifndef TESTS_CONTRACT_INJECT_PHASES_H
#define TESTS_CONTRACT_INJECT_PHASES_H

#include "support/world.h"

#define CODE(code) (1u << -(code))
#define OS         CODE(MODISO_ERR_OS)
#define NOMEM      CODE(MODISO_ERR_NOMEM)
#define NOKEY      CODE(MODISO_ERR_NOKEY)
#define NOTSUP     CODE(MODISO_ERR_NOTSUP)

#define NONE (-1)

struct phase {
	const char *name;
	void (*prepare)(void);
	int (*act)(void);
	void (*check)(void); /* when it has succeeded */
	void (*keep)(void);  /* when it has failed; NULL: nothing can be seen */
	uint32_t codes;      /* those that the call's comment names */
	/* At least so many calls; NONE: there must not be any. */
	int on_mprotect, on_pkey;
};

extern const struct phase phases[];
extern const int phase_count;

#endif /* TESTS_CONTRACT_INJECT_PHASES_H */
