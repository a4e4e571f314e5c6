/* SPDX-License-Identifier: MIT */
/* A worker that wants the system calls of its first gate call up front. */
#include <modiso.h>
#include <pthread.h>
#include <stdio.h>

static struct modiso_gate *gate;

static int square(int x)
{
	return x * x;
}

static void *worker(void *arg)
{
	uintptr_t value = 12, *result = arg;

	if (modiso_thread_attach() != 0)
		return NULL;
	if (modiso_gate_call(gate, &value, 1, result) != 0)
		*result = 0;
	return modiso_thread_detach() == 0 ? arg : NULL;
}

int main(void)
{
	struct modiso_module *module;
	uintptr_t result = 0;
	pthread_t thread;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("math", NULL, &module) != 0 ||
	    modiso_gate_create(module, (modiso_fn)square, NULL, &gate) != 0 ||
	    pthread_create(&thread, NULL, worker, &result) != 0 ||
	    pthread_join(thread, NULL) != 0)
		return 1;
	printf("%d\n", (int)result);
	return result != 144 || modiso_module_destroy(module) != 0 ||
	       modiso_fini() != 0;
}
