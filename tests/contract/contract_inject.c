/* SPDX-License-Identifier: MIT */
/*
 * contract_inject - the kernel refuses, at each call in turn: a code and a
 * sentence, everything as before, the same call succeeds afterwards, and
 * nothing is open that should be closed.
 */
#include "support/elf.h"
#include "support/inject.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- memory that is no system call's: ld's --wrap, see Makefile.am --- */

enum { VAULT = INJECT_WRAPPED, HEAP, SPECIFIC };

void *__real_mdi_vault_alloc(size_t size);
void *__wrap_mdi_vault_alloc(size_t size);
void *__real_calloc(size_t count, size_t size);
void *__wrap_calloc(size_t count, size_t size);
void *__real_realloc(void *memory, size_t size);
void *__wrap_realloc(void *memory, size_t size);
int __real_pthread_setspecific(pthread_key_t key, const void *value);
int __wrap_pthread_setspecific(pthread_key_t key, const void *value);

void *__wrap_mdi_vault_alloc(size_t size)
{
	return inject_here(VAULT) ? NULL : __real_mdi_vault_alloc(size);
}

void *__wrap_calloc(size_t count, size_t size)
{
	if (!inject_here(HEAP))
		return __real_calloc(count, size);
	errno = ENOMEM;
	return NULL;
}

void *__wrap_realloc(void *memory, size_t size)
{
	if (!inject_here(HEAP))
		return __real_realloc(memory, size);
	errno = ENOMEM;
	return NULL;
}

/* To take a value back needs no memory. */
int __wrap_pthread_setspecific(pthread_key_t key, const void *value)
{
	if (value && inject_here(SPECIFIC))
		return ENOMEM;
	return __real_pthread_setspecific(key, value);
}

/* --- a scene --- */

static struct modiso_module *module, *other;
static struct modiso_region *own, *foreign, *hosts, *adopted, *made;
static struct modiso_service *service;
static struct modiso_image *image;
static struct modiso_gate *store, *others_store;
static unsigned char *lent; /* four pages, [1] and [2] are adopted */
static int file = -1;       /* two pages */
static struct elf_image elf;

static uintptr_t import(uintptr_t value)
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

static int adopt(void)
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

static void scene(void)
{
	world_start();
	fill_scene();
}

/* Both modules have run on this thread. */
static void before_adopt(void)
{
	scene();
	others_store = make_gate(other, poke_store1);
	enter(others_store, W(region_bytes(foreign)), 0x66);
	enter(store, W(region_bytes(own)), 0x55);
}

/* And the other one has two ranges. */
static void entered_scene(void)
{
	before_adopt();
	expect(MODISO_OK, adopt());
}

static void refused(struct modiso_region *region, const void *address)
{
	must_blame(enter_fault(module, store, W(address), 0), MODISO_WRITE,
		   address, region);
}

/* What is the module's is open to it, and what is not is not. */
static void closed(void)
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

static void crowd_works(void);

/* Each has had a key, and what it shares was closed to the module for that. */
static void partners_enter(void)
{
	struct partner *partner;

	for (partner = partners; partner < partners + PARTNERS; partner++)
		enter(partner->store, W(region_bytes(partner->read)), 1);
}

/* Keys enough that a set leaves its own for the module's, not by the host's. */
static void crowded_scene(void)
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

static void crowd_works(void)
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

static void crowd_as_before(void)
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

static void end_scene(void)
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

/* --- what is done --- */

static uint32_t where; /* acts that arm inside of a module: the call to fail */

static int act_init(void)
{
	return modiso_init(NULL);
}

static int act_fini(void)
{
	return modiso_fini();
}

static int act_module_create(void)
{
	return modiso_module_create("made", NULL, &module);
}

static int act_region_first(void)
{
	return modiso_region_create(module, PAGE, RW, NULL, &made);
}

static int act_region_host(void)
{
	return modiso_region_create(NULL, PAGE, MODISO_READ, NULL, &made);
}

static int act_region_nodump(void)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_REGION_NODUMP,
	};

	return modiso_region_create(module, 3 * PAGE, RW, &options, &made);
}

static int act_shared(void)
{
	return modiso_region_map_shared(module, file, 0, 2 * PAGE, RW, NULL,
					&made);
}

