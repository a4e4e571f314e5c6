/* SPDX-License-Identifier: MIT */
/*
 * backend/state.h - what this layer can change: see base/state.h.
 */
#ifndef MDI_BACKEND_STATE_H
#define MDI_BACKEND_STATE_H

#include "backend/backend.h"
#include "base/state.h"
#include "os/lock.h"

struct mdi_waiter;

/* Of a touch: see keeper.c. */
struct mdi_lease {
	uint64_t thread; /* mdi_lock_me(); 0: it has given it back */
	uint64_t end_ns, length_ns;
	bool shared; /* another thread's had not ended when it began */
};

#define MDI_COVERS 64

/* curtain.c */
struct mdi_curtain_state {
	uint64_t word; /* state, what is left, the thread that closed it */
	uint32_t closings;
	uint32_t count;
	bool stacks; /* those of other threads as well */
	struct mdi_cover cover[MDI_COVERS];
};

struct mdi_keeper_state {
	/*
	 * The fault handler takes it. It guards the rest of this structure,
	 * and nests inside the library's lock. No memory of a domain is
	 * touched while it is held.
	 */
	struct mdi_lock lock;
	const struct mdi_keeper_ops *ops;
	struct mdi_domain *current; /* entered, or the last one that was */
	unsigned inside;            /* threads in it */
	unsigned holds;
	uint64_t lease_end_ns; /* 0: none runs */
	struct mdi_lease lease; /* the last one */
	struct mdi_waiter *first, **last;
	unsigned hosts; /* in the line, who want the host's state */
	/*
	 * A domain's turn: its threads enter past the line, so many times yet.
	 * NULL: first come, first served.
	 */
	struct mdi_domain *turn;
	struct mdi_domain *cut; /* host code came in between: the rest is due */
	unsigned turn_left;
	uint64_t turn_end_ns;
	/* When the thread in front of the line looks next; 0: at once. */
	uint64_t look_ns, look_interval_ns;
	unsigned leaves, leaves_seen;
	/* Who gave the state to the line last, and when. */
	struct mdi_domain *gave;
	uint64_t gave_ns;
	bool hurry; /* the one that gave it wanted it again at once */
	void (*waited)(const struct mdi_domain *domain, uint64_t begin);
};

struct mdi_mprotect_state {
	uint32_t closed; /* MODISO_CLOSED_* */
	uint64_t fork_asked_ns; /* of the fork that is under way */
	bool keys_off; /* no PKRU that a thread could lose */
	/*
	 * External exclusion: the thread that entered a module last and has
	 * not left it. While it runs there nobody else may run.
	 */
	struct mdi_thread *runner;
	/*
	 * With it, futexes: host threads that want it to stand aside, and how
	 * often a runner has stopped for them.
	 */
	uint32_t askers, stops;
	uint64_t lease_ns; /* the longest that one of them needs */
	/*
	 * All that are attached, a list. The keeper's lock guards it; handlers
	 * read it without. Of one that was taken off it leads on.
	 */
	struct mdi_thread *peers;
};

/* Guarded by the keeper. */
struct mdi_pages_state {
	struct mdi_domain *open_list; /* the host's not among them */
	struct mdi_domain *host;
	struct mdi_domain *lowest; /* of a list in order of their ranges */
};

struct mdi_pkey_state {
	/* Can the kernel write signal frames anywhere, and was it asked? */
	bool frames_asked, frames_anywhere;
	int frames_error; /* it could not be asked; 0: it could */
	uint32_t all_keys;
	uint32_t caps;
	int free_denied; /* pkey_free(2)'s errno: keys are lost; or 0 */
};

struct mdi_slots_state {
	uint32_t all;
	uint32_t free;    /* that no domain has */
	uint32_t pinned;  /* a foreign thread may have these */
	uint32_t retired; /* of them, those that no domain has any more */
	struct mdi_domain *owner[MDI_RIGHTS_KEYS];
	/* Keys in a circle: the one to be evicted next, and who follows. */
	uint8_t clock_hand, clock_next[MDI_RIGHTS_KEYS];
};

/* A reader is one while it has a key: there are never more than keys. */
struct mdi_reader {
	struct mdi_domain domain; /* first */
	struct mdi_share share;   /* of the one module that reads */
};

struct mdi_sets_state {
	uint32_t merged; /* sets that have a module's key */
	struct mdi_reader readers[MDI_RIGHTS_KEYS];
};

extern struct mdi_backend_state {
	struct mdi_keeper_state keeper;
	struct mdi_curtain_state curtain;
	struct mdi_mprotect_state mprotect;
	struct mdi_pages_state pages;
	struct mdi_pkey_state pkey;
	struct mdi_slots_state slots;
	struct mdi_sets_state sets;
} MDI_STATE mdi_backend_state;

#endif /* MDI_BACKEND_STATE_H */
