/* SPDX-License-Identifier: MIT */
/*
 * contract_words - calls with more words than travel in registers: gates and
 * services, called by pointer and by modiso_gate_call(), with nothing of the
 * host's stack but what was passed.
 */
#include "support/proc.h"
#include "support/world.h"

#include <string.h>

typedef uintptr_t u;

typedef u MODISO_CALL take_seven(u, u, u, u, u, u, u);
typedef u MODISO_CALL take_twelve(u, u, u, u, u, u, u, u, u, u, u, u);
typedef u MODISO_CALL take_sixteen(u, u, u, u, u, u, u, u, u, u, u, u, u, u, u,
				   u);
typedef double MODISO_CALL take_mixed(u, double, u, double, u, double, u,
				      double, u, double, u, double, u, double,
				      double, double, u);

#define ALL_12 a, b, c, d, e, f, g, h, i, j, k, l
#define MIX_7  (((((a * 3 + b) * 3 + c) * 3 + d) * 3 + e) * 3 + f) * 3 + g
#define MIX_12 (((((MIX_7) * 3 + h) * 3 + i) * 3 + j) * 3 + k) * 3 + l
#define MIX_16 ((((MIX_12) * 3 + m) * 3 + n) * 3 + o) * 3 + p

MODULE_CODE static u mix_seven(u a, u b, u c, u d, u e, u f, u g)
{
	return MIX_7;
}

MODULE_CODE static u mix_twelve(u a, u b, u c, u d, u e, u f, u g, u h, u i,
				u j, u k, u l)
{
	return MIX_12;
}

MODULE_CODE static u mix_sixteen(u a, u b, u c, u d, u e, u f, u g, u h, u i,
				 u j, u k, u l, u m, u n, u o, u p)
{
	return MIX_16;
}

/* Of doubles the ninth is a word on the stack, between two others. */
MODULE_CODE static double mix_mixed(u a, double p, u b, double q, u c,
				    double r, u d, double s, u e, double t,
				    u f, double v, u g, double w, double x,
				    double y, u h)
{
	return (double)(a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g +
			8 * h) +
	       (p + q + r + s + t + v + w + x) * 1000 + y * 100000;
}
#define MIXED_ARGS                                                             \
	1, 1.0, 2, 2.0, 3, 3.0, 4, 4.0, 5, 5.0, 6, 6.0, 7, 7.0, 8.0, 9.0, 8
#define MIXED_SUM (204 + 36 * 1000 + 9 * 100000.0)

static u mix_words(const u *words, unsigned count)
{
	u sum = words[0];

	for (unsigned n = 1; n < count; n++)
		sum = sum * 3 + words[n];
	return sum;
}

static const u words[] = {11, 22, 33, 44, 55, 66, 77, 88,
			  99, 12, 23, 34, 45, 56, 67, ~(u)0};

static struct modiso_module *module;

static struct modiso_gate *gate_of(void *entry, uint32_t word_args,
				   uint32_t flags, u value)
{
	struct modiso_gate_options options = {
		.struct_size = sizeof(options),
		.flags = flags,
		.word_args = word_args,
		.float_args = 8,
		.fault_value = value,
	};
	struct modiso_gate *gate;

	expect(MODISO_OK,
	       modiso_gate_create(module, (modiso_fn)(u)entry, &options,
				  &gate));
	return gate;
}

static modiso_fn thunk_of(struct modiso_gate *gate)
{
	modiso_fn thunk;

	expect(MODISO_OK, modiso_gate_thunk(gate, &thunk));
	return thunk;
}

/* With and without a fault value, and registers cleared or not. */
static const struct {
	uint32_t flags;
	u value;
} kinds[] = {
	{0, 0}, {0, 99}, {MODISO_GATE_SCRUB, 0}, {MODISO_GATE_SCRUB, 99},
};
#define KINDS ((int)(sizeof(kinds) / sizeof(*kinds)))