static int act_seal(void)
{
	return modiso_region_protect(made, RX);
}

static int act_protect_adopted(void)
{
	return modiso_region_protect(adopted, MODISO_READ);
}

static int act_grant(void)
{
	return modiso_region_grant(made, other, MODISO_READ);
}

static int act_more(void)
{
	return modiso_region_grant(made, other, RW);
}

static int act_revoke(void)
{
	return modiso_region_revoke(made, other);
}

static int act_region_destroy(void)
{
	int code = modiso_region_destroy(made);

	if (code == MODISO_OK)
		made = NULL;
	return code;
}

static int act_release(void)
{
	int code = modiso_region_destroy(adopted);

	if (code == MODISO_OK)
		adopted = NULL;
	return code;
}

static int act_module_destroy(void)
{
	int code = modiso_module_destroy(other);

	if (code == MODISO_OK) {
		other = NULL;
		foreign = adopted = NULL;
		image = NULL;
	}
	return code;
}

static int act_gate(void)
{
	struct modiso_gate *gate = NULL;
	int code =
		modiso_gate_create(module, (modiso_fn)poke_load1, NULL, &gate);
	modiso_fn thunk;

	return code ? code : modiso_gate_thunk(gate, &thunk);
}

static int act_service(void)
{
	struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_SERVICE_LISTED,
	};
	struct modiso_service *listed = NULL;
	int code, done;

	code = modiso_service_create("listed", (modiso_fn)import, &options,
				     &listed);
	if (code)
		return code;
	code = modiso_service_allow(listed, module);
	done = modiso_service_destroy(listed);
	return code ? code : done;
}

static int act_enter(void)
{
	return modiso_gate_call(store, WORDS(W(region_bytes(own)), 0x55), NULL);
}

static int act_enter_other(void)
{
	return modiso_gate_call(others_store,
				WORDS(W(region_bytes(foreign)), 0x66), NULL);
}

static int act_window(void)
{
	int code = modiso_window_open(foreign, RW);

	return code ? code : modiso_window_close(foreign);
}

static int act_load(void)
{
	struct modiso_export export = {"import", service};
	struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.name = "test.so",
		.exports = &export,
		.export_count = 1,
	};

	return modiso_image_load_memory(module, elf.bytes, elf.length, &options,
					&image);
}

static int act_unload(void)
{
	int code = modiso_image_unload(image);

	if (code == MODISO_OK)
		image = NULL;
	return code;
}

/* On a thread of its own: attaching happens once for each. */
static int thread_code, thread_errno;
static char thread_text[384];

static void *attach_thread(void *unused)
{
	inject_arm(where, 1);
	errno = ERRNO_MARK;
	thread_code = modiso_thread_attach();
	thread_errno = errno;
	inject_disarm();
	if (thread_code) {
		snprintf(thread_text, sizeof(thread_text), "%s",
			 modiso_last_error_text());
		/* Whatever failed, the next time it does not. */
		expect(MODISO_OK, modiso_thread_attach());
	}
	enter(store, W(region_bytes(own)), 0x55);
	refused(foreign, region_bytes(foreign) + PAGE);
	return unused;
}

static int act_attach(void)
{
	inject_disarm();
	thread_join(thread_start(attach_thread, NULL));
	errno = thread_errno;
	return thread_code;
}

static int act_snapshot(void)
{
	return modiso_snapshot_take(module);
}

static int act_restore(void)
{
	return modiso_snapshot_restore(module);
}

static int act_detach(void)
{
	return modiso_thread_detach();
}

/* The way out: the module itself says from when on calls fail. */
MODULE_CODE static uintptr_t leave_armed(uint32_t first)
{
	inject->first = first;
	inject->count = 1;
	inject->seen = inject->failed = 0;
	inject->number = -1;
	inject->armed = 1;
	return 4711;
}

static struct modiso_gate *leaver, *faulter, *caller;

static int act_leave(void)
{
	uintptr_t result = 0;
	int code;

	inject_disarm();
	code = modiso_gate_call(leaver, WORDS(where), &result);
	inject->armed = 0;
	if (!code)
		must_eq(result, 4711);
	return code;
}

MODULE_CODE static uintptr_t fault_armed(uint32_t first)
{
	leave_armed(first);
	__asm__ volatile("ud2");
	return 0;
}

