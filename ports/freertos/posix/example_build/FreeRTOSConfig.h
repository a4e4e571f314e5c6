/* SPDX-License-Identifier: MIT */
/*
 * For demo and trial. What this port asks for is in its first part.
 */
#ifndef FREERTOS_CONFIG_H
#define FREERTOS_CONFIG_H

#include <stdlib.h>

#define configENABLE_MPU                       1
#define configUSE_MPU_WRAPPERS_V1              0
#define configPROTECTED_KERNEL_OBJECT_POOL_SIZE 64
#define configSYSTEM_CALL_STACK_SIZE           128
#define configENABLE_ACCESS_CONTROL_LIST       1
#define configCHECK_FOR_STACK_OVERFLOW         0
#define configSUPPORT_STATIC_ALLOCATION        0
#define configSUPPORT_DYNAMIC_ALLOCATION       1

#define configUSE_PREEMPTION         1
#define configTICK_TYPE_WIDTH_IN_BITS TICK_TYPE_WIDTH_32_BITS
#ifndef configTICK_RATE_HZ
#define configTICK_RATE_HZ           1000
#endif
#define configMAX_PRIORITIES         8
#define configMINIMAL_STACK_SIZE     1024
#define configMAX_TASK_NAME_LEN      16
#define configTOTAL_HEAP_SIZE        (4u << 20)
#define configUSE_IDLE_HOOK          0
#define configUSE_TICK_HOOK          0
#define configUSE_MUTEXES            1
#define configUSE_RECURSIVE_MUTEXES  1
#define configUSE_COUNTING_SEMAPHORES 1
#define configUSE_TASK_NOTIFICATIONS 1
#define configUSE_EVENT_GROUPS       1
#define configUSE_STREAM_BUFFERS     1
#define configUSE_TIMERS             1
#define configTIMER_TASK_PRIORITY    7
#define configTIMER_QUEUE_LENGTH     8
#define configTIMER_TASK_STACK_DEPTH 1024
#define configUSE_TRACE_FACILITY     1

#define INCLUDE_vTaskDelay           1
#define INCLUDE_vTaskDelete          1
#define INCLUDE_vTaskSuspend         1
#define INCLUDE_vTaskPrioritySet     1
#define INCLUDE_uxTaskPriorityGet    1
#define INCLUDE_xTaskGetCurrentTaskHandle 1
#define INCLUDE_xTaskGetSchedulerState 1

#define configASSERT(x) ((x) ? (void)0 : abort())

#endif /* FREERTOS_CONFIG_H */
