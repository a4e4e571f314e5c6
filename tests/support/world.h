/* SPDX-License-Identifier: MIT */
/*
 * support/world.h - what the contract tests share: a library that runs, calls
 * whose code is checked on the spot, and modules, regions and gates in a line.
 *
 * All of it is host code. Nothing here may be called from inside a module:
 * Check's memory is the host's.
 */
#ifndef TESTS_SUPPORT_WORLD_H
#define TESTS_SUPPORT_WORLD_H

#include "support/module_code.h"
#include "support/test.h"

#include <modiso.h>

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PAGE ((size_t)4096)
#define RW   (MODISO_READ | MODISO_WRITE)
#define RX   (MODISO_READ | MODISO_EXEC)

/*
 * must - true, or the test has failed.
 * must_eq - equal as numbers or pointers, or the test has failed.
 *
 * Unlike ck_assert() they say nothing to Check when all is well: they may
 * stand in loops of 100,000 rounds and in several threads at once.
 */
#define must(condition)                                                        \
	do {                                                                   \
		if (!(condition))                                              \
			ck_abort_msg("not so: %s", #condition);                \
	} while (0)
#define must_eq(a, b)                                                          \
	do {                                                                   \
		uintptr_t a_ = (uintptr_t)(a), b_ = (uintptr_t)(b);            \
		if (a_ != b_)                                                  \
			ck_abort_msg("%s is %#zx, not %#zx (%s)", #a,          \
				     (size_t)a_, (size_t)b_, #b);              \
	} while (0)
#define must_str(a, b)                                                         \
	do {                                                                   \
		const char *a_ = (a), *b_ = (b);                               \
		if (strcmp(a_, b_))                                            \
			ck_abort_msg("%s is \"%s\", not \"%s\"", #a, a_, b_);  \
	} while (0)

/*
 * expect - make a call of the library and hold it to its word: the code, a
 * sentence for each refusal, and errno untouched but for MODISO_ERR_OS.
 */
#define expect(want, call)                                                     \
	expect_code((errno = ERRNO_MARK, (call)), (want), #call, __FILE__,     \
		    __LINE__)
#define ERRNO_MARK 3999
void expect_code(int got, int want, const char *what, const char *file,
		 int line);

/* What a refused call must leave in its out parameter, of whatever type. */
extern char untouched_byte[1];
#define UNTOUCHED ((void *)untouched_byte)

bool on_pkey(void);

/* Is this software emulation, where a wrpkru takes a microsecond and more? */
bool emulated(void);

/*
 * run_times - how often a loop is to run: @natively, or as often as @watched
 * when the CPU is emulated, or a sanitizer looks at each access, or
 * MODISO_TEST_SHORT is in the environment, because another build runs the whole
 * loop. With MODISO_TEST_LONG there it is @natively everywhere.
 */
unsigned long run_times(unsigned long natively, unsigned long watched);

/* A number in the environment; 0: it does not say. */
unsigned long run_asked(const char *name);

/* Start the library on the backend under test; end it with nothing left. */
void world_start(void);
void world_stop(void);

/*
 * As world_start() with one module already there; what most cases begin with.
 */
struct modiso_module *world_module(void);

struct modiso_module *make_module(const char *name);
struct modiso_region *make_region(struct modiso_module *owner, size_t length,
				  const char *name);
unsigned char *region_bytes(const struct modiso_region *region);

/* @entry is any function. */
#define make_gate(module, entry)  make_gate_fn((module), (modiso_fn)(entry))
#define make_thunk(module, entry) make_thunk_fn((module), (modiso_fn)(entry))
#define make_service(name, entry) make_service_fn((name), (modiso_fn)(entry))
struct modiso_gate *make_gate_fn(struct modiso_module *module, modiso_fn entry);
modiso_fn make_thunk_fn(struct modiso_module *module, modiso_fn entry);
/* Returns the thunk: what module code calls. */
modiso_fn make_service_fn(const char *name, modiso_fn function);

/* Module code that does nothing wrong: @value + 1. */
MODISO_CALL uintptr_t module_add_one(uintptr_t value);

/* Arguments of a gate call: WORDS(a, W(pointer)) is "array, count". */
#define W(pointer) ((uintptr_t)(pointer))
#define WORDS(...)                                                             \
	((const uintptr_t[]){__VA_ARGS__}),                                    \
		(unsigned)(sizeof((const uintptr_t[]){__VA_ARGS__}) /          \
			   sizeof(uintptr_t))

/* enter - a gate call that must succeed; what the entry returned. */
#define enter(gate, ...)                                                       \
	enter_words((gate), WORDS(__VA_ARGS__), __FILE__, __LINE__)
uintptr_t enter_words(struct modiso_gate *gate, const uintptr_t *args,
		      unsigned count, const char *file, int line);

/*
 * enter_fault - a gate call into @module that must end in a fault.
 *
 * Checks what is the same in every record: the module is blamed, and none
 * other; this thread; a new number; a time. Returns the record, good until the
 * thread's next call of this function.
 */
#define enter_fault(module, gate, ...)                                         \
	enter_fault_words((module), (gate), WORDS(__VA_ARGS__), __FILE__,      \
			  __LINE__)
const struct modiso_fault *enter_fault_words(struct modiso_module *module,
					     struct modiso_gate *gate,
					     const uintptr_t *args,
					     unsigned count, const char *file,
					     int line);

/*
 * must_blame - a record of kind ACCESS: @access at @address, which lies in
 * @region; @region NULL: in no region.
 */
#define must_blame(fault, access, address, region)                             \
	must_blame_at((fault), (access), (uintptr_t)(address), (region),       \
		      __FILE__, __LINE__)
void must_blame_at(const struct modiso_fault *fault, uint32_t access,
		   uintptr_t address, const struct modiso_region *region,
		   const char *file, int line);

/* @module can read and write the byte. */
void must_allow(struct modiso_module *module, unsigned char *byte);
/* It can do neither, and is told whose it is. */
void must_deny(struct modiso_module *module, unsigned char *byte,
	       const struct modiso_region *region);

/* The region's information, which must be had. */
struct modiso_region_info region_info(const struct modiso_region *region);

/*
 * What was written to a stream that tmpfile(3) has made, and a zero; for
 * free(3). The stream is closed.
 */
char *stream_text(FILE *stream);

#endif /* TESTS_SUPPORT_WORLD_H */
