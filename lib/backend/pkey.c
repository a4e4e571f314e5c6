/* SPDX-License-Identifier: MIT */
/*
 * Protection keys: a page is tagged once, a thread changes its own rights.
 *
 *	host key     the library's memory and guarded host regions
 *	open key     what modules may read and not write: the open pages
 *	signal key   alternate signal stacks, on kernels before 6.12
 *	closed key   host regions that need a window
 *	slots        one for each module that is in use, and for each set of
 *	             modules that share regions (slots.c)
 *
 * Outside of modules a thread has rights on all of them but the closed key,
 * from the moment the library starts: so handing a slot to a module changes
 * nobody's rights. Inside, a thread has its module's slots alone. What a
 * thread's rights say of keys that are not ours is never changed.
 */
#include "backend/pkey.h"

#include "backend/slots.h"
#include "backend/state.h"
#include "base/error.h"
#include "arch/cpu.h"
#include "os/memory.h"
#include "os/process.h"

#include <errno.h>
#include <stdio.h>

#define state (mdi_open.state)

static struct mdi_pkey_state *const own = &mdi_backend_state.pkey;

static int lowest(uint32_t *keys)
{
	int key = __builtin_ctz(*keys);

	*keys &= ~(1u << key);
	return key;
}

/* pkey_alloc(2) opened it to this thread: take it again, closed. */
static int close_key(int key)
{
	mdi_key_free(key);
	own->all_keys &= ~(1u << key);
	key = mdi_key_alloc(true);
	if (key < 0)
		return MDI_NO_KEY;
	own->all_keys |= 1u << key;
	return key;
}

/* Nobody is left who could have been made by a module. */
static void give_kept_keys(void)
{
	if (state.kept_keys == 0 || mdi_os_threads() != 1)
		return;
	mdi_pkey_give_keys(state.kept_keys);
	state.kept_keys = 0;
}

static int start(const struct modiso_options *options)
{
	uint32_t keys;
	int saved = errno, count;

	give_kept_keys();
	count = mdi_pkey_take_keys(options->max_keys, &keys);
	errno = saved; /* the last key that was asked for is always refused */
	if (count < MDI_PKEY_KEYS_MIN) {
		mdi_pkey_give_keys(keys);
		return mdi_fail(MODISO_ERR_NOKEY,
				"%d protection keys to be had, %d are needed "
				"(host, one module)%s",
				count, MDI_PKEY_KEYS_MIN,
				options->max_keys ? "; raise options.max_keys"
						  : "");
	}
	own->all_keys = keys;
	state.rights_offset = mdi_cpu()->rights_offset;
	state.host_key = lowest(&keys);
	state.open_key = MDI_NO_KEY;
	if (count >= 3)
		state.open_key = lowest(&keys);
	state.signal_key = MDI_NO_KEY;
	state.signal_key_used = false;
	if (count >= 4 && !mdi_pkey_frames_anywhere()) {
		state.signal_key = lowest(&keys);
		count--;
	}
	state.closed_key = MDI_NO_KEY;
	if (count >= 4)
		state.closed_key = close_key(lowest(&keys));
	state.slot_keys = keys;
	mdi_slots_start(keys);
	mdi_os_barrier_register();
	own->caps = mdi_pkey_capabilities(
		(uint32_t)__builtin_popcount(own->all_keys));
	state.host_keys = own->all_keys;
	if (state.closed_key != MDI_NO_KEY)
		state.host_keys &= ~(1u << state.closed_key);
	mdi_arch_state.handler_rights =
		mdi_rights_open(mdi_rights_read(), state.host_keys);
	state.host_bits = MDI_RIGHTS_OF(state.host_key);
	return 0;
}

/*
 * A thread that a module has made may still be there. What such a one has, the
 * kernel would hand to whoever asks next.
 */
static void stop(void)
{
	uint32_t keep = mdi_slots_retired();

	if (keep != 0 && state.open_key != MDI_NO_KEY)
		keep |= 1u << state.open_key;
	if (keep != 0 && state.signal_key != MDI_NO_KEY)
		keep |= 1u << state.signal_key;
	state.host_bits = 0;
	mdi_pkey_give_keys(own->all_keys & ~keep);
	state.kept_keys |= keep;
	give_kept_keys();
	own->all_keys = 0;
	mdi_slots_start(0);
}

