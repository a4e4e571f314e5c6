/* SPDX-License-Identifier: MIT */
/*
 * contract_service_math - functions of math.h, the host's own as services: they
 * get and give what they do in the host, bit by bit, at both ends of
 * confinement.
 */
#include "support/world.h"

#include <math.h>
#include <string.h>

static const double values[] = {0.0,   -0.0,     1.0,       -1.5,  2.0,
				0.1,   1e300,    -1e-300,   709.0, 4e-320,
				3.125, INFINITY, -INFINITY, NAN};

#define VALUES (sizeof(values) / sizeof(*values))

/* Of one argument or two: who takes one does not look at the other. */
typedef double(MODISO_CALL *wide_fn)(double, double);
typedef float(MODISO_CALL *narrow_fn)(float, float);

union of_function {
	modiso_fn any;
	wide_fn wide;
	narrow_fn narrow;
};

#define OF(name)                                                               \
	{                                                                      \
		#name, (modiso_fn)(name)                                       \
	}

static const struct named {
	const char *name;
	modiso_fn function;
} wide[] = {OF(sin),  OF(cos),  OF(tan),   OF(atan2), OF(exp),      OF(log),
	    OF(pow),  OF(sqrt), OF(fmod),  OF(hypot), OF(floor),    OF(cbrt),
	    OF(fabs), OF(fmax), OF(round), OF(tanh),  OF(copysign), OF(erf)},
  narrow[] = {OF(sinf), OF(powf), OF(expf), OF(logf), OF(sqrtf), OF(fmodf)};

#define COUNT(list) (sizeof(list) / sizeof(*(list)))

MODULE_CODE static uintptr_t use_wide(wide_fn function, double *at)
{
	at[2] = function(at[0], at[1]);
	return 1;
}

MODULE_CODE static uintptr_t use_narrow(narrow_fn function, float *at)
{
	at[2] = function(at[0], at[1]);
	return 1;
}

static struct modiso_module *module;
static double *page;

static void make_scene(int sealed)
{
	struct modiso_module_options options = MODISO_MODULE_OPTIONS_INIT;

	world_start();
	if (sealed)
		options.confinement = MODISO_CONFINE_SEALED;
	expect(MODISO_OK, modiso_module_create("module", &options, &module));
	page = (double *)(void *)region_bytes(make_region(module, PAGE, "own"));
}

static uintptr_t thunk_of(const struct named *named)
{
	struct modiso_service_options options = MODISO_SERVICE_OPTIONS_INIT;
	struct modiso_service *service = NULL;

	options.flags = MODISO_SERVICE_FLOAT;
	expect(MODISO_OK, modiso_service_create(named->name, named->function,
						&options, &service));
	return W(modiso_service_thunk(service));
}

/* What such a function leaves in errno is in the host's. */
static void use(struct modiso_gate *gate, uintptr_t thunk)
{
	uintptr_t result = 0;

	must_eq(modiso_gate_call(gate, WORDS(thunk, W(page)), &result),
		MODISO_OK);
	must_eq(result, 1);
}

START_TEST(test_double)
{
	struct modiso_gate *gate;
	double wanted;

	make_scene(_i);
	gate = make_gate(module, use_wide);
	for (size_t f = 0; f < COUNT(wide); f++) {
		const union of_function of = {.any = wide[f].function};
		const uintptr_t thunk = thunk_of(&wide[f]);

		for (size_t i = 0; i < VALUES * VALUES; i++) {
			page[0] = values[i % VALUES];
			page[1] = values[i / VALUES];
			wanted = of.wide(page[0], page[1]);
			use(gate, thunk);
			if (memcmp(&page[2], &wanted, sizeof(wanted)) != 0)
				ck_abort_msg("%s(%a, %a) is %a, not %a",
					     wide[f].name, page[0], page[1],
					     page[2], wanted);
		}
	}
}
END_TEST

START_TEST(test_float)
{
	float *at, wanted;
	struct modiso_gate *gate;

	make_scene(_i);
	at = (float *)page;
	gate = make_gate(module, use_narrow);
	for (size_t f = 0; f < COUNT(narrow); f++) {
		const union of_function of = {.any = narrow[f].function};
		const uintptr_t thunk = thunk_of(&narrow[f]);

		for (size_t i = 0; i < VALUES * VALUES; i++) {
			at[0] = (float)values[i % VALUES];
			at[1] = (float)values[i / VALUES];
			wanted = of.narrow(at[0], at[1]);
			use(gate, thunk);
			if (memcmp(&at[2], &wanted, sizeof(wanted)) != 0)
				ck_abort_msg("%s(%a, %a) is %a, not %a",
					     narrow[f].name, at[0], at[1],
					     at[2], wanted);
		}
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("service math");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_double, 0, on_pkey() ? 2 : 1);
	tcase_add_loop_test(tcase, test_float, 0, on_pkey() ? 2 : 1);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
