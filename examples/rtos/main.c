/* SPDX-License-Identifier: MIT */
/*
 * rtos - tasks of a small RTOS, each in a module of its own.
 *
 * A sensor sends readings to a filter, the filter sends them on to a display.
 * Their memory lies side by side in the RTOS's byte pool, as on a controller
 * without an MPU. The filter forgets to look whether its log is full, and its
 * next entry lies in the sensor's memory. Here that is a fault, which ends the
 * task; the supervisor, a task of the host, says what happened and starts it
 * again. The others never notice.
 *
 * mini_rtos.c is the RTOS: one thread for each task, one of them running, a
 * timer that freezes it at any instruction. It is the host, and schedules by
 * itself; libmodiso is started with MODISO_EXCLUSION_EXTERNAL.
 */
#include "../checked.h"
#include "mini_rtos.h"

#include <modiso.h>

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define PAGE        4096
#define READINGS    200
#define CALIBRATION 3

enum { FILTER, SENSOR, DISPLAY, TASKS };
enum { RAW, FILTERED }; /* queues */

/* Of the filter's log. */
struct entry {
	uintptr_t reading, result;
	char unused[48];
};
#define ENTRIES (PAGE / sizeof(struct entry) - 1)

/* What a task sees: a page of its own, and the dispatcher of the RTOS. */
struct memory {
	rtos_dispatch_fn call;
	uintptr_t calibration, word, count, mistakes;
	char unused[sizeof(struct entry) - 5 * sizeof(uintptr_t)];
	struct entry log[ENTRIES];
};

/* The RTOS's byte pool; each task gets a page of it. */
static struct memory pool[TASKS] __attribute__((aligned(PAGE)));

static struct task {
	const char *name;
	unsigned priority;
	uintptr_t (*entry)(struct memory *own);
	struct modiso_module *module;
	struct modiso_gate *gate;
	unsigned number;
	bool ended;
} tasks[TASKS];

/* --- code of the modules --- */

static uintptr_t sense(struct memory *own)
{
	uintptr_t i;

	for (i = 1; i <= READINGS; i++) {
		own->mistakes += own->calibration != CALIBRATION;
		own->call(RTOS_SEND, RAW, i * own->calibration, 0);
	}
	return 0;
}

static uintptr_t filter(struct memory *own)
{
	while (own->word != READINGS * CALIBRATION) {
		struct entry *entry = &own->log[own->count++];

		own->call(RTOS_RECEIVE, RAW, (uintptr_t)&own->word, 0);
		entry->reading = own->word; /* one entry too many, some day */
		entry->result = own->word / own->calibration;
		own->call(RTOS_SEND, FILTERED, entry->result, 0);
	}
	return 0;
}

/* Readings may be missing, but they come in order. */
static uintptr_t show(struct memory *own)
{
	uintptr_t last = 0;

	while (last != READINGS) {
		own->call(RTOS_RECEIVE, FILTERED, (uintptr_t)&own->word, 0);
		own->mistakes += own->word <= last || own->word > READINGS;
		last = own->word;
		own->count++;
	}
	return 0;
}

/* --- the host --- */

static void make_module(struct task *task, const char *name, unsigned priority,
			uintptr_t (*entry)(struct memory *own))
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.name = name,
	};
	struct modiso_region *region;

	task->name = name;
	task->priority = priority;
	task->entry = entry;
	check(modiso_module_create(name, NULL, &task->module), "module");
	check(modiso_gate_create(task->module, (modiso_fn)entry, NULL,
				 &task->gate),
	      "gate");
	check(modiso_region_adopt(task->module, &pool[task - tasks], PAGE,
				  MODISO_READ | MODISO_WRITE, &options,
				  &region),
	      "region");
}

/* From the beginning, with its memory as at the beginning. */
static void start(struct task *task)
{
	struct memory *own = &pool[task - tasks];

	memset(own, 0, sizeof(*own));
	own->call = rtos_dispatcher();
	own->calibration = CALIBRATION;
	task->number = rtos_create(&(struct rtos_task_options){
		.name = task->name,
		.priority = task->priority,
		.module = task->module,
		.gate = task->gate,
		.args = {(uintptr_t)own},
	});
}

static struct task *task_by_number(unsigned number)
{
	struct task *task = tasks;

	while (task->number != number || task->ended)
		task++;
	return task;
}

/* One task runs at a time, and the supervisor is the first to run after it. */
static struct modiso_fault last_fault;
static unsigned restarts;
static atomic_bool done;

static void keep_record(const struct modiso_fault *fault, void *unused)
{
	(void)unused;
	last_fault = *fault;
}

static void supervise(void *unused)
{
	unsigned running = TASKS;

	(void)unused;
	while (running > 0) {
		struct rtos_end end = rtos_wait_end();
		struct task *task = task_by_number(end.task);

		if (end.status == 0) {
			printf("%s: has ended\n", task->name);
			task->ended = true;
			running--;
			continue;
		}
		printf("%s: wrote to %s, byte %zu; starts again\n", task->name,
		       last_fault.owner_name, last_fault.region_offset);
		restarts++;
		start(task);
	}
	atomic_store(&done, true);
}

/* Asked at every tick. */
static bool is_done(void)
{
	return atomic_load(&done);
}

int main(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
	};
	const struct rtos_task_options supervisor = {
		.name = "supervisor",
		.priority = 0,
		.host = supervise,
	};
	bool intact;
	int i;

	check(modiso_init(&options), "modiso_init");
	check(modiso_fault_notify(NULL, NULL, keep_record, NULL), "notify");
	rtos_init();
	make_module(&tasks[SENSOR], "sensor", 4, sense);
	make_module(&tasks[FILTER], "filter", 3, filter);
	make_module(&tasks[DISPLAY], "display", 2, show);
	for (i = 0; i < TASKS; i++)
		start(&tasks[i]);
	rtos_create(&supervisor);
	rtos_run(200000, is_done); /* ticks of 200 microseconds */

	intact = pool[SENSOR].calibration == CALIBRATION &&
		 pool[SENSOR].mistakes + pool[DISPLAY].mistakes == 0;
	printf("%ju of %d readings shown, %u restarts, the sensor's page is "
	       "%s\n",
	       (uintmax_t)pool[DISPLAY].count, READINGS, restarts,
	       intact ? "intact" : "spoilt");
	rtos_fini();
	for (i = 0; i < TASKS; i++)
		check(modiso_module_destroy(tasks[i].module), "destroy");
	check(modiso_fini(), "modiso_fini");
	return !intact || restarts != READINGS / (ENTRIES + 1);
}
