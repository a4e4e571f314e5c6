/* SPDX-License-Identifier: MIT */
/* Code of an image that the loader itself calls: inside the module. */
#include "code/image.h"

#include "core/gate.h"
#include "core/runtime.h"

int mdi_image_call(const struct modiso_image *image, uintptr_t function,
		   uintptr_t *result)
{
	/* An initialiser gets what main() gets, and there are no arguments. */
	const uintptr_t none[MODISO_ARGS_MAX] = {0};
	const struct modiso_gate_options options = {
		.struct_size = sizeof(options),
		.word_args = MODISO_ARGS_MAX,
	};
	struct modiso_gate *gate;
	int code;

	mdi_runtime_lock();
	code = mdi_gate_create(image->module, (modiso_fn)function, &options,
			       &gate);
	mdi_runtime_unlock();
	if (code != 0)
		return code;
	code = mdi_gate_call(gate, none, result);
	mdi_runtime_lock();
	mdi_gate_destroy(gate);
	mdi_runtime_unlock();
	return code;
}
