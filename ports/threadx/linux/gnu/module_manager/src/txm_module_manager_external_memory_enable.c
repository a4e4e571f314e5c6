/* SPDX-License-Identifier: MIT */
/*
 * External memory is the application's: a guarded region of the host, which
 * modules get rights to. So it may be several modules', each with rights of its
 * own, and a module that it is not enabled for faults on it, also when that was
 * so before.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_mutex.h"
#include "tx_thread.h"
#include "txm_module.h"
#include "txm_modiso.h"

#include <stdint.h>
#include <stdlib.h>

#define PAGE 4096u

/* Memory that was enabled once; the manager's mutex is held. */
struct area {
	struct area *next;
	struct modiso_region *region;
	UCHAR *start;
	size_t size;
};
static struct area *areas;

static UINT is_used(const struct area *area)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};

	return modiso_region_get_info(area->region, &info) != 0 ||
	       info.granted != 0;
}

/* What stays is its memory, readable and writable. */
static int drop(struct area **link)
{
	struct area *area = *link;
	int result = modiso_region_destroy(area->region);

	if (result != 0)
		return result;
	*link = area->next;
	free(area);
	return 0;
}

/* Areas that no module has any more make room for one with other borders. */
static int make_room(const UCHAR *start, size_t size)
{
	struct area **link = &areas;
	int result = 0;

	while (*link != NULL && result == 0) {
		const struct area *area = *link;

		if (start < area->start + area->size &&
		    area->start < start + size && !is_used(area))
			result = drop(link);
		else
			link = &(*link)->next;
	}
	return result;
}

static int make(UCHAR *start, size_t size)
{
	struct modiso_region_options options = {.struct_size = sizeof(options),
						.name = "external memory"};
	struct area *area;
	int result = make_room(start, size);

	if (result != 0)
		return result;
	area = malloc(sizeof(*area));
	if (area == NULL)
		return MODISO_ERR_NOMEM;
	result = modiso_region_adopt(NULL, start, size,
				     MODISO_READ | MODISO_WRITE, &options,
				     &area->region);
	if (result != 0) {
		free(area);
		return result;
	}
	area->start = start;
	area->size = size;
	area->next = areas;
	areas = area;
	return 0;
}

static struct area *find(const UCHAR *start, size_t size)
{
	struct area *area = areas;

	while (area != NULL && (area->start != start || area->size != size))
		area = area->next;
	return area;
}

/* 0, or the code of libmodiso that says why not. */
static int share(const TXM_MODULE_INSTANCE *to, UCHAR *start, size_t size,
		 uint32_t access)
{
	const struct area *area = find(start, size);
	int result;

	if (area == NULL) {
		result = make(start, size);
		if (result != 0)
			return result;
		area = areas;
	}
	result = modiso_region_grant(area->region,
				     to->txm_module_instance_modiso, access);
	if (result != 0 && area == areas && !is_used(area))
		(void)!drop(&areas);
	return result;
}

static UINT enable(TXM_MODULE_INSTANCE *to, VOID *start, ULONG length,
		   UINT attributes)
{
	ULONG count = to->txm_module_instance_shared_memory_count;
	uint32_t access = MODISO_READ;
	/* As an MPU does: up to the next size that can be protected. */
	size_t size = ((size_t)length + PAGE - 1) & ~((size_t)PAGE - 1);

	if (attributes & TXM_MODULE_MANAGER_SHARED_ATTRIBUTE_WRITE)
		access |= MODISO_WRITE;
	if (to->txm_module_instance_id != TXM_MODULE_ID)
		return TX_PTR_ERROR;
	if (to->txm_module_instance_state != TXM_MODULE_LOADED)
		return TX_START_ERROR;
	if (!(to->txm_module_instance_property_flags &
	      TXM_MODULE_SHARED_EXTERNAL_MEMORY_ACCESS))
		return TXM_MODULE_INVALID_PROPERTIES;
	if (count == TXM_MODULE_SHARED_ENTRIES)
		return TX_NO_MEMORY;
	if (length == 0 || (ALIGN_TYPE)start % PAGE != 0)
		return TXM_MODULE_ALIGNMENT_ERROR;
	switch (share(to, start, size, access)) {
	case 0:
		to->txm_module_instance_shared_memory_address[count] = start;
		to->txm_module_instance_shared_memory_length[count] = length;
		to->txm_module_instance_shared_memory_count++;
		return TX_SUCCESS;
	case MODISO_ERR_NOMEM:
	case MODISO_ERR_LIMIT:
		return TX_NO_MEMORY;
	default:
		return TXM_MODULE_INVALID_MEMORY;
	}
}

UINT _txm_module_manager_external_memory_enable(
	TXM_MODULE_INSTANCE *module_instance, VOID *start_address, ULONG length,
	UINT attributes)
{
	UINT status;

	if (_txm_module_manager_ready != TX_TRUE)
		return TX_NOT_AVAILABLE;
	if (module_instance == TX_NULL)
		return TX_PTR_ERROR;
	_tx_mutex_get(&_txm_module_manager_mutex, TX_WAIT_FOREVER);
	status = enable(module_instance, start_address, length, attributes);
	_tx_mutex_put(&_txm_module_manager_mutex);
	return status;
}
