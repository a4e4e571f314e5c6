/* SPDX-License-Identifier: MIT */
/*
 * contract/guard_code.h - a guarded module, and code for it.
 */
#ifndef TESTS_CONTRACT_GUARD_CODE_H
#define TESTS_CONTRACT_GUARD_CODE_H

#include "support/world.h"

/* SEALED. */
struct modiso_module *make_guarded(const char *name);

/*
 * Where there is no such thing the case that it is refused is added, and true
 * is returned: no other case can be.
 */
bool guard_missing(TCase *tcase);

/*
 * guard_call - a system call: @number, and six arguments from *@args, by the
 * instruction at @at, which a return follows.
 */
uintptr_t guard_call(uintptr_t number, const uintptr_t args[6], const void *at);

/* Such places, in module code. */
extern const char guard_syscall[], guard_int80[], guard_sysenter[];

/*
 * guard_work - @rounds times: registers and flags full of known values, a
 * loop, and what is found afterwards. 0, or the round that went wrong.
 */
uintptr_t guard_work(uintptr_t rounds, uintptr_t turns);
extern const char guard_work_end[];

#endif /* TESTS_CONTRACT_GUARD_CODE_H */
