/* SPDX-License-Identifier: MIT */
/* Both sides take blocks of a module's heap; a double free is told apart. */
#include <modiso.h>
#include <stdio.h>
#include <string.h>

typedef void *malloc_fn(size_t size);
typedef int free_fn(void *block);

/* Module code: copies a text that the host has left in its heap. */
static char *repeat(const char *text, malloc_fn *get, free_fn *give)
{
	size_t i, length = 0;
	char *copy;

	while (text[length] != '\0')
		length++;
	copy = get(2 * length + 1);
	if (copy == NULL)
		return NULL;
	for (i = 0; i < 2 * length; i++)
		copy[i] = text[i % length];
	copy[2 * length] = '\0';
	give((void *)(uintptr_t)text);
	give((void *)(uintptr_t)text); /* a mistake: refused and counted */
	return copy;
}

int main(void)
{
	struct modiso_heap_info info = { .struct_size = sizeof(info) };
	struct modiso_module *module;
	struct modiso_service *get, *give;
	struct modiso_gate *gate;
	uintptr_t args[3], answer;
	char line[16];
	void *text;

	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("echo", NULL, &module) != 0 ||
	    modiso_heap_create(module, 1 << 20, NULL) != 0 ||
	    modiso_service_create("malloc",
				  modiso_heap_function(MODISO_HEAP_MALLOC),
				  NULL, &get) != 0 ||
	    modiso_service_create("free",
				  modiso_heap_function(MODISO_HEAP_FREE), NULL,
				  &give) != 0 ||
	    modiso_gate_create(module, (modiso_fn)repeat, NULL, &gate) != 0 ||
	    modiso_heap_alloc(module, 8, 0, 0, &text) != 0)
		return 1;
	strcpy(text, "hello ");
	args[0] = (uintptr_t)text;
	args[1] = (uintptr_t)modiso_service_thunk(get);
	args[2] = (uintptr_t)modiso_service_thunk(give);
	if (modiso_gate_call(gate, args, 3, &answer) != 0 ||
	    modiso_copy_in(module, line, (void *)answer, 13) != 0 ||
	    modiso_heap_free(module, (void *)answer) != 0 ||
	    modiso_heap_get_info(module, &info) != 0)
		return 1;
	line[13] = '\0';
	printf("%s\n%d blocks are left, %d pointer was refused\n", line,
	       (int)info.blocks, (int)info.refused);
	return modiso_service_destroy(get) != 0 ||
	       modiso_service_destroy(give) != 0 ||
	       modiso_module_destroy(module) != 0 || modiso_fini() != 0;
}
