/* SPDX-License-Identifier: MIT */
#include "core/module.h"

#include "base/error.h"
#include "core/closed.h"
#include "core/files.h"
#include "core/gate.h"
#include "core/grant.h"
#include "core/heap.h"
#include "core/layout.h"
#include "core/limit.h"
#include "core/permit.h"
#include "core/policy.h"
#include "core/recorder.h"
#include "core/region.h"
#include "core/runs.h"
#include "core/service.h"
#include "core/snapshot.h"
#include "core/state.h"
#include "core/thread.h"
#include "core/tls.h"
#include "core/vault.h"
#include "os/misuse.h"
#include "os/tracepoint.h"

#include <string.h>

#define STACK_DEFAULT ((size_t)64 * 1024)
#define MAIL_DEFAULT  ((size_t)64 * 1024)
#define RANGE_DEFAULT ((size_t)1 << 30)
/* Beside a stack: its guard, and a page. */
#define LEAST_ROOM    (MDI_GUARD_SIZE + MDI_PAGE_SIZE)

static struct mdi_module_state *const own = &mdi_core_state.module;

size_t mdi_module_count(void)
{
	return own->count;
}

void mdi_module_reset(void)
{
	own->count = 0;
	own->search_start = 0;
	mdi_arena_reset();
	mdi_grants_reset();
	memset(mdi_arch_state.domains, 0, sizeof(mdi_arch_state.domains));
	memset(own->taken, 0, sizeof(own->taken));
}

/* A free link; link 0 of the table belongs to the host, who is never entered */
uint32_t mdi_link_take(struct mdi_domain_head *domain)
{
	for (uint32_t n = 0; n < MDI_MODULES_MAX; n++) {
		uint32_t i = (own->search_start + n) % MDI_MODULES_MAX;

		if (own->taken[i / 64] >> (i % 64) & 1)
			continue;
		own->taken[i / 64] |= (uint64_t)1 << (i % 64);
		if (domain != NULL)
			domain->link = T_LINKS + (i << L_SHIFT);
		__atomic_store_n(&mdi_arch_state.domains[i], domain,
				 __ATOMIC_RELEASE);
		own->search_start = i + 1;
		return T_LINKS + (i << L_SHIFT);
	}
	return 0;
}

void mdi_link_give(uint32_t link)
{
	uint32_t i = mdi_link_index(link);

	own->taken[i / 64] &= ~((uint64_t)1 << (i % 64));
	__atomic_store_n(&mdi_arch_state.domains[i], NULL, __ATOMIC_RELAXED);
	if (i < own->search_start)
		own->search_start = i;
}

static int sizes(const struct modiso_module_options *options, size_t *stack,
		 size_t *range, size_t *mail)
{
	size_t mail_size = options->mailbox_size ? options->mailbox_size :
						   MAIL_DEFAULT;
	size_t stack_size = options->stack_size ? options->stack_size :
						  STACK_DEFAULT;
	size_t range_size = options->range_size ? options->range_size :
						  RANGE_DEFAULT;

	if (!mdi_page_round(stack_size, stack) ||
	    !mdi_page_round(range_size, range) ||
	    !mdi_page_round(mail_size, mail))
		return mdi_fail(MODISO_ERR_INVAL,
				"a size wraps when it is rounded up to pages: "
				"stack_size %zu, range_size %zu, mailbox_size "
				"%zu",
				stack_size, range_size, mail_size);
	/* The rooms at its ends come to it: core/layout.h. */
	if (*range > SIZE_MAX / 2)
		return mdi_fail(MODISO_ERR_INVAL,
				"a range_size of %zu is more than there are "
				"addresses",
				*range);
	if (*range < LEAST_ROOM || *stack > *range - LEAST_ROOM)
		return mdi_fail(MODISO_ERR_INVAL,
				"a stack of %zu bytes does not fit into a "
				"range of %zu",
				*stack, *range);
	return 0;
}

int mdi_module_create(const char *name,
		      const struct modiso_module_options *options,
		      enum mdi_domain_kind kind, struct modiso_module **out)
{
	struct modiso_module *module;
	size_t stack_size = 0, range_size = 0, mail_size = 0;
	int result;

