/* SPDX-License-Identifier: MIT */
/*
 * core/gate.h - gates: slots, thunks, and what their assembly asks of C.
 */
#ifndef MDI_CORE_GATE_H
#define MDI_CORE_GATE_H

#include <modiso/gate.h>

#include "core/module.h"

struct modiso_gate {
	/* What a call goes by: a slot that has a thunk, or the gate's own. */
	struct mdi_gate_slot own;
	struct mdi_gate_slot *slot;
	uint32_t mark; /* MDI_MARK_GATE */
	struct modiso_module *module;
	struct modiso_gate *next, **link; /* of the module's list */
};

/* The library's lock is held in these. */
int mdi_gate_create(struct modiso_module *module, modiso_fn entry,
		    const struct modiso_gate_options *options,
		    struct modiso_gate **out);
void mdi_gate_destroy(struct modiso_gate *gate);
int mdi_gate_thunk(struct modiso_gate *gate, modiso_fn *out);
void mdi_gates_start(uint32_t key_wait_ms);

/* A slot that has a thunk gets a gate, and has one no more. */
void mdi_gate_slot_fill(struct mdi_gate_slot *slot,
			const struct mdi_gate_slot *gate);
void mdi_gate_slot_retire(struct mdi_gate_slot *slot);

/* @words: all that the gate has, six at least. 0 or a code, without the lock */
int mdi_gate_call(struct modiso_gate *gate, const uintptr_t *words,
		  uintptr_t *result);

/*
 * Of the functions that call a gate for somebody else, as modiso_gate_call()
 * does: in reports their caller is the one who has called it.
 */
#define MDI_CALL_TEXT __attribute__((noinline, section("mdi_call_text")))
bool mdi_is_call_code(uintptr_t pc);

/* The innermost gate of a thread ends without the module's return. */
void mdi_gate_abandon(struct mdi_thread *thread);

/* A call that cannot begin: @result to its caller, or it is given up. */
void mdi_gate_failed(int result);
int mdi_gate_fail_depth(void);

/* Why the last call of this thread failed: set, and taken. */
void mdi_status_set(int code);
int mdi_status_take(void);

#endif /* MDI_CORE_GATE_H */
