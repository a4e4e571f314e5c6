/* SPDX-License-Identifier: MIT */
/*
 * contract_fault_stack - the module's own stack in a fault's record, from the
 * instruction to the gate; and what comes of a stack that was broken.
 */
#include "support/world.h"
#include "support/poke.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

#ifdef __clang__
#	define FRAME MODULE_CODE __attribute__((noinline))
#else
#	define FRAME MODULE_CODE __attribute__((noinline, noclone))
#endif

/* Not the last thing that a function does: it stays on the stack. */
#define STAY __asm__ volatile("" ::: "memory")

static struct modiso_module *module;
static struct modiso_region *secret;
static uintptr_t target;

static void begin(void)
{
	module = world_module();
	secret = make_region(NULL, PAGE, "secret");
	target = W(region_bytes(secret));
}

FRAME static uintptr_t inner(uintptr_t address)
{
	*(volatile char *)address = 1;
	STAY;
	return address;
}

FRAME static uintptr_t middle(uintptr_t address)
{
	uintptr_t result = inner(address);

	STAY;
	return result + 1;
}

FRAME static uintptr_t outer(uintptr_t address)
{
	uintptr_t result = middle(address);

	STAY;
	return result + 1;
}

/* The function that a return address of the record is in. */
static const void *function_at(const struct modiso_fault *fault, uint32_t frame)
{
	must(frame < fault->frame_count);
	return _Unwind_FindEnclosingFunction(
		(char *)fault->frames[frame] - (frame != 0));
}

static char *printed(const struct modiso_fault *fault)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	must(stream);
	expect(MODISO_OK, modiso_fault_print(fault, stream));
	must(!fclose(stream));
	return text;
}

START_TEST(test_own_frames)
{
	const struct modiso_fault *fault;

	begin();
	fault = enter_fault(module, make_gate(module, outer), target);
	must_eq(fault->frame_count, 3);
	must_eq(fault->frames_end, MODISO_FRAMES_GATE);
	must_eq(fault->frames[0], fault->pc);
	must_eq(function_at(fault, 0), inner);
	must_eq(function_at(fault, 1), middle);
	must_eq(function_at(fault, 2), outer);
	must(fault->instruction_length > 0);
	must(!memcmp(fault->instruction, (void *)fault->pc,
		     fault->instruction_length));
}
END_TEST

/* Who does not want it is spared the walk, and has the rest of the record. */
START_TEST(test_not_wanted)
{
	const struct modiso_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_INIT_NO_STACKS,
	};
	const struct modiso_fault *fault;
	char *text;

	expect(MODISO_OK, modiso_init(&options));
	module = make_module("module");
	secret = make_region(NULL, PAGE, "secret");
	target = W(region_bytes(secret));
	fault = enter_fault(module, make_gate(module, outer), target);
	must_eq(fault->frame_count, 0);
	must_eq(fault->frames_end, MODISO_FRAMES_NONE);
	must_eq(fault->instruction_length, 0);
	must_eq(fault->address, target);
	must(!strcmp(fault->region_name, "secret"));
	text = printed(fault);
	must(strstr(text, "secret"));
	must(!strstr(text, "middle"));
	free(text);
}
END_TEST

static void *(*volatile copy)(void *to, const void *from, size_t size) = memcpy;

FRAME static uintptr_t copies(uintptr_t address, uintptr_t from)
{
	copy((void *)address, (void *)from, 4096);
	STAY;
	return 0;
}

/* A sanitizer's memcpy() is code of its own, whose frames are its business. */
START_TEST(test_through_libc)
{
	const struct modiso_fault *fault;
	uint32_t last;

	begin();
	fault = enter_fault(module, make_gate(module, copies), target,
			    W(region_bytes(make_region(module, PAGE, "from"))));
	must_eq(fault->frames_end, MODISO_FRAMES_GATE);
	must(fault->frame_count >= 2);
	last = fault->frame_count - 1;
	must_eq(function_at(fault, last), copies);
}
END_TEST

FRAME static uintptr_t gives_up(void)
{
	abort();
}

/* What the library does between abort() and the fault is nobody's frame. */
START_TEST(test_abort)
{
	const struct modiso_fault *fault;
	char *text, *line;

	begin();
	fault = enter_fault(module, make_gate(module, gives_up), 0);
	must_eq(fault->kind, MODISO_FAULT_ABORT);
	must_eq(fault->frames_end, MODISO_FRAMES_GATE);
	must_eq(function_at(fault, fault->frame_count - 1), gives_up);
	text = printed(fault);
	line = strstr(text, "\n  at         0x");
	must(line != NULL);
	must_eq(strtoul(line + strlen("\n  at         "), NULL, 16),
		fault->frames[fault->frame_count - 1]);
	must(!strstr(text, "\n  code "));
	free(text);
}
END_TEST

FRAME static uintptr_t recurses(uintptr_t depth)
{
	uintptr_t result = depth ? recurses(depth - 1) : inner(target);

	STAY;
	return result + 1;
}