/* A module has its slot open and the host key closed. */
static bool is_modules(uint32_t rights)
{
	return !mdi_rights_are_full(rights, state.host_key) &&
	       mdi_rights_opened(rights, state.slot_keys | state.kept_keys);
}

/*
 * A thread that was there before the library has rights by chance: what it has
 * freed is a slot now. A thread that is inside a module has its own block's
 * address in GS, and so has, of its maker, one that module code has made; in
 * the library's life before, the block was elsewhere.
 */
static bool has_block(uint32_t rights)
{
	uintptr_t gs = mdi_block_base();

	if (gs - (uintptr_t)state.blocks <
	    (uintptr_t)MDI_THREADS_MAX * MDI_BLOCK_SIZE)
		return true;
	return gs != 0 && gs % MDI_BLOCK_SIZE == 0 &&
	       mdi_rights_opened(rights, state.kept_keys) != 0;
}

static bool inside(void)
{
	uint32_t rights = mdi_rights_read();

	return is_modules(rights) && has_block(rights);
}

/*
 * Rights inside, but for the module's own slot: open key to read, signal stacks
 * where the kernel writes its frames with the module's rights; key 0 by
 * confinement; nothing else of ours. Keys that are not ours stay as the host
 * has them under GUARD, and are closed otherwise.
 */
uint32_t mdi_pkey_parked(uint32_t confinement)
{
	uint32_t rights = mdi_rights_close(mdi_rights_read(),
					   own->all_keys | state.kept_keys);

	if (confinement == MODISO_CONFINE_READONLY)
		rights = mdi_rights_allow(MDI_RIGHTS_NONE, 0, false);
	else if (confinement == MODISO_CONFINE_SEALED)
		rights = MDI_RIGHTS_NONE;
	if (state.open_key != MDI_NO_KEY)
		rights = mdi_rights_allow(rights, state.open_key, false);
	if (state.signal_key != MDI_NO_KEY)
		rights = mdi_rights_allow(rights, state.signal_key, true);
	return rights;
}

/* Keys that are not ours are the program's: it may change its rights. */
static void gate(const struct mdi_domain *domain,
		 const struct mdi_gate_shape *shape, struct mdi_gate_slot *slot)
{
	struct mdi_gate_shape as = *shape;

	as.scrub |= domain->confinement == MODISO_CONFINE_SEALED;
	slot->next = mdi_gate_pkey_of(&as, domain->guarded);
	slot->inner = __builtin_popcount(own->all_keys) < MDI_RIGHTS_KEYS - 1
			      ? mdi_gate_pkey_own
			      : slot->next;
}

static int thread_attach(struct mdi_thread *thread)
{
	struct mdi_open_page *open = mdi_thread_open_page(thread);
	uintptr_t block = (uintptr_t)mdi_thread_block(thread);
	uintptr_t gs = mdi_block_base();
	uintptr_t blocks = (uintptr_t)mdi_arch_state.blocks;

	/* A new thread has its creator's GS base; any other is the program's */
	if (gs != 0 &&
	    gs - blocks >= (uintptr_t)MDI_THREADS_MAX * MDI_BLOCK_SIZE)
		return mdi_fail(MODISO_ERR_STATE,
				"the program uses the GS base of this thread "
				"(%#zx); gates need it",
				(size_t)gs);
	thread->host_rights = mdi_rights_open(
		mdi_rights_close(mdi_rights_read(), own->all_keys),
		state.host_keys);
	open->host_rights = thread->host_rights;
	open->rights = MDI_RIGHTS_NONE;
	mdi_block_base_set(block);
	mdi_rights_reload();
	return 0;
}

static void thread_detach(struct mdi_thread *thread)
{
	(void)thread;
	mdi_block_base_set(0);
}

static void after_fork(void)
{
	mdi_os_barrier_register();
}

/*
 * A gate may have written the open page and not come further, and
 * mdi_gate_pkey_own the one word of the host's rights and not the other.
 */
static void interrupt(struct mdi_thread *thread, struct mdi_frame *frame,
		      struct mdi_kept *kept)
{
	struct mdi_open_page *page = mdi_thread_open_page(thread);

	(void)frame;
	kept->word[0] = page->rights;
	kept->word[1] = page->host_rights;
	kept->word[2] = thread->host_rights;
	page->host_rights = thread->host_rights;
}

