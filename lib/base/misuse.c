/* SPDX-License-Identifier: MIT */
#include "base/misuse.h"

#include <modiso/error.h>

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static modiso_misuse_fn handler;
static void *handler_arg;

void modiso_set_misuse_handler(modiso_misuse_fn function, void *arg)
{
	handler = function;
	handler_arg = arg;
}

static void say(const char *text)
{
	/* Nobody is left to be told when standard error fails too. */
	ssize_t ignored = write(STDERR_FILENO, text, strlen(text));

	(void)ignored;
}

void mdi_misuse(const char *text)
{
	if (handler != NULL) {
		handler(text, handler_arg);
	} else {
		say("libmodiso: ");
		say(text);
		say("\n");
	}
	abort();
}