static int act_fault(void)
{
	int code;

	inject_disarm();
	code = modiso_gate_call(faulter, WORDS(where), NULL);
	inject->armed = 0;
	must_eq(code, MODISO_ERR_FAULT);
	return MODISO_OK;
}

static uintptr_t (*volatile service_thunk)(uintptr_t);

MODULE_CODE static uintptr_t call_armed(uint32_t first)
{
	uintptr_t got;

	leave_armed(first);
	got = service_thunk(7);
	inject->armed = 0;
	return got;
}

static int act_call_service(void)
{
	uintptr_t result = 0;
	int code;

	inject_disarm();
	code = modiso_gate_call(caller, WORDS(where), &result);
	inject->armed = 0;
	if (!code)
		must_eq(result, 8);
	return code;
}

/* A service that calls into the module again: another stack. */
static struct modiso_gate *inner;
static int inner_code, inner_errno;

static uintptr_t nest(uintptr_t value)
{
	int saved = errno;

	inject_arm(where, 1);
	inner_code = modiso_gate_call(inner, WORDS(W(region_bytes(own)), 0x55),
				      NULL);
	inject_disarm();
	inner_errno = errno;
	errno = saved;
	return value + 1;
}

static uintptr_t (*volatile nest_thunk)(uintptr_t);
static struct modiso_service *nest_service;

MODULE_CODE static uintptr_t call_nest(uintptr_t value)
{
	return nest_thunk(value);
}

static int act_nest(void)
{
	inject_disarm();
	must_eq(enter(caller, 4), 5);
	errno = inner_errno;
	return inner_code;
}

/* --- what comes before, and after --- */

static void only_module(void)
{
	module = world_module();
}

static void with_made(void)
{
	entered_scene();
	make_region(module, PAGE, "below");
	made = make_region(module, 2 * PAGE, "made");
	make_region(module, PAGE, "above");
	memset(region_bytes(made), 0x33, 2 * PAGE);
}

static void with_grant(void)
{
	with_made();
	expect(MODISO_OK, act_grant());
}

static void with_image(void)
{
	entered_scene();
	expect(MODISO_OK, act_load());
}

/* All that a module can have; the image is the other one's. */
static void with_everything(void)
{
	struct modiso_module *mine;

	entered_scene();
	mine = module;
	module = other;
	expect(MODISO_OK, act_load());
	module = mine;
	make_thunk(other, poke_load1);
}

static void other_was_last(void)
{
	entered_scene();
	enter(others_store, W(region_bytes(foreign)), 0x66);
}

static void with_file(void)
{
	entered_scene();
	file = memfd_create("file", MFD_CLOEXEC);
	must(file >= 0 && !ftruncate(file, 2 * PAGE));
}

static void with_window(void)
{
	other_was_last();
	expect(MODISO_OK, modiso_window_open(foreign, RW));
}

/* It keeps modules of other threads out, and this one from ending. */
static void window_is_open(void)
{
	region_bytes(foreign)[0] = 0x66;
	expect(MODISO_ERR_BUSY, modiso_region_destroy(foreign));
}

static void window_closes(void)
{
	window_is_open();
	expect(MODISO_OK, modiso_window_close(foreign));
	closed();
}

static void with_snapshot(void)
{
	entered_scene();
	expect(MODISO_OK, modiso_snapshot_take(module));
}

static void with_leaver(void)
{
	entered_scene();
	leaver = make_gate(module, leave_armed);
	faulter = make_gate(module, fault_armed);
	caller = make_gate(module, call_armed);
	service_thunk = (uintptr_t(*)(uintptr_t))modiso_service_thunk(service);
	region_bytes(hosts)[0] = 0x77; /* the host's again, from here on */
}

static void with_nest(void)
{
	entered_scene();
	expect(MODISO_OK, modiso_service_create("nest", (modiso_fn)nest, NULL,
						&nest_service));
	nest_thunk =
		(uintptr_t(*)(uintptr_t))modiso_service_thunk(nest_service);
	caller = make_gate(module, call_nest);
	inner = store;
}

static void with_leaver_and_window(void)
{
	with_leaver();
	expect(MODISO_OK, modiso_window_open(foreign, RW));
}

