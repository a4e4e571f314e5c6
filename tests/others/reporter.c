/* SPDX-License-Identifier: MIT */
/*
 * reporter.c - modules, beside a library that takes the fatal signals.
 *
 *   reporter WHEN LIBRARY FUNCTION STATUS
 *
 * WHEN is first (before modiso_init()), between (before the first module) or
 * last; with "global" after it the library's symbols are for all. FUNCTION
 * takes no argument and installs the handlers. Faults of modules stay the
 * library's; a fault of the host's own goes to the handlers and ends its
 * process with STATUS, negative for a signal.
 */
#include "host.h"

#include <dlfcn.h>
#include <sys/wait.h>
#include <unistd.h>

static void install(char **arguments, int mode)
{
	void *library = dlopen(arguments[0], RTLD_NOW | mode);
	void (*function)(void);

	if (library == NULL)
		fail("%s", dlerror());
	*(void **)&function = dlsym(library, arguments[1]);
	if (function == NULL)
		fail("%s", dlerror());
	function();
}

static void host_fault(int want)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		*(volatile int *)8 = 0;
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		fail("a child: %s", strerror(errno));
	status = WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
	if (status != want)
		fail("a fault of the host's own: %d, not %d", status, want);
}

static int later(void)
{
	use("in a service");
	return 0;
}

int main(int argc, char **argv)
{
	struct modiso_service *service;
	struct modiso_gate *gate;
	const char *when = argc > 4 ? argv[1] : "";
	int mode = strstr(when, "global") ? RTLD_GLOBAL : RTLD_LOCAL;
	int last = strncmp(when, "last", 4) == 0;

	if (argc != 5)
		fail("usage: reporter WHEN LIBRARY FUNCTION STATUS");
	if (strncmp(when, "first", 5) == 0)
		install(argv + 2, mode);
	need("init", modiso_init(NULL));
	if (strncmp(when, "between", 7) == 0)
		install(argv + 2, mode);
	make_module();
	need("service", modiso_service_create("later", (modiso_fn)later, NULL,
					      &service));
	if (!last) {
		use("with the other library");
		host_fault(atoi(argv[4]));
		return 0;
	}
	use("before the other library");
	install(argv + 2, mode);
	/* What is made next is where the library looks; see the manual. */
	need("gate", modiso_gate_create(the_module,
					modiso_service_thunk(service), NULL,
					&gate));
	use("after the other library");
	need("call", modiso_gate_call(gate, NULL, 0, NULL));
	host_fault(atoi(argv[4]));
	return 0;
}
