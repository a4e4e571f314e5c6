/* SPDX-License-Identifier: MIT */
#include "core/runtime.h"

#include "backend/select.h"
#include "base/error.h"
#include "base/settings.h"
#include "core/addrmap.h"
#include "core/closed.h"
#include "core/entries.h"
#include "core/fault.h"
#include "core/front.h"
#include "core/gadget.h"
#include "core/gate.h"
#include "core/heap.h"
#include "core/left.h"
#include "core/limit.h"
#include "core/module.h"
#include "core/permit.h"
#include "core/recorder.h"
#include "core/region.h"
#include "core/service.h"
#include "core/thread.h"
#include "core/vault.h"
#include "os/limits.h"
#include "os/lock.h"
#include "os/memory.h"
#include "os/misuse.h"
#include "os/process.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

static struct mdi_runtime_state *const own = &mdi_core_state.runtime;

int mdi_runtime_check(void)
{
	const struct mdi_backend *backend = mdi_backend_running();

	if (backend == NULL)
		return mdi_fail(MODISO_ERR_STATE,
				"the library is not initialised; call "
				"modiso_init() first");
	if (backend->inside())
		return mdi_fail(MODISO_ERR_STATE,
				"called from inside a module; a module reaches "
				"the host through services alone");
	return 0;
}

static bool touches(const struct mdi_layer *layer, uintptr_t base,
		    uintptr_t end)
{
	uintptr_t state = (uintptr_t)layer->state;

	return base < state + layer->size && state < end;
}

bool mdi_runtime_overlaps(uintptr_t base, uintptr_t end)
{
	for (const struct mdi_layer *layer = own->layers; layer->state;
	     layer = mdi_layer_next(layer))
		if (touches(layer, base, end))
			return true;
	return mdi_threads_overlap(base, end) ||
	       mdi_recorder_overlaps(base, end) ||
	       mdi_vault_overlaps(base, end);
}

bool mdi_runtime_keeps(uintptr_t base, uintptr_t end)
{
	uintptr_t blocks = (uintptr_t)mdi_arch_state.blocks;

	for (const struct mdi_layer *layer = own->layers; layer->state;
	     layer = mdi_layer_next(layer))
		if (layer->how == MDI_OWN_CLOSED && touches(layer, base, end))
			return true;
	return (base < blocks + (size_t)MDI_THREADS_MAX * MDI_BLOCK_SIZE &&
		blocks < end) ||
	       mdi_vault_overlaps(base, end);
}

/* --- fork --- */

/*
 * Does the calling thread's fork hold the locks? Module code's does not: its
 * rights do not reach them, and what it forks goes on inside.
 */
static MDI_TLS bool forking;

/* The order is that of the locks: see core/state.h. */
static void before_fork(void)
{
	const struct mdi_backend *backend = mdi_backend_now;

	if (backend != NULL && backend->inside())
		return;
	mdi_runtime_lock();
	mdi_heaps_before_fork();
	if (mdi_backend_now != NULL)
		mdi_backend_before_fork();
	forking = true;
}

static void after_fork_parent(void)
{
	if (!forking)
		return;
	forking = false;
	if (mdi_backend_now != NULL)
		mdi_backend_after_fork_parent();
	mdi_heaps_after_fork();
	mdi_runtime_unlock();
}

static void after_fork_child(void)
{
	if (!forking)
		return;
	forking = false;
	/* What a lock guards that the fork has not waited for. */
	for (const struct mdi_layer *layer = own->layers;
	     layer != NULL && layer->state != NULL;
	     layer = mdi_layer_next(layer))
		if (layer->after_fork != NULL)
			layer->after_fork();
	mdi_heaps_after_fork();
	if (mdi_backend_now != NULL) {
		mdi_threads_after_fork();
		mdi_limits_after_fork();
		mdi_backend_now->after_fork();
	}
	mdi_runtime_unlock();
}

/*
 * Before anybody can fork: one that has begun without these would leave its
 * child what modiso_init() is in the middle of. Where there is no memory for
 * it, modiso_init() says so.
 */
__attribute__((constructor)) static void hook_fork(void)
{
	if (!own->fork_hooked)
		own->fork_hooked = pthread_atfork(before_fork,
						  after_fork_parent,
						  after_fork_child) == 0;
}

/* --- start and stop --- */

/* The modules that stand for the host: owners of its guarded regions. */
static int make_host(void)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.range_size = (size_t)4 << 30,
	};
	int result = mdi_module_create("host", &options, MDI_DOMAIN_HOST,
				       &mdi_host);

	if (result != 0)
		return result;
	result = mdi_module_create("host", &options, MDI_DOMAIN_CLOSED,
				   &mdi_host_closed);
	if (result != 0)
		(void)mdi_module_destroy(mdi_host);
	return result;
}

