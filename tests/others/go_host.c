/* SPDX-License-Identifier: MIT */
/*
 * go_host.c - modules, beside a library in Go that is opened first or last.
 *
 *   go_host first|last LIBRARY
 */
#include "host.h"

#include <dlfcn.h>
#include <pthread.h>

static int (*shared_work)(void);

static void open_library(const char *path)
{
	void *library = dlopen(path, RTLD_NOW | RTLD_LOCAL);

	if (library == NULL)
		fail("%s", dlerror());
	*(void **)&shared_work = dlsym(library, "shared_work");
	if (shared_work == NULL)
		fail("%s", dlerror());
	/* Its run time starts on a thread; this waits for it. */
	if (shared_work() != 0)
		fail("Go at its beginning");
}

static void *work(void *unused)
{
	(void)unused;
	for (int i = 0; i < 10; i++) {
		if (shared_work() != 0)
			fail("Go on a thread");
		use("on a thread");
	}
	return NULL;
}

int main(int argc, char **argv)
{
	struct modiso_gate *gate;
	pthread_t threads[4];

	if (argc != 3)
		fail("usage: go_host first|last LIBRARY");
	if (strcmp(argv[1], "first") == 0)
		open_library(argv[2]);
	start();
	use("before Go has a thread here");
	if (strcmp(argv[1], "last") == 0) {
		open_library(argv[2]);
		/* A gate that is made is when the library looks. */
		need("gate", modiso_gate_create(the_module,
						(modiso_fn)module_add, NULL,
						&gate));
	}
	use("with Go");
	for (int i = 0; i < 4; i++)
		pthread_create(&threads[i], NULL, work, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	if (shared_work() != 0)
		fail("Go at the end");
	use("at the end");
	return 0;
}
