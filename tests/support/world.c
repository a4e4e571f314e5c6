/* SPDX-License-Identifier: MIT */
#include "support/world.h"

#include "support/poke.h"
#include "support/proc.h"

#include <cpuid.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* What a failed call must leave alone; the entry's result never is this. */
#define UNTOUCHED_RESULT ((uintptr_t)0xdeadbeefcafef00dul)

#define REGISTERS                                                              \
	(sizeof(((struct modiso_fault *)0)->registers) / sizeof(uintptr_t))

/* A fault that no test asked for: all that is known of it. */
static void print_last_fault(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	if (modiso_fault_last(&fault) != MODISO_OK)
		return;
	(void)!modiso_fault_print(&fault, stderr);
	for (unsigned i = 0; i < REGISTERS; i++)
		fprintf(stderr, "register %u: %#zx\n", i,
			(size_t)fault.registers[i]);
}

void expect_code(int got, int want, const char *what, const char *file,
		 int line)
{
	int saved = errno;
	const char *text = modiso_last_error_text();

	if (got == MODISO_ERR_FAULT && want != got)
		print_last_fault();
	if (got != want)
		ck_abort_msg("%s:%d: %s: want %s, got %s (%s)", file, line,
			     what, modiso_error_name(want),
			     modiso_error_name(got),
			     got < 0 && text ? text : "");
	if (got != MODISO_ERR_OS && saved != ERRNO_MARK)
		ck_abort_msg("%s:%d: %s: errno has become %d", file, line, what,
			     saved);
	if (got == MODISO_ERR_OS && (saved == 0 || saved == ERRNO_MARK))
		ck_abort_msg("%s:%d: %s: errno does not say how", file, line,
			     what);
	if (got < 0 && (!text || !*text))
		ck_abort_msg("%s:%d: %s: %s without a sentence", file, line,
			     what, modiso_error_name(got));
}

char untouched_byte[1];

bool on_pkey(void)
{
	return !strcmp(test_backend(), "pkey");
}

bool emulated(void)
{
	unsigned eax, ebx, ecx, edx;
	char vendor[13] = "";

	__cpuid(1, eax, ebx, ecx, edx);
	if (!(ecx & (1u << 31)))
		return false;
	__cpuid(0x40000000, eax, ebx, ecx, edx);
	memcpy(vendor, &ebx, 4);
	memcpy(vendor + 4, &ecx, 4);
	memcpy(vendor + 8, &edx, 4);
	return !strcmp(vendor, "TCGTCGTCGTCG");
}

unsigned long run_times(unsigned long natively, unsigned long watched)
{
	if (getenv("MODISO_TEST_LONG"))
		return natively;
	if (TEST_SANITIZED || emulated() || getenv("MODISO_TEST_SHORT"))
		return watched;
	return natively;
}

unsigned long run_asked(const char *name)
{
	const char *given = getenv(name);

	return given ? strtoul(given, NULL, 10) : 0;
}

void world_start(void)
{
	expect(MODISO_OK, modiso_init(NULL));
	must_eq(modiso_backend_current(),
		on_pkey() ? MODISO_BACKEND_PKEY : MODISO_BACKEND_MPROTECT);
}

void world_stop(void)
{
	expect(MODISO_OK, modiso_fini());
	must_eq(modiso_backend_current(), MODISO_BACKEND_AUTO);
}

struct modiso_module *world_module(void)
{
	world_start();
	return make_module("module");
}

struct modiso_module *make_module(const char *name)
{
	struct modiso_module *module = NULL;

	expect(MODISO_OK, modiso_module_create(name, NULL, &module));
	must(module);
	return module;
}

struct modiso_region *make_region(struct modiso_module *owner, size_t length,
				  const char *name)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.name = name,
	};
	struct modiso_region *region = NULL;

	expect(MODISO_OK,
	       modiso_region_create(owner, length, RW, &options, &region));
	must(region);
	return region;
}

unsigned char *region_bytes(const struct modiso_region *region)
{
	return modiso_region_base(region);
}

struct modiso_gate *make_gate_fn(struct modiso_module *module, modiso_fn entry)
{
	struct modiso_gate *gate = NULL;

	expect(MODISO_OK, modiso_gate_create(module, entry, NULL, &gate));
	must(gate);
	return gate;
}

modiso_fn make_thunk_fn(struct modiso_module *module, modiso_fn entry)
{
	modiso_fn thunk = NULL;

	expect(MODISO_OK,
	       modiso_gate_thunk(make_gate_fn(module, entry), &thunk));
	must(thunk);
	return thunk;
}

modiso_fn make_service_fn(const char *name, modiso_fn function)
{
	struct modiso_service *service = NULL;
	modiso_fn thunk;

	expect(MODISO_OK,
	       modiso_service_create(name, function, NULL, &service));
	must(service);
	thunk = modiso_service_thunk(service);
	must(thunk);
	return thunk;
}

MODULE_CODE uintptr_t module_add_one(uintptr_t value)
{
	return value + 1;
}