START_TEST(test_gate)
{
	const uint32_t flags = kinds[_i].flags;
	const u value = kinds[_i].value, *w = words;
	take_seven *seven;
	take_twelve *twelve;
	take_sixteen *sixteen;
	take_mixed *mixed;

	module = world_module();
	seven = (take_seven *)thunk_of(gate_of(mix_seven, 7, flags, value));
	twelve = (take_twelve *)thunk_of(gate_of(mix_twelve, 12, flags, value));
	sixteen = (take_sixteen *)thunk_of(
		gate_of(mix_sixteen, 16, flags, value));
	mixed = (take_mixed *)thunk_of(gate_of(mix_mixed, 9, flags, value));
	for (int round = 0; round < 3; round++) {
		must_eq(seven(w[0], w[1], w[2], w[3], w[4], w[5], w[6]),
			mix_words(w, 7));
		must_eq(twelve(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7],
			       w[8], w[9], w[10], w[11]),
			mix_words(w, 12));
		must_eq(sixteen(w[0], w[1], w[2], w[3], w[4], w[5], w[6], w[7],
				w[8], w[9], w[10], w[11], w[12], w[13], w[14],
				w[15]),
			mix_words(w, 16));
		must(mixed(MIXED_ARGS) == MIXED_SUM);
		must_eq(modiso_gate_status(), MODISO_OK);
	}
}
END_TEST

START_TEST(test_gate_call)
{
	struct modiso_gate *gate, *seven;
	u result;

	module = world_module();
	gate = gate_of(mix_sixteen, 16, kinds[_i].flags, kinds[_i].value);
	seven = gate_of(mix_seven, 7, kinds[_i].flags, kinds[_i].value);
	for (unsigned count = 0; count <= 16; count++) {
		u given[16] = {0};

		memcpy(given, words, count * sizeof(*given));
		expect(MODISO_OK,
		       modiso_gate_call(gate, words, count, &result));
		/* What was not given is zero. */
		must_eq(result, mix_words(given, 16));
	}
	expect(MODISO_OK, modiso_gate_call(seven, words, 7, NULL));
	result = 4711;
	expect(MODISO_ERR_INVAL, modiso_gate_call(seven, words, 8, &result));
	must(strstr(modiso_last_error_text(), "word_args"));
	expect(MODISO_ERR_INVAL, modiso_gate_call(gate, words, 17, &result));
	expect(MODISO_ERR_INVAL, modiso_gate_call(gate, NULL, 7, &result));
	expect(MODISO_ERR_INVAL,
	       modiso_gate_call(make_gate(module, mix_seven), words, 7,
				&result));
	must_eq(result, 4711);
}
END_TEST

/*
 * A module sees the words that a gate is made for, and where they end what its
 * own stack held: zeros, on a stack that was never used so deep.
 */
MODULE_CODE static u sum_behind(u a, u b, u c, u d, u e, u f, u g)
{
	/* Behind the saved frame pointer and the return address. */
	const u *last = (const u *)__builtin_frame_address(0) + 2;
	u sum = *last != g;

	for (int n = 1; n < 10; n++)
		sum |= last[n];
	return sum + 0 * (a + b + c + d + e + f);
}

START_TEST(test_nothing_else)
{
	take_seven *thunk;
	u result;

	module = world_module();
	thunk = (take_seven *)thunk_of(
		gate_of(sum_behind, 7, kinds[_i].flags, kinds[_i].value));
	must_eq(thunk(1, 2, 3, 4, 5, 6, ~(u)0), 0);
	expect(MODISO_OK,
	       modiso_gate_call(gate_of(sum_behind, 7, kinds[_i].flags,
					kinds[_i].value),
				words, 7, &result));
	must_eq(result, 0);
}
END_TEST

MODULE_CODE static u fault_at(u a, u b, u c, u d, u e, u f, u g)
{
	*(volatile unsigned char *)g = 1;
	return a + b + c + d + e + f;
}

