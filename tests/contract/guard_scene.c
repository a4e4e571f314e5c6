/* SPDX-License-Identifier: MIT */
#include "contract/guard_scene.h"

#include "support/proc.h"

#include <link.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

struct modiso_module *module, *open_module;
struct modiso_region *own, *hosts;
struct modiso_gate *call_gate;

void make_scene(void)
{
	world_start();
	module = make_guarded("guarded");
	open_module = make_module("open");
	own = make_region(module, PAGE, "own");
	hosts = make_region(NULL, PAGE, "hosts");
	memset(region_bytes(hosts), 0x77, PAGE);
	call_gate = make_gate(module, guard_call);
}

/* --- places in what the host has loaded --- */

struct search {
	const char *name;
	const void **places;
	size_t room, count;
};

/* "syscall" at any offset, whatever follows it. */
static void search_bytes(struct search *search, const unsigned char *bytes,
			 size_t length)
{
	for (size_t i = 0; i + 1 < length && search->count < search->room; i++)
		if (bytes[i] == 0x0f && bytes[i + 1] == 0x05)
			search->places[search->count++] = bytes + i;
}

static int visit(struct dl_phdr_info *info, size_t size, void *arg)
{
	struct search *search = arg;

	(void)size;
	if (search->name != NULL ? !strstr(info->dlpi_name, search->name) :
				   *info->dlpi_name != '\0')
		return 0;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type == PT_LOAD && header->p_flags & PF_X)
			search_bytes(search,
				     (void *)(info->dlpi_addr +
					      header->p_vaddr),
				     header->p_memsz);
	}
	return 0;
}

size_t guard_places(const char *name, const void **places, size_t room)
{
	struct search search = {name, places, room, 0};

	dl_iterate_phdr(visit, &search);
	return search.count;
}

/* --- what must be --- */

uintptr_t *guard_args(uintptr_t a, uintptr_t b, uintptr_t c, uintptr_t d,
		      uintptr_t e, uintptr_t f)
{
	uintptr_t *args = (uintptr_t *)region_bytes(own);

	memcpy(args, (const uintptr_t[]){a, b, c, d, e, f}, 6 * sizeof(a));
	return args;
}

void must_stop(uintptr_t number, const uintptr_t *args, const void *at)
{
	const struct modiso_fault *fault =
		enter_fault(module, call_gate, number, W(args), W(at));

	must_eq(fault->kind, MODISO_FAULT_SYSCALL);
	must_eq(fault->syscall_number, (uint32_t)number);
	must_eq(fault->pc, W(at) + 2);
}

void must_be_guarded(void)
{
	must_stop(SYS_getpid, guard_args(1, 2, 3, 4, 5, 6), guard_syscall);
	must(getppid() > 0);
}
