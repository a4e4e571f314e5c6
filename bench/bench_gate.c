/* SPDX-License-Identifier: MIT */
/*
 * bench_gate.c - into a module and back, out of it and back.
 */
#include "bench.h"

/* Modules as small as they can be: a page of data each, and their stacks. */
struct world {
	struct modiso_module *module;
	struct modiso_region *region;
	struct modiso_gate *null_gate;
	bench_call *null_thunk;
};

static struct world first, second;
static bench_call *scrub_thunk;
static bench_call *loop_thunk;
static bench_call *nested_thunk;
static bench_call *service_null;
static bench_call *service_nested;
static bench_call *dispatch_thunk;
typedef MODISO_CALL uintptr_t four_words(uintptr_t request, uintptr_t,
					 uintptr_t, uintptr_t);
static four_words *dispatch;
static struct modiso_service *services[3];
static struct modiso_region *guarded;

/* Module code. Nothing but the return: what is measured is the way. */
MODISO_CALL static void __attribute__((noinline))
entry_null(uintptr_t argument)
{
	__asm__ volatile("" ::"r"(argument));
}

MODISO_CALL static uintptr_t entry_loop(uintptr_t rounds)
{
	bench_call *call = service_null;

	while (rounds-- > 0)
		call(1);
	return 0;
}

MODISO_CALL static uintptr_t entry_nested(uintptr_t argument)
{
	return service_nested(argument) + 1;
}

/* As the module of an RTOS calls it: a request number and three words. */
MODISO_CALL static uintptr_t entry_dispatch(uintptr_t rounds)
{
	four_words *call = dispatch;

	while (rounds-- > 0)
		call(1, 2, 3, 4);
	return 0;
}

/* Services: host code. */
MODISO_CALL static void host_null(uintptr_t argument)
{
	__asm__ volatile("" ::"r"(argument));
}

MODISO_CALL static void host_dispatch(uintptr_t request, uintptr_t a,
				      uintptr_t b, uintptr_t c)
{
	__asm__ volatile("" ::"r"(request), "r"(a), "r"(b), "r"(c));
}

MODISO_CALL static uintptr_t host_nested(uintptr_t argument)
{
	return second.null_thunk(argument);
}

/* A thunk has no way but this to say that it has failed. */
static int thunks_done(void)
{
	return bench_check("thunk", modiso_gate_status());
}

static int run_thunk(uint64_t rounds)
{
	bench_call *call = first.null_thunk;

	while (rounds-- > 0)
		call(1);
	return thunks_done();
}

static int run_gate_call(uint64_t rounds)
{
	uintptr_t args[1] = {1}, result;
	int rc = 0;

	while (rounds-- > 0)
		rc |= modiso_gate_call(first.null_gate, args, 1, &result);
	return bench_check("modiso_gate_call", rc);
}

static int run_scrub(uint64_t rounds)
{
	bench_call *call = scrub_thunk;

	while (rounds-- > 0)
		call(1);
	return thunks_done();
}

static int run_service(uint64_t rounds)
{
	loop_thunk(rounds);
	return thunks_done();
}

static int run_dispatch(uint64_t rounds)
{
	dispatch_thunk(rounds);
	return thunks_done();
}

static int run_nested(uint64_t rounds)
{
	bench_call *call = nested_thunk;

	while (rounds-- > 0)
		call(1);
	return thunks_done();
}

static int run_alternate(uint64_t rounds)
{
	bench_call *one = first.null_thunk;
	bench_call *other = second.null_thunk;

	while (rounds-- > 0) {
		one(1);
		other(1);
	}
	return thunks_done();
}

static int guarded_begin(void)
{
	return bench_check("modiso_region_create",
			   modiso_region_create(NULL, 4096,
						MODISO_READ | MODISO_WRITE,
						NULL, &guarded));
}

static void guarded_end(void)
{
	bench_check("modiso_region_destroy", modiso_region_destroy(guarded));
}

/* The host touches what is guarded from the module, as it would. */
static int run_guarded(uint64_t rounds)
{
	bench_call *call = first.null_thunk;
	volatile char *byte = modiso_region_base(guarded);

	while (rounds-- > 0) {
		call(1);
		*byte = 1;
	}
	return thunks_done();
}

static int make_thunk(struct modiso_module *module,
		      modiso_fn entry, uint32_t flags,
		      struct modiso_gate **gate, bench_call **thunk)
{
	struct modiso_gate_options options = {
		.struct_size = sizeof(options), .flags = flags, .word_args = 1};
	modiso_fn plain;
	int rc;

	rc = bench_check(
		"modiso_gate_create",
		modiso_gate_create(module, entry, &options, gate));
	if (rc == 0)
		rc = bench_check("modiso_gate_thunk",
				 modiso_gate_thunk(*gate, &plain));
	if (rc == 0)
		*thunk = (bench_call *)plain;
	return rc;
}

