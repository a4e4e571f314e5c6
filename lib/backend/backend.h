/* SPDX-License-Identifier: MIT */
/*
 * backend/backend.h - the contract between the library and what enforces it.
 *
 * A backend knows domains: sets of pages that are open and closed together.
 * Every module is one; the host's guarded regions are one; so are the regions
 * that the host too must open a window for.
 */
#ifndef MDI_BACKEND_BACKEND_H
#define MDI_BACKEND_BACKEND_H

#include <modiso/backend.h>
#include <modiso/init.h>
#include <modiso/module.h>

#include "arch/arch.h"
#include "base/common.h"
#include "os/event.h"
#include "os/memory.h"

enum mdi_domain_kind {
	MDI_DOMAIN_MODULE,
	MDI_DOMAIN_HOST,  /* modules have no rights, the host has all */
	MDI_DOMAIN_CLOSED, /* nobody has rights without a window */
	MDI_DOMAIN_SHARED  /* each of some modules has rights of its own */
};

struct mdi_runs {
	struct mdi_run *run; /* sorted; a hole inside a run is void */
	size_t count, room;
	size_t outside; /* so many of them are */
	/* From the first to the last one that is not; NULL: there is none. */
	char *own_base;
	size_t own_length;
};

struct mdi_domain;

/* The rights of one module to a domain of kind SHARED: READ, or READ | WRITE */
struct mdi_share {
	struct mdi_domain *set;
	struct mdi_domain *module; /* NULL: it has ended */
	uint32_t access;
	struct mdi_share *next; /* of the module */
};

/* What a backend knows of a domain. Core embeds it. */
struct mdi_domain {
	struct mdi_domain_head head; /* first: gates load it */
	enum mdi_domain_kind kind;
	uint32_t confinement;
	union { /* as struct mdi_link has them */
		uint32_t modes;
		struct {
			/* Its system calls come to the library. */
			uint8_t guarded;
			/*
			 * MODE_SCRUB: it sees nothing that the host leaves in
			 * registers. MODE_TLS: it has a thread pointer.
			 */
			uint8_t scrub;
		};
	};

	bool made_threads; /* that have its rights and are in no list */

	struct mdi_runs runs; /* every page of the domain */

	/* Addresses that are for its pages alone; a set has none. */
	char *range;
	size_t range_length;
	/*
	 * So many images are being built among them, in pages that are the
	 * host's. It changes in steady().
	 */
	uint32_t staged;

	/*
	 * A module's: the sets that it has rights to, a list. A set's: the
	 * modules that have rights to it, an array. They change in steady().
	 */
	struct mdi_share *shares;
	uint32_t share_count; /* of the array */

	/* The backend's own; core looks at none of it. */
	union {
		struct { /* rights of threads: pkey */
			int key; /* that the pages carry */
			bool half_tagged; /* some do not: see slots.c */
			bool referenced; /* asked for again: ditto */
			uint32_t parked_rights; /* head.rights without a slot */
			/*
			 * A set's: the module whose key it has; a module's:
			 * one key more. Or NULL: sets_place.c.
			 */
			struct mdi_domain *merged_into, *reader;
		};
		/*
		 * Rights of the process: mprotect. Can pages be accessible
		 * now, and are all of them? What is left of their protection:
		 * all of it, but for a set's while a module runs that may only
		 * read it.
		 */
		struct {
			bool open, whole;
			uint32_t opened;
			struct mdi_domain *next; /* list of open domains */
			/* By address: all that have a range. */
			struct mdi_domain *above, *below;
		};
	};
};

/* What a backend asks of the threads' list; the library's lock is held. */
struct mdi_users {
	/* Is a thread attached, other than the calling one? */
	bool (*others)(void);
	/* Is any thread in a call to this domain? */
	bool (*inside)(const struct mdi_domain *domain);
	/* May there be a thread that a module has made? */
	bool (*foreign_threads)(void);
	/* From now on every thread's next call into it comes to admit(). */
	void (*withdraw)(const struct mdi_domain *domain);
	/*
	 * The same for @domain and for @also, which may be one. True: nobody
	 * is inside of @domain, and nobody enters it without asking.
	 */
	bool (*quiesce)(const struct mdi_domain *domain,
			const struct mdi_domain *also);
	/* What threads enter it with are its rights of now. */
	void (*renew)(const struct mdi_domain *domain);
};

