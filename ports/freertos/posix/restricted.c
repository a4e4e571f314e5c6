/* SPDX-License-Identifier: MIT */
/*
 * Restricted tasks: each is a module of libmodiso, with a stack of its own and
 * the regions that it was created with.
 *
 * A region may be that of several tasks, as on an MPU, and no task owns it: it
 * belongs to the host and is granted. System calls come through one service,
 * whatever the task had in its registers, and go to the kernel's own wrappers
 * (mpu_wrappers_v2.c), which ask this file of each buffer and each object.
 */
#define MPU_WRAPPERS_INCLUDED_FROM_API_FILE
#include "port_modiso.h"
#include "event_groups.h"
#include "queue.h"
#include "stream_buffer.h"
#include "timers.h"
#include "mpu_prototypes.h"
#include "mpu_syscall_numbers.h"
#undef MPU_WRAPPERS_INCLUDED_FROM_API_FILE

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STACK_MIN 16384 /* bytes */

/* Memory that a task was given, and how many were. */
static struct shared {
	struct modiso_region *region; /* NULL: free */
	void *base;
	size_t length;
	unsigned users;
} shared[configPROTECTED_KERNEL_OBJECT_POOL_SIZE *
	 portNUM_CONFIGURABLE_REGIONS];
#define SHARED (sizeof(shared) / sizeof(shared[0]))

uintptr_t port_handle_call(uintptr_t number, uintptr_t a, uintptr_t b,
			   uintptr_t c, uintptr_t d, uintptr_t e);

/* Of syscalls.S; NULL where the kernel is configured without it. */
typedef uintptr_t (*call_fn)(uintptr_t a, uintptr_t b, uintptr_t c,
			     uintptr_t d, uintptr_t e);
extern const call_fn port_calls[NUM_SYSTEM_CALLS];

void port_must(int result, const char *function)
{
	if (result == 0)
		return;
	fprintf(stderr, "%s: %s\n", function, modiso_last_error_text());
	abort();
}

/*
 * The wrappers look at the lower half of a length. A length that has another
 * half is refused as a buffer would be that is not the task's.
 */
static int too_long(uintptr_t number, uintptr_t b, uintptr_t c)
{
	switch (number) {
	case SYSTEM_CALL_uxTaskGetSystemState:
		return b > UINT32_MAX;
	case SYSTEM_CALL_xStreamBufferSend:
	case SYSTEM_CALL_xStreamBufferReceive:
		return c > UINT32_MAX;
	default:
		return 0;
	}
}

uintptr_t port_handle_call(uintptr_t number, uintptr_t a, uintptr_t b,
			   uintptr_t c, uintptr_t d, uintptr_t e)
{
	if (number >= NUM_SYSTEM_CALLS || port_calls[number] == NULL ||
	    too_long(number, b, c))
		return 0;
	return port_calls[number](a, b, c, d, e);
}

void port_start_library(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
		.closed = MODISO_CLOSED_DATA,
	};
	struct modiso_service *service;
	int result = modiso_init(&options);

	/* The application may have done it, with options of its own. */
	if (result == 0 || result == MODISO_ERR_STATE)
		result = modiso_service_create("FreeRTOS",
					       (modiso_fn)port_handle_call,
					       NULL,
					       &service);
	port_must(result, "restricted tasks cannot be had");
	port_constants_start(
		(uintptr_t(*)(uintptr_t, uintptr_t, uintptr_t, uintptr_t,
			      uintptr_t, uintptr_t))modiso_service_thunk(
			service));
}

/* --- regions --- */

static int take(struct port_thread *thread, const MemoryRegion_t *wanted)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.name = "task region",
	};
	uint32_t access = MODISO_READ;
	struct shared *found = NULL, *entry;
	int result;

	if ((wanted->ulParameters & tskMPU_REGION_READ_WRITE) != 0)
		access |= MODISO_WRITE;
	for (entry = shared; entry < shared + SHARED; entry++) {
		if (entry->region == NULL) {
			if (found == NULL)
				found = entry;
		} else if (entry->base == wanted->pvBaseAddress &&
			   entry->length == wanted->ulLengthInBytes) {
			found = entry;
			break;
		}
	}
	if (found == NULL)
		return MODISO_ERR_LIMIT;
	if (found->region == NULL) {
		result = modiso_region_adopt(NULL, wanted->pvBaseAddress,
					     wanted->ulLengthInBytes,
					     MODISO_READ | MODISO_WRITE,
					     &options, &found->region);
		if (result != 0)
			return result;
		found->base = wanted->pvBaseAddress;
		found->length = wanted->ulLengthInBytes;
		found->users = 0;
	}
	result = modiso_region_grant(found->region, thread->module, access);
	if (result == 0)
		found->users++;
	else if (found->users == 0) {
		(void)!modiso_region_destroy(found->region);
		found->region = NULL;
	}
	return result;
}

