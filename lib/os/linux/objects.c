/* SPDX-License-Identifier: MIT */
#include "os/objects.h"

#include "os/linux/state.h"

#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>
#include <sys/auxv.h>
#include <unistd.h>

/* As glibc declares it from 2.35 on. */
struct found {
	unsigned long long flags;
	void *map_start, *map_end;
	struct link_map *link_map;
	void *eh_frame; /* PT_GNU_EH_FRAME, which is .eh_frame_hdr */
	unsigned long long reserved[7];
};

/* Under a name of ours: newer headers declare it, older ones do not. */
int mdi_dl_find_object(void *address,
		       struct found *result) __asm__("_dl_find_object")
	__attribute__((weak));

static bool find(uintptr_t address, struct found *found)
{
	return mdi_dl_find_object != NULL &&
	       mdi_dl_find_object((void *)address, found) == 0;
}

bool mdi_objects_unwind(void)
{
	return true;
}

bool mdi_object_find(uintptr_t address, struct mdi_object *object)
{
	uintptr_t own = (uintptr_t)&mdi_os_state;
	struct found found;

	if (!find(address, &found))
		return false;
	object->base = (uintptr_t)found.map_start;
	object->end = (uintptr_t)found.map_end;
	object->bias = found.link_map != NULL ? found.link_map->l_addr : 0;
	object->name = found.link_map != NULL && found.link_map->l_name != NULL
			       ? found.link_map->l_name
			       : "";
	object->unwind = (uintptr_t)found.eh_frame;
	object->own = own >= object->base && own < object->end;
	return true;
}

bool mdi_object_is_libc(const struct mdi_object *object)
{
	static const char *const names[] = {
		"libc.", "libc-", "ld-linux", "ld-musl", "ld.so",
	};
	const char *slash = strrchr(object->name, '/');
	const char *name = slash != NULL ? slash + 1 : object->name;

	for (size_t i = 0; i < MDI_COUNT(names); i++)
		if (strncmp(name, names[i], strlen(names[i])) == 0)
			return true;
	return false;
}

/* The first instructions are short: what they call does not return. */
#define BEGINNING 64

bool mdi_object_begins(uintptr_t address)
{
	return address - getauxval(AT_ENTRY) < BEGINNING;
}

bool mdi_object_function(uintptr_t address, char *name, size_t size,
			 uintptr_t *begin, size_t *length)
{
	void *symbol = NULL;
	Dl_info info;

	if (dladdr1((void *)address, &info, &symbol, RTLD_DL_SYMENT) == 0 ||
	    info.dli_sname == NULL)
		return false;
	snprintf(name, size, "%s", info.dli_sname);
	*begin = (uintptr_t)info.dli_saddr;
	*length = symbol != NULL ? ((const ElfW(Sym) *)symbol)->st_size : 0;
	return true;
}

void mdi_object_path(const struct mdi_object *object, char *path, size_t size)
{
	ssize_t length;

	path[0] = '\0';
	if (strchr(object->name, '/') != NULL) {
		snprintf(path, size, "%s", object->name);
	} else if (object->name[0] == '\0') {
		length = readlink("/proc/self/exe", path, size - 1);
		path[length > 0 ? length : 0] = '\0';
	}
}
