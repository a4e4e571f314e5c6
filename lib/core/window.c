/* SPDX-License-Identifier: MIT */
#include "core/window.h"

#include "base/error.h"
#include "core/thread.h"
#include "os/critical.h"

static void count_window(struct modiso_region *region, int by)
{
	__atomic_add_fetch(&region->windows, (uint32_t)by, __ATOMIC_RELAXED);
}

static int open_window(struct mdi_thread *thread, struct modiso_region *region,
		       uint32_t access)
{
	struct mdi_domain *domain = region->domain;
	uint32_t at;
	int result;

	if ((region->access & access) != access)
		return mdi_fail(MODISO_ERR_ACCESS,
				"the pages of region %s do not allow it",
				region->name);
	at = thread->window_count;
	if (at == MDI_COUNT(thread->windows))
		return mdi_fail(MODISO_ERR_LIMIT,
				"%zu windows are open on this thread",
				MDI_COUNT(thread->windows));
	thread->windows[at].region = region;
	thread->windows[at].domain = &domain->head;
	thread->windows[at].token = thread->host_rights;
	result = mdi_backend_now->window_open(domain, thread, access);
	if (result != 0)
		return result;
	/* In this order: what is counted is in the thread's list. */
	thread->window_count = at + 1;
	count_window(region, 1);
	return 0;
}

static void close_last(struct mdi_thread *thread)
{
	uint32_t at = thread->window_count - 1;

	mdi_critical_begin();
	count_window(thread->windows[at].region, -1);
	thread->window_count = at;
	mdi_backend_now->window_close((void *)thread->windows[at].domain,
				      thread, thread->windows[at].token);
	mdi_critical_end();
}

void mdi_windows_close(struct mdi_thread *thread)
{
	while (thread->window_count != 0)
		close_last(thread);
}

void mdi_windows_forget(const struct mdi_thread *gone)
{
	for (uint32_t i = 0; i < gone->window_count; i++)
		gone->windows[i].region->windows = 0;
}

void mdi_windows_count(const struct mdi_thread *thread)
{
	for (uint32_t i = 0; i < thread->window_count; i++)
		thread->windows[i].region->windows++;
}

/*
 * A handler of the host that calls gates or opens windows must find rights,
 * count and the backend's view of both in step: it waits for the end.
 */
int mdi_window_open(struct modiso_region *region, uint32_t access)
{
	struct mdi_thread *thread;
	int result;

	result = mdi_thread_attach(&thread);
	if (result != 0)
		return result;
	mdi_critical_begin();
	result = open_window(thread, region, access);
	mdi_critical_end();
	return result;
}

int mdi_window_close(struct modiso_region *region)
{
	struct mdi_thread *thread = mdi_thread_self();
	uint32_t at;

	if (thread == NULL || thread->window_count == 0)
		return mdi_fail(MODISO_ERR_STATE,
				"no window is open on this thread");
	at = thread->window_count - 1;
	if (thread->windows[at].region != region)
		return mdi_fail(MODISO_ERR_INVAL,
				"the innermost window of this thread is open "
				"on region %s",
				thread->windows[at].region->name);
	close_last(thread);
	return 0;
}