static int make_world(struct world *world, const char *name)
{
	int rc;

	rc = bench_check("modiso_module_create",
			 modiso_module_create(name, NULL, &world->module));
	if (rc == 0)
		rc = bench_check(
			"modiso_region_create",
			modiso_region_create(world->module, 4096,
					     MODISO_READ | MODISO_WRITE, NULL,
					     &world->region));
	if (rc == 0)
		rc = make_thunk(world->module, (modiso_fn)entry_null, 0,
				&world->null_gate, &world->null_thunk);
	return rc;
}

static int make_service(const char *name, modiso_fn function,
			struct modiso_service **service, modiso_fn *thunk)
{
	int rc = bench_check("modiso_service_create",
			     modiso_service_create(name, function, NULL,
						   service));

	if (rc == 0)
		*thunk = modiso_service_thunk(*service);
	return rc;
}

static int make_services(void)
{
	modiso_fn null, nested, dispatcher;
	int rc = make_service("null", (modiso_fn)host_null, &services[0],
			      &null);

	if (rc == 0)
		rc = make_service("nested", (modiso_fn)host_nested,
				  &services[1], &nested);
	if (rc == 0)
		rc = make_service("dispatcher", (modiso_fn)host_dispatch,
				  &services[2], &dispatcher);
	if (rc != 0)
		return rc;
	service_null = (bench_call *)null;
	service_nested = (bench_call *)nested;
	dispatch = (four_words *)dispatcher;
	return 0;
}

static struct modiso_fiber *fibers[2];

static int fibers_begin(void)
{
	int rc = 0;

	for (int i = 0; rc == 0 && i < 2; i++)
		rc = bench_check("modiso_fiber_create",
				 modiso_fiber_create(&fibers[i]));
	if (rc == 0)
		rc = bench_check("modiso_fiber_switch",
				 modiso_fiber_switch(fibers[1]));
	return rc;
}

static void fibers_end(void)
{
	bench_check("modiso_fiber_switch", modiso_fiber_switch(NULL));
	for (int i = 0; i < 2; i++)
		bench_check("modiso_fiber_destroy",
			    modiso_fiber_destroy(fibers[i]));
}

/* The library's part: the host's own switch comes to that. */
static int run_fibers(uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0)
		rc |= modiso_fiber_switch(fibers[rounds & 1]);
	return rc;
}

static int gate_open(void)
{
	struct modiso_gate *gate;
	int rc = make_world(&first, "first");

	if (rc == 0)
		rc = make_world(&second, "second");
	if (rc == 0)
		rc = make_services();
	/* Not in the first: then its services would scrub on their way back. */
	if (rc == 0)
		rc = make_thunk(second.module, (modiso_fn)entry_null,
				MODISO_GATE_SCRUB, &gate, &scrub_thunk);
	if (rc == 0)
		rc = make_thunk(first.module, (modiso_fn)entry_loop, 0, &gate,
				&loop_thunk);
	if (rc == 0)
		rc = make_thunk(first.module, (modiso_fn)entry_dispatch, 0,
				&gate, &dispatch_thunk);
	if (rc == 0)
		rc = make_thunk(first.module, (modiso_fn)entry_nested, 0, &gate,
				&nested_thunk);
	return rc;
}

static void gate_close(void)
{
	int i;

	bench_check("modiso_module_destroy",
		    modiso_module_destroy(first.module));
	bench_check("modiso_module_destroy",
		    modiso_module_destroy(second.module));
	for (i = 0; i < 3; i++)
		bench_check("modiso_service_destroy",
			    modiso_service_destroy(services[i]));
}

static const char way_trip[] = "round trip";

static const struct bench_row rows[] = {
	{ROW_THUNK, way_trip, BENCH_QUICK, 0, run_thunk, NULL, NULL},
	{"gate: modiso_gate_call, 1 argument", way_trip, BENCH_QUICK, 0,
	 run_gate_call, NULL, NULL},
	{"gate: thunk that scrubs every register", way_trip, 0, 0, run_scrub,
	 NULL, NULL},
	{ROW_GUARDED, way_trip, BENCH_QUICK, 0, run_guarded, guarded_begin,
	 guarded_end},
	{ROW_ALTERNATE, way_trip, BENCH_QUICK, 2, run_alternate, NULL, NULL},
	{ROW_ALTERNATE_HOST, way_trip, BENCH_QUICK, 2, run_alternate,
	 guarded_begin, guarded_end},
	{ROW_ALTERNATE_BUSY, way_trip, BENCH_TIMED, 2, run_alternate,
	 bench_busy_begin, bench_busy_end},
	{ROW_SERVICE, way_trip, BENCH_QUICK, 0, run_service, NULL, NULL},
	{ROW_DISPATCH, way_trip, BENCH_QUICK, 0, run_dispatch, NULL, NULL},
	{"nested: host, module, service, module", way_trip, BENCH_QUICK, 0,
	 run_nested, NULL, NULL},
	{"fiber: modiso_fiber_switch", "one way", BENCH_QUICK, 0, run_fibers,
	 fibers_begin, fibers_end},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_gate = {
	.rows = rows,
	.open = gate_open,
	.close = gate_close,
};
