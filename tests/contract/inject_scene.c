/* SPDX-License-Identifier: MIT */
#include "contract/inject_scene.h"
#include "contract/inject_acts.h"
#include "support/elf.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

struct modiso_module *module, *other, *confined;
struct modiso_region *own, *foreign, *hosts, *adopted, *made;
struct modiso_service *service;
struct modiso_image *image;
struct modiso_gate *store, *others_store;
unsigned char *lent; /* four pages, [1] and [2] are adopted */
int file = -1;       /* two pages */
struct elf_image elf;

uintptr_t import(uintptr_t value)
{
	return value + 1;
}

static void make_lent(void)
{
	lent = pages_map(4, PROT_READ | PROT_WRITE);
	/* Of two kinds: the kernel changes one mapping and then the other. */
	must_eq(mmap(lent + 2 * PAGE, 2 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0),
		lent + 2 * PAGE);
	memset(lent, 0x44, 4 * PAGE);
}

int adopt(void)
{
	return modiso_region_adopt(other, lent + PAGE, 2 * PAGE, RW, NULL,
				   &adopted);
}

static void fill_scene(void)
{
	module = make_module("module");
	other = make_module("other");
	own = make_region(module, 2 * PAGE, "own");
	foreign = make_region(other, 2 * PAGE, "foreign");
	hosts = make_region(NULL, 2 * PAGE, "hosts");
	memset(region_bytes(own), 0x55, 2 * PAGE);
	memset(region_bytes(foreign), 0x66, 2 * PAGE);
	memset(region_bytes(hosts), 0x77, 2 * PAGE);
	make_lent();
	store = make_gate(module, poke_store1);
	expect(MODISO_OK, modiso_service_create("import", (modiso_fn)import,
						NULL, &service));
}

void scene(void)
{
	world_start();
	fill_scene();
}

void before_adopt(void)
{
	scene();
	others_store = make_gate(other, poke_store1);
	enter(others_store, W(region_bytes(foreign)), 0x66);
	enter(store, W(region_bytes(own)), 0x55);
}

void entered_scene(void)
{
	before_adopt();
	expect(MODISO_OK, adopt());
}

void refused(struct modiso_region *region, const void *address)
{
	must_blame(enter_fault(module, store, W(address), 0), MODISO_WRITE,
		   address, region);
}

void closed(void)
{
	refused(foreign, region_bytes(foreign) + PAGE);
	refused(hosts, region_bytes(hosts));
	if (adopted) {
		refused(adopted, lent + PAGE);
		refused(adopted, lent + 3 * PAGE - 1);
	}
	enter(store, W(region_bytes(own)) + PAGE, 0x55);
	must(all_bytes(region_bytes(own), 0x55, 2 * PAGE));
	must(all_bytes(region_bytes(foreign), 0x66, 2 * PAGE));
	must(all_bytes(region_bytes(hosts), 0x77, 2 * PAGE));
	must(all_bytes(lent, 0x44, 4 * PAGE));
	region_bytes(hosts)[0] = 0x77;
	region_bytes(foreign)[0] = 0x66;
}

/*
 * Partners of the module, with a region each that it may write and one that it
 * may read: more sets than there are keys.
 */
enum { PARTNERS = 3 };
static struct partner {
	struct modiso_module *module;
	struct modiso_gate *store;
	struct modiso_region *written, *read;
} partners[PARTNERS];

static struct modiso_gate *load;

static struct modiso_region *share(struct modiso_module *owner, uint32_t access)
{
	struct modiso_region *region = make_region(owner, PAGE, "shared");

	expect(MODISO_OK, modiso_region_grant(region, module, access));
	return region;
}

/* Each has had a key, and what it shares was closed to the module for that. */
static void partners_enter(void)
{
	struct partner *partner;

	for (partner = partners; partner < partners + PARTNERS; partner++)
		enter(partner->store, W(region_bytes(partner->read)), 1);
}

void crowded_scene(void)
{
	const struct modiso_options options = {.struct_size = sizeof(options),
					       .max_keys = 8};
	struct partner *partner;

	expect(MODISO_OK, modiso_init(&options));
	fill_scene();
	load = make_gate(module, poke_load1);
	enter(store, W(region_bytes(own)), 0x55);
	for (partner = partners; partner < partners + PARTNERS; partner++) {
		partner->module = make_module("partner");
		partner->store = make_gate(partner->module, poke_store1);
		partner->written = share(partner->module, RW);
		partner->read = share(partner->module, MODISO_READ);
	}
	crowd_works();
	partners_enter();
}

void crowd_works(void)
{
	struct partner *partner;
	unsigned char *byte;

	for (partner = partners; partner < partners + PARTNERS; partner++) {
		byte = region_bytes(partner->written);
		enter(store, W(byte), 2);
		enter(partner->store, W(byte), 3);
		must_eq(enter(load, W(byte)), 3);
		byte = region_bytes(partner->read);
		enter(partner->store, W(byte), 4);
		must_eq(enter(load, W(byte)), 4);
		refused(partner->read, byte);
	}
	closed();
}

void crowd_as_before(void)
{
	crowd_works();
	partners_enter();
}

static void end_crowd(void)
{
	struct partner *partner;

	for (partner = partners; partner < partners + PARTNERS; partner++)
		if (partner->module != NULL)
			expect(MODISO_OK,
			       modiso_module_destroy(partner->module));
	memset(partners, 0, sizeof(partners));
}

void end_scene(void)
{
	if (image)
		expect(MODISO_OK, modiso_image_unload(image));
	if (module)
		expect(MODISO_OK, modiso_module_destroy(module));
	end_crowd();
	if (other)
		expect(MODISO_OK, modiso_module_destroy(other));
	if (hosts)
		expect(MODISO_OK, modiso_region_destroy(hosts));
	if (service)
		expect(MODISO_OK, modiso_service_destroy(service));
	if (file >= 0)
		close(file);
	file = -1;
	if (lent) {
		memset(lent, 0, 4 * PAGE);
		pages_unmap(lent, 4);
	}
	module = other = NULL;
	own = foreign = hosts = adopted = made = NULL;
	service = NULL;
	image = NULL;
	lent = NULL;
	if (modiso_backend_current() != MODISO_BACKEND_AUTO)
		world_stop();
}

void only_module(void)
{
	module = world_module();
}

void with_made(void)
{
	entered_scene();
	make_region(module, PAGE, "below");
	made = make_region(module, 2 * PAGE, "made");
	make_region(module, PAGE, "above");
	memset(region_bytes(made), 0x33, 2 * PAGE);
}

void with_everything(void)
{
	struct modiso_module *mine;

	entered_scene();
	mine = module;
	module = other;
	expect(MODISO_OK, act_load());
	module = mine;
	make_thunk(other, poke_load1);
}

void other_was_last(void)
{
	entered_scene();
	enter(others_store, W(region_bytes(foreign)), 0x66);
}

void with_file(void)
{
	entered_scene();
	file = memfd_create("file", MFD_CLOEXEC);
	must(file >= 0 && !ftruncate(file, 2 * PAGE));
}

void with_window(void)
{
	other_was_last();
	expect(MODISO_OK, modiso_window_open(foreign, RW));
}

void window_is_open(void)
{
	region_bytes(foreign)[0] = 0x66;
	expect(MODISO_ERR_BUSY, modiso_region_destroy(foreign));
}

void window_closes(void)
{
	window_is_open();
	expect(MODISO_OK, modiso_window_close(foreign));
	closed();
}

void with_snapshot(void)
{
	entered_scene();
	expect(MODISO_OK, modiso_snapshot_take(module));
}