/* A region that goes from one domain to another with the rights of its pages */
struct mdi_move {
	struct mdi_domain *from, *to;
	void *base;
	size_t length;
	uint32_t prot;
	struct mdi_runs *from_runs, *to_runs; /* change places with theirs */
};

/* What the pages were before they became a domain's: see protect(). */
#define MDI_WAS_FRESH 0x100u   /* nothing: on failure the caller drops them */
#define MDI_WAS_NOBODYS 0x200u /* readable, writable, open to all */

/* The library's own memory, for modules. */
enum mdi_own {
	MDI_OWN_CLOSED,
	MDI_OWN_READABLE,
	MDI_OWN_CONSTANT, /* readable, and nobody writes it any more */
};

/* A page that one instruction may touch: core/permit.h. */
struct mdi_opened {
	uintptr_t page;
	int32_t key;           /* its own, where rights are a thread's */
	uint32_t access;       /* that was tried */
	uint32_t pages_access; /* the protection of its region; 0: in none */
	uint32_t unused;
};

/* Pages that are in no region. */
struct mdi_cover {
	uintptr_t base, end;
	bool grows; /* the heap's: it ends where that ends */
};

/* What a backend keeps for the time of a signal handler. */
struct mdi_kept {
	uint32_t word[3];
};


/* What the frame of a call that is over has said: core/frames.h. */
struct mdi_over {
	uint64_t service_sp, stack, block_base;
	uint32_t link;
};

/*
 * Rights are each thread's own: what must be done so that it has them. NULL
 * where they are the process's.
 */
struct mdi_thread_rights {
	int (*attach)(struct mdi_thread *thread);
	void (*detach)(struct mdi_thread *thread);

	/* Memory of the library itself: what modules may do with it. */
	int (*protect_own)(void *base, size_t length, enum mdi_own how);
	int (*unprotect_own)(void *base, size_t length);
	/*
	 * Alternate signal stacks: where the kernel can write its frames,
	 * whatever the interrupted code's rights are. Again for all of them
	 * when signal_key_used has become true.
	 */
	int (*protect_altstack)(void *base, size_t length);

	/*
	 * Before a thread gets a link to a domain: whatever its pages need to
	 * be open by rights alone. The library's lock is held. 0,
	 * MODISO_ERR_NOKEY: others have all keys just now; MODISO_ERR_OS.
	 */
	int (*admit)(struct mdi_domain *domain, const struct mdi_users *users);

	/*
	 * The module's rights in a frame through which module code goes on,
	 * whatever rights it came with. @thread is NULL for a thread that the
	 * module has made: it gets none that it had not. AS-Safe.
	 */
	void (*confine)(const struct mdi_thread *thread,
			const struct mdi_domain *domain,
			struct mdi_context *context);
};

/*
 * What pages allow is the same for all threads: what must be done so that they
 * do not disturb each other. NULL where each has rights of its own.
 */
struct mdi_process_rights {
	/* Run @act while no page's rights change; what it returned. */
	int (*steady)(int (*act)(void *arg), void *arg);

	/*
	 * What permit() has opened of @domain becomes what the domain's pages
	 * are now. AS-Safe, on a thread that is inside a module.
	 */
	void (*forbid)(const struct mdi_domain *domain,
		       const struct mdi_opened *what);

	/* Around a fork: nothing is half done in the child. */
	void (*before_fork)(void);
	void (*after_fork_parent)(void);

	/*
	 * External exclusion: another thread says that @thread is frozen, and
	 * that it goes on next. AS-Safe.
	 */
	void (*preempt)(struct mdi_thread *thread);
	int (*resume)(struct mdi_thread *thread);

	/*
	 * It may be interrupted while it is in a module; it may no more. On
	 * that thread.
	 */
	int (*attach)(struct mdi_thread *thread);
	void (*detach)(struct mdi_thread *thread);
	/*
	 * Between interrupt() and interrupt_end(), in the handler of a signal
	 * by which another thread asked for it: the module is left, and host
	 * code has a moment. AS-Safe.
	 */
	void (*stand_aside)(struct mdi_thread *thread);

