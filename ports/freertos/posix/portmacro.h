/* SPDX-License-Identifier: MIT */
/*
 * What the kernel wants to know of this port. Names are FreeRTOS's.
 */
#ifndef PORTMACRO_H
#define PORTMACRO_H

#ifdef __cplusplus
extern "C" {
#endif

#include <limits.h>
#include <stdint.h>

#ifndef __x86_64__
#error "This port is for x86-64, 64-bit programs."
#endif

#define portCHAR              char
#define portFLOAT             float
#define portDOUBLE            double
#define portLONG              long
#define portSHORT             short
#define portSTACK_TYPE        unsigned long
#define portBASE_TYPE         long
#define portPOINTER_SIZE_TYPE uintptr_t

typedef portSTACK_TYPE StackType_t;
typedef long BaseType_t;
typedef unsigned long UBaseType_t;
typedef uint32_t TickType_t;

#define portMAX_DELAY                  ((TickType_t)UINT32_MAX)
#define portTICK_TYPE_IS_ATOMIC        1
#define portSTACK_GROWTH               (-1)
#define portHAS_STACK_OVERFLOW_CHECKING 1
#define portTICK_PERIOD_MS             ((TickType_t)1000 / configTICK_RATE_HZ)
#define portBYTE_ALIGNMENT             8
#define portARCH_NAME                  "POSIX, libmodiso"
#define portNOP()                      __asm volatile("nop")
#define portMEMORY_BARRIER()           __asm volatile("" ::: "memory")

#if configENABLE_MPU != 1
#error "configENABLE_MPU has to be 1: this port is for restricted tasks."
#endif
#define portUSING_MPU_WRAPPERS 1
#define portPRIVILEGE_BIT      ((UBaseType_t)0x80000000)
#ifndef portNUM_CONFIGURABLE_REGIONS
#define portNUM_CONFIGURABLE_REGIONS 8
#endif

/* Second member of each control block; the rest is the port's own. */
struct port_thread;
typedef struct port_settings {
	struct port_thread *thread;
} xMPU_SETTINGS;

void vPortYield(void);
void vPortEnterCritical(void);
void vPortExitCritical(void);
BaseType_t xPortIsTaskPrivileged(void);
void vPortTaskEnded(xMPU_SETTINGS *settings);

#define portYIELD()              vPortYield()
#define portYIELD_FROM_ISR(x)    ((x) != pdFALSE ? vPortYield() : (void)0)
#define portEND_SWITCHING_ISR(x) portYIELD_FROM_ISR(x)
#define portENTER_CRITICAL()     vPortEnterCritical()
#define portEXIT_CRITICAL()      vPortExitCritical()
#define portDISABLE_INTERRUPTS() vPortEnterCritical()
#define portENABLE_INTERRUPTS()  vPortExitCritical()
#define portIS_PRIVILEGED()      xPortIsTaskPrivileged()
#define portIS_TASK_PRIVILEGED() xPortIsTaskPrivileged()
#define portCLEAN_UP_TCB(tcb)    vPortTaskEnded(&(tcb)->xMPUSettings)

#define portTASK_FUNCTION_PROTO(function, parameters) \
	void function(void *parameters)
#define portTASK_FUNCTION(function, parameters) void function(void *parameters)

#ifdef __cplusplus
}
#endif

#endif /* PORTMACRO_H */