static void stop_host(void)
{
	/* Nothing of it is left but address space; that can be lost. */
	(void)mdi_module_destroy(mdi_host);
	(void)mdi_module_destroy(mdi_host_closed);
}

static int protect_state(const struct mdi_backend *backend)
{
	const struct mdi_layer *layer, *first = own->layers;
	int result = 0;

	for (layer = first; layer->state; layer = mdi_layer_next(layer)) {
		result = mdi_backend_protect_own(backend, layer->state,
						 layer->size, layer->how);
		if (result != 0)
			break;
	}
	/* The one that failed half-way, too. */
	for (; result != 0 && first->state; first = mdi_layer_next(first)) {
		(void)mdi_backend_unprotect_own(backend, first->state,
						first->size);
		if (first == layer)
			break;
	}
	return result;
}

/* The library's own data becomes ordinary memory again. */
static int unprotect_state(const struct mdi_backend *backend)
{
	const struct mdi_layer *layer = own->layers;
	int result = 0;

	for (; result == 0 && layer->state; layer = mdi_layer_next(layer))
		result = mdi_backend_unprotect_own(backend, layer->state,
						   layer->size);
	if (result != 0 && protect_state(backend) != 0)
		mdi_misuse_last("the library's memory would stay open");
	return result;
}

static int start_with(const struct mdi_backend *backend,
		      const struct modiso_options *options)
{
	const char *call;
	int result;

	hook_fork();
	if (!own->fork_hooked)
		return mdi_fail(MODISO_ERR_NOMEM, "pthread_atfork: no memory");
	call = mdi_mem_start();
	if (call != NULL)
		return mdi_fail_os(call, "guard pages");
	result = backend->start(options);
	if (result != 0)
		goto stop_memory;
	__atomic_store_n(&mdi_backend_now, backend, __ATOMIC_RELEASE);
	mdi_open.state.external =
		options->exclusion == MODISO_EXCLUSION_EXTERNAL;
	mdi_addrmap_reset();
	mdi_module_reset();
	mdi_entries_start();
	mdi_gates_start(options->key_wait_ms);
	mdi_services_start();
	mdi_faults_start();
	result = mdi_threads_start(options->max_threads);
	if (result != 0)
		goto stop_backend;
	result = mdi_recorder_start(options);
	if (result == 0)
		result = make_host();
	if (result != 0)
		goto stop_vault;
	result = own->front->start(backend);
	if (result != 0)
		goto stop_host;
	result = own->front->adopt();
	if (result == 0 && mdi_settings()->known_sites[0] != '\0')
		result = mdi_permit_read_known(mdi_settings()->known_sites);
	if (result == 0)
		result = mdi_closed_check(options);
	if (result == 0)
		result = mdi_closed_update(0, 0);
	if (result == 0)
		result = protect_state(backend);
	if (result == 0)
		return 0;
	own->front->stop();
stop_host:
	stop_host();
stop_vault:
	mdi_permit_reset();
	mdi_vault_stop();
	mdi_recorder_stop();
	mdi_threads_stop();
stop_backend:
	__atomic_store_n(&mdi_backend_now, NULL, __ATOMIC_RELEASE);
	backend->stop();
stop_memory:
	mdi_mem_stop();
	return result;
}

/* --- shared use --- */

static int differs(const char *option, uint32_t asked, uint32_t is)
{
	return mdi_fail(MODISO_ERR_STATE,
			"the library is initialised already, with "
			"options.%s %u, not %u",
			option, is, asked);
}

/* What was asked for by default is met by whatever there is. */
static int check_same(const struct modiso_options *asked)
{
	const struct modiso_options *is = &own->options;
	struct modiso_backend_info info;

	if (asked->backend != MODISO_BACKEND_AUTO &&
	    asked->backend != (uint32_t)mdi_backend_now->id)
		return differs("backend", asked->backend,
			       (uint32_t)mdi_backend_now->id);
	(void)mdi_select_probe(mdi_backend_now, &info);
	if (asked->require & ~info.caps)
		return mdi_fail(MODISO_ERR_STATE,
				"the library is initialised already, with "
				"capabilities %#x, %#x are required",
				info.caps, asked->require);
	if (is->flags & ~asked->flags & MODISO_INIT_NO_STACKS ||
	    (asked->flags & MODISO_INIT_RECORD && !mdi_recorder_is_on()))
		return differs("flags", asked->flags, is->flags);
	if (asked->max_keys != is->max_keys)
		return differs("max_keys", asked->max_keys, is->max_keys);
	if (asked->max_threads != is->max_threads)
		return differs("max_threads", asked->max_threads,
			       is->max_threads);
	if (asked->key_wait_ms != is->key_wait_ms)
		return differs("key_wait_ms", asked->key_wait_ms,
			       is->key_wait_ms);
	if (asked->closed & ~is->closed)
		return differs("closed", asked->closed, is->closed);
	if (asked->exclusion != is->exclusion)
		return differs("exclusion", asked->exclusion, is->exclusion);
	return 0;
}

