/* SPDX-License-Identifier: MIT */
#include "core/left.h"

#include "base/error.h"
#include "core/fiber.h"
#include "core/gadget.h"
#include "core/module.h"
#include "core/region.h"
#include "core/service.h"
#include "core/state.h"
#include "core/thread.h"

#include <stdio.h>
#include <string.h>

/* How many names a sentence has room for. */
#define NAMED_MAX 4

/* The names of some things of a kind, and how many there are. */
struct list {
	char text[NAMED_MAX * (MODISO_NAME_SIZE + 4)];
	size_t count;
};

static void add(struct list *list, const char *name)
{
	size_t used = strlen(list->text);

	if (list->count++ < NAMED_MAX)
		snprintf(list->text + used, sizeof(list->text) - used,
			 "%s\"%s\"", used == 0 ? "" : ", ", name);
}

/* "modules "disk", "uart" and 3 more still exist" */
static int refuse(const struct list *list, const char *noun)
{
	char more[32] = "";

	if (list->count == 0)
		return 0;
	if (list->count > NAMED_MAX)
		snprintf(more, sizeof(more), " and %zu more",
			 list->count - NAMED_MAX);
	return mdi_fail(MODISO_ERR_BUSY, "%s%s %s%s still exist%s", noun,
			list->count == 1 ? "" : "s", list->text, more,
			list->count == 1 ? "s" : "");
}

static int check_modules(void)
{
	struct list list = { .count = 0 };

	for (uint32_t i = 0; i < MDI_MODULES_MAX; i++) {
		const struct mdi_domain *domain =
			(struct mdi_domain *)mdi_arch_state.domains[i];

		if (domain != NULL && domain->kind == MDI_DOMAIN_MODULE)
			add(&list, mdi_domain_module(domain)->name);
	}
	return refuse(&list, "module");
}

static void add_regions(struct list *list, const struct modiso_module *host)
{
	const struct modiso_region *region;

	for (region = host->regions; region != NULL; region = region->next)
		add(list, region->name);
}

static int check_regions(void)
{
	struct list list = { .count = 0 };

	add_regions(&list, mdi_host);
	add_regions(&list, mdi_host_closed);
	return refuse(&list, "guarded host region");
}

static int check_services(void)
{
	struct list list = { .count = 0 };

	if (mdi_service_count() == 0)
		return 0;
	for (uint32_t i = 0; i < MDI_SERVICE_SLOTS; i++)
		if (mdi_core_state.service.services[i] != NULL)
			add(&list, mdi_core_state.service.services[i]->name);
	return refuse(&list, "service");
}

static int check_threads(void)
{
	const struct mdi_thread *thread = mdi_core_state.thread.attached;
	size_t count = 0;

	if (!mdi_threads_any())
		return 0;
	for (const struct mdi_thread *each = thread; each != NULL;
	     each = each->next)
		count++;
	if (count > 1)
		return mdi_fail(MODISO_ERR_BUSY,
				"%zu other threads that have entered modules "
				"still run, thread %d among them; each must "
				"end, or call modiso_thread_detach()",
				count, (int)thread->tid);
	return mdi_fail(MODISO_ERR_BUSY,
			"another thread that has entered modules still runs, "
			"thread %d; it must end, or call "
			"modiso_thread_detach()",
			(int)thread->tid);
}

int mdi_left_check(void)
{
	int result = check_modules();

	if (result == 0)
		result = check_regions();
	if (result == 0)
		result = check_services();
	if (result == 0 && mdi_fibers_any())
		result = mdi_fail(MODISO_ERR_BUSY, "fibers still exist");
	if (result == 0 && mdi_gadgets_sealed())
		result = mdi_fail(MODISO_ERR_BUSY,
				  "instructions of the host's were taken away "
				  "for a guarded module, and its code was "
				  "sealed (modiso_code_seal()): they cannot be "
				  "put back");
	return result != 0 ? result : check_threads();
}