static void made_as_before(void)
{
	must(all_bytes(region_bytes(made), 0x33, 2 * PAGE));
	region_bytes(made)[0] = 0x33;
	enter(store, W(region_bytes(made)), 0x33);
	closed();
}

static void not_granted(void)
{
	must_blame(enter_fault(other, others_store, W(region_bytes(made)), 1),
		   MODISO_WRITE, region_bytes(made), made);
	must_blame(enter_fault(other, make_gate(other, poke_load1),
			       W(region_bytes(made))),
		   MODISO_READ, region_bytes(made), made);
	made_as_before();
}

static void granted_to_read(void)
{
	must_blame(enter_fault(other, others_store, W(region_bytes(made)), 1),
		   MODISO_WRITE, region_bytes(made), made);
	must_eq(enter(make_gate(other, poke_load1), W(region_bytes(made))),
		0x33);
	made_as_before();
}

static void grant_works(void)
{
	granted_to_read();
	expect(MODISO_OK, act_revoke());
	not_granted();
}

static void more_works(void)
{
	enter(others_store, W(region_bytes(made)), 0x34);
	must_eq(region_bytes(made)[0], 0x34);
	region_bytes(made)[0] = 0x33;
	made_as_before();
	expect(MODISO_OK, act_revoke());
	not_granted();
}

static void adopted_as_before(void)
{
	must(lent[PAGE] == 0x44 && lent[2 * PAGE] == 0x44);
	lent[PAGE] = lent[2 * PAGE] = 0x44;
	closed();
}

static void not_adopted(void)
{
	/* Ordinary memory, for everybody. */
	must(all_bytes(lent, 0x44, 4 * PAGE));
	memset(lent, 0x44, 4 * PAGE);
	enter(store, W(lent) + PAGE, 0x44);
	enter(store, W(lent) + 2 * PAGE, 0x44);
}

/* With one key for modules, where no more could be had. */
static void init_works(void)
{
	module = make_module("module");
	own = make_region(module, PAGE, "own");
	hosts = make_region(NULL, PAGE, "hosts");
	store = make_gate(module, poke_store1);
	enter(store, W(region_bytes(own)), 0x55);
	must_eq(region_bytes(own)[0], 0x55);
	refused(hosts, region_bytes(hosts));
}

static void module_works(void)
{
	struct modiso_region *region = make_region(module, PAGE, "region");

	enter(make_gate(module, poke_store1), W(region_bytes(region)), 1);
	must_eq(region_bytes(region)[0], 1);
}

static void region_works(void)
{
	must_eq(enter(make_gate(module, poke_load1), W(region_bytes(made))), 0);
	must_eq(region_bytes(made)[0], 0);
}

static void host_region_works(void)
{
	must_eq(region_bytes(made)[0], 0);
	refused(made, region_bytes(made));
	expect(MODISO_OK, modiso_region_destroy(made));
	closed();
}

static void adopted_is_read_only(void)
{
	must_blame(enter_fault(other, make_gate(other, poke_store1),
			       W(lent) + 2 * PAGE, 0),
		   MODISO_WRITE, lent + 2 * PAGE, adopted);
	closed();
}

static void image_works(void)
{
	struct modiso_gate *gate = NULL;

	expect(MODISO_OK, modiso_image_gate(image, "call", NULL, &gate));
	must_eq(enter(gate, 1), 2);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	closed();
}

static void nest_works(void)
{
	closed();
	expect(MODISO_OK, modiso_service_destroy(nest_service));
}

static void module_is_gone(void)
{
	enter(store, W(region_bytes(own)), 0x55);
	refused(hosts, region_bytes(hosts));
	must(all_bytes(lent, 0x44, 4 * PAGE));
	memset(lent, 0x44, 4 * PAGE);
}

/* What was adopted may have been given back before. */
static void module_is_there(void)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};

	if (modiso_region_find(lent + PAGE, &info) == MODISO_ERR_NOENT)
		adopted = NULL;
	closed();
	expect(MODISO_OK, modiso_image_symbol(image, "words", &(void *){NULL}));
}

/* --- each call in turn --- */

#define CODE(code) (1u << -(code))
#define OS         CODE(MODISO_ERR_OS)
#define NOMEM      CODE(MODISO_ERR_NOMEM)
#define NOKEY      CODE(MODISO_ERR_NOKEY)
#define NOTSUP     CODE(MODISO_ERR_NOTSUP)

