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
 * nobody's rights. Inside, a thread has its module's slots alone. What PKRU
 * says of keys that are not ours is never changed.
 */
#include "backend/backend.h"
#include "backend/slots.h"

#include "backend/state.h"
#include "base/error.h"
#include "base/misuse.h"
#include "os/cpu.h"
#include "os/linux_probe.h"
#include "os/linux_sys.h"
#include "os/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Host and one slot; the third is the open key. */
#define KEYS_MIN 2

#define state (mdi_open.state)

static struct mdi_pkey_state *const own = &mdi_backend_state.pkey;

/*
 * Can the kernel deliver a signal to a thread that has closed key 0, and so the
 * memory where the signal's frame goes? Linux 6.12 can; before, the process is
 * killed (FACTS 0.1). A forked child finds out, once.
 */
static void *probe_child(void *unused)
{
	mdi_probe_closed(mdi_rdpkru() | MDI_PKRU_BOTH(0));
	return unused;
}

static bool frames_anywhere(void)
{
	if (!own->frames_asked)
		own->frames_anywhere = mdi_probe_survives(SIGILL, probe_child);
	own->frames_asked = true;
	return own->frames_anywhere;
}

static uint32_t both(uint32_t keys)
{
	uint32_t bits = 0;

	for (int key = 0; key < MDI_PKRU_KEYS; key++)
		if (keys & (1u << key))
			bits |= MDI_PKRU_BOTH(key);
	return bits;
}

/* Their AD bits alone: a key is open when that is clear, whatever WD says. */
static uint32_t access_bits(uint32_t keys)
{
	return both(keys) & 0x55555555u;
}

/* Which slots these rights open. */
static uint32_t open_keys(uint32_t pkru)
{
	uint32_t keys = 0;

	for (int key = 0; key < MDI_PKRU_KEYS; key++)
		if (!(pkru & MDI_PKRU_AD(key)))
			keys |= 1u << key;
	return keys & state.slot_keys;
}

static int take_keys(uint32_t most, uint32_t *keys)
{
	int count = 0, key;

	*keys = 0;
	while ((most == 0 || (uint32_t)count < most) &&
	       (key = mdi_sys_pkey_alloc(false)) >= 0) {
		*keys |= 1u << key;
		count++;
	}
	return count;
}

static void give_keys(uint32_t keys)
{
	for (int key = 0; key < MDI_PKRU_KEYS; key++)
		if (keys & (1u << key))
			mdi_sys_pkey_free(key);
}

static int lowest(uint32_t *keys)
{
	int key = __builtin_ctz(*keys);

	*keys &= ~(1u << key);
	return key;
}

/* Why a CPU or kernel has no keys, or NULL. */
static const char *missing(const struct mdi_cpu *cpu)
{
	if (!cpu->pku)
		return "this CPU has no protection keys (CPUID leaf 7, ECX bit "
		       "3: PKU)";
	if (!cpu->ospke)
		return "the CPU has protection keys, the kernel has not "
		       "switched them on (OSPKE clear: \"nopku\" on the kernel "
		       "command line, or CONFIG_X86_INTEL_MEMORY_PROTECTION_"
		       "KEYS off)";
	if (!cpu->fsgsbase)
		return "the kernel does not let programs use FSGSBASE (Linux "
		       "5.9 or newer without \"nofsgsbase\" does)";
	if (cpu->pkru_offset == 0)
		return "XSAVE does not save PKRU on this machine";
	return NULL;
}

/*
 * A module that is without key 0 reads the open page by a key of its own. A
 * kernel that writes signal frames with the rights of the interrupted code
 * needs one more for signal stacks.
 */
static uint32_t capabilities(uint32_t keys)
{
	uint32_t bits = MODISO_CAP_GUARD | MODISO_CAP_PER_THREAD |
			MODISO_CAP_PARALLEL;
	uint32_t signal_key = !frames_anywhere();

	if (keys >= 2 + 2 * signal_key)
		bits |= MODISO_CAP_READONLY;
	if (keys >= 3 + signal_key)
		bits |= MODISO_CAP_SEALED;
	return bits;
}