static int interrupt_end(struct mdi_thread *thread, struct mdi_frame *frame,
			 const struct mdi_kept *kept)
{
	struct mdi_open_page *page = mdi_thread_open_page(thread);

	(void)frame;
	page->rights = kept->word[0];
	page->host_rights = kept->word[1];
	thread->host_rights = kept->word[2];
	return 0;
}

/* A service's caller gets its stack back; a handler has taken none away. */
static void leave(struct mdi_thread *thread, const struct mdi_over *over)
{
	if (over->service_sp > MDI_INTERRUPTED)
		mdi_thread_link(thread, over->link)->stack = over->stack;
}

static void set_host_rights(struct mdi_thread *thread, uint32_t rights)
{
	thread->host_rights = rights;
	mdi_thread_open_page(thread)->host_rights = rights;
	mdi_rights_reload();
}

static int window_open(struct mdi_domain *domain, struct mdi_thread *thread,
		       uint32_t prot)
{
	if (domain->kind == MDI_DOMAIN_CLOSED) /* else it has all rights */
		set_host_rights(thread,
				mdi_rights_allow(mdi_rights_read(), domain->key,
						 prot & MDI_PROT_WRITE));
	return 0;
}

static void window_close(struct mdi_domain *domain, struct mdi_thread *thread,
			 uint32_t token)
{
	uint32_t key = 1u << (domain->key & 15);

	if (domain->kind == MDI_DOMAIN_CLOSED)
		set_host_rights(thread, mdi_rights_mix(mdi_rights_read(), token,
						       key));
}

/* Whose rights these are: one module's, and those of its sets. */
static struct mdi_domain *module_of(uint32_t keys)
{
	for (; keys != 0; keys &= keys - 1) {
		struct mdi_domain *domain =
			mdi_slots_domain(__builtin_ctz(keys));

		if (domain != NULL && domain->kind == MDI_DOMAIN_MODULE)
			return domain;
	}
	return NULL;
}

/*
 * By the rights that the code had: a module's own slot is open to it and the
 * host's key is closed. Neither can be forged without a system call.
 */
static struct mdi_domain *culprit(struct mdi_thread *thread,
				  struct mdi_context *context,
				  const uint32_t *rights)
{
	uintptr_t pc = mdi_context_pc(context);
	uint32_t keys;
	bool full;

	if (thread != NULL && !mdi_thread_inside(thread))
		return NULL;
	if (rights == NULL)
		return NULL;
	keys = mdi_rights_opened(*rights, state.slot_keys);
	full = mdi_rights_are_full(*rights, state.host_key);
	/*
	 * In a gate of this thread, on the way in or out: the frame is there
	 * and the rights are the host's, a jumper's or what a module has
	 * written into an open page without a key. Or in the entry of a
	 * handler, which does not fault with the rights that the kernel gives
	 * it: who has those, or none at all, has jumped to its WRPKRU.
	 */
	if (thread != NULL &&
	    (mdi_is_gate_code(pc) || mdi_is_own_code(pc) || full))
		return (struct mdi_domain *)mdi_link_domain(
			mdi_frame_top(thread)->link);
	if (full)
		return NULL;
	if (keys == 0)
		return NULL; /* a handler of the host: the kernel's rights */
	if (thread == NULL && !has_block(*rights))
		return NULL;
	return module_of(keys);
}

/*
 * By its rights: host code has others, in a gate as well. There is no way to
 * tell one that it has come to by its way in or out, or by a service, from one
 * that it has jumped to, and no need: the frame is whole.
 */
static bool in_module(const struct mdi_thread *thread,
		      struct mdi_context *context)
{
	const uint32_t *rights =
		mdi_context_rights(context, state.rights_offset);

	(void)thread;
	return rights != NULL &&
	       !mdi_rights_are_full(*rights, state.host_key) &&
	       mdi_rights_opened(*rights, state.slot_keys) != 0;
}

/*
 * Host code without the host's rights: a thread that was there before the
 * library, or a signal handler, which the kernel starts with key 0 alone.
 */
static bool host_fault(struct mdi_thread *thread, struct mdi_domain *domain,
		       const struct mdi_event *event,
		       struct mdi_context *context)
{
	uint32_t *had = mdi_context_rights(context, state.rights_offset);
	uint32_t rights;

