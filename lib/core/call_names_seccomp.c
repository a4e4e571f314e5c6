/* SPDX-License-Identifier: MIT */
#include "core/call_names.h"

#include "core/state.h"
#include "os/calls.h"

#include <dlfcn.h>
#include <pthread.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME "libseccomp.so.2"

/* Those of libseccomp's functions that are called. */
struct seccomp {
	__typeof__(seccomp_syscall_resolve_num_arch) *name;
	__typeof__(seccomp_syscall_resolve_name_arch) *number;
};

static struct mdi_call_names_state *const own = &mdi_core_state.call_names;

static struct seccomp *functions(void)
{
	_Static_assert(sizeof(struct seccomp) <= sizeof(own->functions),
		       "room for libseccomp's functions");
	return (struct seccomp *)(void *)own->functions;
}

static bool find(void *library, void *to, const char *name)
{
	void *address = dlsym(library, name);

	memcpy(to, &address, sizeof(address));
	return address != NULL;
}

static void load(void)
{
	void *library = dlopen(NAME, RTLD_NOW);
	struct seccomp *seccomp = functions();

	own->there = library != NULL &&
		     find(library, &seccomp->name,
			  "seccomp_syscall_resolve_num_arch") &&
		     find(library, &seccomp->number,
			  "seccomp_syscall_resolve_name_arch");
}

bool mdi_call_names_there(void)
{
	pthread_once(&own->once, load);
	return own->there;
}

bool mdi_call_name(uint32_t arch, uint32_t number,
		   char name[MDI_CALL_NAME_SIZE])
{
	char *text;

	name[0] = '\0';
	if (!mdi_call_names_there() || number > INT32_MAX)
		return false;
	if (number & MDI_CALL_X32)
		arch = SCMP_ARCH_X32;
	text = functions()->name(arch, (int)number);
	if (text == NULL)
		return false;
	snprintf(name, MDI_CALL_NAME_SIZE, "%s", text);
	free(text);
	return true;
}

/* Below 0 are numbers of its own, of calls that this table has not. */
bool mdi_call_number(uint32_t arch, const char *name, uint32_t *number)
{
	int found = -1;

	if (mdi_call_names_there())
		found = functions()->number(arch, name);
	if (found < 0)
		return false;
	*number = (uint32_t)found;
	return true;
}