START_TEST(test_fault)
{
	struct modiso_region *hosts;
	struct modiso_gate *gate;
	const struct modiso_fault *fault;
	take_seven *thunk;
	u address;

	module = world_module();
	hosts = make_region(NULL, PAGE, "hosts");
	address = W(region_bytes(hosts));
	gate = gate_of(fault_at, 7, kinds[_i].flags, kinds[_i].value);
	thunk = (take_seven *)thunk_of(gate);
	must_eq(thunk(1, 2, 3, 4, 5, 6, address), kinds[_i].value);
	must_eq(modiso_gate_status(), MODISO_ERR_FAULT);
	fault = enter_fault(module, gate, 1, 2, 3, 4, 5, 6, address);
	must_blame(fault, MODISO_WRITE, address, hosts);
	/* The stack was walked up to the gate. */
	must_eq(fault->frames_end, MODISO_FRAMES_GATE);
	expect(MODISO_OK, modiso_gate_destroy(gate));
	must_eq(thunk(1, 2, 3, 4, 5, 6, 7), kinds[_i].value);
	must_eq(modiso_gate_status(), MODISO_ERR_NOENT);
}
END_TEST

/* --- services --- */

static take_seven *volatile seven_service;
static take_sixteen *volatile sixteen_service;
static take_mixed *volatile mixed_service;
static unsigned on_host;

MODISO_CALL static u serve_seven(u a, u b, u c, u d, u e, u f, u g)
{
	on_host += thread_owns_stack(&g);
	return MIX_7;
}

MODISO_CALL static u serve_sixteen(u a, u b, u c, u d, u e, u f, u g, u h,
				   u i, u j, u k, u l, u m, u n, u o, u p)
{
	on_host += thread_owns_stack(&p);
	return MIX_16;
}

MODISO_CALL static double serve_mixed(u a, double p, u b, double q, u c,
				      double r, u d, double s, u e, double t,
				      u f, double v, u g, double w, double x,
				      double y, u h)
{
	return (double)(a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g +
			8 * h) +
	       (p + q + r + s + t + v + w + x) * 1000 + y * 100000;
}

MODULE_CODE static u call_services(u a, u b, u c, u d, u e, u f, u g)
{
	u wrong = seven_service(a, b, c, d, e, f, g) != (MIX_7);

	wrong += sixteen_service(a, b, c, d, e, f, g, 8, 9, 10, 11, 12, 13, 14,
				 15, 16) !=
		 (((((((((MIX_7) * 3 + 8) * 3 + 9) * 3 + 10) * 3 + 11) * 3 +
		     12) * 3 + 13) * 3 + 14) * 3 + 15) * 3 + 16;
	wrong += mixed_service(MIXED_ARGS) != MIXED_SUM;
	return wrong;
}

static modiso_fn service_of(const char *name, void *function, uint32_t count,
			    uint32_t flags)
{
	struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.flags = flags,
		.word_args = count,
	};
	struct modiso_service *service;

	expect(MODISO_OK, modiso_service_create(name, (modiso_fn)(u)function,
						&options, &service));
	if (flags & MODISO_SERVICE_LISTED)
		expect(MODISO_OK, modiso_service_allow(service, module));
	return modiso_service_thunk(service);
}

static void make_services(uint32_t flags)
{
	seven_service = (take_seven *)service_of("seven", serve_seven, 7,
						 flags);
	sixteen_service = (take_sixteen *)service_of("sixteen", serve_sixteen,
						     16, flags);
	mixed_service = (take_mixed *)service_of("mixed", serve_mixed, 9,
						 flags | MODISO_SERVICE_FLOAT);
}

static const uint32_t lists[] = {0, MODISO_SERVICE_LISTED};

START_TEST(test_service)
{
	struct modiso_gate *gate;

	module = world_module();
	make_services(lists[_i % 2]);
	gate = gate_of(call_services, 7, kinds[_i / 2].flags, 0);
	on_host = 0;
	for (int round = 0; round < 3; round++)
		must_eq(enter(gate, 1, 2, 3, 4, 5, 6, 7), 0);
	must_eq(on_host, 6);
	/* Called by the host they are the functions themselves. */
	must_eq(seven_service(words[0], words[1], words[2], words[3], words[4],
			      words[5], words[6]),
		mix_words(words, 7));
	must(mixed_service(MIXED_ARGS) == MIXED_SUM);
}
END_TEST

/* --- nested, both at once --- */

static take_seven *nested_gate;

MODISO_CALL static u serve_deeper(u a, u b, u c, u d, u e, u f, u g)
{
	return g == 0 ? MIX_7 : nested_gate(a, b, c, d, e, f, g - 1) + g;
}