/* Why not all levels of confinement, or nothing. */
static void explain(struct modiso_backend_info *info)
{
	if (!(info->caps & MODISO_CAP_READONLY))
		snprintf(info->reason, sizeof(info->reason),
			 "READONLY and SEALED need 4 free keys on this kernel, "
			 "which writes signal frames with the rights of the "
			 "code that is interrupted (Linux 6.12 does not)");
	else if (!(info->caps & MODISO_CAP_SEALED))
		snprintf(info->reason, sizeof(info->reason),
			 "SEALED needs 3 free keys, the third for what gates "
			 "read with a module's rights");
}

static int probe(struct modiso_backend_info *info)
{
	const char *why = missing(mdi_cpu());
	uint32_t keys;
	int saved = errno, denied;

	info->usable = 0;
	info->caps = 0;
	info->keys_total = 0;
	info->keys_free = 0;
	info->reason[0] = '\0';
	if (why != NULL) {
		snprintf(info->reason, sizeof(info->reason), "%s", why);
		return MODISO_ERR_NOTSUP;
	}
	info->keys_total = MDI_PKRU_KEYS - 1;
	errno = 0;
	info->keys_free = (uint32_t)take_keys(0, &keys);
	denied = errno;
	if (info->keys_free == 0)
		snprintf(info->reason, sizeof(info->reason),
			 "pkey_alloc(2): %s; %s", strerror(denied),
			 denied == ENOSPC ?
				 "other code in this process has taken all "
				 "keys" :
				 "a seccomp filter or container denies it");
	give_keys(keys);
	if (state.backend == &mdi_backend_pkey) {
		info->reason[0] = '\0'; /* the library itself has them */
		info->usable = 1;
	} else if (info->keys_free >= KEYS_MIN) {
		info->usable = 1;
	} else if (info->keys_free > 0) {
		snprintf(info->reason, sizeof(info->reason),
			 "%u protection keys are free, %d are needed; other "
			 "code in this process has the rest",
			 info->keys_free, KEYS_MIN);
	}
	if (info->usable) {
		info->caps = state.backend == &mdi_backend_pkey
				     ? own->caps
				     : capabilities(info->keys_free);
		explain(info);
	}
	errno = saved;
	if (info->usable)
		return 0;
	return denied == ENOSPC ? MODISO_ERR_NOKEY : MODISO_ERR_NOTSUP;
}

/* pkey_alloc(2) opened it to this thread: take it again, closed. */
static int close_key(int key)
{
	mdi_sys_pkey_free(key);
	own->all_keys &= ~(1u << key);
	key = mdi_sys_pkey_alloc(true);
	if (key < 0)
		return MDI_NO_KEY;
	own->all_keys |= 1u << key;
	return key;
}

/* Nobody is left who could have been made by a module. */
static void give_kept_keys(void)
{
	if (state.kept_keys == 0 || mdi_sys_threads() != 1)
		return;
	give_keys(state.kept_keys);
	state.kept_keys = 0;
}

static int start(const struct modiso_options *options)
{
	uint32_t keys;
	int saved = errno, count;

	give_kept_keys();
	count = take_keys(options->max_keys, &keys);
	errno = saved; /* the last key that was asked for is always refused */
	if (count < KEYS_MIN) {
		give_keys(keys);
		return mdi_fail(MODISO_ERR_NOKEY,
				"%d protection keys to be had, %d are needed "
				"(host, one module)%s",
				count, KEYS_MIN,
				options->max_keys ? "; raise options.max_keys" :
						    "");
	}
	own->all_keys = keys;
	state.pkru_offset = mdi_cpu()->pkru_offset;
	state.host_key = lowest(&keys);
	state.open_key = MDI_NO_KEY;
	if (count >= 3)
		state.open_key = lowest(&keys);
	state.signal_key = MDI_NO_KEY;
	if (count >= 4 && !frames_anywhere()) {
		state.signal_key = lowest(&keys);
		count--;
	}
	state.closed_key = MDI_NO_KEY;
	if (count >= 4)
		state.closed_key = close_key(lowest(&keys));
	state.slot_keys = keys;
	mdi_slots_start(keys);
	mdi_sys_membarrier_register();
	own->caps = capabilities((uint32_t)__builtin_popcount(own->all_keys));
	state.host_clear = both(own->all_keys);
	if (state.closed_key != MDI_NO_KEY)
		state.host_clear &= ~MDI_PKRU_BOTH(state.closed_key);
	mdi_arch_state.handler_pkru = mdi_rdpkru() & ~state.host_clear;
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
	give_keys(own->all_keys & ~keep);
	state.kept_keys |= keep;
	give_kept_keys();
	own->all_keys = 0;
	mdi_slots_start(0);
}

