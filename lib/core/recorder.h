/* SPDX-License-Identifier: MIT */
/*
 * core/recorder.h - the flight recorder: modiso/record.h says what it keeps.
 *
 * Gates and services write by themselves what they do (arch/x86_64/gate.h).
 * Here is what happens seldom: where the rings are, their names, faults, misses
 * and waits. What gates call in core goes through functions here while the
 * recorder is on; the others ask mdi_recorder_is_on(), and never on a call's
 * way.
 */
#ifndef MDI_CORE_RECORDER_H
#define MDI_CORE_RECORDER_H

#include <modiso/record.h>

#include "backend/backend.h"
#include "core/state.h"

struct modiso_gate;
struct modiso_service;

/*
 * If the options or the environment ask for it; the backend runs, and no thread
 * has a block yet. 0, MODISO_ERR_OS or _INVAL.
 */
int mdi_recorder_start(const struct modiso_options *options);
void mdi_recorder_stop(void);

static inline bool mdi_recorder_is_on(void)
{
	return mdi_core_state.recorder.on;
}

/* In the child of a fork: the rings of the blocks below @count are its own. */
void mdi_recorder_after_fork(uint32_t count);

/* Does the range touch what the recorder has mapped, but for rings? */
bool mdi_recorder_overlaps(uintptr_t base, uintptr_t end);

/* A block that is used for the first time gets its ring: 0 or MODISO_ERR_OS. */
int mdi_recorder_commit(uint32_t index, char *block);
/* Whose ring it is from now on. */
void mdi_recorder_thread(struct mdi_thread *thread);

/* --- names; the library's lock is held, but in the last one --- */

void mdi_recorder_module(const struct modiso_module *module);
void mdi_recorder_service(const struct modiso_service *service);
void mdi_recorder_gate(const struct modiso_gate *gate);
/* It goes by another slot: a thunk's. */
void mdi_recorder_gate_moved(const struct modiso_gate *gate);
/* Its function's name is looked for. */
void mdi_recorder_gate_named(const struct modiso_gate *gate);

/* --- events of the calling thread. AS-Safe --- */

/*
 * In the handler of the fault's signal. @thread may be NULL. It is noted in
 * @fault where the recorder was.
 */
void mdi_recorder_fault(struct mdi_thread *thread, struct modiso_fault *fault);
/* The innermost call ends without the module's return. */
void mdi_recorder_ended(struct mdi_thread *thread);
/* For a protection key, since @begin. */
void mdi_recorder_waited(const struct mdi_domain *domain, uint64_t begin);

/* --- what a thread has done before a fault: recorder_past.c --- */

struct mdi_past {
	uint32_t kind; /* MODISO_RECORD_CALL, _ENDED, _MISS or _WAIT */
	const char *of; /* "gate", "service", or, of a wait, "module" */
	const char *name; /* "": not known */
	const char *module_name; /* of a gate; else "" */
	uint64_t before_ns; /* the fault: that it began */
	uint64_t length_ns;
};

#define MDI_PAST 8

/* The last ones, the latest first; how many. */
unsigned mdi_recorder_past(const struct modiso_fault *fault,
			   struct mdi_past past[MDI_PAST]);

/* What gates call instead, while the recorder is on. */
void mdi_recorder_entries(struct mdi_entries *entries);

#endif /* MDI_CORE_RECORDER_H */