	/*
	 * Memory in no region, which confined modules are not to reach. Nobody
	 * is in one while it changes. @count 0: none.
	 */
	int (*cover)(const struct mdi_cover *cover, uint32_t count);
	/* Is @at covered? As mdi_range_holds(); in steady(). */
	bool (*covers)(uintptr_t at, uintptr_t *until);
	/*
	 * A handler begins: that memory is there. lower() at its end, with what
	 * this returned, where the interrupted code goes on. AS-Safe.
	 */
	uint32_t (*lift)(void);
	void (*lower)(uint32_t lifted);
};

struct mdi_backend {
	enum modiso_backend id;
	const char *name; /* as MODISO_BACKEND and modiso-info spell it */
	bool lasting; /* pages keep their protection, whoever is inside */
	bool asked; /* C sees each call of a service, not listed ones alone */

	/*
	 * Fills usable, caps, keys and reason. Changes nothing. 0, or what
	 * modiso_init() says when this backend was asked for.
	 */
	int (*probe)(struct modiso_backend_info *info);
	int (*start)(const struct modiso_options *options);
	void (*stop)(void);

	/*
	 * Can system calls of modules be stopped, or else @why not? Keeps
	 * errno.
	 */
	bool (*syscalls)(char *why, size_t size);

	/* How traps come in: its own way. NULL: none, in a unit test. */
	const struct mdi_signal_entries *entries;
	/* What a service's thunks are: not recorded, and recorded. */
	const char *service_thunks[2];

	/* One of the two. */
	const struct mdi_thread_rights *threads;
	const struct mdi_process_rights *process;

	/* Is the calling code a module's? AS-Safe. */
	bool (*inside)(void);
	/* A thread goes by a fiber's block: arch/ has both. */
	int (*fiber_switch)(struct mdi_thread *to,
			    int (*otherwise)(struct mdi_thread *to));

	int (*domain_init)(struct mdi_domain *domain);
	/*
	 * The domain ends, and with it this range, which its own pages are in:
	 * it is unmapped. Nothing on failure. Nobody is inside.
	 */
	int (*domain_fini)(struct mdi_domain *domain, void *base,
			   size_t length, const struct mdi_users *users);

	/*
	 * Pages become the domain's, or change their protection; in the same
	 * moment @runs and the domain's change places. On failure nothing has
	 * changed: what the kernel did half is put back as it was before,
	 * which @was says: a protection of the domain's pages, or MDI_WAS_*.
	 */
	int (*protect)(struct mdi_domain *domain, void *base, size_t length,
		       uint32_t prot, uint32_t was, struct mdi_runs *runs);
	/* Pages become nobody's: readable, writable, open to all. */
	int (*release)(struct mdi_domain *domain, void *base, size_t length,
		       uint32_t was, struct mdi_runs *runs);
	/*
	 * Pages that are about to be remapped into the domain get the rights
	 * that its own pages have now. The host's state is held.
	 */
	int (*remap_rights)(struct mdi_domain *domain, void *base,
			    size_t length, uint32_t prot);
	/* Pages of the domain's range become a reservation again. */
	int (*discard)(struct mdi_domain *domain, void *base, size_t length,
		       struct mdi_runs *runs);
	/*
	 * Pages change their domain. When it returns no thread has rights to
	 * them that it had by the old one alone. MODISO_ERR_NOKEY: a module
	 * would need more keys than there are, or others have all of them just
	 * now. On failure nothing has changed.
	 */
	int (*move)(const struct mdi_move *move, const struct mdi_users *users);
	/*
	 * A set without pages ends; false: not yet, because threads may have
	 * the rights that it stands for.
	 */
	bool (*retire)(struct mdi_domain *set, const struct mdi_users *users);
	/*
	 * What the kernel must say of the domain's pages now that @access is
	 * the protection of their region, and which key they carry, or
	 * MDI_NO_KEY: that says nothing. For an audit; in steady().
	 */
	uint32_t (*expected)(const struct mdi_domain *domain, uint32_t access,
			     int *key);
	/* How it stands: "key 5", "parked", "open", "closed". */
	void (*describe)(const struct mdi_domain *domain, char *text,
			 size_t size);

	/*
	 * Fills inner and next of a gate's slot. Asked once, when the gate is
	 * made: no vtable on the call path.
	 */
	void (*gate)(const struct mdi_domain *domain,
		     const struct mdi_gate_shape *shape,
		     struct mdi_gate_slot *slot);

	/* In the child of a fork: the calling thread is the only one left. */
	void (*after_fork)(void);