/*
 * A module has its slot open and the host key closed. A thread that was there
 * before the library has neither; it touches the library's memory, and the
 * fault handler gives it the host's rights.
 */
static bool inside(void)
{
	uint32_t pkru = mdi_rdpkru();

	if ((pkru & MDI_PKRU_BOTH(state.host_key)) == 0)
		return false;
	return (~pkru & access_bits(state.slot_keys | state.kept_keys)) != 0;
}

/*
 * Rights inside, but for the module's own slot: open key to read, signal stacks
 * where the kernel writes its frames with the module's rights; key 0 by
 * confinement; nothing else of ours. Keys that are not ours stay as the host
 * has them under GUARD, and are closed otherwise.
 */
static uint32_t parked_pkru(uint32_t confinement)
{
	uint32_t pkru = mdi_rdpkru() | both(own->all_keys | state.kept_keys);

	if (confinement == MODISO_CONFINE_READONLY)
		pkru = ~MDI_PKRU_AD(0);
	else if (confinement == MODISO_CONFINE_SEALED)
		pkru = ~0u;
	if (state.open_key != MDI_NO_KEY)
		pkru &= ~MDI_PKRU_AD(state.open_key);
	if (state.signal_key != MDI_NO_KEY)
		pkru &= ~MDI_PKRU_BOTH(state.signal_key);
	return pkru;
}

static int domain_init(struct mdi_domain *domain)
{
	domain->open = true; /* to those who have the key */
	domain->opened = ~0u;
	switch (domain->kind) {
	case MDI_DOMAIN_HOST:
		domain->key = state.host_key;
		return 0;
	case MDI_DOMAIN_CLOSED:
		domain->key = state.closed_key;
		return 0;
	case MDI_DOMAIN_MODULE:
		domain->pkru_parked = parked_pkru(domain->confinement);
		break;
	case MDI_DOMAIN_SHARED:
		break;
	}
	mdi_slots_add(domain);
	return 0;
}

static int domain_fini(struct mdi_domain *domain, void *base, size_t length,
		       const struct mdi_users *users)
{
	int result = domain->kind == MDI_DOMAIN_MODULE ?
			     mdi_slots_empty(domain, users) :
			     0;

	if (result != 0)
		return result;
	/* Before the key is anybody else's. */
	if (mdi_mem_unmap(base, length) != 0)
		return mdi_fail_os("munmap", "%zu bytes of a module", length);
	if (domain->kind == MDI_DOMAIN_MODULE)
		mdi_slots_remove(domain);
	return 0;
}

/* The kernel can stop between one mapping and the next: all as it was. */
static int put_back(const struct mdi_domain *domain, void *base, size_t length,
		    uint32_t was)
{
	int result = mdi_fail_os("pkey_mprotect", "%zu bytes at %p", length,
				 base);
	int saved = errno, key = domain->key;

	if (was == MDI_WAS_FRESH)
		return result;
	if (was == MDI_WAS_NOBODYS) {
		was = MDI_PROT_READ | MDI_PROT_WRITE;
		key = 0;
	}
	if (mdi_mem_protect_key(base, length, was, key) != 0)
		mdi_misuse("pkey_mprotect(2) stopped half-way and would not "
			   "put back what it had changed; going on could leave "
			   "memory open");
	errno = saved;
	return result;
}

static int protect(struct mdi_domain *domain, void *base, size_t length,
		   uint32_t prot, uint32_t was, struct mdi_runs *runs)
{
	if (domain->key == MDI_NO_KEY)
		return mdi_fail(MODISO_ERR_NOKEY,
				"no protection key is left for closed host "
				"regions");
	if (mdi_mem_protect_key(base, length, prot, domain->key) != 0)
		return put_back(domain, base, length, was);
	mdi_runs_swap(&domain->runs, runs);
	return 0;
}