uintptr_t enter_words(struct modiso_gate *gate, const uintptr_t *args,
		      unsigned count, const char *file, int line)
{
	uintptr_t result = UNTOUCHED_RESULT;

	errno = ERRNO_MARK;
	expect_code(modiso_gate_call(gate, args, count, &result), MODISO_OK,
		    "gate call", file, line);
	return result;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

const struct modiso_fault *enter_fault_words(struct modiso_module *module,
					     struct modiso_gate *gate,
					     const uintptr_t *args,
					     unsigned count, const char *file,
					     int line)
{
	static _Thread_local struct modiso_fault fault;
	uintptr_t result = UNTOUCHED_RESULT;
	uint64_t before = modiso_fault_count(), last = fault.number;
	uint64_t start = now_ns(), end;

	errno = ERRNO_MARK;
	expect_code(modiso_gate_call(gate, args, count, &result),
		    MODISO_ERR_FAULT, "gate call", file, line);
	end = now_ns();
	memset(&fault, 0xa5, sizeof(fault));
	fault.struct_size = sizeof(fault);
	errno = ERRNO_MARK;
	expect_code(modiso_fault_last(&fault), MODISO_OK, "modiso_fault_last()",
		    file, line);
#define SO(condition)                                                          \
	do {                                                                   \
		if (!(condition))                                              \
			ck_abort_msg("%s:%d: the record is wrong: %s", file,   \
				     line, #condition);                        \
	} while (0)
	SO(result == UNTOUCHED_RESULT);
	SO(modiso_fault_count() == before + 1);
	SO(fault.struct_size == sizeof(fault));
	SO(fault.kind != MODISO_FAULT_NONE);
	SO(fault.number > last);
	SO(fault.time_ns >= start && fault.time_ns <= end);
	SO(fault.module == module);
	SO(fault.module_id == modiso_module_id(module));
	SO(!strcmp(fault.module_name, modiso_module_name(module)));
	SO(fault.thread == (int32_t)proc_gettid());
	SO(fault.depth >= 1);
	SO(fault.confinement <= MODISO_CONFINE_SEALED);
#undef SO
	return &fault;
}

struct modiso_region_info region_info(const struct modiso_region *region)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};

	expect(MODISO_OK, modiso_region_get_info(region, &info));
	return info;
}

void must_blame_at(const struct modiso_fault *fault, uint32_t access,
		   uintptr_t address, const struct modiso_region *region,
		   const char *file, int line)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};

	if (region)
		info = region_info(region);
#define SAME(field, want)                                                      \
	do {                                                                   \
		if ((uintptr_t)fault->field != (uintptr_t)(want))              \
			ck_abort_msg("%s:%d: fault.%s is %#zx, not %#zx",      \
				     file, line, #field,                       \
				     (size_t)(uintptr_t)fault->field,          \
				     (size_t)(uintptr_t)(want));               \
	} while (0)
	SAME(kind, MODISO_FAULT_ACCESS);
	SAME(access, access);
	SAME(address, address);
	SAME(signo, SIGSEGV);
	SAME(region_length, info.length);
	if (!region)
		return;
	SAME(region_base, info.base);
	SAME(region_offset, address - (uintptr_t)info.base);
	SAME(owner, info.owner);
	SAME(owner_id, info.owner ? modiso_module_id(info.owner) : 0);
#undef SAME
	if (strcmp(fault->region_name, info.name))
		ck_abort_msg("%s:%d: fault.region_name is \"%s\", not \"%s\"",
			     file, line, fault->region_name, info.name);
	if (strcmp(fault->owner_name,
		   info.owner ? modiso_module_name(info.owner) : "host"))
		ck_abort_msg("%s:%d: fault.owner_name is \"%s\"", file, line,
			     fault->owner_name);
}

void must_deny(struct modiso_module *module, unsigned char *byte,
	       const struct modiso_region *region)
{
	struct modiso_gate *load = make_gate(module, poke_load1);
	struct modiso_gate *store = make_gate(module, poke_store1);
	const struct modiso_fault *fault;
	unsigned char was = *byte;

	fault = enter_fault(module, load, W(byte));
	must_blame(fault, MODISO_READ, byte, region);
	must_eq(fault->pc, poke_load1);
	fault = enter_fault(module, store, W(byte), was ^ 0xff);
	must_blame(fault, MODISO_WRITE, byte, region);
	must_eq(fault->pc, poke_store1);
	must_eq(*byte, was);
	expect(MODISO_OK, modiso_gate_destroy(load));
	expect(MODISO_OK, modiso_gate_destroy(store));
}

void must_allow(struct modiso_module *module, unsigned char *byte)
{
	unsigned char value = *byte ^ 0x5a;

	must_eq(enter(make_gate(module, poke_load1), W(byte)), *byte);
	enter(make_gate(module, poke_store1), W(byte), value);
	must_eq(*byte, value);
}

char *stream_text(FILE *stream)
{
	long length;
	char *text;

	must(stream != NULL && !fflush(stream));
	length = ftell(stream);
	text = calloc((size_t)length + 1, 1);
	must(length >= 0 && text != NULL);
	rewind(stream);
	must_eq(fread(text, 1, (size_t)length, stream), length);
	must(!fclose(stream));
	return text;
}
