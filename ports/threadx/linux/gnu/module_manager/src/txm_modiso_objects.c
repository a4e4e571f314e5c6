/* SPDX-License-Identifier: MIT */
/*
 * Is what a module hands over as an object one? Common code takes any pointer
 * that is outside of the data area that the manager allocated, because of what
 * it was written for: a control block in the module's own .data, or in the
 * middle of the kernel, would be created there, and a forged one used.
 *
 * Here a new object must be memory that the module was given for it, of the
 * object's size; any other one is looked up in the kernel's list of its kind.
 */
#define TX_SOURCE_CODE
#include "tx_api.h"
#include "tx_block_pool.h"
#include "tx_byte_pool.h"
#include "tx_event_flags.h"
#include "tx_mutex.h"
#include "tx_queue.h"
#include "tx_semaphore.h"
#include "tx_thread.h"
#include "tx_timer.h"
#include "txm_module.h"
#include "txm_module_manager_util.h"
#include "txm_modiso.h"

#include <stddef.h>
#include <string.h>

#define LONGEST_NAME 1024

/* Requests first to last, but for those that have no object, as a set. */
struct kind {
	ULONG first, last, create;
	uint64_t without;
	ULONG size;
	VOID *newest; /* where the pointer to the list is */
	ULONG *count;
	size_t next; /* of the pointer to the next one in an object */
};

#define WITHOUT(call, first) ((uint64_t)1 << ((call) - (first)))
#define KIND(NAME, FIRST, LAST, CREATE, NONE, TYPE, name)                             \
	{                                                                             \
		FIRST, LAST, CREATE,                                                  \
			NONE | WITHOUT(TXM_##NAME##_PERFORMANCE_SYSTEM_INFO_GET_CALL, \
				       FIRST),                                        \
			sizeof(TYPE), &_tx_##name##_created_ptr,                      \
			&_tx_##name##_created_count,                                  \
			offsetof(TYPE, tx_##name##_created_next)                      \
	}

enum { BLOCK_POOLS, BYTE_POOLS };

static const struct kind kinds[] = {
	KIND(BLOCK_POOL, TXM_BLOCK_ALLOCATE_CALL, TXM_BLOCK_RELEASE_CALL,
	     TXM_BLOCK_POOL_CREATE_CALL,
	     WITHOUT(TXM_BLOCK_RELEASE_CALL, TXM_BLOCK_ALLOCATE_CALL),
	     TX_BLOCK_POOL, block_pool),
	KIND(BYTE_POOL, TXM_BYTE_ALLOCATE_CALL, TXM_BYTE_RELEASE_CALL,
	     TXM_BYTE_POOL_CREATE_CALL,
	     WITHOUT(TXM_BYTE_RELEASE_CALL, TXM_BYTE_ALLOCATE_CALL),
	     TX_BYTE_POOL, byte_pool),
	{TXM_EVENT_FLAGS_CREATE_CALL, TXM_EVENT_FLAGS_SET_NOTIFY_CALL,
	 TXM_EVENT_FLAGS_CREATE_CALL,
	 WITHOUT(TXM_EVENT_FLAGS_PERFORMANCE_SYSTEM_INFO_GET_CALL,
		 TXM_EVENT_FLAGS_CREATE_CALL),
	 sizeof(TX_EVENT_FLAGS_GROUP), &_tx_event_flags_created_ptr,
	 &_tx_event_flags_created_count,
	 offsetof(TX_EVENT_FLAGS_GROUP, tx_event_flags_group_created_next)},
	KIND(MUTEX, TXM_MUTEX_CREATE_CALL, TXM_MUTEX_PUT_CALL,
	     TXM_MUTEX_CREATE_CALL, 0, TX_MUTEX, mutex),
	KIND(QUEUE, TXM_QUEUE_CREATE_CALL, TXM_QUEUE_SEND_NOTIFY_CALL,
	     TXM_QUEUE_CREATE_CALL, 0, TX_QUEUE, queue),
	KIND(SEMAPHORE, TXM_SEMAPHORE_CEILING_PUT_CALL,
	     TXM_SEMAPHORE_PUT_NOTIFY_CALL, TXM_SEMAPHORE_CREATE_CALL, 0,
	     TX_SEMAPHORE, semaphore),
	KIND(THREAD, TXM_THREAD_CREATE_CALL, TXM_THREAD_WAIT_ABORT_CALL,
	     TXM_THREAD_CREATE_CALL,
	     WITHOUT(TXM_THREAD_IDENTIFY_CALL, TXM_THREAD_CREATE_CALL) |
		     WITHOUT(TXM_THREAD_RELINQUISH_CALL,
			     TXM_THREAD_CREATE_CALL) |
		     WITHOUT(TXM_THREAD_SLEEP_CALL, TXM_THREAD_CREATE_CALL) |
		     WITHOUT(TXM_THREAD_STACK_ERROR_NOTIFY_CALL,
			     TXM_THREAD_CREATE_CALL),
	     TX_THREAD, thread),
	{TXM_THREAD_SYSTEM_SUSPEND_CALL, TXM_THREAD_SYSTEM_SUSPEND_CALL,
	 TXM_THREAD_CREATE_CALL, 0, sizeof(TX_THREAD), &_tx_thread_created_ptr,
	 &_tx_thread_created_count,
	 offsetof(TX_THREAD, tx_thread_created_next)},
	KIND(TIMER, TXM_TIMER_ACTIVATE_CALL,
	     TXM_TIMER_PERFORMANCE_SYSTEM_INFO_GET_CALL, TXM_TIMER_CREATE_CALL,
	     0, TX_TIMER, timer),
};

static const struct kind *find_kind(ULONG request)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (request >= kinds[i].first && request <= kinds[i].last)
			return kinds[i].without >> (request - kinds[i].first) &
					       1
				       ? NULL
				       : &kinds[i];
	return NULL;
}