static int release(struct mdi_domain *domain, void *base, size_t length,
		   uint32_t was, struct mdi_runs *runs)
{
	if (mdi_mem_protect_key(base, length, MDI_PROT_READ | MDI_PROT_WRITE,
				0) != 0)
		return put_back(domain, base, length, was);
	mdi_runs_swap(&domain->runs, runs);
	return 0;
}

static int dress(struct mdi_domain *domain, void *base, size_t length,
		 uint32_t prot)
{
	if (mdi_mem_protect_key(base, length, prot, domain->key) != 0)
		return mdi_fail_os("pkey_mprotect", "%zu bytes at %p", length,
				   base);
	return 0;
}

static int discard(struct mdi_domain *domain, void *base, size_t length,
		   struct mdi_runs *runs)
{
	if (mdi_mem_decommit(base, length) != 0)
		return mdi_fail_os("mmap", "closing %zu bytes at %p", length,
				   base);
	mdi_runs_swap(&domain->runs, runs);
	return 0;
}

static int move(const struct mdi_move *move, const struct mdi_users *users)
{
	int result = mdi_slots_prepare(move, users);

	if (result != 0)
		return result;
	if (mdi_mem_protect_key(move->base, move->length, move->prot,
				move->to->key) != 0)
		return put_back(move->from, move->base, move->length,
				move->prot);
	mdi_runs_swap(&move->from->runs, move->from_runs);
	mdi_runs_swap(&move->to->runs, move->to_runs);
	/* Who is inside has them when it comes back from a service. */
	for (uint32_t i = 0; i < move->to->share_count; i++)
		if (move->to->shares[i].module != NULL)
			users->renew(move->to->shares[i].module);
	return 0;
}

static int protect_own(void *base, size_t length, enum mdi_own how)
{
	int key = how == MDI_OWN_CLOSED ? state.host_key : state.open_key;
	uint32_t prot = MDI_PROT_READ | MDI_PROT_WRITE;

	if (key == MDI_NO_KEY) {
		key = 0;
		if (how == MDI_OWN_CONSTANT)
			prot = MDI_PROT_READ;
	}
	if (mdi_mem_protect_key(base, length, prot, key) != 0)
		return mdi_fail_os("pkey_mprotect", "the library's memory");
	return 0;
}

static int unprotect_own(void *base, size_t length)
{
	if (mdi_mem_protect_key(base, length, MDI_PROT_READ | MDI_PROT_WRITE,
				0) != 0)
		return mdi_fail_os("pkey_mprotect",
				   "giving back the library's memory");
	return 0;
}

static int protect_altstack(void *base, size_t length)
{
	if (state.signal_key == MDI_NO_KEY)
		return 0; /* key 0: open to handlers from their first push on */
	if (mdi_mem_protect_key(base, length, MDI_PROT_READ | MDI_PROT_WRITE,
				state.signal_key) != 0)
		return mdi_fail_os("pkey_mprotect", "a signal stack");
	return 0;
}

static void (*gate_code(const struct mdi_domain *domain,
			const struct mdi_gate_shape *shape))(void)
{
	static void (*const scrub[])(void) = {
		mdi_gate_pkey_scrub_0, mdi_gate_pkey_scrub_1,
		mdi_gate_pkey_scrub_2, mdi_gate_pkey_scrub_3,
		mdi_gate_pkey_scrub_4, mdi_gate_pkey_scrub_5,
		mdi_gate_pkey_scrub_6,
	};
	const struct mdi_cpu *cpu = mdi_cpu();

	if (shape->scrub || domain->confinement == MODISO_CONFINE_SEALED)
		return shape->floats == 0 && cpu->avx && !cpu->avx512 ?
			       scrub[shape->words] :
			       mdi_gate_pkey_scrub_any;
	return shape->words > 2 ? mdi_gate_pkey_six : mdi_gate_pkey;
}

/* Keys that are not ours are the program's: it may change its rights. */
static void gate(const struct mdi_domain *domain,
		 const struct mdi_gate_shape *shape,
		 struct mdi_gate_slot *slot)
{
	slot->next = gate_code(domain, shape);
	slot->inner = __builtin_popcount(own->all_keys) < MDI_PKRU_KEYS - 1 ?
			      mdi_gate_pkey_own :
			      slot->next;
}