static const struct phase {
	const char *name;
	void (*prepare)(void);
	int (*act)(void);
	void (*check)(void); /* when it has succeeded */
	void (*keep)(void);  /* when it has failed; NULL: nothing can be seen */
	uint32_t codes;      /* those that the call's comment names */
	/* At least so many calls; NONE: there must not be any. */
	int on_mprotect, on_pkey;
} phases[] = {
#define NONE (-1)
	{"init", NULL, act_init, init_works, NULL, OS | NOMEM | NOKEY | NOTSUP,
	 10, 40},
	{"fini", world_start, act_fini, NULL, NULL, OS, 5, 7},
	{"module create", world_start, act_module_create, module_works, NULL,
	 OS | NOMEM, 3, 3},
	{"first region", only_module, act_region_first, region_works, NULL,
	 OS | NOMEM, 4, 4},
	{"host region", entered_scene, act_region_host, host_region_works,
	 closed, OS | NOMEM, 4, 4},
	{"region without dump", entered_scene, act_region_nodump, region_works,
	 closed, OS | NOMEM, 5, 5},
	{"shared region", with_file, act_shared, region_works, closed,
	 OS | NOMEM, 5, 5},
	{"adopt", before_adopt, adopt, closed, not_adopted, OS | NOMEM, 4, 4},
	{"seal", with_made, act_seal, closed, made_as_before, OS | NOMEM, 2, 2},
	{"protect adopted", entered_scene, act_protect_adopted,
	 adopted_is_read_only, adopted_as_before, OS | NOMEM, 2, 2},
	{"grant", with_made, act_grant, grant_works, not_granted, OS | NOMEM, 4,
	 4},
	{"grant more", with_grant, act_more, more_works, granted_to_read,
	 OS | NOMEM, 4, 4},
	{"revoke", with_grant, act_revoke, not_granted, granted_to_read,
	 OS | NOMEM, 2, 2},
	{"region destroy", with_made, act_region_destroy, closed,
	 made_as_before, OS | NOMEM, 2, 2},
	{"release", entered_scene, act_release, not_adopted, adopted_as_before,
	 OS | NOMEM, 2, 2},
	{"module destroy", with_everything, act_module_destroy, module_is_gone,
	 module_is_there, OS | NOMEM, 3, 3},
	{"gate", entered_scene, act_gate, closed, closed, NOMEM, 1, 1},
	{"service", entered_scene, act_service, closed, closed, NOMEM, 2, 2},
	{"attach", scene, act_attach, closed, NULL, OS | NOMEM, 8, 14},
	{"detach", entered_scene, act_detach, closed, NULL, 0, 1, 1},
	{"first enter", scene, act_enter, closed, NULL, OS | NOMEM, 14, 18},
	{"enter", entered_scene, act_enter, closed, closed, OS, 2, NONE},
	{"enter after another", other_was_last, act_enter, closed, closed, OS,
	 4, NONE},
	{"enter two ranges", entered_scene, act_enter_other, closed, closed, OS,
	 4, NONE},
	{"nested enter", with_nest, act_nest, nest_works, closed, OS | NOMEM, 6,
	 6},
	{"enter with many sets", crowded_scene, act_enter, crowd_works,
	 crowd_as_before, OS, 4, 8},
	{"leave", with_leaver, act_leave, closed, NULL, 0, 1, NONE},
	{"fault", with_leaver, act_fault, closed, NULL, 0, 1, NONE},
	{"service call", with_leaver, act_call_service, closed, closed, OS, 2,
	 NONE},
	{"enter with a window", with_window, act_enter, window_closes,
	 window_is_open, OS, 4, NONE},
	{"leave with a window", with_leaver_and_window, act_leave,
	 window_closes, NULL, 0, 1, NONE},
	{"snapshot", entered_scene, act_snapshot, closed, closed, OS | NOMEM, 6,
	 6},
	{"restore", with_snapshot, act_restore, closed, closed, OS | NOMEM, 1,
	 1},
	{"window", other_was_last, act_window, closed, closed, OS, 2, NONE},
	{"image load", entered_scene, act_load, image_works, closed, OS | NOMEM,
	 12, 12},
	{"image unload", with_image, act_unload, closed, closed, OS | NOMEM, 4,
	 4},
};
#define PHASES ((int)(sizeof(phases) / sizeof(*phases)))

