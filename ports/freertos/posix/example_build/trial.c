/* SPDX-License-Identifier: MIT */
/*
 * trial - restricted tasks that do what they may, and what they must not. The
 * supervisor, a privileged task, starts one after the other and looks at what
 * has become of it. It says how many of its checks passed.
 *
 *	trial [PREEMPTIONS]    with a number: tasks are preempted so often, and
 *	                       that is all
 */
#include "port_modiso.h"
#include "event_groups.h"
#include "queue.h"
#include "semphr.h"
#include "stream_buffer.h"
#include "timers.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#define PAGE     4096
#define RESTARTS 1000
#define TASKS    8    /* at once */
#define DELETED  300  /* tasks, wherever they are held */

/* What a task and the supervisor have in common: the task's region. */
static struct page {
	unsigned long word, count, copy, mistakes;
	void *address;
	uintptr_t number;
	unsigned char bytes[PAGE - 48];
} __attribute__((aligned(PAGE))) own, others, constant, extra;

/* What each task may read: numbers of the kernel's object. */
static struct objects {
	QueueHandle_t queue, closed_queue;
	SemaphoreHandle_t semaphore, mutex;
	EventGroupHandle_t events;
	StreamBufferHandle_t stream;
	TimerHandle_t timer;
	TaskHandle_t supervisor;
} __attribute__((aligned(PAGE))) object;

static QueueHandle_t ends;
static volatile unsigned timer_calls;
static unsigned long host_word = 41;
static const unsigned long number = 43; /* in the program's constants */

extern void *volatile pxCurrentTCB;
void MPU_vTaskDelayImpl(TickType_t ticks);

struct end {
	uint32_t kind; /* enum modiso_fault_kind; NONE: it has returned */
	uintptr_t address;
};

static unsigned checks, failures;
static unsigned long storm = 2000; /* times that the supervisor preempts */
static volatile bool held_at_end; /* tasks that have ended */
static bool storm_alone;
static size_t start_free; /* bytes of the kernel's heap */

static void check(bool good, const char *words)
{
	checks++;
	if (good)
		return;
	failures++;
	vPortEnterCritical();
	printf("failed: %s\n", words);
	vPortExitCritical();
}

static void check_kind(uint32_t kind, uint32_t expected, const char *words)
{
	char text[128];

	snprintf(text, sizeof(text), "%s: %s", words,
		 modiso_fault_kind_name(kind));
	check(kind == expected, text);
}

/* On the thread of the task that has ended, as privileged code. */
void vApplicationRestrictedTaskEnded(TaskHandle_t task,
				     const struct modiso_fault *fault)
{
	struct end end = {0, 0};

	(void)task;
	while (held_at_end)
		;
	if (fault != NULL) {
		end.kind = fault->kind;
		end.address = fault->address;
	}
	xQueueSend(ends, &end, portMAX_DELAY);
}

/* --- what tasks do --- */

static void wrong(bool is)
{
	own.mistakes += is;
}

static void use_queue(void *unused)
{
	(void)unused;
	own.word = 7;
	wrong(xQueueSend(object.queue, &own.word, portMAX_DELAY) != pdPASS);
	wrong(xQueueReceive(object.queue, &own.copy, portMAX_DELAY) != pdPASS);
	wrong(own.copy != 7);
	wrong(uxQueueMessagesWaiting(object.queue) != 0);
	wrong(xQueueReceive(object.queue, &own.copy, 2) != pdFAIL);
}

static void use_semaphore(void *unused)
{
	(void)unused;
	wrong(xSemaphoreTake(object.semaphore, portMAX_DELAY) != pdTRUE);
	wrong(xSemaphoreTake(object.semaphore, 1) != pdFALSE);
	wrong(xSemaphoreGive(object.semaphore) != pdTRUE);
	wrong(xSemaphoreTakeRecursive(object.mutex, portMAX_DELAY) != pdTRUE);
	wrong(xSemaphoreGiveRecursive(object.mutex) != pdTRUE);
}

