/* SPDX-License-Identifier: MIT */
/*
 * threads.c - two threads in one module.
 *
 *   cc -pthread -o threads threads.c $(pkg-config --cflags --libs libmodiso)
 *
 * Each thread gets a stack of its own in the module at its first call. One
 * thread faults half of the time, the other one never notices.
 */
#include "checked.h"

#include <modiso.h>

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#define CALLS 1000
static struct modiso_gate *gate;
static int *guarded; /* in a guarded host region */

/* Runs inside the module. */
static uintptr_t work(uintptr_t number, int *forbidden)
{
	if (forbidden != NULL)
		*forbidden = 1;
	return number * number;
}

static void *run(void *bad)
{
	uintptr_t number, result, faults = 0;

	for (number = 0; number < CALLS; number++) {
		int *aim = bad != NULL && number % 2 == 1 ? guarded : NULL;
		uintptr_t args[2] = {number, (uintptr_t)aim};
		int rc = modiso_gate_call(gate, args, 2, &result);

		if (rc == MODISO_ERR_FAULT)
			faults++;
		else if (rc != 0 || result != number * number)
			exit(1);
	}
	return (void *)faults;
}

int main(void)
{
	struct modiso_module *module;
	struct modiso_region *region;
	void *good_faults, *bad_faults;
	pthread_t good, bad;
	bool yes = true;

	check(modiso_init(NULL), "modiso_init");
	check(modiso_module_create("worker", NULL, &module), "module");
	check(modiso_gate_create(module, (modiso_fn)work, NULL, &gate), "gate");
	check(modiso_region_create(NULL, sizeof(*guarded),
				   MODISO_READ | MODISO_WRITE, NULL, &region),
	      "region");
	guarded = modiso_region_base(region);
	if (pthread_create(&good, NULL, run, NULL) != 0 ||
	    pthread_create(&bad, NULL, run, &yes) != 0)
		return 1;
	pthread_join(good, &good_faults);
	pthread_join(bad, &bad_faults);
	printf("faults: good thread %zu, bad thread %zu; guarded value %d\n",
	       (size_t)good_faults, (size_t)bad_faults, *guarded);
	check(modiso_module_destroy(module), "modiso_module_destroy");
	check(modiso_region_destroy(region), "modiso_region_destroy");
	check(modiso_fini(), "modiso_fini");
	return good_faults != NULL || (size_t)bad_faults != CALLS / 2;
}