START_TEST(test_limit)
{
	const struct modiso_fault *fault;
	char *text;

	begin();
	fault = enter_fault(module, make_gate(module, recurses),
			    MODISO_FAULT_FRAMES + 10);
	must_eq(fault->frame_count, MODISO_FAULT_FRAMES);
	must_eq(fault->frames_end, MODISO_FRAMES_LIMIT);
	text = printed(fault);
	must(strstr(text, "times more)\n"));
	must(strstr(text, "(there are more frames)\n"));
	free(text);
	fault = enter_fault(module, make_gate(module, recurses), 4);
	must_eq(fault->frame_count, 6);
	must_eq(fault->frames_end, MODISO_FRAMES_GATE);
}
END_TEST

FRAME static uintptr_t calls(uintptr_t address)
{
	((void (*)(void))address)();
	STAY;
	return 0;
}

/*
 * A call through a pointer that leads nowhere, to the host's data, to the
 * module's own: whose it was is on the stack.
 */
START_TEST(test_call_of_no_code)
{
	const struct modiso_fault *fault;
	uintptr_t places[3] = {0};

	begin();
	places[1] = target;
	places[2] = W(region_bytes(make_region(module, PAGE, "own")));
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		fault = enter_fault(module, make_gate(module, calls),
				    places[i]);
		must_eq(fault->access, MODISO_EXEC);
		must_eq(fault->pc, places[i]);
		must_eq(fault->frames[0], places[i]);
		must_eq(function_at(fault, 1), calls);
		must_eq(fault->frames_end, MODISO_FRAMES_GATE);
	}
}
END_TEST

/*
 * Everything above the caller's frame is overwritten with one word, then the
 * fault: what lies there is followed as far as it makes sense, and no further.
 */
FRAME static uintptr_t smashes(uintptr_t word, uintptr_t words)
{
	volatile uintptr_t *at = __builtin_frame_address(0);

	for (uintptr_t i = 0; i < words; i++)
		at[i] = word;
	*(volatile char *)target = 1;
	STAY;
	return 0;
}

START_TEST(test_smashed)
{
	const struct modiso_fault *fault;
	struct modiso_gate *gate;
	uintptr_t words[] = {
		0,
		8,
		UINTPTR_MAX,
		UINTPTR_MAX - 7,
		(uintptr_t)1 << 63,
		W(smashes) + 4,
		W(memcpy) + 8,
		0, /* the module's own memory */
		0, /* the host's */
		0x4141414141414141,
	};

	begin();
	words[7] = W(region_bytes(make_region(module, PAGE, "own")));
	words[8] = target;
	gate = make_gate(module, smashes);
	for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
		fault = enter_fault(module, gate, words[i], 4);
		must_eq(fault->kind, MODISO_FAULT_ACCESS);
		must_eq(function_at(fault, 0), smashes);
		must(fault->frame_count >= 1 &&
		     fault->frame_count <= MODISO_FAULT_FRAMES);
		must(fault->frames_end != MODISO_FRAMES_NONE);
		must(fault->frames_end != MODISO_FRAMES_GATE);
		free(printed(fault));
	}
}
END_TEST

/* A stack pointer that leads anywhere: nothing is read there. */
START_TEST(test_stack_elsewhere)
{
	const struct modiso_fault *fault;
	struct modiso_gate *gate;
	uintptr_t places[] = {0, 8, UINTPTR_MAX - 15, (uintptr_t)1 << 47, 0};

	begin();
	places[4] = target + 64; /* guarded */
	gate = make_gate(module, poke_wild_push);
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		fault = enter_fault(module, gate, places[i]);
		must(fault->frame_count >= 1);
		must(fault->frames_end != MODISO_FRAMES_GATE);
		free(printed(fault));
	}
}
END_TEST

/* --- gates in gates --- */

static modiso_fn ask, deeper;

static void *function_of(uintptr_t return_address)
{
	return _Unwind_FindEnclosingFunction((char *)return_address - 1);
}

static uintptr_t served(uintptr_t address)
{
	uintptr_t result = ((uintptr_t(*)(uintptr_t))deeper)(address);

	STAY;
	return result;
}

FRAME static uintptr_t asks(uintptr_t address)
{
	uintptr_t result = ((uintptr_t(*)(uintptr_t))ask)(address);

	STAY;
	return result;
}

START_TEST(test_nested)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	struct modiso_module *other;
	char *text;

	begin();
	other = make_module("inner one");
	ask = make_service("ask", served);
	deeper = make_thunk(other, outer);
	(void)enter(make_gate(module, asks), target);
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(fault.module, other);
	must_eq(fault.depth, 2);
	must_eq(fault.call_count, 2);
	must_str(fault.calls[0].module_name, "inner one");
	must_str(fault.calls[0].service_name, "");
	must_str(fault.calls[1].module_name, "module");
	must_str(fault.calls[1].service_name, "ask");
	must_eq(fault.calls[0].service_pc, 0);
	must_eq(function_of(fault.calls[0].host_pc), served);
	must_eq(function_of(fault.calls[1].service_pc), asks);
	must_eq(fault.frame_count, 3);
	must_eq(fault.frames_end, MODISO_FRAMES_GATE);
	text = printed(&fault);
	must_eq(fault.calls[1].service_request, target);
	must(strstr(text, "  gates      \"module\", its service \"ask\" (0x"));
	must(strstr(text, ", ...), into \"inner one\"\n"));
	must(strstr(text, "  service    \"ask\", called in module \"module\" "
			  "by\n             0x"));
	must(!strstr(text, "mdi_"));
	free(text);
}
END_TEST