static void use_notify(void *unused)
{
	uint32_t value = 0;

	(void)unused;
	wrong(xTaskNotify(object.supervisor, 5, eSetValueWithOverwrite) !=
	      pdPASS);
	wrong(xTaskNotifyWait(0, UINT32_MAX, &value, portMAX_DELAY) != pdTRUE);
	wrong(value != 6);
}

static void use_events(void *unused)
{
	(void)unused;
	wrong((xEventGroupSetBits(object.events, 1) & 1) == 0);
	wrong(xEventGroupWaitBits(object.events, 1, pdTRUE, pdTRUE, 10) != 1);
	wrong(xStreamBufferSend(object.stream, own.bytes, 8, 0) != 8);
	wrong(xStreamBufferReceive(object.stream, own.bytes + 8, 8, 10) != 8);
}

static void use_time(void *unused)
{
	TickType_t before = xTaskGetTickCount();

	(void)unused;
	vTaskDelay(3);
	wrong(xTaskGetTickCount() - before < 3);
	wrong(xTimerStart(object.timer, portMAX_DELAY) != pdPASS);
	vTaskDelay(5);
}

/* Objects that were not granted, that are none, or of another kind. */
static void use_bad_objects(void *unused)
{
	static const uintptr_t none[] = {0, 1000, 64, 65, UINTPTR_MAX,
					 1ul << 32, 0x80000000};
	unsigned i;

	(void)unused;
	wrong(xQueueReceive(object.closed_queue, &own.copy, 0) == pdPASS);
	wrong(xEventGroupSetBits((EventGroupHandle_t)object.queue, 1) != 0);
	wrong(xQueueReceive((QueueHandle_t)object.events, &own.copy, 0) ==
	      pdPASS);
	for (i = 0; i < sizeof(none) / sizeof(none[0]); i++)
		wrong(xQueueReceive((QueueHandle_t)none[i], &own.copy, 0) ==
		      pdPASS);
	wrong(port_system_call(70, 0, 0, 0, 0, 0) != 0);
	wrong(port_system_call(UINTPTR_MAX, 0, 0, 0, 0, 0) != 0);
}

/* Of the queue, which has a message, to where the task may not write. */
static void use_bad_pointer(void *pointer)
{
	wrong(xQueueReceive(object.queue, pointer, 0) == pdPASS);
	wrong(xQueuePeek(object.queue, pointer, 0) == pdPASS);
	wrong(xStreamBufferReceive(object.stream, pointer, 8, 0) != 0);
	wrong(xTaskNotifyWait(0, 0, pointer, 0) == pdTRUE);
	vTaskGetInfo(NULL, pointer, pdFALSE, eInvalid);
	vTaskSetTimeOutState(pointer);
}

static void use_bad_length(void *unused)
{
	unsigned char *last = (unsigned char *)(&own + 1) - 8;

	(void)unused;
	wrong(xStreamBufferReceive(object.stream, last, (1ul << 32) + 8, 0) !=
	      0);
	wrong(xStreamBufferReceive(object.stream, last, 9, 0) != 0);
	wrong(uxTaskGetSystemState((TaskStatus_t *)own.bytes, (1ul << 32) + 1,
				   NULL) != 0);
	wrong(uxTaskGetSystemState((TaskStatus_t *)own.bytes, 1000, NULL) != 0);
}

static void send_constant(void *unused)
{
	(void)unused;
	wrong(xQueueSend(object.queue, &number, 0) != pdPASS);
	wrong(xQueueReceive(object.queue, &own.copy, 0) != pdPASS);
	wrong(own.copy != number);
}

static void send_bad_pointer(void *pointer)
{
	wrong(xQueueSend(object.closed_queue, pointer, 0) == pdPASS);
	wrong(xStreamBufferSend(object.stream, pointer, 8, 0) != 0);
}

/* --- how they break out --- */

