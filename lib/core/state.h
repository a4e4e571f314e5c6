/* SPDX-License-Identifier: MIT */
/*
 * core/state.h - what this layer can change: see base/state.h.
 *
 * Guarded by the library's lock, but for what says otherwise. All locks of the
 * library, an outer one first:
 *
 *	code's jit_lock  one thread alone tells the debugger
 *	front's cancel   one thread alone meets the first cancellation of all
 *	runtime.lock     the library's: all of core/ and code/; init and fini
 *	heap.stop        no lock, but waits for threads that use their caches
 *	heap.locks       which bytes of a heap are taken; in their order
 *	keeper.lock      the process's state with page permissions (backend/)
 *	actions.guard    what was asked of sigaction(2) (os/); innermost
 *
 * fork(2) takes the library's, those of heaps and the keeper's, so that what
 * they guard is whole in the child. The others are free in the child, whoever
 * had them, and what they guard is put right: callbacks may run under them, or
 * they are taken with all signals blocked.
 */
#ifndef MDI_CORE_STATE_H
#define MDI_CORE_STATE_H

#include <modiso/fault.h>
#include <modiso/init.h>

#include "arch/arch.h"
#include "arch/gadget.h"
#include "base/state.h"
#include "core/notify.h"
#include "core/vault.h"
#include "os/lock.h"

#include <pthread.h>
#include <unwind.h>

struct mdi_cfi;
struct mdi_place;
struct mdi_report_place;
struct mdi_site;
struct mdi_step;

struct mdi_runtime_state {
	struct mdi_lock lock; /* the library's */
	bool fork_hooked;
	const struct mdi_layer *layers;
	const struct mdi_front *front;
	struct modiso_options options; /* of the first of those that share it */
	uint32_t users;
};

/* Readers take no lock. */
struct mdi_addrmap_state {
	struct mdi_addrnode *root;
	uint32_t version; /* odd while a writer is at work */
};

/* Records of threads that end at the same time; static TLS is scarce. */
#define MDI_ORPHANS 64

struct mdi_fault_state {
	struct mdi_notify notify; /* read without a lock */
	struct modiso_fault orphans[MDI_ORPHANS];
	uint32_t orphan_count; /* counted without a lock */
};

/* Objects that a process has loaded hold one or two such instructions. */
#define MDI_GADGETS_MAX 64

/* core/gadget.h. A handler reads the gadgets without the lock. */
struct mdi_gadget_state {
	struct mdi_gadget gadgets[MDI_GADGETS_MAX];
	uint32_t count, detours;
	uint64_t list, loads; /* what was mapped and loaded at the search */
	bool searched;
};

struct mdi_gate_state {
	/*
	 * Slots with a thunk that no gate has, the longest free one first: a
	 * thunk that somebody still holds stays dead for as long as can be. A
	 * ring.
	 */
	uint16_t free_slots[MDI_GATE_SLOTS];
	uint32_t free_first, free_count;
	uint64_t key_wait_ns; /* how long a call waits for a protection key */
};

struct mdi_grant_state {
	struct mdi_set *sets;
};

/*
 * Few for many heaps, so that fork(2) can take them all. What they guard is
 * bookkeeping alone: no memory of a module is touched while one is held.
 */
#define MDI_HEAP_LOCKS 16

struct mdi_heap_state {
	/* Not 0: no thread uses its cache (core/heap_cache.h). Read by all. */
	_Alignas(64) uint32_t stop;
	struct mdi_heap_lock {
		_Alignas(64) struct mdi_lock lock;
	} locks[MDI_HEAP_LOCKS];
};

/*
 * The compiler's unwinder, loaded as backtrace(3) of the C library loads it:
 * who prints no report does not need it.
 */
struct mdi_host_frames_state {
	pthread_once_t once;
	__typeof__(_Unwind_Backtrace) *backtrace;
	__typeof__(_Unwind_GetIP) *ip;
	__typeof__(_Unwind_GetCFA) *cfa;
	__typeof__(_Unwind_FindEnclosingFunction) *function;
	bool there;
};

/* capstone's functions, loaded in the same way: core/disassemble_capstone.c. */
struct mdi_disassemble_state {
	pthread_once_t once;
	bool there;
	_Alignas(void *) unsigned char functions[5 * sizeof(void *)];
};

/* libseccomp's functions, in the same way: core/call_names_seccomp.c. */
struct mdi_call_names_state {
	pthread_once_t once;
	bool there;
	_Alignas(void *) unsigned char functions[2 * sizeof(void *)];
};

/* libdw's functions, loaded in the same way: core/lines_libdw.c. */
struct mdi_lines_state {
	pthread_once_t once;
	bool there;
	_Alignas(void *) unsigned char functions[15 * sizeof(void *)];
};

/*
 * Calls that last too long: limit.c. The lock guards what does not say
 * otherwise.
 */