FRAME static uintptr_t unharmed(uintptr_t value)
{
	return value;
}

static uintptr_t served_six(uintptr_t address, uintptr_t b, uintptr_t c,
			    uintptr_t d, uintptr_t e, uintptr_t f)
{
	uintptr_t result = served(address);

	STAY;
	return result + b + c + d + e + f;
}

FRAME static uintptr_t asks_six(uintptr_t address)
{
	uintptr_t result = ((uintptr_t(*)(long, long, long, long, long,
					  uintptr_t))ask)((long)address, 12, 13,
							  14, 15, 16);

	STAY;
	return result;
}

/*
 * The words of a service that runs: two of them, and all where C is asked
 * before it does, with the service's result none the worse for it.
 */
static void must_know_words(struct modiso_service *service, bool listed)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	const struct modiso_fault_call *call = &fault.calls[1];
	struct modiso_gate *gate = make_gate(module, asks_six);
	bool known = listed || !on_pkey();
	char *text;

	ask = modiso_service_thunk(service);
	if (listed)
		expect(MODISO_OK, modiso_service_allow(service, module));
	(void)enter(gate, target);
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(fault.call_count, 2);
	must_str(call->service_name, listed ? "listed" : "open");
	must_eq(function_of(call->service_pc), asks_six);
	must_eq(fault.service_words, known ? 6 : 2);
	must_eq(fault.syscall_args[0], target);
	for (uintptr_t i = 1; i < 6; i++)
		must_eq(fault.syscall_args[i],
			i < fault.service_words ? 11 + i : 0);
	text = printed(&fault);
	must(!known == !strstr(text, ", 0xc, 0xd, 0xe, 0xf, 0x10\n"));
	must(!known != !strstr(text, ", 0xc\n             of service "));
	must(strstr(text, listed ? " of service \"listed\"; the service may "
				 : " of service \"open\"; the service may "));
	free(text);
}

START_TEST(test_nested_words)
{
	const struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_SERVICE_LISTED,
	};
	struct modiso_service *open, *listed;
	struct modiso_module *other;

	begin();
	other = make_module("inner one");
	expect(MODISO_OK, modiso_service_create("open", (modiso_fn)served_six,
						NULL, &open));
	expect(MODISO_OK,
	       modiso_service_create("listed", (modiso_fn)served_six, &options,
				     &listed));
	deeper = make_thunk(other, outer);
	must_know_words(open, false);
	must_know_words(listed, true);
	deeper = make_thunk(other, unharmed);
	must_eq(enter(make_gate(module, asks_six), 1), 1 + 70);
	expect(MODISO_OK, modiso_service_destroy(open));
	expect(MODISO_OK, modiso_service_destroy(listed));
}
END_TEST

static modiso_fn denied;

FRAME static uintptr_t calls_denied(void)
{
	((uintptr_t(*)(long, long, long, long, long, long))denied)(11, 12, 13,
								   14, 15, 16);
	STAY;
	return 0;
}

/* A service that the module may not call: the caller is the culprit. */
START_TEST(test_denied)
{
	const struct modiso_fault *fault;
	struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_SERVICE_LISTED,
	};
	struct modiso_service *service;
	char *text;

	begin();
	expect(MODISO_OK,
	       modiso_service_create("reboot", (modiso_fn)served, &options,
				     &service));
	denied = modiso_service_thunk(service);
	fault = enter_fault(module, make_gate(module, calls_denied), 0);
	must_eq(fault->kind, MODISO_FAULT_SERVICE);
	must(fault->frame_count >= 1);
	must_eq(function_of(fault->frames[0]), calls_denied);
	for (uintptr_t i = 0; i < 6; i++)
		must_eq(fault->syscall_args[i], 11 + i);
	must_eq(fault->syscall_arch, 0);
	text = printed(fault);
	must(strstr(text, "  arguments  0xb, 0xc, 0xd, 0xe, 0xf, 0x10; "));
	free(text);
	expect(MODISO_OK, modiso_service_destroy(service));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fault_stack");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_own_frames);
	tcase_add_test(tcase, test_through_libc);
	tcase_add_test(tcase, test_not_wanted);
	tcase_add_test(tcase, test_abort);
	tcase_add_test(tcase, test_limit);
	tcase_add_test(tcase, test_call_of_no_code);
	tcase_add_test(tcase, test_smashed);
	tcase_add_test(tcase, test_stack_elsewhere);
	tcase_add_test(tcase, test_nested);
	tcase_add_test(tcase, test_nested_words);
	tcase_add_test(tcase, test_denied);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
