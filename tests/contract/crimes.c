/* SPDX-License-Identifier: MIT */
#include "contract/crimes.h"
#include "support/poke.h"
#include "support/proc.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

struct modiso_module *module, *other;
struct modiso_region *own, *foreign, *hosts;
unsigned char *unmapped, *forbidden, *truncated;

void make_scene(void)
{
	struct modiso_region *region;
	int file;

	module = world_module();
	other = make_module("other");
	own = make_region(module, PAGE, "own");
	foreign = make_region(other, 5900, "foreign");
	hosts = make_region(NULL, 2 * PAGE, "host's");
	memset(region_bytes(foreign), 0x66, 2 * PAGE);
	memset(region_bytes(hosts), 0x77, 2 * PAGE);
	unmapped = pages_nowhere();
	forbidden = pages_map(1, PROT_NONE);
	truncated = pages_of_file(2, &file);
	if (truncated == NULL)
		return;
	expect(MODISO_OK, modiso_region_adopt(module, truncated, 2 * PAGE, RW,
					      NULL, &region));
	file_cut(file, 1);
}

void check_scene(void)
{
	must(all_bytes(region_bytes(foreign), 0x66, 2 * PAGE));
	must(all_bytes(region_bytes(hosts), 0x77, 2 * PAGE));
	region_bytes(hosts)[0] = 0x77;
	region_bytes(foreign)[0] = 0x66;
	region_bytes(own)[0] ^= 1;
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	must_eq(enter(make_gate(other, module_add_one), 1), 2);
}

uintptr_t address_of(enum where where)
{
	switch (where) {
	case AT_UNMAPPED:
		return W(unmapped) + 24;
	case AT_FORBIDDEN:
		return W(forbidden) + 24;
	case AT_NON_CANONICAL:
		return (uintptr_t)1 << 62;
	case AT_KERNEL:
		return 0xffff880000001000ul;
	case AT_OWN:
		return W(region_bytes(own)) + 24;
	case AT_FOREIGN:
		return W(region_bytes(foreign)) + PAGE + 24;
	case AT_HOSTS:
		return W(region_bytes(hosts)) + PAGE + 24;
	case AT_TRUNCATED:
		return W(truncated) + PAGE + 24;
	case AT_STACK_FAR:
		return 1 << 20;
	case AT_RODATA:
		return W(poke_code42);
	default:
		return 0;
	}
}

#define CODE(entry) ((modiso_fn)(entry))

