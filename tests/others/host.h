/* SPDX-License-Identifier: MIT */
/*
 * host.h - what the programs in this directory begin with: a module with two
 * gates, one whose calls succeed and one that faults, and a check that both
 * still do so.
 *
 * Exit statuses: 0 it worked, 1 it did not, 2 the library could not be started
 * and said why. Anything else is somebody else's doing.
 */
#ifndef OTHERS_HOST_H
#define OTHERS_HOST_H

#include <errno.h>
#include <modiso.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct modiso_module *the_module;
static struct modiso_region *its_region, *host_region;
static struct modiso_gate *good_gate, *bad_gate;

static inline int module_add(int *counter)
{
	return ++*counter;
}

static inline int module_peek(const char *secret)
{
	return ((const volatile char *)secret)[3];
}

/* fail - say why the program has failed, and end it. */
static inline void __attribute__((format(printf, 1, 2), noreturn))
fail(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fprintf(stderr, "\n");
	exit(1);
}

/*
 * What a refusal is to name: one of the two in its sentence makes it good. NULL
 * where none is.
 */
static const char *good_reason[2];

/* refused - the library has refused something: its sentence is the answer. */
static inline void __attribute__((noreturn)) refused(const char *what, int code)
{
	const char *text = modiso_last_error_text();
	int why = errno;

	for (int i = 0; i < 2; i++) {
		if (good_reason[i] != NULL && strstr(text, good_reason[i]))
			exit(0);
	}
	printf("refused: %s: %s: %s%s%s\n", what, modiso_error_name(code),
	       text, code == MODISO_ERR_OS ? ": " : "",
	       code == MODISO_ERR_OS ? strerror(why) : "");
	fflush(stdout);
	exit(2);
}

static inline void need(const char *what, int code)
{
	if (code != MODISO_OK)
		refused(what, code);
}

static inline void make_module(void)
{
	const uint32_t access = MODISO_READ | MODISO_WRITE;

	need("module", modiso_module_create("m", NULL, &the_module));
	need("region", modiso_region_create(the_module, 4096, access, NULL,
					    &its_region));
	need("host region",
	     modiso_region_create(NULL, 4096, access, NULL, &host_region));
	need("gate", modiso_gate_create(the_module, (modiso_fn)module_add, NULL,
					&good_gate));
	need("gate", modiso_gate_create(the_module, (modiso_fn)module_peek,
					NULL, &bad_gate));
}

static inline void start(void)
{
	need("init", modiso_init(NULL));
	make_module();
}

/* call_good, call_bad - what the gates return. */
static inline int call_good(void)
{
	uintptr_t address = (uintptr_t)modiso_region_base(its_region);

	return modiso_gate_call(good_gate, &address, 1, NULL);
}

static inline int call_bad(void)
{
	uintptr_t address = (uintptr_t)modiso_region_base(host_region);

	return modiso_gate_call(bad_gate, &address, 1, NULL);
}

/* use - both gates do as they should; @when is for the complaint. A call that
 * is refused is a refusal. */
static inline void use(const char *when)
{
	int good = call_good(), bad;

	if (good != MODISO_OK)
		refused(when, good);
	bad = call_bad();
	if (bad != MODISO_ERR_FAULT)
		fail("%s: a call that faults: %s: %s", when,
		     modiso_error_name(bad), modiso_last_error_text());
}

#endif /* OTHERS_HOST_H */
