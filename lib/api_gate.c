/* SPDX-License-Identifier: MIT */
/* The exported functions of modiso/gate.h. */
#include <modiso.h>

#include "base/error.h"
#include "base/options.h"
#include "core/check.h"
#include "core/fault.h"
#include "core/front.h"
#include "core/gate.h"
#include "core/recorder.h"
#include "core/runtime.h"
#include "core/sizes.h"

int modiso_gate_create(struct modiso_module *module, modiso_fn entry,
		       const struct modiso_gate_options *options,
		       struct modiso_gate **out)
{
	struct modiso_gate_options known = {
		.struct_size = sizeof(known),
		.word_args = MODISO_ARGS_MAX,
		.float_args = 8,
	};
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (module == NULL || entry == NULL || out == NULL)
		return mdi_null_argument(module == NULL  ? "module"
					 : entry == NULL ? "entry"
							 : "out");
	mdi_mark_module(module);
	result = mdi_options_take(options, MDI_SIZE_GATE_OPTIONS, &known,
				  sizeof(known), "options");
	if (result == 0)
		result = mdi_options_flags(known.flags, MODISO_GATE_SCRUB,
					   "options.flags");
	if (result == 0 &&
	    (known.word_args > MODISO_WORDS_MAX || known.float_args > 8))
		result = mdi_fail(MODISO_ERR_INVAL,
				  "%u word and %u float arguments: at most %d "
				  "and 8 pass a gate; behind the eighth a float "
				  "argument is a word",
				  known.word_args, known.float_args,
				  MODISO_WORDS_MAX);
	if (result == 0)
		result = mdi_front_now->retake();
	if (result != 0)
		return result;
	mdi_runtime_lock();
	result = mdi_gate_create(module, entry, &known, out);
	mdi_runtime_unlock();
	if (result == 0)
		mdi_recorder_gate_named(*out);
	return result;
}

int modiso_gate_destroy(struct modiso_gate *gate)
{
	int result;

	if (gate == NULL)
		return 0;
	result = mdi_runtime_check();
	if (result != 0)
		return result;
	mdi_mark_gate(gate);
	mdi_runtime_lock();
	mdi_gate_destroy(gate);
	mdi_runtime_unlock();
	return 0;
}

/* Of what the call below has refused. */
static MDI_RARE int why_no_call(const struct modiso_gate *gate,
				const uintptr_t *args, unsigned count)
{
	uintptr_t words[MODISO_WORDS_MAX];

	return mdi_check_call(gate, args, count, words);
}

/* In reports the host's frames begin with the caller, which these two name. */
static MDI_RARE int call_failed(uintptr_t pc, uintptr_t cfa)
{
	int result = mdi_status_take();

	if (result == MODISO_ERR_FAULT)
		mdi_fault_called_by(pc, cfa);
	return result;
}

/* With words on the stack. */
static MDI_CALL_TEXT int call_many(struct modiso_gate *gate,
				   const uintptr_t *args, unsigned count,
				   uintptr_t *out, uintptr_t pc, uintptr_t cfa)
{
	uintptr_t words[MODISO_WORDS_MAX];
	int result = mdi_check_call(gate, args, count, words);

	if (result != 0)
		return result;
	if (mdi_gate_invoke_many(gate->slot, words, out) == 0)
		return 0;
	return call_failed(pc, cfa);
}

/* The same where the backend must be asked; @pc, @cfa: as above. */
static MDI_CALL_TEXT int call_slowly(struct modiso_gate *gate,
				     const uintptr_t *args, unsigned count,
				     uintptr_t *out, uintptr_t pc,
				     uintptr_t cfa)
{
	const struct mdi_backend *backend = mdi_backend_running();

	if (backend == NULL || backend->inside() || gate == NULL ||
	    (args == NULL && count != 0) ||
	    (count > MODISO_ARGS_MAX && gate->mark != MDI_MARK_GATE_MANY))
		return why_no_call(gate, args, count);
	mdi_mark_gate_called(gate, pc);
	if (gate->mark == MDI_MARK_GATE_MANY)
		return call_many(gate, args, count, out, pc, cfa);
	if (mdi_gate_invoke(gate->slot, args, count, out) == 0)
		return 0;
	return call_failed(pc, cfa);
}

/* Mostly nothing is wrong, and that takes few instructions to see. */
MDI_CALL_TEXT int modiso_gate_call(struct modiso_gate *gate,
				   const uintptr_t *args, unsigned count,
				   uintptr_t *out)
{
	if (!mdi_backend_surely_host() || gate == NULL ||
	    gate->mark != MDI_MARK_GATE || count > MODISO_ARGS_MAX ||
	    (args == NULL && count != 0))
		return call_slowly(gate, args, count, out,
				   (uintptr_t)__builtin_return_address(0),
				   (uintptr_t)__builtin_dwarf_cfa());
	if (mdi_gate_invoke(gate->slot, args, count, out) == 0)
		return 0;
	return call_failed((uintptr_t)__builtin_return_address(0),
			   (uintptr_t)__builtin_dwarf_cfa());
}

int modiso_gate_thunk(struct modiso_gate *gate, modiso_fn *out)
{
	int result = mdi_runtime_check();

	if (result != 0)
		return result;
	if (gate == NULL || out == NULL)
		return mdi_null_argument(gate == NULL ? "gate" : "out");
	mdi_mark_gate(gate);
	mdi_runtime_lock();
	result = mdi_gate_thunk(gate, out);
	mdi_runtime_unlock();
	return result;
}

int modiso_gate_status(void)
{
	return mdi_status_take();
}
