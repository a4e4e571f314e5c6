/* SPDX-License-Identifier: MIT */
/*
 * core/module.h - modules, and the host seen as one.
 */
#ifndef MDI_CORE_MODULE_H
#define MDI_CORE_MODULE_H

#include <modiso/fault.h>
#include <modiso/module.h>
#include <modiso/syscall.h>

#include "backend/backend.h"
#include "core/notify.h"
#include "core/arena.h"
#include "core/state.h"

struct mdi_call_log;
struct mdi_heap;
struct mdi_rule;
struct mdi_snapshot;
struct mdi_stack;
struct mdi_tls;
struct modiso_gate;
struct modiso_region;

struct modiso_module {
	struct mdi_domain domain; /* first: gates and faults know only it */
	struct mdi_arena arena;
	uint32_t mark; /* MDI_MARK_MODULE */
	uint64_t id;   /* 0: the host */
	char name[MODISO_NAME_SIZE];
	void *cookie;
	size_t stack_size;
	bool permissive; /* core/permit.h */
	uint32_t syscalls; /* enum modiso_syscalls */
	struct mdi_call_log *call_log; /* NULL: none is logged */
	struct mdi_rule *rules; /* for single ones: core/policy.h */
	modiso_text_fn text; /* of its C library: core/libc.h; NULL: nobody */
	void *text_arg;
	struct mdi_files *files; /* of that one: core/files.h; NULL: none */
	char *stack_base; /* kept for the first stack; NULL: it is taken */
	uint64_t limit_ns; /* how long a call may last; 0: for ever */
	bool limit_by_wall; /* by the clock, not by what the thread uses */
	bool guard_opens; /* the first stack's guard is a void page in a run */
	struct modiso_region *regions;
	struct modiso_gate *gates;
	struct mdi_stack *free_stacks;
	uint32_t mail_word; /* core/mailbox.h; 0: no thread has one */
	size_t mail_size;   /* bytes of each thread's mailbox */
	struct mdi_stack *free_mail;
	struct mdi_tls *tls; /* NULL: its threads have the host's */
	struct mdi_notify notify; /* its own, or nobody */
	struct mdi_snapshot *snapshot; /* NULL: none was taken */
	struct mdi_heap *heap;         /* NULL: it has none */
};

/* Owner of guarded host regions, and of those that need a window. */
#define mdi_host        (mdi_core_state.module.host)
#define mdi_host_closed (mdi_core_state.module.host_closed)

static inline struct modiso_module *
mdi_domain_module(const struct mdi_domain *domain)
{
	return (struct modiso_module *)(void *)domain;
}

/* The library's lock is held in all of these. */
int mdi_module_create(const char *name,
		      const struct modiso_module_options *options,
		      enum mdi_domain_kind kind, struct modiso_module **out);
int mdi_module_destroy(struct modiso_module *module);
size_t mdi_module_count(void);

/*
 * A number of links, as their offset in a block; 0: none is free. @domain is
 * what it stands for; NULL: nothing that can be entered.
 */
uint32_t mdi_link_take(struct mdi_domain_head *domain);
void mdi_link_give(uint32_t link);
void mdi_module_reset(void);

#endif /* MDI_CORE_MODULE_H */
