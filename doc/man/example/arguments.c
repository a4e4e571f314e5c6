/* SPDX-License-Identifier: MIT */
/* A module logs as it would with printf(), and is not believed a word. */
#include <modiso.h>
#include <stdio.h>

/* The host's: whatever the module passes, text is what it could read itself. */
static uintptr_t log_line(struct modiso_arguments *arguments)
{
	int level = (int)modiso_argument_word(arguments);
	const char *format = (const char *)modiso_argument_word(arguments);
	char text[80];

	if (modiso_arguments_format(arguments, format, text, sizeof(text),
				    NULL) != 0)
		printf("a bad line: %s\n", modiso_last_error_text());
	else
		printf("level %d: %s\n", level, text);
	return 0;
}

typedef void log_fn(int level, const char *format, ...);

static uintptr_t model(log_fn *log)
{
	log(1, "%s has %d wheels, %.1f m", "the car", 4, 3.25);
	log(2, "%n", 8);
	return 0;
}

int main(void)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	struct modiso_service *service;
	struct modiso_module *module;
	struct modiso_gate *gate;
	uintptr_t args[1], result;

	options.flags = MODISO_SERVICE_VARIADIC;
	if (modiso_init(NULL) != 0 ||
	    modiso_module_create("model", NULL, &module) != 0 ||
	    modiso_service_create("log", (modiso_fn)log_line, &options,
				  &service) != 0 ||
	    modiso_gate_create(module, (modiso_fn)model, NULL, &gate) != 0)
		return 1;
	args[0] = (uintptr_t)modiso_service_thunk(service);
	if (modiso_gate_call(gate, args, 1, &result) != 0)
		return 1;
	return modiso_module_destroy(module) != 0 ||
	       modiso_service_destroy(service) != 0 || modiso_fini() != 0;
}