	if (event->kind != MDI_EVENT_KEY || had == NULL)
		return false;
	if (domain != NULL && domain->kind == MDI_DOMAIN_CLOSED &&
	    (thread == NULL || thread->window_count == 0))
		return false;
	if (thread != NULL && thread->window_count != 0)
		rights = thread->host_rights;
	else
		rights = mdi_rights_open(*had, state.host_keys);
	if (rights == *had || !mdi_rights_are_full(*had, 0))
		return false;
	/* A module's rights: a thread that outlived it is not the host's. */
	if (thread == NULL && is_modules(*had) && has_block(*had))
		return false;
	mdi_context_set_rights(context, state.rights_offset, rights);
	return true;
}

static void recover(struct mdi_thread *thread, struct mdi_context *context)
{
	mdi_context_set_rights(context, state.rights_offset,
			     thread ? thread->host_rights
				    : mdi_arch_state.handler_rights);
}

/*
 * Sets may have come to the module since it has made a thread, and may be about
 * to lose their keys again: that waits for who is inside, and for no other.
 */
static void confine(const struct mdi_thread *thread,
		    const struct mdi_domain *domain,
		    struct mdi_context *context)
{
	const uint32_t *had = mdi_context_rights(context, state.rights_offset);
	uint32_t rights = domain->head.rights;

	if (thread == NULL && had != NULL)
		rights = mdi_rights_common(rights, *had);
	if (__atomic_load_n(&domain->made_threads, __ATOMIC_RELAXED))
		mdi_slots_pin(mdi_rights_opened(rights, state.slot_keys));
	mdi_context_set_rights(context, state.rights_offset, rights);
}

/* The key is open to this thread, with all of its pages, for that long. */
static bool permit(const struct mdi_domain *domain,
		   const struct mdi_opened *what, struct mdi_context *context)
{
	const uint32_t *had = mdi_context_rights(context, state.rights_offset);

	(void)domain;
	if (had == NULL || what->key < 0 || what->key >= MDI_RIGHTS_KEYS)
		return false;
	mdi_context_set_rights(context, state.rights_offset,
			       mdi_rights_allow(*had, what->key,
						what->access & MDI_PROT_WRITE));
	return true;
}

static uint32_t expected(const struct mdi_domain *domain, uint32_t access,
			 int *key)
{
	*key = domain->key;
	return access; /* to those who have the key */
}

static void describe(const struct mdi_domain *domain, char *text, size_t size)
{
	if ((domain->kind == MDI_DOMAIN_MODULE ||
	     domain->kind == MDI_DOMAIN_SHARED) &&
	    domain->key == state.host_key)
		snprintf(text, size, "parked");
	else
		snprintf(text, size, "key %d", domain->key);
}

static const struct mdi_thread_rights threads = {
	.attach = thread_attach,
	.detach = thread_detach,
	.protect_own = mdi_pkey_protect_own,
	.unprotect_own = mdi_pkey_unprotect_own,
	.protect_altstack = mdi_pkey_protect_altstack,
	.admit = mdi_slots_admit,
	.confine = confine,
};

const struct mdi_backend mdi_backend_pkey = {
	.id = MODISO_BACKEND_PKEY,
	.name = "pkey",
	.lasting = true,
	.probe = mdi_pkey_probe,
	.syscalls = mdi_pkey_stops_calls,
	.start = start,
	.stop = stop,
	.entries = &mdi_entries_pkey,
	.service_thunks = { mdi_service_thunks_pkey,
			    mdi_service_thunks_pkey_rec },
	.threads = &threads,
	.inside = inside,
	.fiber_switch = mdi_fiber_switch_pkey,
	.domain_init = mdi_pkey_domain_init,
	.domain_fini = mdi_pkey_domain_fini,
	.protect = mdi_pkey_protect,
	.release = mdi_pkey_release,
	.remap_rights = mdi_pkey_remap_rights,
	.discard = mdi_pkey_discard,
	.move = mdi_pkey_move,
	.retire = mdi_slots_retire,
	.expected = expected,
	.describe = describe,
	.gate = gate,
	.after_fork = after_fork,
	.interrupt = interrupt,
	.interrupt_end = interrupt_end,
	.way = mdi_pkey_way,
	.leave = leave,
	.window_open = window_open,
	.window_close = window_close,
	.culprit = culprit,
	.in_module = in_module,
	.permit = permit,
	.host_fault = host_fault,
	.recover = recover,
};
