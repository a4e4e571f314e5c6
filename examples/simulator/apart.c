/* SPDX-License-Identifier: MIT */
#include "apart.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

struct machine *apart_machine(void)
{
	void *shared = mmap(NULL, sizeof(struct machine),
			    PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
			    -1, 0);

	return shared == MAP_FAILED ? NULL : shared;
}

int apart_simulate(simulate_fn *simulate, const struct scenario *scenario,
		   struct report *report, struct machine *machine)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		/* What was printed must be seen, however this ends. */
		setvbuf(report->text, NULL, _IOLBF, 0);
		exit(simulate(scenario, report, machine));
	}
	if (child == -1 || waitpid(child, &status, 0) != child) {
		perror("simulator: fork");
		return EXIT_DAMAGED;
	}
	if (WIFEXITED(status))
		return WEXITSTATUS(status);
	fprintf(report->text,
		"verdict\n  The simulation DIED of signal %d (%s) in tick %u, "
		"and every device with it.\n",
		WTERMSIG(status), strsignal(WTERMSIG(status)), machine->now);
	if (report->json != NULL)
		fprintf(report->json,
			"{\"result\":\"died\",\"signal\":%d,\"ticks\":%u}\n",
			WTERMSIG(status), machine->now);
	return EXIT_DAMAGED;
}
