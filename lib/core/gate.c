/* SPDX-License-Identifier: MIT */
#include "core/gate.h"

#include "arch/cpu.h"
#include "base/error.h"
#include "core/front.h"
#include "core/entries.h"
#include "core/frames.h"
#include "core/guard.h"
#include "core/limit.h"
#include "core/recorder.h"
#include "core/region.h"
#include "core/runtime.h"
#include "core/schedule.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/tls.h"
#include "core/vault.h"
#include "os/critical.h"
#include "os/misuse.h"
#include "os/process.h"
#include "os/tracepoint.h"

#include <errno.h>

static struct mdi_gate_state *const own = &mdi_core_state.gate;

static MDI_TLS int status;

/* How a call that waits for a protection key looks for one. */
#define PAUSE_MIN_NS 20000u
#define PAUSE_MAX_NS 1000000u

void mdi_status_set(int code)
{
	status = code;
}

int mdi_status_take(void)
{
	int code = status;

	status = 0;
	return code;
}

static void give_slot(uint32_t number)
{
	own->free_slots[(own->free_first + own->free_count++) %
			MDI_GATE_SLOTS] = (uint16_t)number;
}

static uint32_t take_slot(void)
{
	uint32_t number = own->free_slots[own->free_first];

	own->free_first = (own->free_first + 1) % MDI_GATE_SLOTS;
	own->free_count--;
	return number;
}

void mdi_gates_start(uint32_t key_wait_ms)
{
	own->key_wait_ns = key_wait_ms == UINT32_MAX
				   ? UINT64_MAX
				   : (uint64_t)key_wait_ms * 1000000u;
	own->free_first = 0;
	own->free_count = 0;
	for (uint32_t i = 0; i < MDI_GATE_SLOTS; i++) {
		mdi_arch_state.gates[i].enter = mdi_gate_dead;
		mdi_arch_state.gates[i].inner = mdi_gate_dead;
		give_slot(i);
	}
}

static int check_entry(struct modiso_module *module, uintptr_t entry)
{
	struct modiso_region *region = mdi_region_at(entry);

	if (region == NULL && module->tls != NULL)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"entry %#zx is host code, which needs the "
				"host's thread-local storage; module %s runs "
				"with its own",
				(size_t)entry, module->name);
	if (region == NULL)
		return 0; /* host code: a function that the module shares */
	if (region->owner != module)
		return mdi_fail(MODISO_ERR_ACCESS,
				"entry %#zx lies in region %s of %s, not of %s",
				(size_t)entry, region->name,
				region->owner->name, module->name);
	if (!(region->access & MODISO_EXEC))
		return mdi_fail(MODISO_ERR_ACCESS,
				"entry %#zx lies in region %s, which is not "
				"executable; see modiso_region_protect()",
				(size_t)entry, region->name);
	return 0;
}

int mdi_gate_create(struct modiso_module *module, modiso_fn entry,
		    const struct modiso_gate_options *options,
		    struct modiso_gate **out)
{
	struct mdi_gate_shape shape = {
		.words = options->word_args,
		.floats = options->float_args,
		.scrub = options->flags & MODISO_GATE_SCRUB,
		.recorded = mdi_recorder_is_on(),
		.tls = module->tls != NULL,
	};
	bool many = shape.words > MODISO_ARGS_MAX;
	struct modiso_gate *gate;
	char why[256];
	int result;

	if (shape.scrub && !mdi_cpu_clears(mdi_cpu(), why, sizeof(why)))
		return mdi_fail(MODISO_ERR_NOTSUP,
				"MODISO_GATE_SCRUB cannot be had: %s", why);
	result = check_entry(module, (uintptr_t)entry);
	if (result != 0)
		return result;
	gate = mdi_vault_alloc(sizeof(*gate));
	if (gate == NULL)
		return mdi_fail_memory("a gate");
	gate->mark = many ? MDI_MARK_GATE_MANY : MDI_MARK_GATE;
	gate->module = module;
	gate->slot = &gate->own;
	gate->own = (struct mdi_gate_slot){
		.domain = &module->domain.head,
		.link = module->domain.head.link,
		.entry = entry,
		.value = options->fault_value,
		.words = shape.words,
		.floats = shape.floats,
		.tls = shape.tls ? module->tls->word : 0,
	};
	mdi_backend_now->gate(&module->domain, &shape, &gate->own);
	gate->own.enter = gate->own.value == 0 ? gate->own.inner :
			  many		       ? mdi_gate_valued_many :
						 mdi_gate_valued;
	if (shape.scrub && !(module->domain.scrub & MODE_SCRUB)) {
		module->domain.scrub |= MODE_SCRUB;
		mdi_threads_scrub(&module->domain);
	}
	gate->next = module->gates;
	gate->link = &module->gates;
	if (gate->next != NULL)
		gate->next->link = &gate->next;
	module->gates = gate;
	mdi_recorder_gate(gate);
	MDI_PROBE3(gate_create, gate, module->domain.head.link, entry);
	*out = gate;
	return 0;
}