static uint32_t keys_free(void)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};

	if (!on_pkey())
		return 0;
	expect(MODISO_OK, modiso_backend_query(MODISO_BACKEND_PKEY, &info));
	return info.keys_free;
}

/* A sentence that says what failed, and the limit where it can be one. */
static void check_refusal(const struct phase *phase, int code)
{
	const char *text = phase->act == act_attach ? thread_text
						    : modiso_last_error_text();

	if (!*text)
		ck_abort_msg("%s: no sentence", phase->name);
	if (code != MODISO_ERR_OS && errno != ERRNO_MARK)
		ck_abort_msg("%s: errno has become %d", phase->name, errno);
	if (!(phase->codes & CODE(code)))
		ck_abort_msg("%s: %s of %s is not documented: %s", phase->name,
			     modiso_error_name(code), inject_failed(), text);
	if (code == MODISO_ERR_OS && errno == ENOMEM &&
	    !strstr(text, "vm.max_map_count"))
		ck_abort_msg("%s: no limit in \"%s\"", phase->name, text);
	if (code == MODISO_ERR_NOMEM && !strstr(text, "memory"))
		ck_abort_msg("%s: nothing of memory in \"%s\"", phase->name,
			     text);
	if (code == MODISO_ERR_OS && errno == EMFILE &&
	    !strstr(text, "RLIMIT_NOFILE"))
		ck_abort_msg("%s: no limit in \"%s\"", phase->name, text);
}

/*
 * Twice the same: the second time takes nothing more. Returns the code, 0 when
 * it went well, and whether there was such a call.
 */
static int fail_twice(const struct phase *phase, uint32_t at, bool *hit)
{
	struct proc_usage before = proc_usage(), first = before, now;
	/* A thread attaches in the end, and leaves memory for the next one. */
	int code = 0, i, code_errno, rounds = phase->act == act_attach ? 1 : 2;

	*hit = false;
	for (i = 0; i < rounds; i++) {
		where = at;
		inject_arm(at, 1);
		errno = ERRNO_MARK;
		code = phase->act();
		code_errno = errno;
		inject_disarm();
		errno = code_errno;
		*hit = *hit || inject->failed;
		if (!code)
			break;
		must(inject->failed);
		check_refusal(phase, code);
		now = proc_usage();
		must_eq(now.fds, before.fds);
		if (i == 0)
			first = now;
		if (!TEST_SANITIZED && now.mappings > first.mappings)
			ck_abort_msg("%s: %s number %u: %zu mappings are %zu",
				     phase->name, inject_failed(), at,
				     first.mappings, now.mappings);
		if (phase->keep)
			phase->keep();
	}
	return code;
}

#define NEVER (~0u)

/* One life of the library. False: there was no call number @at. */
static bool one_point(const struct phase *phase, uint32_t at)
{
	struct proc_usage before = proc_usage();
	uint32_t keys = keys_free();
	bool hit, lost;
	int code;

	if (phase->prepare)
		phase->prepare();
	code = fail_twice(phase, at, &hit);
	/* What the kernel will not unmap is lost, and nothing else is. */
	lost = hit && !code && !strcmp(inject_failed(), "munmap");
	if (!hit)
		expect_code(code, MODISO_OK, phase->name, __FILE__, __LINE__);
	where = NEVER;
	if (hit && code)
		expect_code((errno = ERRNO_MARK, phase->act()), MODISO_OK,
			    phase->name, __FILE__, __LINE__);
	inject_disarm();
	if (phase->check)
		phase->check();
	end_scene();
	if (at != NEVER)
		proc_must_not_grow(&before, lost ? 3 : 0, 1024);
	must_eq(keys_free(), keys);
	return hit;
}

START_TEST(test_each_call)
{
	const struct phase *phase = &phases[_i];
	const struct elf_shape shape = {100, 200, 600, 300};
	uint32_t at = 1;
	int points;

	inject_start(phase->act == act_init || phase->act == adopt);
	elf_make(&elf, &shape);
	/* What a first life leaves for ever is none of a later one's. */
	one_point(phase, NEVER);
	while (one_point(phase, at))
		at++;
	printf("# %s: %u points\n", phase->name, at - 1);
	points = on_pkey() ? phase->on_pkey : phase->on_mprotect;
	if (points == NONE)
		must_eq(at, 1);
	else
		must((int)at - 1 >= points);
}
END_TEST