	result = sizes(options, &stack_size, &range_size, &mail_size);
	if (result == 0 && options->confinement != MODISO_CONFINE_GUARD)
		result = mdi_threads_confine();
	if (result == 0 && options->flags & MODISO_MODULE_PERMISSIVE)
		result = mdi_permit_begin();
	if (result == 0 && options->confinement != MODISO_CONFINE_GUARD)
		result = mdi_closed_update(0, 0); /* objects may have come */
	if (result != 0)
		return result;
	module = mdi_vault_alloc(sizeof(*module));
	if (module == NULL)
		return mdi_fail_memory("module %s", name);
	strncpy(module->name, name, sizeof(module->name) - 1);
	module->mark = MDI_MARK_MODULE;
	module->cookie = options->cookie;
	module->syscalls = options->syscalls;
	module->permissive = options->flags & MODISO_MODULE_PERMISSIVE;
	module->stack_size = stack_size;
	module->mail_size = mail_size;
	module->domain.kind = kind;
	module->domain.confinement = options->confinement;
	module->domain.guarded = options->syscalls != MODISO_SYSCALLS_OPEN ?
					 MDI_SELECTOR_BLOCK :
					 MDI_SELECTOR_ALLOW;
	module->domain.scrub = options->confinement == MODISO_CONFINE_SEALED ?
				       MODE_SCRUB :
				       0;
	if (options->confinement == MODISO_CONFINE_READONLY &&
	    options->syscalls != MODISO_SYSCALLS_OPEN)
		mdi_arch_state.tokens_read = 1;
	module->limit_ns = (uint64_t)options->time_limit_ms * 1000000u;
	module->limit_by_wall = options->flags & MODISO_MODULE_WALL_TIME;
	if (options->syscalls == MODISO_SYSCALLS_LOG)
		result = mdi_policy_log_begin(module);
	if (result != 0)
		goto free_module;
	if (mdi_link_take(&module->domain.head) == 0) {
		result = mdi_fail(MODISO_ERR_LIMIT, "%zu modules exist already",
				  own->count);
		goto free_log;
	}
	result = mdi_arena_init(&module->arena,
				kind == MDI_DOMAIN_MODULE
					? mdi_layout_room(range_size)
					: 0,
				range_size);
	if (result != 0)
		goto free_link;
	module->domain.range = module->arena.base;
	module->domain.range_length = module->arena.length;
	result = mdi_backend_now->domain_init(&module->domain);
	if (result != 0)
		goto free_arena;
	if (module->limit_ns != 0)
		result = mdi_limit_add(module);
	if (result != 0)
		goto fini_domain;
	if (kind == MDI_DOMAIN_MODULE) {
		/* The range is larger than the stack: there is room. */
		module->stack_base = mdi_arena_take(
			&module->arena, stack_size + MDI_GUARD_SIZE, false);
		module->id = ++own->last_id;
		own->count++;
		mdi_recorder_module(module);
		MDI_PROBE3(module_create, module->id, module->name,
			   module->domain.head.link);
	}
	*out = module;
	return 0;

fini_domain:
	/* Its range goes with it; where it cannot, address space is lost. */
	(void)mdi_backend_now->domain_fini(&module->domain, module->arena.base,
					   module->arena.length,
					   &mdi_thread_users);
	mdi_arena_forget(&module->arena);
	goto free_link;
free_arena:
	mdi_arena_fini(&module->arena);
free_link:
	mdi_link_give(module->domain.head.link);
free_log:
	mdi_policy_log_free(module);
free_module:
	mdi_vault_free(module, sizeof(*module));
	return result;
}

static int check_idle(const struct modiso_module *module)
{
	const struct modiso_region *region;

	if (mdi_threads_inside(&module->domain))
		return mdi_fail(MODISO_ERR_BUSY,
				"a thread is inside module %s", module->name);
	for (region = module->regions; region != NULL; region = region->next)
		if (region->windows != 0)
			return mdi_fail(MODISO_ERR_BUSY,
					"a window is open on region %s of %s",
					region->name, module->name);
	for (region = module->regions; region != NULL; region = region->next)
		if (mdi_region_granted(region))
			return mdi_grant_busy(region);
	return 0;
}

int mdi_module_destroy(struct modiso_module *module)
{
	struct modiso_region *region, *next;
	int result;

	result = check_idle(module);
	if (result == 0)
		result = mdi_grants_give_back(module);
	if (result != 0)
		return result;
	/* What is apart first: it can fail, while nothing is lost. */
	for (region = module->regions; region != NULL; region = next) {
		next = region->next;
		if (!mdi_region_apart(region))
			continue;
		result = mdi_region_destroy(region);
		if (result != 0)
			return result;
	}
	/* The whole range goes at once; its regions with it. */
	result = mdi_backend_now->domain_fini(
		&module->domain, module->arena.base, module->arena.length,
		&mdi_thread_users);
	if (result != 0)
		return result;
	mdi_grants_forget(module);
	while (module->gates != NULL)
		mdi_gate_destroy(module->gates);
	mdi_threads_forget(module);
	mdi_tls_free(module);
	mdi_services_forget(module);
	while ((region = module->regions) != NULL) {
		module->regions = region->next;
		mdi_addrmap_remove(&region->node);
		region->mark = 0;
		mdi_region_free(region);
	}
	mdi_snapshot_free(module);
	mdi_heap_free(module);
	mdi_policy_free(module);
	mdi_files_free(module);
	mdi_runs_free(&module->domain.runs);
	mdi_arena_forget(&module->arena);
	mdi_link_give(module->domain.head.link);
	if (module->limit_ns != 0)
		mdi_limit_remove(module);
	if (module->domain.kind == MDI_DOMAIN_MODULE)
		own->count--;
	MDI_PROBE3(module_destroy, module->id, module->name,
		   module->domain.head.link);
	module->mark = 0;
	mdi_vault_free(module, sizeof(*module));
	return 0;
}
