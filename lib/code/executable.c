/* SPDX-License-Identifier: MIT */
#include "code/executable.h"

#include "base/error.h"
#include "core/gadget.h"
#include "core/runtime.h"
#include "core/thread.h"
#include "os/critical.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

/*
 * GUARD stops mistakes, and nobody writes PKRU by mistake. The other levels
 * are for code that looks for a way out: nothing that could help it; nor may
 * the code of a GUARD module, which it can jump to, where there is a guard.
 * What enters the kernel is the guard's to stop, where there is one: it has to
 * stop it in the host's code as well, to which the module can jump.
 */
static uint32_t forbidden(const struct modiso_module *module)
{
	if (module->domain.confinement != MODISO_CONFINE_GUARD)
		return module->domain.guarded
			       ? MODISO_SCAN_ALL & ~(uint32_t)MODISO_SCAN_KERNEL
			       : MODISO_SCAN_ALL;
	return mdi_gadgets_removed() ? MODISO_SCAN_PKRU | mdi_gadget_kinds()
				     : MODISO_SCAN_PKRU;
}

int mdi_executable_scan(const struct modiso_module *module, const void *bytes,
			size_t length, struct mdi_scan_place *place)
{
	struct mdi_scan_piece piece = {bytes, length};
	uint32_t kinds = forbidden(module);
	int result = mdi_scan_pieces(&piece, 1, kinds, place);

	return result != 0 ? result
			   : mdi_scan_open_end(bytes, length, kinds, place);
}

static int refuse(const struct modiso_region *region,
		  const struct mdi_scan_place *place)
{
	char what[MDI_SCAN_DESCRIBED];

	mdi_scan_describe(place, what, sizeof(what));
	return mdi_fail(MODISO_ERR_GADGET,
			"region %s cannot become code of module %s: forbidden "
			"instruction at %#" PRIx64 ": %s",
			region->name, region->owner->name, place->position,
			what);
}

/*
 * Writable again as before, and the failure stays the one that it was. Where
 * the kernel refuses that as well the region stays closed for writing.
 */
static int give_back(struct modiso_region *region, uint32_t access, int result)
{
	struct mdi_error kept;
	int saved = errno;

	mdi_error_save(&kept);
	(void)mdi_region_protect(region, access);
	mdi_error_restore(&kept);
	errno = saved;
	return result;
}

/*
 * Closed for writing, then looked at, then opened for execution: a thread that
 * is inside the module has no moment between. The lock is held.
 */
static int make_code(struct modiso_region *region)
{
	const void *base = (const void *)region->node.base;
	size_t length = region->node.end - region->node.base;
	uint32_t was = region->access;
	struct mdi_scan_place place;
	int result;

	result = mdi_region_protect(region, MODISO_READ);
	if (result != 0)
		return result;
	if (mdi_executable_scan(region->owner, base, length, &place) != 0)
		result = refuse(region, &place);
	else
		result = mdi_region_protect(region, MODISO_READ | MODISO_EXEC);
	return result != 0 ? give_back(region, was, result) : 0;
}

static int protect(struct modiso_region *region)
{
	uint32_t access = MODISO_READ | MODISO_EXEC;
	int result;

	mdi_runtime_lock();
	result = mdi_region_may_protect(region, access);
	if (result == 0 && region->access != access)
		result = make_code(region);
	mdi_runtime_unlock();
	return result;
}

/* As for a snapshot, which reads a module's memory as well. */
int mdi_executable_protect(struct modiso_region *region)
{
	struct mdi_domain *domain = &region->owner->domain;
	struct mdi_thread *thread;
	uint32_t token;
	int result;

	result = mdi_thread_attach(&thread);
	if (result != 0)
		return result;
	token = thread->host_rights;
	mdi_critical_begin();
	result = mdi_backend_now->window_open(domain, thread, MODISO_READ);
	if (result == 0) {
		result = protect(region);
		mdi_backend_now->window_close(domain, thread, token);
	}
	mdi_critical_end();
	return result;
}