/* --- what cannot be closed --- */

/* Phases in which two refusals in a row can be one too many, and on what. */
static const struct {
	const char *name;
	int on_mprotect, on_pkey; /* 1: the process must end at one place */
} ends[] = {
	{"enter", 0, 0},
	{"enter after another", 0, 0},
	{"enter two ranges", 1, 0},
	{"enter with many sets", 0, 1},
	{"adopt", 1, 1},
	{"protect adopted", 1, 1},
	{"release", 1, 1},
	{"module destroy", 1, 1},
	{"leave", 0, 0},
	{"service call", 0, 0},
	{"snapshot", 0, 0},
};
#define ENDS ((int)(sizeof(ends) / sizeof(*ends)))

struct pair {
	const struct phase *phase;
	uint32_t at;
};
#define NO_CALL 100

static void fail_pair(void *arg)
{
	const struct pair *pair = arg;
	const struct phase *phase = pair->phase;
	int code, code_errno;

	phase->prepare();
	where = pair->at;
	inject_arm(pair->at, 2);
	errno = ERRNO_MARK;
	code = phase->act();
	code_errno = errno;
	inject_disarm();
	errno = code_errno;
	if (!inject->failed)
		_exit(NO_CALL);
	if (code) {
		check_refusal(phase, code);
		if (phase->keep)
			phase->keep();
		where = NEVER;
		expect_code((errno = ERRNO_MARK, phase->act()), MODISO_OK,
			    phase->name, __FILE__, __LINE__);
		inject_disarm();
	}
	phase->check();
	end_scene();
}

static const struct phase *phase_of(const char *name)
{
	int i = 0;

	while (strcmp(phases[i].name, name))
		i++;
	return &phases[i];
}

/*
 * Two refusals in a row: the second one meets what puts back what the first
 * one left. Where memory would stay open the process ends, and says why; where
 * it would not, all is as after one.
 */
START_TEST(test_cannot_put_back)
{
	const struct elf_shape shape = {100, 200, 600, 300};
	struct pair pair = {phase_of(ends[_i].name), 1};
	char text[1024];
	int status, ended = 0;

	inject_start(false);
	elf_make(&elf, &shape);
	for (;; pair.at++) {
		status = child_output(fail_pair, &pair, text, sizeof(text));
		if (WIFEXITED(status) && WEXITSTATUS(status) == NO_CALL)
			break;
		if (WIFSIGNALED(status)) {
			must_die(status, SIGABRT);
			must(strstr(text, "going on"));
			ended++;
		} else {
			must_exit(status, EXIT_SUCCESS);
		}
	}
	printf("# %s: %u pairs, %d ends\n", ends[_i].name, pair.at - 1, ended);
	must_eq(ended > 0, on_pkey() ? ends[_i].on_pkey : ends[_i].on_mprotect);
}
END_TEST

/* --- what cannot be opened --- */

MODULE_CODE static uintptr_t leave_refused(void)
{
	leave_armed(1);
	inject->count = NEVER;
	return 0;
}

static void touch_refused(void *unused)
{
	(void)unused;
	entered_scene();
	expect(MODISO_OK, modiso_gate_call(make_gate(module, leave_refused),
					   NULL, 0, NULL));
	region_bytes(hosts)[0] = 0x77;
	inject_disarm();
	closed();
	end_scene();
}

/* With page permissions host code may touch what no memory is left to open. */
START_TEST(test_cannot_open)
{
	char text[1024];
	int status;

	inject_start(false);
	status = child_output(touch_refused, NULL, text, sizeof(text));
	if (on_pkey()) {
		must_exit(status, EXIT_SUCCESS);
		return;
	}
	must_die(status, SIGABRT);
	must(strstr(text, "host code touched memory"));
	must(strstr(text, "vm.max_map_count"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("inject");
	TCase *tcase = tcase_create("contract");

	tcase_set_timeout(tcase, 120);
	tcase_add_loop_test(tcase, test_each_call, 0, PHASES);
	tcase_add_loop_test(tcase, test_cannot_put_back, 0, ENDS);
	tcase_add_test(tcase, test_cannot_open);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