/* Interrupts are off. */
static UINT is_listed(const struct kind *kind, ALIGN_TYPE object)
{
	ALIGN_TYPE at;
	ULONG i;

	memcpy(&at, kind->newest, sizeof(at));
	for (i = 0; i < *kind->count; i++) {
		if (at == object)
			return TX_TRUE;
		memcpy(&at, (const UCHAR *)at + kind->next, sizeof(at));
	}
	return TX_FALSE;
}

/*
 * Memory that goes back to a pool. Which one the word in front of it says, which
 * is the module's to write.
 */
static UINT is_of_pool(TXM_MODULE_INSTANCE *module_instance, ULONG request,
		       ALIGN_TYPE memory)
{
	const UCHAR *at = (const UCHAR *)memory, *start;
	ALIGN_TYPE pool;
	ULONG size;

	if (!TXM_MODULE_MANAGER_ENSURE_INSIDE_MODULE_DATA(
		    module_instance, memory - sizeof(pool), sizeof(pool)))
		return TX_FALSE;
	memcpy(&pool, at - sizeof(pool), sizeof(pool));
	if (request == TXM_BLOCK_RELEASE_CALL) {
		if (!is_listed(&kinds[BLOCK_POOLS], pool))
			return TX_FALSE;
		start = ((const TX_BLOCK_POOL *)pool)->tx_block_pool_start;
		size = ((const TX_BLOCK_POOL *)pool)->tx_block_pool_size;
	} else {
		if (!is_listed(&kinds[BYTE_POOLS], pool))
			return TX_FALSE;
		start = ((const TX_BYTE_POOL *)pool)->tx_byte_pool_start;
		size = ((const TX_BYTE_POOL *)pool)->tx_byte_pool_size;
	}
	return at > start && (ALIGN_TYPE)(at - start) < size;
}

/* Memory of the module's for objects, which its list says; 0: of any size. */
static UINT is_allocated(const TXM_MODULE_INSTANCE *module_instance,
			 ALIGN_TYPE object, ULONG size)
{
	TXM_MODULE_ALLOCATED_OBJECT *at =
		module_instance->txm_module_instance_object_list_head;
	ULONG i;

	for (i = 0; i < module_instance->txm_module_instance_object_list_count;
	     i++) {
		if ((ALIGN_TYPE)(at + 1) == object)
			return size == 0 || at->txm_module_object_size == size;
		at = at->txm_module_allocated_object_next;
	}
	return TX_FALSE;
}

