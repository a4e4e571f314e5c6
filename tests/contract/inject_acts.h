/* SPDX-License-Identifier: MIT */
/*
 * contract/inject_acts.h - the calls that are made to fail, each as one
 * function; those inside of a module arm themselves there.
 */
#ifndef TESTS_CONTRACT_INJECT_ACTS_H
#define TESTS_CONTRACT_INJECT_ACTS_H

#include "support/world.h"

extern uint32_t where; /* acts that arm inside of a module: the call to fail */

int act_init(void);

int act_fini(void);

int act_module_create(void);

/* Where signal stacks have a key, those of the thread get it. */
int act_confine(void);

int act_region_first(void);

int act_region_host(void);

int act_region_nodump(void);

int act_shared(void);

int act_seal(void);

int act_protect_adopted(void);

int act_grant(void);

int act_more(void);

int act_revoke(void);

int act_region_destroy(void);

int act_release(void);

int act_module_destroy(void);

int act_gate(void);

int act_service(void);

int act_enter(void);

int act_enter_other(void);

int act_window(void);

int act_load(void);

int act_unload(void);

/* On a thread of its own: attaching happens once for each. */
extern int thread_code, thread_errno;
extern char thread_text[384];

int act_attach(void);

int act_snapshot(void);

int act_restore(void);

int act_detach(void);

/* The way out: the module itself says from when on calls fail. */
uintptr_t leave_armed(uint32_t first);

int act_leave(void);

int act_fault(void);

int act_call_service(void);

int act_nest(void);

void with_grant(void);

void with_image(void);

void with_leaver(void);

void with_nest(void);

void with_leaver_and_window(void);

void nest_works(void);

#endif /* TESTS_CONTRACT_INJECT_ACTS_H */
