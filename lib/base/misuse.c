/* SPDX-License-Identifier: MIT */
#include "base/misuse.h"

#include <modiso/error.h>

#include <stdio.h>
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
	mdi_abort();
}

void mdi_misuse_last(const char *text)
{
	static char line[512];

	snprintf(line, sizeof(line), "%s: %s", text, modiso_last_error_text());
	mdi_misuse(line);
}