static void give_back(struct port_thread *thread, MemoryRegion_t *given)
{
	struct shared *entry;

	for (entry = shared; given->ulLengthInBytes != 0; entry++) {
		if (entry->region == NULL ||
		    entry->base != given->pvBaseAddress ||
		    entry->length != given->ulLengthInBytes)
			continue;
		port_must(modiso_region_revoke(entry->region, thread->module),
			  "modiso_region_revoke");
		if (--entry->users == 0) {
			port_must(modiso_region_destroy(entry->region),
				  "modiso_region_destroy");
			entry->region = NULL;
		}
		given->ulLengthInBytes = 0;
	}
}

/* Those that it has; what cannot be had is not among them afterwards. */
static int take_regions(struct port_thread *thread)
{
	unsigned i;
	int result = 0, first = 0;

	for (i = 0; i < portNUM_CONFIGURABLE_REGIONS; i++) {
		if (thread->regions[i].ulLengthInBytes == 0)
			continue;
		result = first == 0 ? take(thread, &thread->regions[i]) :
				      first;
		if (result != 0)
			thread->regions[i].ulLengthInBytes = 0;
		if (first == 0)
			first = result;
	}
	return first;
}

static void drop_regions(struct port_thread *thread)
{
	unsigned i;

	for (i = 0; i < portNUM_CONFIGURABLE_REGIONS; i++)
		give_back(thread, &thread->regions[i]);
}

void port_module_regions(struct port_thread *thread,
			 const MemoryRegion_t *regions)
{
	unsigned i;

	drop_regions(thread);
	for (i = 0; i < portNUM_CONFIGURABLE_REGIONS; i++)
		thread->regions[i] = regions[i];
	port_must(take_regions(thread), "vTaskAllocateMPURegions");
}

/* --- the module --- */

/*
 * Modules whose tasks have ended, for the next ones with the same regions: a
 * task that is started again changes nobody's rights.
 */
#define KEPT 8
static struct kept {
	struct modiso_module *module; /* NULL: none */
	size_t stack_size;
	MemoryRegion_t regions[portNUM_CONFIGURABLE_REGIONS];
} kept[KEPT];
static unsigned oldest;

static void destroy(struct port_thread *thread)
{
	drop_regions(thread);
	port_must(modiso_module_destroy(thread->module),
		  "modiso_module_destroy");
	thread->module = NULL;
}

static void forget(struct kept *entry)
{
	struct port_thread thread = {.module = entry->module};

	if (entry->module == NULL)
		return;
	memcpy(thread.regions, entry->regions, sizeof(entry->regions));
	entry->module = NULL;
	destroy(&thread);
}

static void keep(struct port_thread *thread)
{
	struct kept *entry = &kept[oldest++ % KEPT];

	forget(entry);
	entry->module = thread->module;
	entry->stack_size = thread->stack_size;
	memcpy(entry->regions, thread->regions, sizeof(entry->regions));
	thread->module = NULL;
}

/* Have the two a region that is not the same, with bytes of both? */
static int overlap(const MemoryRegion_t *a, const MemoryRegion_t *b)
{
	unsigned i, k;

	for (i = 0; i < portNUM_CONFIGURABLE_REGIONS; i++) {
		for (k = 0; k < portNUM_CONFIGURABLE_REGIONS; k++) {
			uintptr_t one = (uintptr_t)a[i].pvBaseAddress;
			uintptr_t other = (uintptr_t)b[k].pvBaseAddress;

			if ((one != other || a[i].ulLengthInBytes !=
						     b[k].ulLengthInBytes) &&
			    one < other + b[k].ulLengthInBytes &&
			    other < one + a[i].ulLengthInBytes)
				return 1;
		}
	}
	return 0;
}

static struct modiso_module *take_kept(const struct port_thread *thread)
{
	struct modiso_module *module;
	struct kept *entry;

	for (entry = kept; entry < kept + KEPT; entry++) {
		module = entry->module;
		if (module != NULL && entry->stack_size == thread->stack_size &&
		    memcmp(entry->regions, thread->regions,
			   sizeof(entry->regions)) == 0) {
			entry->module = NULL;
			return module;
		}
	}
	return NULL;
}

