/* SPDX-License-Identifier: MIT */
/* Code that came as bytes runs inside a module. */
#include <modiso.h>
#include <stdio.h>

/* lea (%rdi,%rdi,2), %eax; ret: three times its argument */
static const unsigned char blob[] = { 0x8d, 0x04, 0x7f, 0xc3 };

int main(void)
{
	struct modiso_flat_symbol symbol = { "triple", 0 };
	struct modiso_flat flat = {
		.struct_size = sizeof(flat),
		.code_size = sizeof(blob),
		.symbols = &symbol,
		.symbol_count = 1,
	};
	struct modiso_module *module;
	struct modiso_image *image;
	struct modiso_gate *gate;
	uintptr_t value = 14;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("plugin", NULL, &module) != 0 ||
	    modiso_image_prepare(module, blob, sizeof(blob), &flat, NULL,
				 &image) != 0 ||
	    modiso_image_seal(image) != 0 ||
	    modiso_image_gate(image, "triple", NULL, &gate) != 0 ||
	    modiso_gate_call(gate, &value, 1, &value) != 0) {
		fprintf(stderr, "%s\n", modiso_last_error_text());
		return 1;
	}
	printf("%d\n", (int)value);
	return value != 42 || modiso_module_destroy(module) != 0 ||
	       modiso_fini() != 0;
}
