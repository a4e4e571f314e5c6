/* SPDX-License-Identifier: MIT */
/*
 * apart.h - the simulation without isolation, where a device model can take the
 * whole program down.
 */
#ifndef SIMULATOR_APART_H
#define SIMULATOR_APART_H

#include "machine.h"

#define EXIT_DAMAGED 1 /* tables corrupted, or the simulation died */

/* Zero. A child that dies leaves behind how far it has come. NULL: errno. */
struct machine *apart_machine(void);

typedef int simulate_fn(const struct scenario *scenario, struct report *report,
			struct machine *machine);

/*
 * In a child, so that somebody is there to tell; without fork(), in the program
 * itself. What @simulate has returned, or EXIT_DAMAGED.
 */
int apart_simulate(simulate_fn *simulate, const struct scenario *scenario,
		   struct report *report, struct machine *machine);

#endif /* SIMULATOR_APART_H */
