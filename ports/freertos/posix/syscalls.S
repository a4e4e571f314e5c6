/* SPDX-License-Identifier: MIT */
/*
 * The functions that tasks call, MPU_...: where an MPU's port has a supervisor
 * call, here it is a service of libmodiso, which is called with the number and
 * the five words that there can be. On host code it is the function itself.
 *
 *	on entry  rdi, rsi, rdx, rcx, r8  the task's arguments
 *	at jmp    rdi the number; rsi, rdx, rcx, r8, r9 the arguments
 */
#include "mpu_syscall_numbers.h"

.macro call_of name, number, suffix=
	.weak MPU_\name\()Impl
	.section .data.rel.ro, "aw"
	.quad MPU_\name\()Impl
	.text
	.globl MPU_\name\suffix
	.type MPU_\name\suffix, @function
	.balign 16
MPU_\name\suffix:
	.cfi_startproc
	endbr64
	mov %r8, %r9
	mov %rcx, %r8
	mov %rdx, %rcx
	mov %rsi, %rdx
	mov %rdi, %rsi
	mov $\number, %edi
	jmp *port_system_call(%rip)
	.cfi_endproc
	.size MPU_\name\suffix, . - MPU_\name\suffix
.endm

	/* Before the library runs it is called directly (constants.c). */
	.section .data.rel.ro, "aw"
	.balign 8
	.globl port_system_call
	.hidden port_system_call
	.type port_system_call, @object
port_system_call:
	.quad port_handle_call
	.size port_system_call, 8

#define CALL(name)  call_of name, SYSTEM_CALL_##name
#define ENTRY(name) call_of name, SYSTEM_CALL_##name, Entry

	.section .data.rel.ro, "aw"
	.balign 8
	.globl port_calls
	.hidden port_calls
port_calls:
	/* In the order of their numbers. */
	ENTRY(xTaskGenericNotify)
	ENTRY(xTaskGenericNotifyWait)
	ENTRY(xTimerGenericCommandFromTask)
	ENTRY(xEventGroupWaitBits)
	CALL(xTaskDelayUntil)
	CALL(xTaskAbortDelay)
	CALL(vTaskDelay)
	CALL(uxTaskPriorityGet)
	CALL(eTaskGetState)
	CALL(vTaskGetInfo)
	CALL(xTaskGetIdleTaskHandle)
	CALL(vTaskSuspend)
	CALL(vTaskResume)
	CALL(xTaskGetTickCount)
	CALL(uxTaskGetNumberOfTasks)
	CALL(ulTaskGetRunTimeCounter)
	CALL(ulTaskGetRunTimePercent)
	CALL(ulTaskGetIdleRunTimePercent)
	CALL(ulTaskGetIdleRunTimeCounter)
	CALL(vTaskSetApplicationTaskTag)
	CALL(xTaskGetApplicationTaskTag)
	CALL(vTaskSetThreadLocalStoragePointer)
	CALL(pvTaskGetThreadLocalStoragePointer)
	CALL(uxTaskGetSystemState)
	CALL(uxTaskGetStackHighWaterMark)
	CALL(uxTaskGetStackHighWaterMark2)
	CALL(xTaskGetCurrentTaskHandle)
	CALL(xTaskGetSchedulerState)
	CALL(vTaskSetTimeOutState)
	CALL(xTaskCheckForTimeOut)
	CALL(ulTaskGenericNotifyTake)
	CALL(xTaskGenericNotifyStateClear)
	CALL(ulTaskGenericNotifyValueClear)
	CALL(xQueueGenericSend)
	CALL(uxQueueMessagesWaiting)
	CALL(uxQueueSpacesAvailable)
	CALL(xQueueReceive)
	CALL(xQueuePeek)
	CALL(xQueueSemaphoreTake)
	CALL(xQueueGetMutexHolder)
	CALL(xQueueTakeMutexRecursive)
	CALL(xQueueGiveMutexRecursive)
	CALL(xQueueSelectFromSet)
	CALL(xQueueAddToSet)
	CALL(vQueueAddToRegistry)
	CALL(vQueueUnregisterQueue)
	CALL(pcQueueGetName)
	CALL(pvTimerGetTimerID)
	CALL(vTimerSetTimerID)
	CALL(xTimerIsTimerActive)
	CALL(xTimerGetTimerDaemonTaskHandle)
	CALL(pcTimerGetName)
	CALL(vTimerSetReloadMode)
	CALL(xTimerGetReloadMode)
	CALL(uxTimerGetReloadMode)
	CALL(xTimerGetPeriod)
	CALL(xTimerGetExpiryTime)
	CALL(xEventGroupClearBits)
	CALL(xEventGroupSetBits)
	CALL(xEventGroupSync)
	CALL(uxEventGroupGetNumber)
	CALL(vEventGroupSetNumber)
	CALL(xStreamBufferSend)
	CALL(xStreamBufferReceive)
	CALL(xStreamBufferIsFull)
	CALL(xStreamBufferIsEmpty)
	CALL(xStreamBufferSpacesAvailable)
	CALL(xStreamBufferBytesAvailable)
	CALL(xStreamBufferSetTriggerLevel)
	CALL(xStreamBufferNextMessageLengthBytes)

	.section .data.rel.ro, "aw"
	.if (. - port_calls) != 8 * NUM_SYSTEM_CALLS
	.error "the list of system calls is not this kernel's"
	.endif
	.section .note.GNU-stack, "", @progbits
