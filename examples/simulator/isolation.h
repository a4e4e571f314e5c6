/* SPDX-License-Identifier: MIT */
/*
 * isolation.h - everything that this program wants of libmodiso, and the same
 * without it.
 *
 * With ISOLATION_NONE modules are called directly and all memory comes out of
 * one block, as it would from malloc(): what goes wrong then goes wrong as it
 * does in any program, and can be compared.
 */
#ifndef SIMULATOR_ISOLATION_H
#define SIMULATOR_ISOLATION_H

#include "device.h"

#include <modiso.h>

#include <stddef.h>

enum isolation_kind {
	ISOLATION_AUTO,
	ISOLATION_PKEY,
	ISOLATION_MPROTECT,
	ISOLATION_NONE,
};

struct isolation_module {
	struct modiso_module *handle;
	void *cookie;
};

struct isolation_entry {
	struct isolation_module *module;
	device_entry_fn function;
	struct modiso_gate *gate;
};

/*
 * All return 0, or a code of libmodiso after a message on standard error, but
 * for the calls and copies: their failures are the caller's business.
 */
int isolation_start(enum isolation_kind kind);
int isolation_stop(void);

/* A guarded host region: no module may touch it. */
int isolation_table(const char *name, size_t length, void **base);

/*
 * Around the host's work on its tables. Where memory belongs to the process, as
 * with page permissions, modules wait meanwhile, and the tables are open
 * without a page fault for each time that the host comes to them.
 */
int isolation_host_begin(void);
int isolation_host_end(void);

int isolation_module_create(struct isolation_module *module, const char *name,
			    void *cookie);
void isolation_module_destroy(struct isolation_module *module);
int isolation_region(struct isolation_module *module, const char *name,
		     size_t length, void **base);
int isolation_entry(struct isolation_entry *entry,
		    struct isolation_module *module, device_entry_fn function);
int isolation_service(const char *name, modiso_fn function, modiso_fn *thunk);

/* MODISO_ERR_FAULT: the module faulted, modiso_fault_last() tells how. */
int isolation_call(const struct isolation_entry *entry,
		   struct device_ports *ports, uint64_t now);

/* In a service: the cookie of the module that called it. */
void *isolation_caller(void);

int isolation_copy_in(const struct isolation_module *module, void *to,
		      const void *from, size_t length);
int isolation_copy_out(const struct isolation_module *module, void *to,
		       const void *from, size_t length);

#endif /* SIMULATOR_ISOLATION_H */