/* Rights of pages change under the library's lock alone. */
static int steady(int (*act)(void *arg), void *arg)
{
	return act(arg);
}

static int thread_attach(struct mdi_thread *thread)
{
	struct mdi_open_page *open = mdi_thread_open_page(thread);
	uintptr_t block = (uintptr_t)mdi_thread_block(thread);
	uintptr_t gs = mdi_rdgsbase();
	uintptr_t blocks = (uintptr_t)mdi_arch_state.blocks;

	/* A new thread has its creator's GS base; any other is the program's */
	if (gs != 0 && gs - blocks >= (uintptr_t)MDI_THREADS_MAX *
						MDI_BLOCK_SIZE)
		return mdi_fail(MODISO_ERR_STATE,
				"the program uses the GS base of this thread "
				"(%#zx); gates need it", (size_t)gs);
	thread->host_pkru = mdi_rdpkru();
	if (state.closed_key != MDI_NO_KEY)
		thread->host_pkru |= MDI_PKRU_BOTH(state.closed_key);
	thread->host_pkru &= ~state.host_clear;
	open->host_pkru = thread->host_pkru;
	open->pkru = ~0u;
	mdi_wrgsbase(block);
	mdi_rights_reload();
	return 0;
}

static void thread_detach(struct mdi_thread *thread)
{
	(void)thread;
	mdi_wrgsbase(0);
}

static void around_fork(void)
{
}

static void after_fork(void)
{
	mdi_sys_membarrier_register();
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
	kept->word[0] = page->pkru;
	kept->word[1] = page->host_pkru;
	kept->word[2] = thread->host_pkru;
	page->host_pkru = thread->host_pkru;
}

static int interrupt_end(struct mdi_thread *thread, struct mdi_frame *frame,
			 const struct mdi_kept *kept)
{
	struct mdi_open_page *page = mdi_thread_open_page(thread);

	(void)frame;
	page->pkru = kept->word[0];
	page->host_pkru = kept->word[1];
	thread->host_pkru = kept->word[2];
	return 0;
}

/* A service's caller gets its stack back; a handler has noted none. */
static void leave(struct mdi_thread *thread, const struct mdi_frame *over)
{
	if (over->service_sp > MDI_INTERRUPTED)
		mdi_thread_link(thread, over->link)->stack = over->stack;
}

/* Rights are the thread's own, and frozen with it. */
static void preempt(struct mdi_thread *thread)
{
	(void)thread;
}

static int resume(struct mdi_thread *thread)
{
	(void)thread;
	return 0;
}

static void set_host_pkru(struct mdi_thread *thread, uint32_t pkru)
{
	thread->host_pkru = pkru;
	mdi_thread_open_page(thread)->host_pkru = pkru;
	mdi_rights_reload();
}

static int window_open(struct mdi_domain *domain, struct mdi_thread *thread,
		       uint32_t prot)
{
	uint32_t pkru = mdi_rdpkru();

	if (domain->kind != MDI_DOMAIN_CLOSED)
		return 0; /* the host has all rights anyway */
	pkru &= ~MDI_PKRU_AD(domain->key);
	if (prot & MDI_PROT_WRITE)
		pkru &= ~MDI_PKRU_WD(domain->key);
	set_host_pkru(thread, pkru);
	return 0;
}

static void window_close(struct mdi_domain *domain, struct mdi_thread *thread,
			 uint32_t token)
{
	uint32_t bits = MDI_PKRU_BOTH(domain->key & 15);

	if (domain->kind == MDI_DOMAIN_CLOSED)
		set_host_pkru(thread, (mdi_rdpkru() & ~bits) | (token & bits));
}