	/*
	 * A handler of the host begins, and ends: what it must leave as it was
	 * is put into @kept. @frame is the call that it has interrupted, or
	 * NULL; at its end the module's rights are as they were, or a code says
	 * why they cannot be. Signals are kept away at its end. AS-Safe.
	 */
	void (*interrupt)(struct mdi_thread *thread, struct mdi_frame *frame,
			  struct mdi_kept *kept);
	int (*interrupt_end)(struct mdi_thread *thread,
			     struct mdi_frame *frame,
			     const struct mdi_kept *kept);

	/*
	 * A handler is over, and the interrupted code goes on: its way back.
	 * @words: where the rest of its state goes, when the innermost frame is
	 * a guarded module's, which was interrupted, or a gate's code, on the
	 * way in or out. NULL where the way is always the same. MDI_WAY_OTHER:
	 * there is none. AS-Safe.
	 */
	uintptr_t (*way)(struct mdi_thread *thread,
			 struct mdi_context *context,
			 struct mdi_resume_words *words);

	/*
	 * A call is over by another way than its gate's, or by a plain one.
	 * Signals are kept away. AS-Safe.
	 */
	void (*leave)(struct mdi_thread *thread, const struct mdi_over *over);

	/*
	 * Host code opens a domain for this thread, and closes it. The window's
	 * record is there already when it is opened, and is not counted yet; it
	 * is not counted any more when it is closed. Signals are kept away.
	 */
	int (*window_open)(struct mdi_domain *domain, struct mdi_thread *thread,
			   uint32_t prot);
	void (*window_close)(struct mdi_domain *domain,
			     struct mdi_thread *thread, uint32_t token);

	/*
	 * Whose code was interrupted by this fault? NULL: the host's. @thread
	 * may be NULL; @rights are those of mdi_context_rights(). AS-Safe, on
	 * the thread that faulted.
	 */
	struct mdi_domain *(*culprit)(struct mdi_thread *thread,
				      struct mdi_context *context,
				      const uint32_t *rights);
	/*
	 * Is it surely the module of the innermost call that was interrupted,
	 * and no host code, nor a step of the way in or out that only the host
	 * does? AS-Safe, on that thread.
	 */
	bool (*in_module)(const struct mdi_thread *thread,
			  struct mdi_context *context);

	/*
	 * The module's next instruction may touch this page of @domain (NULL:
	 * the host's, in no region): with rights of its thread in @context,
	 * which confine() takes away, or for the process, which forbid() ends.
	 * False: it cannot be opened. AS-Safe, on the thread that faulted.
	 */
	bool (*permit)(const struct mdi_domain *domain,
		       const struct mdi_opened *what,
		       struct mdi_context *context);

	/*
	 * Host code touched a page of @domain (NULL: the library's own, or of
	 * nobody): true when the cause is gone and it is to be tried again.
	 */
	bool (*host_fault)(struct mdi_thread *thread, struct mdi_domain *domain,
			   const struct mdi_event *event,
			   struct mdi_context *context);
	/*
	 * Rights of the host in the frame that recovery returns through.
	 * @thread is NULL for one that is not attached.
	 */
	void (*recover)(struct mdi_thread *thread, struct mdi_context *context);
};

extern const struct mdi_backend mdi_backend_pkey;
extern const struct mdi_backend mdi_backend_mprotect;

/*
 * What modules may read and must not write: which backend, which keys. One
 * page of its own.
 */
struct mdi_open_state {
	const struct mdi_backend *backend; /* NULL: not initialised */
	int host_key, open_key, closed_key;
	int signal_key; /* altstacks of kernels before 6.12; or MDI_NO_KEY */
	bool signal_key_used; /* by altstacks, from the first confined module */
	uint32_t slot_keys;  /* bit k: key k is a module's or may be */
	/* Of the library's life before: a module's own thread may have them */
	uint32_t kept_keys;
	const char *blocks; /* as mdi_arch_state has it, for module code */
	uint32_t host_keys; /* that the host has all rights to */
	uint32_t host_bits; /* of rights, clear in a host's; 0: no keys */
	uint32_t rights_offset;
	bool external; /* the host runs one thread at a time */
} __attribute__((aligned(4096)));

extern union mdi_open_page_state {
	struct mdi_open_state state;
	char page[4096];
} mdi_open;

#define mdi_backend_now (mdi_open.state.backend)

