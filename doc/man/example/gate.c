/* SPDX-License-Identifier: MIT */
/* A gate as a plain function pointer, floating point included. */
#include <modiso.h>
#include <stdio.h>

static double scale(double value, int factor)
{
	return value * factor;
}

int main(void)
{
	struct modiso_module *module;
	struct modiso_gate *gate;
	modiso_fn thunk;
	double (*scale_inside)(double, int);

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("scaler", NULL, &module) != 0 ||
	    modiso_gate_create(module, (modiso_fn)scale, NULL, &gate) != 0 ||
	    modiso_gate_thunk(gate, &thunk) != 0) {
		fprintf(stderr, "%s\n", modiso_last_error_text());
		return 1;
	}
	scale_inside = (double (*)(double, int))thunk;
	printf("%g\n", scale_inside(1.5, 4));
	if (modiso_gate_status() != 0)
		return 1;
	return modiso_module_destroy(module) != 0 || modiso_fini() != 0;
}
