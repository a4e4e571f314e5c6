/* SPDX-License-Identifier: MIT */
/*
 * demo - a restricted task that breaks out, each time in another way, and is
 * started again. A second task counts meanwhile, and is not disturbed.
 */
#include "port_modiso.h"
#include "queue.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define PAGE 4096

static struct page {
	unsigned long word;
	unsigned long unused[PAGE / sizeof(unsigned long) - 1];
} __attribute__((aligned(PAGE))) own, others;

static QueueHandle_t ends;

static const char *const ways[] = {
	"writes a variable of the kernel's",
	"writes another task's memory",
	"jumps to a function of the kernel's",
	"has done its work",
};
#define WAYS (sizeof(ways) / sizeof(ways[0]))

extern void *volatile pxCurrentTCB;

static void count(void *page)
{
	for (;;) {
		((struct page *)page)->word++;
		vTaskDelay(1);
	}
}

static void break_out(void *way)
{
	own.word++;
	switch ((uintptr_t)way) {
	case 0:
		pxCurrentTCB = NULL;
		break;
	case 1:
		others.word = 0;
		break;
	case 2:
		((void (*)(void))(uintptr_t)vTaskSwitchContext)();
		break;
	default:
		break;
	}
}

/* On the thread of the task that has ended, as privileged code. */
void vApplicationRestrictedTaskEnded(TaskHandle_t task,
				     const struct modiso_fault *fault)
{
	struct modiso_fault copy = {0};

	(void)task;
	if (fault != NULL)
		copy = *fault;
	xQueueSend(ends, &copy, portMAX_DELAY);
}

static TaskHandle_t create(TaskFunction_t code, uintptr_t argument,
			   struct page *page)
{
	static StackType_t stack[2][configMINIMAL_STACK_SIZE];
	TaskParameters_t parameters = {
		.pvTaskCode = code,
		.pcName = "restricted",
		.usStackDepth = configMINIMAL_STACK_SIZE,
		.pvParameters = (void *)argument,
		.uxPriority = 1,
		.puxStackBuffer = stack[page == &own],
		.xRegions = {{page, PAGE, tskMPU_REGION_READ_WRITE}},
	};
	TaskHandle_t task;

	if (xTaskCreateRestricted(&parameters, &task) != pdPASS)
		abort();
	return task;
}

static void supervise(void *unused)
{
	struct modiso_fault fault;
	uintptr_t way;
	unsigned mistakes = 0;

	(void)unused;
	create(count, (uintptr_t)&others, &others);
	for (way = 0; way < WAYS; way++) {
		create(break_out, way, &own);
		xQueueReceive(ends, &fault, portMAX_DELAY);
		vPortEnterCritical();
		printf("task %s: ", ways[way]);
		if (fault.kind == MODISO_FAULT_NONE)
			printf("it has returned\n");
		else
			printf("fault (%s) at %#" PRIxPTR ", it is ended\n",
			       modiso_fault_kind_name(fault.kind),
			       fault.address);
		mistakes += (fault.kind == MODISO_FAULT_NONE) !=
			    (way == WAYS - 1);
		vPortExitCritical();
		vTaskDelay(5);
	}
	printf("started %lu times, the other task %s\n", own.word,
	       others.word > 0 ? "runs on" : "is dead");
	exit(mistakes != 0 || own.word != WAYS || others.word == 0);
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	ends = xQueueCreate(1, sizeof(struct modiso_fault));
	if (xTaskCreate(supervise, "supervisor", configMINIMAL_STACK_SIZE, NULL,
			3 | portPRIVILEGE_BIT, NULL) != pdPASS)
		return 1;
	vTaskStartScheduler();
	return 1;
}
