/* SPDX-License-Identifier: MIT */
#include "../apart.h"

#include <stdlib.h>

struct machine *apart_machine(void)
{
	return calloc(1, sizeof(struct machine));
}

int apart_simulate(simulate_fn *simulate, const struct scenario *scenario,
		   struct report *report, struct machine *machine)
{
	/* What was printed must be seen, however this ends. */
	setvbuf(report->text, NULL, _IONBF, 0);
	return simulate(scenario, report, machine);
}
