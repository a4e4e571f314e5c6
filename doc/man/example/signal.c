/* SPDX-License-Identifier: MIT */
/* A timer interrupts a module; its handler uses memory that is guarded. */
#include <modiso.h>
#include <signal.h>
#include <stdio.h>
#include <sys/time.h>

static volatile int *ticks; /* the host's */
static volatile int *stop;  /* the module's */

static void tick(int signo)
{
	(void)signo;
	*stop = ++*ticks >= 3;
}

static int spin(volatile int *flag)
{
	while (!*flag)
		;
	return 0;
}

int main(void)
{
	struct itimerval often = { { 0, 10000 }, { 0, 10000 } }, never = { 0 };
	struct sigaction action = { .sa_handler = tick };
	struct modiso_module *module;
	struct modiso_region *guarded, *own;
	struct modiso_gate *gate;
	uintptr_t flag;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("spinner", NULL, &module) != 0 ||
	    modiso_region_create(NULL, 4096, MODISO_READ | MODISO_WRITE, NULL,
				 &guarded) != 0 ||
	    modiso_region_create(module, 4096, MODISO_READ | MODISO_WRITE,
				 NULL, &own) != 0 ||
	    modiso_gate_create(module, (modiso_fn)spin, NULL, &gate) != 0)
		return 1;
	ticks = modiso_region_base(guarded);
	stop = modiso_region_base(own);
	flag = (uintptr_t)stop;
	/* Of use where a handler was not installed by sigaction(). */
	if (sigaction(SIGALRM, &action, NULL) != 0 ||
	    modiso_signal_adopt() != 0 ||
	    setitimer(ITIMER_REAL, &often, NULL) != 0 ||
	    modiso_gate_call(gate, &flag, 1, NULL) != 0 ||
	    setitimer(ITIMER_REAL, &never, NULL) != 0)
		return 1;
	printf("%d ticks\n", *ticks);
	return modiso_module_destroy(module) != 0 ||
	       modiso_region_destroy(guarded) != 0 || modiso_fini() != 0;
}
