/* SPDX-License-Identifier: MIT */
/*
 * modiso/test.h - tests that expect a module's fault.
 *
 * Not part of <modiso.h>: a program's tests include it beside that. It has no
 * code in the library. modiso-testing(7) shows each of these in a program.
 *
 *   modiso_expect()         one call of a gate
 *   modiso_expect_begin(), modiso_expect_end()
 *                           any code of this thread: thunks, several calls
 *   MODISO_FAULT_SCOPE()    the same around a block
 *   modiso_ck_fault()       modiso_expect() for Check
 *   MODISO_EXPECT_FAULT(), MODISO_ASSERT_FAULT()
 *                           modiso_expect() for GoogleTest
 *
 * What is expected is a kind of fault and the address, as a region and an
 * offset from its base; behind its last byte the offset is its length, whatever
 * stopped the access there. Region NULL: any address will do. Faults are a
 * thread's own, so tests may run in several.
 */
#ifndef MODISO_TEST_H
#define MODISO_TEST_H

#include <modiso/error.h>
#include <modiso/fault.h>
#include <modiso/gate.h>
#include <modiso/region.h>

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
#	define MODISO_TEST_LOCAL static thread_local
extern "C" {
#else
#	define MODISO_TEST_LOCAL static _Thread_local
#endif

/* What is expected, and how many faults there were before. */
struct modiso_expectation {
	uint32_t kind; /* enum modiso_fault_kind */
	const struct modiso_region *region;
	size_t offset;
	uint64_t before;
	/* MODISO_FAULT_SCOPE(): it has not run yet; what came of it */
	int again;
	const char *why;
};

/* From here on this thread is to fault once, and like this. */
static inline struct modiso_expectation
modiso_expect_begin(uint32_t kind, const struct modiso_region *region,
		    size_t offset)
{
	struct modiso_expectation expected;

	expected.kind = kind;
	expected.region = region;
	expected.offset = offset;
	expected.before = modiso_fault_count();
	expected.again = 1;
	expected.why = NULL;
	return expected;
}

/*
 * NULL: it was as expected. Else a sentence, good until this thread's next call
 * of this function from the same file.
 */
static inline const char *
modiso_expect_end(const struct modiso_expectation *expected)
{
	MODISO_TEST_LOCAL char text[256];
	uint64_t faults = modiso_fault_count() - expected->before;
	uintptr_t address = expected->offset;
	struct modiso_fault fault;

	fault.struct_size = (uint32_t)sizeof(fault);
	if (expected->region != NULL)
		address += (uintptr_t)modiso_region_base(expected->region);
	if (faults != 1) {
		snprintf(text, sizeof(text),
			 "expected a fault (%s), and there were %llu",
			 modiso_fault_kind_name(expected->kind),
			 (unsigned long long)faults);
		return text;
	}
	if (modiso_fault_last(&fault) != 0)
		return modiso_last_error_text();
	if (fault.kind != expected->kind) {
		snprintf(text, sizeof(text),
			 "expected a fault (%s), and module %s faulted (%s) at "
			 "%#zx",
			 modiso_fault_kind_name(expected->kind),
			 fault.module_name, modiso_fault_kind_name(fault.kind),
			 (size_t)fault.address);
		return text;
	}
	if (expected->region != NULL && fault.address != address) {
		snprintf(text, sizeof(text),
			 "expected a fault (%s) at offset %zu of the region, "
			 "and module %s faulted at offset %td",
			 modiso_fault_kind_name(expected->kind),
			 expected->offset, fault.module_name,
			 (ptrdiff_t)(fault.address - address) +
				 (ptrdiff_t)expected->offset);
		return text;
	}
	return NULL;
}

/* Call a gate that is to fault so. NULL, or what has happened instead. */
static inline const char *modiso_expect(struct modiso_gate *gate,
					const uintptr_t *args, unsigned count,
					uint32_t kind,
					const struct modiso_region *region,
					size_t offset)
{
	struct modiso_expectation expected =
		modiso_expect_begin(kind, region, offset);
	int code = modiso_gate_call(gate, args, count, NULL);

	if (code != 0 && code != MODISO_ERR_FAULT)
		return modiso_last_error_text();
	return modiso_expect_end(&expected);
}

#ifdef __cplusplus
}
#endif

/*
 * A block whose end says what has happened. @failed is a function, or a macro
 * that is an expression, which is handed the sentence when it was not as
 * expected: modiso_ck_failed, modiso_gtest_failed, puts.
 *
 *	MODISO_FAULT_SCOPE(MODISO_FAULT_ACCESS, secret, 100, modiso_ck_failed) {
 *		fill(address);
 *	}
 *
 * It is left by its end, not by break, goto or return.
 */
#define MODISO_FAULT_SCOPE(kind_, region_, offset_, failed)                    \
	for (struct modiso_expectation modiso_scope_ =                         \
		     modiso_expect_begin((kind_), (region_), (offset_));       \
	     modiso_scope_.again;                                              \
	     modiso_scope_.again = 0,                                          \
	     modiso_scope_.why = modiso_expect_end(&modiso_scope_),            \
	     modiso_scope_.why != NULL ? (void)(failed(modiso_scope_.why))     \
				       : (void)0)

/* --- with <check.h> --- */

#define modiso_ck_failed(why) ck_abort_msg("%s", (why))
#define modiso_ck_fault(gate, args, count, kind, region, offset)               \
	do {                                                                   \
		const char *modiso_why_ = modiso_expect(                       \
			(gate), (args), (count), (kind), (region), (offset));  \
		if (modiso_why_ != NULL)                                       \
			modiso_ck_failed(modiso_why_);                         \
	} while (0)

/* --- with <gtest/gtest.h>: goes on after a failure, and ends the test --- */

#define modiso_gtest_failed(why) (ADD_FAILURE() << (why))
#define MODISO_EXPECT_FAULT(gate, args, count, kind, region, offset)           \
	do {                                                                   \
		const char *modiso_why_ = modiso_expect(                       \
			(gate), (args), (count), (kind), (region), (offset));  \
		if (modiso_why_ != NULL)                                       \
			modiso_gtest_failed(modiso_why_);                      \
	} while (0)
#define MODISO_ASSERT_FAULT(gate, args, count, kind, region, offset)           \
	do {                                                                   \
		const char *modiso_why_ = modiso_expect(                       \
			(gate), (args), (count), (kind), (region), (offset));  \
		if (modiso_why_ != NULL)                                       \
			FAIL() << modiso_why_;                                 \
	} while (0)

#endif /* MODISO_TEST_H */
