/* SPDX-License-Identifier: MIT */
#include "os/misuse.h"

#include "base/state.h"
#include "os/process.h"

#include <modiso/error.h>

#include <stdio.h>
#include <string.h>

static struct mdi_misuse_state *const own = &mdi_base_state.misuse;

void modiso_set_misuse_handler(modiso_misuse_fn function, void *arg)
{
	own->handler = function;
	own->arg = arg;
}

static void say(const char *text)
{
	mdi_os_say(text, strlen(text));
}

/* Of this thread: the report itself may come here again, by its abort(). */
static MDI_TLS bool under_way;

void mdi_misuse(const char *text)
{
	if (under_way)
		mdi_os_kill();
	under_way = true;
	if (own->handler != NULL) {
		own->handler(text, own->arg);
	} else {
		say("libmodiso: ");
		say(text);
		say("\n");
	}
	mdi_abort();
}

void mdi_misuse_last(const char *text)
{
	char line[512];

	snprintf(line, sizeof(line), "%s: %s", text, modiso_last_error_text());
	mdi_misuse(line);
}