MODULE_CODE static u call_deeper(u a, u b, u c, u d, u e, u f, u g)
{
	volatile u mine = g;
	u value = seven_service(a, b, c, d, e, f, g);

	return value + (mine == g ? 0 : 1000000);
}

START_TEST(test_nested)
{
	module = world_module();
	seven_service = (take_seven *)service_of("deeper", serve_deeper, 7, 0);
	nested_gate = (take_seven *)thunk_of(
		gate_of(call_deeper, 7, kinds[_i].flags, kinds[_i].value));
	must_eq(nested_gate(words[0], 2, 3, 4, 5, 6, 20),
		mix_words((const u[]){words[0], 2, 3, 4, 5, 6, 0}, 7) + 210);
	must_eq(modiso_gate_status(), MODISO_OK);
}
END_TEST

/* --- bad stack pointers --- */

/* A call of seven_service() with the stack pointer at an address. */
MODULE_CODE static u call_from(u sp)
{
	u result;

	__asm__ volatile("movq %%rsp, %%rbx\n\t"
			 "movq %1, %%rsp\n\t"
			 "callq *%2\n\t"
			 "movq %%rbx, %%rsp"
			 : "=a"(result)
			 : "r"(sp), "r"(seven_service)
			 : "rbx", "rcx", "rdx", "rsi", "rdi", "r8", "r9",
			   "r10", "r11", "memory", "cc");
	return result;
}

/* The return address is in its memory, the words are not. */
START_TEST(test_bad_stack)
{
	struct modiso_region *own, *hosts;
	const struct modiso_fault *fault;
	struct modiso_gate *gate;
	unsigned char *bytes;

	module = world_module();
	own = make_region(module, PAGE, "own");
	hosts = make_region(NULL, PAGE, "hosts");
	(void)hosts;
	make_services(lists[_i]);
	bytes = region_bytes(own) + PAGE;
	gate = make_gate(module, call_from);
	on_host = 0;
	/* Its memory is as good as its stack. */
	enter(gate, W(bytes - 8));
	must_eq(on_host, 1);
	fault = enter_fault(module, gate, W(bytes));
	must_eq(on_host, 1);
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
	must_eq(fault->access, MODISO_READ);
	must_eq(fault->address, W(bytes));
	must_eq(fault->signo, 0);
	must_eq(fault->sp, W(bytes) - 8);
	must_str(fault->calls[0].service_name, "seven");
	/* The next call is as good as ever. */
	must_eq(enter(gate_of(call_services, 7, 0, 0), 1, 2, 3, 4, 5, 6, 7), 0);
}
END_TEST

/* --- refusals --- */

START_TEST(test_refused)
{
	struct modiso_gate_options gate_options = {
		.struct_size = sizeof(gate_options),
		.word_args = 17,
	};
	struct modiso_service_options options = {
		.struct_size = sizeof(options),
		.word_args = 17,
	};
	struct modiso_service *service = UNTOUCHED;
	struct modiso_gate *gate = UNTOUCHED;

	module = world_module();
	expect(MODISO_ERR_INVAL,
	       modiso_gate_create(module, (modiso_fn)mix_seven, &gate_options,
				  &gate));
	must(strstr(modiso_last_error_text(), "at most 16"));
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("seven", (modiso_fn)serve_seven, &options,
				     &service));
	must(strstr(modiso_last_error_text(), "at most 16"));
	options.word_args = 7;
	options.pointers = 1u << MODISO_ARGS_MAX;
	expect(MODISO_ERR_INVAL,
	       modiso_service_create("seven", (modiso_fn)serve_seven, &options,
				     &service));
	must_eq(gate, UNTOUCHED);
	must_eq(service, UNTOUCHED);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("words");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_gate, 0, KINDS);
	tcase_add_loop_test(tcase, test_gate_call, 0, KINDS);
	tcase_add_loop_test(tcase, test_nothing_else, 0, KINDS);
	tcase_add_loop_test(tcase, test_fault, 0, KINDS);
	tcase_add_loop_test(tcase, test_service, 0, 2 * KINDS);
	tcase_add_loop_test(tcase, test_nested, 0, KINDS);
	tcase_add_loop_test(tcase, test_bad_stack, 0, 2);
	tcase_add_test(tcase, test_refused);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