/*
 * A thunk that the program has kept for too long jumps through its slot at any
 * time, on any thread. It must find a whole gate or none, never the way into
 * one gate with the module of another. So what a thunk goes by comes last, from
 * the inside out: the gate (inner, for who is in mdi_gate_valued() by then),
 * then the way there. The reader is ordered by the processor: it reads enter
 * first, and x86 does not let later loads pass it.
 */
void mdi_gate_slot_fill(struct mdi_gate_slot *slot,
			const struct mdi_gate_slot *gate)
{
	slot->domain = gate->domain;
	slot->entry = gate->entry;
	slot->value = gate->value;
	slot->words = gate->words;
	slot->floats = gate->floats;
	slot->next = gate->next;
	slot->link = gate->link;
	slot->tls = gate->tls;
	__atomic_store_n(&slot->inner, gate->inner, __ATOMIC_RELEASE);
	__atomic_store_n(&slot->enter, gate->enter, __ATOMIC_RELEASE);
}

/*
 * In the reverse order. The value stays: calls through the dead thunk return
 * it; and so does the rest, for who is on the way in.
 */
void mdi_gate_slot_retire(struct mdi_gate_slot *slot)
{
	__atomic_store_n(&slot->enter,
			 slot->value != 0 ? mdi_gate_valued : mdi_gate_dead,
			 __ATOMIC_RELEASE);
	__atomic_store_n(&slot->inner, mdi_gate_dead, __ATOMIC_RELEASE);
}

int mdi_gate_thunk(struct modiso_gate *gate, modiso_fn *out)
{
	uint32_t number;

	if (gate->slot == &gate->own) {
		if (own->free_count == 0)
			return mdi_fail(MODISO_ERR_LIMIT,
					"all %d gate thunks are in use; "
					"modiso_gate_call() needs none",
					MDI_GATE_SLOTS);
		number = take_slot();
		mdi_gate_slot_fill(&mdi_arch_state.gates[number], &gate->own);
		gate->slot = &mdi_arch_state.gates[number];
		mdi_recorder_gate_moved(gate);
	}
	number = (uint32_t)(gate->slot - mdi_arch_state.gates);
	*out = (modiso_fn)(uintptr_t)(mdi_gate_thunks +
				      number * MDI_THUNK_SIZE);
	return 0;
}

void mdi_gate_destroy(struct modiso_gate *gate)
{
	*gate->link = gate->next;
	if (gate->next != NULL)
		gate->next->link = gate->link;
	if (gate->slot != &gate->own) {
		mdi_gate_slot_retire(gate->slot);
		give_slot((uint32_t)(gate->slot - mdi_arch_state.gates));
	}
	MDI_PROBE2(gate_destroy, gate, gate->module->domain.head.link);
	gate->mark = 0;
	mdi_vault_free(gate, sizeof(*gate));
}

int mdi_gate_call(struct modiso_gate *gate, const uintptr_t *words,
		  uintptr_t *result)
{
	int failed = gate->mark == MDI_MARK_GATE_MANY ?
			     mdi_gate_invoke_many(gate->slot, words, result) :
			     mdi_gate_invoke(gate->slot, words,
					     MODISO_ARGS_MAX, result);

	return failed ? mdi_status_take() : 0;
}

/* --- what the assembly asks --- */

MODISO_CALL void mdi_gate_refuse(struct mdi_gate_slot *slot)
{
	(void)slot;
	mdi_status_set(mdi_fail(MODISO_ERR_NOENT,
				"the gate of this thunk was destroyed"));
}

int mdi_gate_fail_depth(void)
{
	return mdi_fail(MODISO_ERR_LIMIT,
			"gate calls nest %d deep on this thread",
			MDI_DEPTH_MAX);
}

MODISO_CALL void mdi_gate_too_deep(void)
{
	mdi_status_set(mdi_gate_fail_depth());
}

MDI_INLINE void set_link(struct mdi_link *link,
			 const struct modiso_module *module,
			 const struct mdi_stack *stack)
{
	link->rights = module->domain.head.rights;
	link->modes = module->domain.modes;
	/* The gate pushes a word and then calls. */
	link->stack = stack->top - 8;
}

/* With a stack that has to be looked for, or made. */
static MDI_RARE int set_new_link(struct mdi_thread *thread,
				 struct modiso_module *module,
				 struct mdi_link *link)
{
	struct mdi_stack *stack = NULL;
	int saved = errno, result = mdi_guard_arm(thread, &module->domain);