static int join(const struct modiso_options *options)
{
	int result;

	if (!(options->flags & own->options.flags & MODISO_INIT_SHARED))
		return mdi_fail(MODISO_ERR_STATE,
				"the library is initialised already%s",
				options->flags & MODISO_INIT_SHARED ?
					", by code that does not share it "
					"(MODISO_INIT_SHARED)" :
					"");
	result = check_same(options);
	if (result == 0)
		own->users++;
	return result;
}

/* --- what is called --- */

/*
 * The host's handlers wait until the lock is given up: they would find it held
 * by their own thread, and critical sections keep only those signals away that
 * the library stands in front of.
 */
static uint64_t lock_for_life(void)
{
	uint64_t mask = mdi_handlers_hold();

	mdi_runtime_lock();
	return mask;
}

static void unlock_for_life(uint64_t mask)
{
	mdi_runtime_unlock();
	mdi_handlers_release(mask);
}

static int start(const struct modiso_options *options)
{
	const struct mdi_backend *backend;
	int result;

	if (options->max_threads > MDI_THREADS_MAX - MDI_BLOCK_FIRST)
		return mdi_fail(MODISO_ERR_INVAL,
				"options.max_threads is %u, at most %d",
				options->max_threads,
				MDI_THREADS_MAX - MDI_BLOCK_FIRST);
	result = own->front->check();
	if (result != 0)
		return result;
	result = mdi_select(options, &backend);
	if (result != 0)
		return result;
	own->options = *options;
	own->options.record_path = NULL; /* the caller's */
	own->users = 1;
	return start_with(backend, options);
}

int mdi_runtime_start(const struct modiso_options *options,
		      const struct mdi_layer *layers,
		      const struct mdi_front *front)
{
	const struct mdi_backend *backend = mdi_backend_running();
	uint64_t mask;
	int result;

	if (backend != NULL && backend->inside())
		return mdi_runtime_check();
	mask = lock_for_life();
	if (mdi_backend_now != NULL) {
		result = join(options);
	} else {
		own->layers = layers;
		own->front = front;
		mdi_error_why(mdi_os_why);
		result = mdi_settings_read();
		if (result == 0)
			result = start(options);
	}
	unlock_for_life(mask);
	return result;
}

/* The lock is held, and the last user goes. */
static int stop(void)
{
	const struct mdi_backend *backend = mdi_backend_now;
	int result = mdi_left_check();

	/* What can fail, while everything is there. */
	if (result == 0)
		result = unprotect_state(backend);
	if (result != 0)
		return result;
	mdi_limits_stop();
	mdi_gadgets_put_back(); /* while the trap handler is there */
	own->front->stop();
	stop_host();
	mdi_recorder_stop();
	mdi_threads_stop();
	mdi_permit_reset();
	mdi_vault_stop();
	__atomic_store_n(&mdi_backend_now, NULL, __ATOMIC_RELEASE);
	backend->stop();
	mdi_mem_stop();
	return 0;
}

/* Somebody else may have ended it since the caller has looked. */
static int leave(void)
{
	if (mdi_backend_now == NULL)
		return mdi_fail(MODISO_ERR_STATE,
				"the library is not initialised any more");
	if (own->users > 1) {
		own->users--;
		return 0;
	}
	return stop();
}

static bool is_last(void)
{
	bool last;

	mdi_runtime_lock();
	last = own->users == 1;
	mdi_runtime_unlock();
	return last;
}

int mdi_runtime_stop(void)
{
	bool again = true;
	uint64_t mask;
	int result = 0;

	/* Others may go meanwhile, and make this thread the last. */
	while (again) {
		if (is_last())
			result = mdi_thread_detach();
		if (result != 0)
			return result;
		mask = lock_for_life();
		again = own->users == 1 && mdi_thread_self() != NULL;
		if (!again)
			result = leave();
		unlock_for_life(mask);
	}
	return result;
}