static int make_module(struct port_thread *thread)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = portRESTRICTED_CONFINEMENT,
		.stack_size = thread->stack_size < STACK_MIN ?
				      STACK_MIN :
				      thread->stack_size,
		.range_size = 1u << 24,
		.cookie = thread,
	};
	int result = modiso_module_create("task", &options, &thread->module);

	if (result == 0)
		result = port_constants_grant(thread->module);
	if (result == 0)
		result = take_regions(thread);
	return result;
}

/* What cannot be had here is said when the task runs: it does not. */
void port_module_create(struct port_thread *thread)
{
	int result = 0;
	unsigned i;

	thread->module = take_kept(thread);
	if (thread->module == NULL) {
		for (i = 0; i < KEPT; i++) /* they may be in the way */
			if (overlap(kept[i].regions, thread->regions))
				forget(&kept[i]);
		result = make_module(thread);
	}
	if (result == 0)
		result = modiso_gate_create(thread->module,
					    (modiso_fn)thread->code, NULL,
					    &thread->gate);
	if (result != 0)
		fprintf(stderr, "A restricted task cannot be had: %s\n",
			modiso_last_error_text());
}

void port_module_destroy(struct port_thread *thread)
{
	if (thread->module == NULL)
		return;
	if (thread->gate != NULL) {
		port_must(modiso_gate_destroy(thread->gate),
			  "modiso_gate_destroy");
		thread->gate = NULL;
		keep(thread);
	} else {
		destroy(thread);
	}
}

__attribute__((weak)) void
vApplicationRestrictedTaskEnded(TaskHandle_t task,
				const struct modiso_fault *fault)
{
	(void)task;
	vPortEnterCritical();
	if (fault != NULL)
		(void)!modiso_fault_print(fault, stderr);
	else
		fprintf(stderr, "A restricted task's function has returned.\n");
	vPortExitCritical();
}

void port_module_run(struct port_thread *thread)
{
	uintptr_t argument = (uintptr_t)thread->parameters;
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	int result = MODISO_ERR_STATE;
	TaskHandle_t handle;

	if (thread->gate != NULL) {
		vPortEnterCritical();
		result = modiso_thread_self(&thread->modiso);
		vPortExitCritical();
	}
	if (result == 0) {
		thread->in_gate = 1;
		result = modiso_gate_call(thread->gate, &argument, 1, NULL);
		thread->in_gate = 0;
		if (thread->dying)
			longjmp(thread->begin, 1);
	}
	if (result == MODISO_ERR_FAULT)
		result = modiso_fault_last(&fault);
	else
		result = MODISO_ERR_STATE;
	handle = MPU_xTaskGetCurrentTaskHandle();
	vApplicationRestrictedTaskEnded(handle, result == 0 ? &fault : NULL);
	/* Its memory is free now; the rest is, when the idle task runs. */
	vPortEnterCritical();
	port_module_destroy(thread);
	vPortExitCritical();
	MPU_vTaskDelete(handle);
}

/* --- what the wrappers ask --- */

BaseType_t xPortIsTaskPrivileged(void)
{
	const struct port_thread *thread = port_self();

	return thread == NULL || thread->privileged || !thread->in_gate;
}

BaseType_t xPortIsAuthorizedToAccessBuffer(const void *buffer, uint32_t length,
					   uint32_t wanted)
{
	uint32_t access = MODISO_READ;

	if (xPortIsTaskPrivileged())
		return pdTRUE;
	if ((wanted & tskMPU_WRITE_PERMISSION) == 0 &&
	    port_constants_hold(buffer, length))
		return pdTRUE;
	if ((wanted & tskMPU_WRITE_PERMISSION) != 0)
		access |= MODISO_WRITE;
	return modiso_range_check(port_self()->module, buffer, length,
				  access) == 0;
}

#if configENABLE_ACCESS_CONTROL_LIST == 1
static uint32_t *word_of(TaskHandle_t task, int32_t object)
{
	return &xTaskGetMPUSettings(task)->thread->objects[object / 32];
}

void vPortGrantAccessToKernelObject(TaskHandle_t task, int32_t object)
{
	*word_of(task, object) |= 1u << object % 32;
}

void vPortRevokeAccessToKernelObject(TaskHandle_t task, int32_t object)
{
	*word_of(task, object) &= ~(1u << object % 32);
}

BaseType_t xPortIsAuthorizedToAccessKernelObject(int32_t object)
{
	return xPortIsTaskPrivileged() ||
	       (*word_of(NULL, object) >> object % 32 & 1) != 0;
}
#else
BaseType_t xPortIsAuthorizedToAccessKernelObject(int32_t object)
{
	(void)object;
	return pdTRUE;
}
#endif