	/* Who has a stack there has come by here before. */
	if (result == 0)
		result = mdi_thread_stack(thread, module, &stack);
	if (result != 0)
		return result;
	errno = saved;
	set_link(link, module, stack);
	return 0;
}

MDI_INLINE int try_link(struct mdi_thread *thread,
			struct modiso_module *module)
{
	struct mdi_link *link =
		mdi_thread_link(thread, module->domain.head.link);
	const struct mdi_stack *stack;
	int result;

	mdi_runtime_lock();
	result = mdi_limit_entered(thread);
	if (result == 0)
		result = mdi_thread_is_over(thread) ?
				 MODISO_ERR_ABANDONED :
				 mdi_backend_now->threads->admit(
					 &module->domain, &mdi_thread_users);
	if (result == 0) {
		stack = mdi_thread_ready_stack(thread, module);
		if (stack != NULL)
			set_link(link, module, stack);
		else
			result = set_new_link(thread, module, link);
	}
	mdi_runtime_unlock();
	return result;
}

/*
 * All keys are taken. A gate's way out tells nobody that one is free again, so
 * who waits for one looks again and again.
 */
static int wait_for_link(struct mdi_thread *thread,
			 struct modiso_module *module)
{
	uint64_t pause = PAUSE_MIN_NS, limit = own->key_wait_ns;
	uint64_t since = mdi_os_now_ns(), begin = mdi_clock();
	uint32_t never = 0;
	int result, saved = errno;

	MDI_PROBE1(wait_begin, module->domain.head.link);
	for (;;) {
		mdi_os_wait(&never, 0, pause);
		if (pause < PAUSE_MAX_NS)
			pause *= 2;
		result = try_link(thread, module);
		if (result == 0)
			errno = saved;
		if (result != MODISO_ERR_NOKEY ||
		    (limit != UINT64_MAX && mdi_os_now_ns() - since >= limit))
			break;
	}
	MDI_PROBE1(wait_end, module->domain.head.link);
	mdi_recorder_waited(&module->domain, begin);
	return result;
}

/* Of a thread that is attached. */
MDI_INLINE struct mdi_thread *own_thread(void)
{
	return mdi_block_thread((char *)mdi_block);
}

/* Attached, with the GS base of then, and a signal stack of the library's. */
MDI_INLINE bool is_ready(void)
{
	/* No GS base is that of a thread that is not attached. */
	return mdi_block_base() == mdi_ready;
}

static int make_ready(void)
{
	struct mdi_thread *thread;
	int result = mdi_front_now->enter(&thread);

	if (result != 0)
		return result;
	if (mdi_block_base() != mdi_block)
		return mdi_fail(MODISO_ERR_STATE,
				"the program changed the GS base of this "
				"thread; gates need it");
	return 0;
}

/* Under no lock: the landing of a thread that is abandoned runs here. */
MDI_RARE void mdi_gate_failed(int result)
{
	if (result == MODISO_ERR_ABANDONED)
		mdi_thread_give_up(mdi_thread_self());
	else
		mdi_status_set(result);
}

/* A thread that was not ready, or has not got its link: @result says why. */
static MDI_RARE int slower(struct modiso_module *module, bool ready, int result)
{
	if (!ready) {
		result = make_ready();
		if (result == 0)
			result = try_link(mdi_thread_self(), module);
	}
	if (result == MODISO_ERR_NOKEY && own->key_wait_ns != 0)
		result = wait_for_link(mdi_thread_self(), module);
	if (result != 0)
		mdi_gate_failed(result);
	return result;
}

/*
 * Of the gates whose threads have rights of their own: a thread's first call at
 * all, its first one into this module, one into a module that it is in already,
 * or one whose rights were withdrawn. 0: what was
 * missing is there, begin again.
 *
 * The last of these is what each call is where modules outnumber keys, so few
 * functions and instructions stand between it and its system calls:
 * contract_calls.c counts them.
 */
MODISO_CALL int mdi_gate_slow(struct mdi_gate_slot *slot)
{
	struct modiso_module *module =
		mdi_domain_module((struct mdi_domain *)slot->domain);
	int result;

	if (!is_ready())
		return slower(module, false, 0);
	result = try_link(own_thread(), module);
	return result == 0 ? 0 : slower(module, true, result);
}

void mdi_gate_abandon(struct mdi_thread *thread)
{
	struct mdi_over over;

	mdi_critical_begin();
	mdi_frames_pop(thread, &over);
	mdi_backend_now->leave(thread, &over);
	mdi_critical_end();
}
