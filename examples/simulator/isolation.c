/* SPDX-License-Identifier: MIT */
#include "isolation.h"

#include "map.h"

#include <stdlib.h>
#include <string.h>

#define TABLES_MAX   16
#define SERVICES_MAX 8
#define HEAP_SIZE    ((size_t)32 << 20)

/* To be ended one by one; what belongs to a module ends with it. */
static struct modiso_region *tables[TABLES_MAX];
static unsigned table_count;
static struct modiso_service *services[SERVICES_MAX];
static unsigned service_count;

/* ISOLATION_NONE: the block that everything comes from, and who runs. */
static char *heap;
static size_t heap_used;
static _Thread_local void *running;

static int complain(const char *call, int rc)
{
	if (rc != 0)
		fprintf(stderr, "simulator: %s: %s: %s\n", call,
			modiso_strerror(rc), modiso_last_error_text());
	return rc;
}

static void *heap_take(size_t length)
{
	void *base = heap + heap_used;

	/* 16, as malloc() would; the caller asked for less than HEAP_SIZE. */
	heap_used += (length + 15) & ~(size_t)15;
	return heap_used <= HEAP_SIZE ? base : NULL;
}

int isolation_start(enum isolation_kind kind)
{
	static const uint32_t backends[] = {
		[ISOLATION_AUTO] = MODISO_BACKEND_AUTO,
		[ISOLATION_PKEY] = MODISO_BACKEND_PKEY,
		[ISOLATION_MPROTECT] = MODISO_BACKEND_MPROTECT,
	};
	struct modiso_options options = {.struct_size = sizeof(options)};

	if (kind == ISOLATION_NONE) {
		heap = calloc(1, HEAP_SIZE);
		return heap == NULL ? MODISO_ERR_NOMEM : 0;
	}
	options.backend = backends[kind];
	return complain("modiso_init", modiso_init(&options));
}

/* The one call behind both kinds of region; @module NULL: the host. */
static int create_region(struct modiso_module *module, const char *name,
			 size_t length, struct modiso_region **region)
{
	struct modiso_region_options options = {.struct_size = sizeof(options),
						.name = name};

	return complain("modiso_region_create",
			modiso_region_create(module, length,
					     MODISO_READ | MODISO_WRITE,
					     &options, region));
}

int isolation_table(const char *name, size_t length, void **base)
{
	struct modiso_region *region;
	int rc;

	if (heap != NULL) {
		*base = heap_take(length);
		return map_add("kernel", name, *base, length);
	}
	if (table_count == TABLES_MAX)
		return complain("isolation_table", MODISO_ERR_LIMIT);
	rc = create_region(NULL, name, length, &region);
	if (rc != 0)
		return rc;
	tables[table_count++] = region;
	*base = modiso_region_base(region);
	return map_add("kernel", name, *base, length);
}

/* A window for one region keeps all modules out, so all tables are open. */
int isolation_host_begin(void)
{
	if (heap != NULL)
		return 0;
	return complain("modiso_window_open",
			modiso_window_open(tables[0],
					   MODISO_READ | MODISO_WRITE));
}

int isolation_host_end(void)
{
	if (heap != NULL)
		return 0;
	return complain("modiso_window_close",
			modiso_window_close(tables[0]));
}

int isolation_module_create(struct isolation_module *module, const char *name,
			    void *cookie)
{
	struct modiso_module_options options = {.struct_size = sizeof(options),
						.cookie = cookie};

	module->cookie = cookie;
	module->handle = NULL;
	if (heap != NULL)
		return 0;
	return complain("modiso_module_create",
			modiso_module_create(name, &options, &module->handle));
}

void isolation_module_destroy(struct isolation_module *module)
{
	if (heap != NULL)
		return;
	/* Takes its regions and gates along. */
	complain("modiso_module_destroy",
		 modiso_module_destroy(module->handle));
	module->handle = NULL;
}

int isolation_region(struct isolation_module *module, const char *name,
		     size_t length, void **base)
{
	struct modiso_region *region;
	int rc;

	if (heap != NULL) {
		*base = heap_take(length);
		return map_add("anybody", name, *base, length);
	}
	rc = create_region(module->handle, name, length, &region);
	if (rc != 0)
		return rc;
	*base = modiso_region_base(region);
	return map_add(modiso_module_name(module->handle), name, *base, length);
}

int isolation_entry(struct isolation_entry *entry,
		    struct isolation_module *module, device_entry_fn function)
{
	entry->module = module;
	entry->function = function;
	entry->gate = NULL;
	if (heap != NULL)
		return 0;
	return complain("modiso_gate_create",
			modiso_gate_create(module->handle, (modiso_fn)function,
					   NULL, &entry->gate));
}

int isolation_service(const char *name, modiso_fn function, modiso_fn *thunk)
{
	struct modiso_service *service;
	int rc;

	*thunk = function;
	if (heap != NULL)
		return 0;
	if (service_count == SERVICES_MAX)
		return complain("isolation_service", MODISO_ERR_LIMIT);
	rc = complain("modiso_service_create",
		      modiso_service_create(name, function, NULL, &service));
	if (rc != 0)
		return rc;
	services[service_count++] = service;
	*thunk = modiso_service_thunk(service);
	return 0;
}

int isolation_call(const struct isolation_entry *entry,
		   struct device_ports *ports, uint64_t now)
{
	uintptr_t args[2] = {(uintptr_t)ports, (uintptr_t)now};

	if (heap != NULL) {
		running = entry->module->cookie;
		entry->function(ports, now);
		running = NULL;
		return 0;
	}
	return modiso_gate_call(entry->gate, args, 2, NULL);
}

void *isolation_caller(void)
{
	if (heap != NULL)
		return running;
	return modiso_module_cookie(modiso_module_caller());
}

int isolation_copy_in(const struct isolation_module *module, void *to,
		      const void *from, size_t length)
{
	if (heap != NULL) {
		memcpy(to, from, length);
		return 0;
	}
	return modiso_copy_in(module->handle, to, from, length);
}

int isolation_copy_out(const struct isolation_module *module, void *to,
		       const void *from, size_t length)
{
	if (heap != NULL) {
		memcpy(to, from, length);
		return 0;
	}
	return modiso_copy_out(module->handle, to, from, length);
}

int isolation_stop(void)
{
	if (heap != NULL) {
		free(heap);
		heap = NULL;
		return 0;
	}
	while (service_count > 0)
		complain("modiso_service_destroy",
			 modiso_service_destroy(services[--service_count]));
	while (table_count > 0)
		complain("modiso_region_destroy",
			 modiso_region_destroy(tables[--table_count]));
	return complain("modiso_fini", modiso_fini());
}