const struct crime crimes[] = {
#define ACCESS(entry, where, access)                                           \
	CODE(entry), where, MODISO_FAULT_ACCESS, SIGSEGV, access, entry, false
#define UNMAPPED(entry, where, access)                                         \
	CODE(entry), where, MODISO_FAULT_UNMAPPED, SIGSEGV, access, entry, false
	{"read foreign", ACCESS(poke_load1, AT_FOREIGN, MODISO_READ)},
	{"write foreign", ACCESS(poke_store1, AT_FOREIGN, MODISO_WRITE)},
	{"read host", ACCESS(poke_load8, AT_HOSTS, MODISO_READ)},
	{"write host", ACCESS(poke_store8, AT_HOSTS, MODISO_WRITE)},
	{"vector read", ACCESS(poke_load16, AT_HOSTS, MODISO_READ)},
	{"vector write", ACCESS(poke_store16, AT_HOSTS, MODISO_WRITE)},
	{"read forbidden", ACCESS(poke_load1, AT_FORBIDDEN, MODISO_READ)},
	{"write forbidden", ACCESS(poke_store1, AT_FORBIDDEN, MODISO_WRITE)},
	{"write constant", ACCESS(poke_store1, AT_RODATA, MODISO_WRITE)},
	{"read NULL", UNMAPPED(poke_load1, AT_NULL, MODISO_READ)},
	{"write NULL", UNMAPPED(poke_store1, AT_NULL, MODISO_WRITE)},
	{"read unmapped", UNMAPPED(poke_load1, AT_UNMAPPED, MODISO_READ)},
	{"write unmapped", UNMAPPED(poke_store8, AT_UNMAPPED, MODISO_WRITE)},
	{"read kernel", UNMAPPED(poke_load8, AT_KERNEL, MODISO_READ)},
	{"write kernel", UNMAPPED(poke_store8, AT_KERNEL, MODISO_WRITE)},
	{"exec NULL", CODE(poke_jump), AT_NULL, MODISO_FAULT_UNMAPPED, SIGSEGV,
	 MODISO_EXEC, NULL, false},
	{"exec unmapped", CODE(poke_jump), AT_UNMAPPED, MODISO_FAULT_UNMAPPED,
	 SIGSEGV, MODISO_EXEC, NULL, false},
	{"exec forbidden", CODE(poke_jump), AT_FORBIDDEN, MODISO_FAULT_ACCESS,
	 SIGSEGV, MODISO_EXEC, NULL, false},
	{"exec own data", CODE(poke_jump), AT_OWN, MODISO_FAULT_ACCESS, SIGSEGV,
	 MODISO_EXEC, NULL, false},
	{"exec foreign data", CODE(poke_jump), AT_FOREIGN, MODISO_FAULT_ACCESS,
	 SIGSEGV, MODISO_EXEC, NULL, false},
	{"exec host data", CODE(poke_jump), AT_HOSTS, MODISO_FAULT_ACCESS,
	 SIGSEGV, MODISO_EXEC, NULL, false},
	{"read non-canonical", CODE(poke_load1), AT_NON_CANONICAL,
	 MODISO_FAULT_PRIVILEGED, SIGSEGV, 0, poke_load1, false},
	{"write non-canonical", CODE(poke_store8), AT_NON_CANONICAL,
	 MODISO_FAULT_PRIVILEGED, SIGSEGV, 0, poke_store8, false},
	{"exec non-canonical", CODE(poke_jump), AT_NON_CANONICAL,
	 MODISO_FAULT_PRIVILEGED, SIGSEGV, 0, poke_jump, false},
	{"hlt", CODE(poke_hlt), NOWHERE, MODISO_FAULT_PRIVILEGED, SIGSEGV, 0,
	 poke_hlt, false},
	{"cli", CODE(poke_cli), NOWHERE, MODISO_FAULT_PRIVILEGED, SIGSEGV, 0,
	 poke_cli, false},
	{"vector across its size", CODE(poke_movaps), AT_OWN,
	 MODISO_FAULT_PRIVILEGED, SIGSEGV, 0, poke_movaps, true},
	{"division's overflow", CODE(poke_overflow), NOWHERE,
	 MODISO_FAULT_ARITHMETIC, SIGFPE, 0, poke_overflow_at, false},
	{"ud2", CODE(poke_ud2), NOWHERE, MODISO_FAULT_ILLEGAL, SIGILL, 0,
	 poke_ud2, false},
	{"int3", CODE(poke_int3), NOWHERE, MODISO_FAULT_TRAP, SIGTRAP, 0,
	 poke_int3, false},
	{"division by zero", CODE(poke_div0), NOWHERE, MODISO_FAULT_ARITHMETIC,
	 SIGFPE, 0, poke_div0_at, false},
	{"x87 division", CODE(poke_x87), NOWHERE, MODISO_FAULT_ARITHMETIC,
	 SIGFPE, 0, poke_x87_at, false},
	{"SSE division", CODE(poke_sse), NOWHERE, MODISO_FAULT_ARITHMETIC,
	 SIGFPE, 0, poke_sse_at, true},
	{"truncated file read", CODE(poke_load1), AT_TRUNCATED,
	 MODISO_FAULT_BUS, SIGBUS, MODISO_READ, poke_load1, false},
	{"truncated file write", CODE(poke_store1), AT_TRUNCATED,
	 MODISO_FAULT_BUS, SIGBUS, MODISO_WRITE, poke_store1, false},
	{"push to host", CODE(poke_wild_push), AT_HOSTS, MODISO_FAULT_ACCESS,
	 SIGSEGV, MODISO_WRITE, poke_wild_push_at, false},
	{"push to NULL", CODE(poke_wild_push), AT_UNMAPPED,
	 MODISO_FAULT_UNMAPPED, SIGSEGV, MODISO_WRITE, poke_wild_push_at,
	 false},
	{"ud2 on host stack", CODE(poke_wild_ud2), AT_HOSTS,
	 MODISO_FAULT_ILLEGAL, SIGILL, 0, poke_wild_ud2_at, false},
	{"ud2 without stack", CODE(poke_wild_ud2), AT_UNMAPPED,
	 MODISO_FAULT_ILLEGAL, SIGILL, 0, poke_wild_ud2_at, false},
	{"ud2 on non-canonical stack", CODE(poke_wild_ud2), AT_NON_CANONICAL,
	 MODISO_FAULT_ILLEGAL, SIGILL, 0, poke_wild_ud2_at, false},
	{"ud2 on kernel stack", CODE(poke_wild_ud2), AT_KERNEL,
	 MODISO_FAULT_ILLEGAL, SIGILL, 0, poke_wild_ud2_at, false},
};

const int crime_count = (int)(sizeof(crimes) / sizeof(*crimes));
