/* SPDX-License-Identifier: MIT */
#include "core/picture.h"

#include "base/settings.h"
#include "core/audit.h"
#include "core/module.h"
#include "core/runtime.h"
#include "core/state.h"
#include "os/process.h"

#include <errno.h>
#include <string.h>

static struct mdi_picture_state *const own = &mdi_core_state.picture;

/* @part: of the file's name, behind the process's id. */
static void draw(const char *part)
{
	char name[sizeof(mdi_settings()->picture) + 48];
	int saved = errno;
	FILE *out;

	snprintf(name, sizeof(name), "%s.%d%s.dot", mdi_settings()->picture,
		 (int)mdi_os_process_id(), part);
	out = fopen(name, "we");
	if (out != NULL) {
		mdi_runtime_lock();
		mdi_inventory_print_dot(out);
		mdi_runtime_unlock();
	}
	if (out == NULL || fclose(out) != 0)
		fprintf(stderr,
			"libmodiso: picture %s cannot be written (%s)\n", name,
			strerrorname_np(errno));
	errno = saved;
}

void mdi_picture_fault(uint64_t number)
{
	char part[32];

	if (mdi_settings()->picture[0] == '\0')
		return;
	snprintf(part, sizeof(part), ".%llu", (unsigned long long)number);
	draw(part);
}

/* There are more modules than in the last picture of the process. */
static bool is_fuller(void)
{
	size_t count;
	bool fuller;

	mdi_runtime_lock();
	count = mdi_module_count();
	fuller = count > own->most;
	if (fuller)
		own->most = count;
	mdi_runtime_unlock();
	return fuller;
}

void mdi_picture_last(void)
{
	if (mdi_settings()->picture[0] != '\0' && is_fuller())
		draw("");
}