struct mdi_limit_state {
	uint32_t count; /* of modules with a limit; read without the lock */
	uint32_t by_wall; /* of these, by the clock on the wall; the same */
	uint32_t numbers; /* of known calls, counted without it */
	uint32_t word;    /* what the ticking thread sleeps on */
	bool over;        /* it is to end; read without the lock */
	bool running;
	/* The ticking thread's: whom it looks at first, and what it costs. */
	uint32_t first, asked;
	uint64_t counted[MDI_THREADS_MAX / 64];
	uint64_t looked_ns, looked_cpu_ns; /* at its last look */
	uint64_t due_ns; /* it has to look again in so long */
	uint64_t random;
	uint64_t tick_ns; /* read without the lock */
	pthread_t ticker;
};

struct mdi_arena_state {
	char *low; /* of the ranges that lie side by side; NULL: none yet */
	char *hole; /* among them, where one was; of length 0: none */
	size_t hole_length;
};

struct mdi_module_state {
	/* They stand for the host: owners of its guarded regions. */
	struct modiso_module *host, *host_closed;
	uint64_t last_id;
	size_t count;          /* modules, the host not counted */
	uint32_t search_start; /* links below are taken, more or less */
	/* Which are: not each stands for a domain. */
	uint64_t taken[MDI_MODULES_MAX / 64];
};

/* Pictures of modules that the environment asks for. */
struct mdi_picture_state {
	size_t most; /* modules in that of the process */
};

/* Modules that are watched and not stopped: core/permit.h. */
struct mdi_permit_state {
	/* NULL: no such module was made. Read, and counted, without a lock. */
	struct mdi_site *sites;
	struct mdi_step *steps;
	uint32_t stepping; /* threads that are in a step */
	uint64_t accesses, lost;
	/* Guarded by the library's lock. */
	struct mdi_place *places;
	uint64_t *known;
	size_t known_count;
};

struct mdi_record_state {
	uint64_t numbers; /* counted without a lock */
};

/* recorder.c. Constant but in the child of a fork. */
struct mdi_recorder_state {
	bool on;
	char *base; /* the file, mapped; NULL: there is none */
	/* The beginning of it, or what it would be. */
	struct modiso_record_file *file;
	struct modiso_record_name *names;
};

struct mdi_report_state {
	/*
	 * Asked first, when it is not NULL: does an image hold the address? Set
	 * by the layer that knows images, which is above this one. Takes the
	 * library's lock.
	 */
	bool (*image)(uintptr_t address, struct mdi_report_place *place);
	/*
	 * Likewise, with the lock held; no header: the image has no call-frame
	 * information.
	 */
	bool (*unwind)(uintptr_t pc, struct mdi_cfi *cfi);
};

/* core/seal.h */
struct mdi_seal_state {
	bool sealed; /* some of the host's code, for ever */
};

struct mdi_service_state {
	/* Read without the lock by mdi_service_allowed(). */
	struct modiso_service *services[MDI_SERVICE_SLOTS];
	size_t count;
	/* Read without it as well. Of one that has ended they stay. */
	struct mdi_service_stacked {
		void (MODISO_CALL *function)(void);
		uint32_t words; /* on its caller's stack */
		bool variadic;
	} stacked[MDI_SERVICE_SLOTS];
};

struct mdi_thread_state {
	struct mdi_thread *attached;
	uint32_t attached_count, attached_max;
	uint32_t fresh_index;                   /* never used from here on */
	uint32_t free_indexes[MDI_THREADS_MAX]; /* a stack of used ones */
	uint32_t free_count;
	uint32_t free_fibers[MDI_THREADS_MAX]; /* the same, of fibers */
	uint32_t free_fiber_count, fiber_count;
	pthread_key_t exit_key;
	bool exit_key_made;
};

#define MDI_VAULT_SMALLEST 6  /* 64 bytes */
#define MDI_VAULT_LARGEST  16 /* 64 KiB; above that, pages of its own */

struct mdi_vault_state {
	struct mdi_vault_chunk *chunks;
	struct mdi_vault_area *areas;
	char *fresh, *fresh_end;
	struct mdi_vault_object *free[MDI_VAULT_LARGEST + 1];
	struct mdi_vault_object *free_kind[MDI_VAULT_KINDS];
};

extern struct mdi_core_state {
	struct mdi_runtime_state runtime;
	struct mdi_addrmap_state addrmap;
	struct mdi_call_names_state call_names;
	struct mdi_disassemble_state disassemble;
	struct mdi_fault_state fault;
	struct mdi_gadget_state gadget;
	struct mdi_gate_state gate;
	struct mdi_grant_state grant;
	struct mdi_heap_state heap;
	struct mdi_host_frames_state host_frames;
	struct mdi_limit_state limit;
	struct mdi_lines_state lines;
	struct mdi_arena_state arena;
	struct mdi_module_state module;
	struct mdi_permit_state permit;
	struct mdi_picture_state picture;
	struct mdi_record_state record;
	struct mdi_recorder_state recorder;
	struct mdi_report_state report;
	struct mdi_seal_state seal;
	struct mdi_service_state service;
	struct mdi_thread_state thread;
	struct mdi_vault_state vault;
} MDI_STATE mdi_core_state;

#endif /* MDI_CORE_STATE_H */
