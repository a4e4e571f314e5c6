/* SPDX-License-Identifier: MIT */
#include "contract/limit_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct modiso_module *module, *other;
struct modiso_region *own, *foreign, *hosts, *adopted, *spare;
struct modiso_gate *store, *others_store;
unsigned char *lent; /* four pages, [1] and [2] are adopted */

void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	own = make_region(module, PAGE, "own");
	foreign = make_region(other, PAGE, "foreign");
	hosts = make_region(NULL, PAGE, "hosts");
	make_region(module, PAGE, "below");
	spare = make_region(module, PAGE, "spare");
	make_region(module, PAGE, "above");
	lent = pages_map(4, PROT_READ | PROT_WRITE);
	memset(lent, 0x44, 4 * PAGE);
	expect(MODISO_OK, modiso_region_adopt(other, lent + PAGE, 2 * PAGE, RW,
					      NULL, &adopted));
	memset(region_bytes(own), 0x55, PAGE);
	memset(region_bytes(foreign), 0x66, PAGE);
	memset(region_bytes(hosts), 0x77, PAGE);
	store = make_gate(module, poke_store1);
	others_store = make_gate(other, poke_store1);
	enter(store, W(region_bytes(own)), 0x55);
	enter(others_store, W(region_bytes(foreign)), 0x66);
}

void refused(struct modiso_region *region, const void *address)
{
	must_blame(enter_fault(module, store, W(address), 0), MODISO_WRITE,
		   address, region);
}

void check_scene(void)
{
	enter(store, W(region_bytes(own)), 0x55);
	refused(hosts, region_bytes(hosts));
	if (other)
		refused(foreign, region_bytes(foreign));
	if (adopted) {
		refused(adopted, lent + PAGE);
		refused(adopted, lent + 3 * PAGE - 1);
	}
	must(all_bytes(region_bytes(hosts), 0x77, PAGE));
	must(all_bytes(lent, 0x44, 4 * PAGE));
}

void end_scene(void)
{
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_module_destroy(other));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	pages_unmap(lent, 4);
	world_stop();
}

void write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	if (write(fd, text, strlen(text)) < 0) {
		/* What was to be limited is not: the test says so. */
	}
	close(fd);
}
