/* SPDX-License-Identifier: MIT */
/* A model is handed two arrays of the host's, for one call. */
#include <modiso.h>
#include <stdio.h>

typedef void model_fn(const int *in, size_t count, double *out);

/* Module code: it may be SEALED, and finds no array of the host's. */
static void model(const int *in, size_t count, double *out)
{
	size_t i;

	for (i = 0; i < count; i++)
		out[i] = in[i] * 0.5;
}

static int call_model(struct modiso_module *module, model_fn *call,
		      const int *in, double *out, size_t count)
{
	void *input, *output;
	int result;

	result = modiso_mailbox_put(module, in, count * sizeof(*in), &input);
	if (result != 0)
		return result;
	result = modiso_mailbox_put(module, NULL, count * sizeof(*out),
				    &output);
	if (result == 0) {
		call(input, count, output);
		result = modiso_gate_status();
	}
	if (result == 0)
		result = modiso_mailbox_get(module, out, output,
					    count * sizeof(*out));
	/* Both, whatever came of the call. */
	modiso_mailbox_reset(module, input);
	return result;
}

int main(void)
{
	const int in[3] = { 1, 2, 3 };
	double out[3];
	struct modiso_module *module;
	struct modiso_gate *gate;
	modiso_fn thunk;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("model", NULL, &module) != 0 ||
	    modiso_gate_create(module, (modiso_fn)model, NULL, &gate) != 0 ||
	    modiso_gate_thunk(gate, &thunk) != 0 ||
	    call_model(module, (model_fn *)thunk, in, out, 3) != 0) {
		fprintf(stderr, "%s\n", modiso_last_error_text());
		return 1;
	}
	printf("%g %g %g\n", out[0], out[1], out[2]);
	return modiso_module_destroy(module) != 0 || modiso_fini() != 0;
}