/* Whose rights these are: one module's, and those of its sets. */
static struct mdi_domain *module_of(uint32_t open)
{
	for (; open != 0; open &= open - 1) {
		struct mdi_domain *domain =
			mdi_slots_domain(__builtin_ctz(open) / 2);

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
				  ucontext_t *context)
{
	uint32_t *pkru = mdi_context_pkru(context, state.pkru_offset);
	uint32_t open;

	if (thread != NULL && !mdi_thread_inside(thread))
		return NULL;
	if (pkru == NULL)
		return NULL;
	open = ~*pkru & access_bits(state.slot_keys);
	/*
	 * In a gate of this thread, on the way in or out: the frame is there
	 * and the rights are the host's, a jumper's or what a module has
	 * written into an open page without a key.
	 */
	if (thread != NULL && (mdi_is_gate_code(mdi_context_pc(context)) ||
			       (*pkru & MDI_PKRU_BOTH(state.host_key)) == 0))
		return (struct mdi_domain *)mdi_link_domain(
			mdi_frame_top(thread)->link);
	if ((*pkru & MDI_PKRU_BOTH(state.host_key)) == 0)
		return NULL;
	if (open == 0)
		return NULL; /* a handler of the host: the kernel's PKRU */
	return module_of(open);
}

/*
 * Host code without the host's rights: a thread that was there before the
 * library, or a signal handler, which the kernel starts with key 0 alone.
 */
static bool host_fault(struct mdi_thread *thread, struct mdi_domain *domain,
		       const siginfo_t *info, ucontext_t *context)
{
	uint32_t *pkru = mdi_context_pkru(context, state.pkru_offset);
	uint32_t rights;

	if (info->si_signo != SIGSEGV || info->si_code != SEGV_PKUERR ||
	    pkru == NULL)
		return false;
	if (domain != NULL && domain->kind == MDI_DOMAIN_CLOSED &&
	    (thread == NULL || thread->window_count == 0))
		return false;
	if (thread != NULL && thread->window_count != 0)
		rights = thread->host_pkru;
	else
		rights = *pkru & ~state.host_clear;
	if (rights == *pkru || *pkru & MDI_PKRU_BOTH(0))
		return false;
	/* A module's rights: a thread that outlived it is not the host's. */
	if (thread == NULL && *pkru & MDI_PKRU_BOTH(state.host_key) &&
	    ~*pkru & access_bits(state.slot_keys | state.kept_keys))
		return false;
	mdi_context_set_pkru(context, state.pkru_offset, rights);
	return true;
}

static void recover(struct mdi_thread *thread, ucontext_t *context)
{
	mdi_context_set_pkru(context, state.pkru_offset,
			     thread ? thread->host_pkru :
				      mdi_arch_state.handler_pkru);
}

/*
 * Sets may have come to the module since it has made a thread, and may be about
 * to lose their keys again: that waits for who is inside, and for no other.
 */
static void confine(const struct mdi_thread *thread,
		    const struct mdi_domain *domain, ucontext_t *context)
{
	const uint32_t *had = mdi_context_pkru(context, state.pkru_offset);
	uint32_t rights = domain->head.pkru;

	if (thread == NULL && had != NULL)
		rights |= *had;
	if (__atomic_load_n(&domain->made_threads, __ATOMIC_RELAXED))
		mdi_slots_lend(open_keys(rights));
	mdi_context_set_pkru(context, state.pkru_offset, rights);
}

const struct mdi_backend mdi_backend_pkey = {
	.id = MODISO_BACKEND_PKEY,
	.name = "pkey",
	.probe = probe,
	.start = start,
	.stop = stop,
	.signal_entry = mdi_signal_pkey,
	.async_entry = mdi_async_pkey,
	.service_thunks = mdi_service_thunks_pkey,
	.inside = inside,
	.domain_init = domain_init,
	.domain_fini = domain_fini,
	.protect = protect,
	.release = release,
	.dress = dress,
	.discard = discard,
	.move = move,
	.retire = mdi_slots_retire,
	.protect_own = protect_own,
	.unprotect_own = unprotect_own,
	.protect_altstack = protect_altstack,
	.admit = mdi_slots_admit,
	.steady = steady,
	.gate = gate,
	.thread_attach = thread_attach,
	.thread_detach = thread_detach,
	.before_fork = around_fork,
	.after_fork_parent = around_fork,
	.after_fork = after_fork,
	.interrupt = interrupt,
	.interrupt_end = interrupt_end,
	.leave = leave,
	.preempt = preempt,
	.resume = resume,
	.window_open = window_open,
	.window_close = window_close,
	.culprit = culprit,
	.host_fault = host_fault,
	.recover = recover,
	.confine = confine,
};
