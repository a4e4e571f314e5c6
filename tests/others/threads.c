/* SPDX-License-Identifier: MIT */
/*
 * threads.c - threads of the host in modules, beside a lot of allocations and
 * processes: what allocators and the makers of processes are tried with.
 *
 *   threads [spawn]
 */
#include "host.h"

#include <pthread.h>
#include <spawn.h>
#include <stdatomic.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static atomic_int running = 1;
static atomic_int calls;

static void *work(void *unused)
{
	struct modiso_region *mine;
	uintptr_t address;

	(void)unused;
	need("region", modiso_region_create(the_module, 4096,
					    MODISO_READ | MODISO_WRITE, NULL,
					    &mine));
	while (running) {
		char *block = malloc((size_t)(1 + rand() % 100000));

		if (block == NULL)
			fail("malloc");
		block[0] = 1;
		address = (uintptr_t)modiso_region_base(mine);
		need("call", modiso_gate_call(good_gate, &address, 1, NULL));
		if (call_bad() != MODISO_ERR_FAULT)
			fail("no fault: %s", modiso_last_error_text());
		block = realloc(block, 200000);
		if (block == NULL || block[0] != 1)
			fail("realloc");
		free(block);
		calls++;
	}
	return NULL;
}

static void wait_for(pid_t child, const char *what)
{
	int status;

	if (child < 0 || waitpid(child, &status, 0) != child)
		fail("%s: %s", what, strerror(errno));
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		fail("%s: status %#x", what, (unsigned)status);
}

/* Processes by every way, while other threads are in modules. */
static void spawn_some(char *program)
{
	char *const child_argv[] = {program, "child", NULL};
	pid_t child;

	if (posix_spawn(&child, program, NULL, NULL, child_argv, environ) != 0)
		fail("posix_spawn");
	wait_for(child, "posix_spawn");
	child = vfork();
	if (child == 0) {
		execv(program, child_argv);
		_exit(127);
	}
	wait_for(child, "vfork");
	child = fork();
	if (child == 0) {
		use("in a child");
		_exit(0);
	}
	wait_for(child, "fork");
}

int main(int argc, char **argv)
{
	pthread_t threads[4];

	if (argc > 1 && strcmp(argv[1], "child") == 0)
		return 0;
	start();
	for (int i = 0; i < 4; i++) {
		if (pthread_create(&threads[i], NULL, work, NULL) != 0)
			fail("pthread_create");
	}
	for (int i = 0; i < 20 && argc > 1; i++)
		spawn_some(argv[0]);
	while (calls < 400)
		use("on the main thread");
	running = 0;
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	use("at the end");
	need("destroy", modiso_module_destroy(the_module));
	need("destroy", modiso_region_destroy(host_region));
	need("fini", modiso_fini());
	return 0;
}