/*
 * NULL: the library does not run. For code that the program calls at any time:
 * another thread may start or stop it meanwhile, so what was found is used, and
 * not looked for again.
 */
static inline const struct mdi_backend *mdi_backend_running(void)
{
	return __atomic_load_n(&mdi_backend_now, __ATOMIC_ACQUIRE);
}

/* Is it a module that calls, for the same? */
static inline bool mdi_backend_called_inside(void)
{
	const struct mdi_backend *backend = mdi_backend_running();

	return backend != NULL && backend->inside();
}

/*
 * Is it surely the host that calls, and does the library run? With keys alone;
 * false means that the backend must be asked. Few instructions, and no call.
 */
static inline bool mdi_backend_surely_host(void)
{
	uint32_t bits = mdi_open.state.host_bits;

	return bits != 0 && mdi_backend_running() != NULL &&
	       (mdi_rights_read() & bits) == 0;
}

/* --- what one kind of rights wants, and the other does not --- */

static inline int mdi_backend_attach(struct mdi_thread *thread)
{
	const struct mdi_thread_rights *threads = mdi_backend_now->threads;

	if (threads != NULL)
		return threads->attach(thread);
	return mdi_backend_now->process->attach(thread);
}

static inline void mdi_backend_detach(struct mdi_thread *thread)
{
	if (mdi_backend_now->threads != NULL)
		mdi_backend_now->threads->detach(thread);
	else
		mdi_backend_now->process->detach(thread);
}

static inline int mdi_backend_protect_own(const struct mdi_backend *backend,
					  void *base, size_t length,
					  enum mdi_own how)
{
	const struct mdi_thread_rights *threads = backend->threads;

	return threads != NULL ? threads->protect_own(base, length, how) : 0;
}

static inline int mdi_backend_unprotect_own(const struct mdi_backend *backend,
					    void *base, size_t length)
{
	const struct mdi_thread_rights *threads = backend->threads;

	return threads != NULL ? threads->unprotect_own(base, length) : 0;
}

static inline int mdi_backend_protect_altstack(void *base, size_t length)
{
	const struct mdi_thread_rights *threads = mdi_backend_now->threads;

	return threads != NULL ? threads->protect_altstack(base, length) : 0;
}

static inline void mdi_backend_confine(const struct mdi_thread *thread,
				       const struct mdi_domain *domain,
				       struct mdi_context *context)
{
	if (mdi_backend_now->threads != NULL)
		mdi_backend_now->threads->confine(thread, domain, context);
}

static inline void mdi_backend_forbid(const struct mdi_domain *domain,
				      const struct mdi_opened *what)
{
	if (mdi_backend_now->process != NULL)
		mdi_backend_now->process->forbid(domain, what);
}

static inline int mdi_backend_steady(int (*act)(void *arg), void *arg)
{
	const struct mdi_process_rights *process = mdi_backend_now->process;

	return process != NULL ? process->steady(act, arg) : act(arg);
}

static inline void mdi_backend_before_fork(void)
{
	if (mdi_backend_now->process != NULL)
		mdi_backend_now->process->before_fork();
}

static inline void mdi_backend_after_fork_parent(void)
{
	if (mdi_backend_now->process != NULL)
		mdi_backend_now->process->after_fork_parent();
}

static inline void mdi_backend_preempt(struct mdi_thread *thread)
{
	if (mdi_backend_now->process != NULL)
		mdi_backend_now->process->preempt(thread);
}

static inline int mdi_backend_resume(struct mdi_thread *thread)
{
	const struct mdi_process_rights *process = mdi_backend_now->process;

	return process != NULL ? process->resume(thread) : 0;
}

static inline void mdi_backend_stand_aside(struct mdi_thread *thread)
{
	if (mdi_backend_now->process != NULL)
		mdi_backend_now->process->stand_aside(thread);
}

static inline uint32_t mdi_backend_lift(void)
{
	const struct mdi_backend *backend = mdi_backend_running();

	return backend != NULL && backend->process != NULL ?
		       backend->process->lift() :
		       0;
}

static inline void mdi_backend_lower(uint32_t lifted)
{
	if (lifted != 0)
		mdi_backend_now->process->lower(lifted);
}

static inline void mdi_runs_swap(struct mdi_runs *a, struct mdi_runs *b)
{
	struct mdi_runs old = *a;

	*a = *b;
	*b = old;
}

#endif /* MDI_BACKEND_BACKEND_H */