static void store(void *address)
{
	*(volatile unsigned char *)address = 1;
}

static void load(void *address)
{
	own.word = *(volatile unsigned char *)address;
}

static void jump(void *address)
{
	((void (*)(void))address)();
}

static void recurse(void *depth)
{
	volatile char room[512];

	room[0] = (char)(uintptr_t)depth;
	if (own.word++ == ULONG_MAX)
		return;
	recurse((void *)((uintptr_t)depth + (uintptr_t)room[0] + 1));
	own.word += (unsigned long)room[0];
}

static void divide(void *zero)
{
	own.word = 100 / (unsigned long)zero;
}

static void halt(void *unused)
{
	(void)unused;
	__asm volatile("hlt");
}

static void end_process(void *how)
{
	if (how == NULL)
		exit(0);
	abort();
}

static void do_nothing(void *unused)
{
	(void)unused;
}

/* --- the storm --- */

/* Never waits; the tick freezes it anywhere. */
static void spin(void *argument)
{
	volatile struct page *page = argument;
	register unsigned long a = 1, b = 1;

	for (;;) {
		__asm volatile("add $1, %0\n\tadd $1, %1" : "+r"(a), "+r"(b));
		page->mistakes += a != b;
		page->count++;
	}
}

static void request(void *argument)
{
	struct page *page = argument;

	for (;;) {
		page->word = ++page->count;
		if (xQueueSend(object.queue, &page->word, 0) == pdPASS)
			xQueueReceive(object.queue, &page->copy, 0);
		xTaskGetTickCount();
	}
}

static void wait_for_ever(void *unused);

static void count_one(void *unused)
{
	own.count++;
	wait_for_ever(unused);
}

static void wait_for_ever(void *unused)
{
	(void)unused;
	for (;;)
		vTaskDelay(portMAX_DELAY);
}

/* --- the supervisor --- */

static void grant(TaskHandle_t task, void *object)
{
	vGrantAccessToKernelObject(task, (int32_t)(intptr_t)object);
}

static TaskHandle_t create(TaskFunction_t code, void *argument,
			   struct page *page)
{
	static StackType_t stack[configMINIMAL_STACK_SIZE];
	TaskParameters_t parameters = {
		.pvTaskCode = code,
		.pcName = "restricted",
		.usStackDepth = configMINIMAL_STACK_SIZE,
		.pvParameters = argument,
		.uxPriority = 1,
		.puxStackBuffer = stack,
		.xRegions = {{page, PAGE, tskMPU_REGION_READ_WRITE},
			     {&constant, PAGE, tskMPU_REGION_READ_ONLY},
			     {&object, PAGE, tskMPU_REGION_READ_ONLY}},
	};
	TaskHandle_t task = NULL;

	if (xTaskCreateRestricted(&parameters, &task) != pdPASS)
		abort();
	grant(task, object.queue);
	grant(task, object.semaphore);
	grant(task, object.mutex);
	grant(task, object.events);
	grant(task, object.stream);
	grant(task, object.timer);
	grant(task, object.supervisor);
	return task;
}

static struct end wait_end(void)
{
	struct end end;

	xQueueReceive(ends, &end, portMAX_DELAY);
	return end;
}

static void expect_good(TaskFunction_t code, void *argument, const char *words)
{
	own.mistakes = 0;
	create(code, argument, &own);
	check(wait_end().kind == MODISO_FAULT_NONE, words);
	check(own.mistakes == 0, words);
}

static void expect_fault(TaskFunction_t code, void *argument, uint32_t kind,
			 const char *words)
{
	struct end end;

	create(code, argument, &own);
	end = wait_end();
	check_kind(end.kind, kind, words);
	if (code == store || code == load)
		check(end.address == (uintptr_t)argument, words);
}

static void count_timer(TimerHandle_t which)
{
	(void)which;
	timer_calls++;
}