/* The kernel would go on with an object in memory that is another one's. */
static UINT is_unused(ALIGN_TYPE object)
{
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (is_listed(&kinds[i], object))
			return TX_FALSE;
	return TX_TRUE;
}

/* Memory that a module gives back; interrupts are off. */
static UINT is_to_go(TXM_MODULE_INSTANCE *module_instance, ULONG request,
		     ALIGN_TYPE memory)
{
	if (request == TXM_MODULE_OBJECT_DEALLOCATE_CALL)
		return is_allocated(module_instance, memory, 0) &&
		       is_unused(memory);
	return memory == 0 || is_of_pool(module_instance, request, memory);
}

/* A name that is looked for, or a new object's, with its end. */
static UINT is_name(const TXM_MODULE_INSTANCE *module_instance,
		    ALIGN_TYPE name)
{
	size_t length;

	return name == 0 ||
	       modiso_strnlen(module_instance->txm_module_instance_modiso,
			      (const char *)name, LONGEST_NAME, &length) == 0;
}

/* Common code looks into the object before it asks whether there is one. */
static UINT is_looked_into(ULONG request)
{
	return request == TXM_QUEUE_FRONT_SEND_CALL ||
	       request == TXM_QUEUE_RECEIVE_CALL ||
	       request == TXM_QUEUE_SEND_CALL ||
	       request == TXM_THREAD_SYSTEM_SUSPEND_CALL;
}

/*
 * Common code asks for as many bytes as the message has words, and for two
 * further words where it reads four. The object is one.
 */
static UINT is_whole(TXM_MODULE_INSTANCE *module_instance, ULONG request,
		     ALIGN_TYPE object, ALIGN_TYPE second, ALIGN_TYPE third)
{
	const TX_QUEUE *queue = (const TX_QUEUE *)object;

	if (request == TXM_QUEUE_FRONT_SEND_CALL)
		return TXM_MODULE_MANAGER_PARAM_CHECK_BUFFER_READ(
			module_instance, second,
			sizeof(ULONG) * queue->tx_queue_message_size);
	return request != TXM_BLOCK_POOL_CREATE_CALL ||
	       TXM_MODULE_MANAGER_ENSURE_INSIDE_MODULE_DATA(
		       module_instance, third, sizeof(ALIGN_TYPE[4]));
}

UINT _txm_modiso_params_fit(TXM_MODULE_INSTANCE *module_instance,
			    ULONG request, ALIGN_TYPE object,
			    ALIGN_TYPE second, ALIGN_TYPE third)
{
	const struct kind *kind = find_kind(request);
	UINT fits;
	TX_INTERRUPT_SAVE_AREA

	if (request == TXM_MODULE_OBJECT_POINTER_GET_CALL ||
	    request == TXM_MODULE_OBJECT_POINTER_GET_EXTENDED_CALL)
		return is_name(module_instance, second);
	if (request == TXM_BLOCK_RELEASE_CALL ||
	    request == TXM_BYTE_RELEASE_CALL ||
	    request == TXM_MODULE_OBJECT_DEALLOCATE_CALL) {
		TX_DISABLE
		fits = is_to_go(module_instance, request, object);
		TX_RESTORE
		return fits;
	}
	if (kind == NULL)
		return TX_TRUE;
	/* What there is to say of none ThreadX says, where it can. */
	if (object == 0)
		return !is_looked_into(request);
	if (request == kind->create && !is_name(module_instance, second))
		return TX_FALSE;
	TX_DISABLE
	/* One of its kind, which is there already, ThreadX finds itself. */
	fits = request == kind->create
		       ? is_allocated(module_instance, object, kind->size) &&
				 (is_listed(kind, object) || is_unused(object))
		       : is_listed(kind, object);
	fits = fits && is_whole(module_instance, request, object, second,
				third);
	TX_RESTORE
	return fits;
}