static void try_calls(void)
{
	uint32_t value = 0;
	TaskHandle_t task;

	expect_good(use_queue, NULL, "queue");
	expect_good(send_constant, NULL, "a constant is sent");
	expect_good(use_semaphore, NULL, "semaphore and mutex");
	expect_good(use_events, NULL, "event group and stream buffer");
	expect_good(use_time, NULL, "delay and timer");
	check(timer_calls == 1, "the timer's callback");

	own.mistakes = 0;
	task = create(use_notify, NULL, &own);
	xTaskNotifyWait(0, UINT32_MAX, &value, portMAX_DELAY);
	check(value == 5, "a notification from the task");
	xTaskNotify(task, 6, eSetValueWithOverwrite);
	check(wait_end().kind == MODISO_FAULT_NONE, "notify");
	check(own.mistakes == 0, "notify");
}

static void try_bad_pointers(void)
{
	unsigned long message = 9;
	void *bad[] = {(void *)&pxCurrentTCB,
		       &host_word,
		       &others,
		       &constant,
		       NULL,
		       (void *)-8,
		       (void *)(1ul << 63),
		       (unsigned char *)(&own + 1) - 4,
		       (void *)(uintptr_t)do_nothing,
		       (void *)&number,
		       &message};
	unsigned i;

	xQueueSend(object.queue, &message, 0);
	xStreamBufferSend(object.stream, "01234567", 8, 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		expect_good(use_bad_pointer, bad[i], "a buffer to be written");
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (bad[i] != &constant && bad[i] != &number)
			expect_good(send_bad_pointer, bad[i],
				    "a buffer to be read");
	expect_good(use_bad_length, NULL, "a length of more than 32 bits");
	expect_good(use_bad_objects, NULL, "objects");
	check(message == 9 && host_word == 41 && others.word == 0 &&
		      constant.word == 0,
	      "nothing of the host's was written");
	check(xQueueReceive(object.queue, &message, 0) == pdPASS &&
		      message == 9,
	      "the message is still there");
	check(xStreamBufferReset(object.stream) == pdPASS, "the stream buffer");
}

static void try_break_outs(void)
{
	TaskHandle_t holder = create(wait_for_ever, NULL, &others);
	bool keys = modiso_backend_current() == MODISO_BACKEND_PKEY;
	void *heap = pvPortMalloc(64);

	expect_fault(store, (void *)&pxCurrentTCB, MODISO_FAULT_ACCESS,
		     "a kernel variable");
	expect_fault(store, heap, MODISO_FAULT_ACCESS, "the kernel's heap");
	expect_fault(store, &host_word, MODISO_FAULT_ACCESS,
		     "the application's data");
	expect_fault(store, &others, MODISO_FAULT_ACCESS,
		     "write another task's memory");
	expect_fault(store, &constant, MODISO_FAULT_ACCESS,
		     "write where it may read");
	expect_fault(store, (void *)(uintptr_t)do_nothing, MODISO_FAULT_ACCESS,
		     "write code");
	expect_fault(store, NULL, MODISO_FAULT_UNMAPPED, "write at 0");
	expect_fault(jump, (void *)(uintptr_t)vTaskSwitchContext,
		     MODISO_FAULT_ACCESS, "call the kernel's scheduler");
	expect_fault(jump, (void *)(uintptr_t)vPortYield, MODISO_FAULT_ACCESS,
		     "call this port");
	expect_fault(jump, (void *)(uintptr_t)MPU_vTaskDelayImpl,
		     MODISO_FAULT_ACCESS, "go round the service");
	expect_fault(jump, &own, MODISO_FAULT_ACCESS, "run data");
	expect_fault(recurse, NULL, MODISO_FAULT_STACK, "recurse");
	expect_fault(divide, NULL, MODISO_FAULT_ARITHMETIC, "divide by 0");
	expect_fault(halt, NULL, MODISO_FAULT_PRIVILEGED, "hlt");
	/* Host code as well, which with keys gets no further than its data. */
	expect_fault(end_process, NULL,
		     keys ? MODISO_FAULT_ACCESS : MODISO_FAULT_EXIT, "exit()");
	expect_fault(end_process, heap,
		     keys ? MODISO_FAULT_ACCESS : MODISO_FAULT_ABORT,
		     "abort()");
	expect_fault(load, &others, MODISO_FAULT_ACCESS,
		     "read another task's memory");
	expect_fault(load, (void *)&pxCurrentTCB, MODISO_FAULT_ACCESS,
		     "read a kernel variable");
	expect_fault(load, heap, MODISO_FAULT_ACCESS, "read the kernel's heap");
	expect_fault(load, &host_word, MODISO_FAULT_ACCESS,
		     "read the application's data");
	expect_fault(store, (void *)&number, MODISO_FAULT_ACCESS,
		     "write the program's constants");
	expect_good(load, &constant, "read where it may");
	expect_good(load, (void *)&number, "read the program's constants");
	check(own.word == (unsigned char)number, "what it read there");
	vPortFree(heap);
	vTaskDelete(holder);
	check(host_word == 41 && constant.word == 0, "nothing was written");
}

static void try_regions(void)
{
	MemoryRegion_t regions[portNUM_CONFIGURABLE_REGIONS] = {
		{&own, PAGE, tskMPU_REGION_READ_WRITE},
		{&extra, PAGE, tskMPU_REGION_READ_WRITE}};
	TaskHandle_t task, holder;

	expect_fault(store, &extra, MODISO_FAULT_ACCESS, "no region yet");
	task = create(store, &extra, &own);
	vTaskAllocateMPURegions(task, regions);
	check(wait_end().kind == MODISO_FAULT_NONE, "a region that it was given");
	check(*(unsigned char *)&extra == 1, "what it wrote there");
	task = create(store, &own, &own);
	regions[0].ulLengthInBytes = 0;
	vTaskAllocateMPURegions(task, regions);
	check(wait_end().kind == MODISO_FAULT_ACCESS, "a region that was taken");

	/* Two tasks have one page; one of them ends. */
	holder = create(wait_for_ever, NULL, &own);
	expect_good(store, own.bytes, "a page of two tasks");
	vTaskDelete(holder);
	expect_good(store, own.bytes, "a page that was two tasks'");

	/* Not whole pages: the task does not run. */
	own.word = 0;
	create(store, &own, (struct page *)(own.bytes));
	check(wait_end().kind == MODISO_FAULT_NONE && own.word == 0,
	      "a region that cannot be had");
}

/* Several at once, and modules that are kept for others. */
static void try_many(void)
{
	TaskHandle_t tasks[TASKS];
	unsigned i;

	own.count = 0;
	for (i = 0; i < TASKS; i++)
		tasks[i] = create(count_one, NULL, &own);
	while (own.count < TASKS && uxQueueMessagesWaiting(ends) == 0)
		vTaskDelay(1);
	check(own.count == TASKS, "several tasks at once");
	for (i = 0; i < TASKS; i++)
		vTaskDelete(tasks[i]);
	xQueueReset(ends);
}

/* Until the idle task has cleaned up, if it ever does. */
static bool heap_is_back(size_t before)
{
	unsigned i;

	for (i = 0; i < 10000 && xPortGetFreeHeapSize() != before; i++)
		vTaskDelay(1);
	return xPortGetFreeHeapSize() == before;
}

static void try_restarts(void)
{
	unsigned i, faults = 0;

	for (i = 0; i < RESTARTS; i++) {
		create(store, &host_word, &own);
		faults += wait_end().kind == MODISO_FAULT_ACCESS;
		vTaskDelay(1);
	}
	check(faults == RESTARTS, "a task that is started again and again");
	check(heap_is_back(start_free), "its memory comes back");
}

static void try_deletion(void)
{
	static TaskFunction_t const code[] = {spin, request, wait_for_ever};
	unsigned i;

	for (i = 0; i < DELETED; i++) {
		TaskHandle_t task = create(code[i % 3], &own, &own);

		vTaskDelay(1 + i % 2);
		vTaskDelete(task);
		xQueueReset(object.queue);
	}
	held_at_end = true;
	for (i = 0; i < DELETED / 10; i++) {
		TaskHandle_t task = create(do_nothing, NULL, &own);

		vTaskDelay(2);
		vTaskDelete(task);
	}
	held_at_end = false;
	check(heap_is_back(start_free), "tasks deleted anywhere");
	check(uxQueueMessagesWaiting(ends) == 0, "no end of theirs was told");
}

static void try_storm(void)
{
	TaskHandle_t tasks[] = {create(spin, &own, &own),
				create(spin, &others, &others),
				create(request, &extra, &extra)};
	struct page *pages[] = {&own, &others, &extra};
	unsigned long before[3], stood = 0, i;
	unsigned k;

	own.mistakes = others.mistakes = 0;
	for (k = 0; k < 3; k++)
		before[k] = pages[k]->count;
	for (i = 0; i < storm; i++)
		vTaskDelay(1);
	for (k = 0; k < 3; k++) {
		stood += pages[k]->count == before[k];
		vTaskDelete(tasks[k]);
	}
	check(stood == 0, "each task came forward");
	check(own.mistakes + others.mistakes == 0, "registers of frozen tasks");
	check(uxQueueMessagesWaiting(ends) == 0, "no task ended");
	xQueueReset(object.queue);
}

/* What a system call of a restricted task costs. */
static void measure(void *calls)
{
	uintptr_t i;

	for (i = 0; i < (uintptr_t)calls; i++)
		xTaskGetTickCount();
}

static void print_cost(void)
{
	const unsigned calls = 100000;
	struct timespec begin, end;

	clock_gettime(CLOCK_MONOTONIC, &begin);
	create(measure, (void *)(uintptr_t)calls, &own);
	wait_end();
	clock_gettime(CLOCK_MONOTONIC, &end);
	printf("a system call: %.0f ns\n",
	       ((double)(end.tv_sec - begin.tv_sec) * 1e9 +
		(double)(end.tv_nsec - begin.tv_nsec)) /
		       calls);
}

static void supervise(void *unused)
{
	(void)unused;
	object.supervisor = xTaskGetCurrentTaskHandle();
	start_free = xPortGetFreeHeapSize();
	if (storm_alone) {
		try_storm();
		vTaskEndScheduler();
	}
	try_calls();
	try_bad_pointers();
	try_break_outs();
	try_regions();
	try_many();
	try_restarts();
	try_deletion();
	try_storm();
	timer_calls = 0;
	try_calls(); /* all of it works as before */
	print_cost();
	vTaskEndScheduler();
}

int main(int argc, char **argv)
{
	if (argc > 1) {
		storm_alone = true;
		storm = strtoul(argv[1], NULL, 0);
	}

	setvbuf(stdout, NULL, _IOLBF, 0);
	object.queue = xQueueCreate(1, sizeof(unsigned long));
	object.closed_queue = xQueueCreate(1, sizeof(unsigned long));
	ends = xQueueCreate(4, sizeof(struct end));
	object.semaphore = xSemaphoreCreateBinary();
	xSemaphoreGive(object.semaphore);
	object.mutex = xSemaphoreCreateRecursiveMutex();
	object.events = xEventGroupCreate();
	object.stream = xStreamBufferCreate(64, 1);
	object.timer = xTimerCreate("timer", 1, pdFALSE, NULL, count_timer);
	if (xTaskCreate(supervise, "supervisor", configMINIMAL_STACK_SIZE, NULL,
			3 | portPRIVILEGE_BIT, NULL) != pdPASS)
		return 1;
	vTaskStartScheduler();
	if (storm_alone)
		printf("%lu preemptions: ", storm);
	printf("%u of %u checks passed\n", checks - failures, checks);
	return failures != 0;
}
