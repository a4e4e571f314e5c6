/* SPDX-License-Identifier: MIT */
/*
 * bench_guard.c - a module whose system calls are stopped: its gates, the
 * host's own system calls beside it, and one that it tries.
 */
#include "bench.h"

#include <sys/syscall.h>
#include <unistd.h>

static struct modiso_module *guarded;
static struct modiso_gate *call_gate;
static uintptr_t (*null_thunk)(uintptr_t);

/* Module code. */
static uintptr_t entry_null(uintptr_t word)
{
	return word;
}

static uintptr_t entry_call(uintptr_t number)
{
	__asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
	return number;
}

static int make(void)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.syscalls = MODISO_SYSCALLS_NONE,
	};
	struct modiso_gate *gate;
	modiso_fn thunk;
	int rc = modiso_module_create("guarded", &options, &guarded);

	if (rc == MODISO_ERR_NOTSUP)
		return bench_say(BENCH_ABSENT, "%s", modiso_last_error_text());
	if (rc == 0)
		rc = modiso_gate_create(guarded, (modiso_fn)entry_null, NULL,
					&gate);
	if (rc == 0)
		rc = modiso_gate_thunk(gate, &thunk);
	if (rc == 0)
		rc = modiso_gate_create(guarded, (modiso_fn)entry_call, NULL,
					&call_gate);
	if (rc == 0)
		null_thunk = (uintptr_t(*)(uintptr_t))thunk;
	return bench_check("a guarded module", rc);
}

/* The thread is guarded until guard_end(). */
static int guard_begin(void)
{
	int rc = make();

	if (rc != 0)
		return rc;
	null_thunk(1);
	return bench_check("thunk", modiso_gate_status());
}

static void guard_end(void)
{
	bench_check("modiso_module_destroy", modiso_module_destroy(guarded));
	bench_check("modiso_thread_detach", modiso_thread_detach());
}

static int run_thunk(uint64_t rounds)
{
	while (rounds-- > 0)
		null_thunk(1);
	return bench_check("thunk", modiso_gate_status());
}

static int run_getpid(uint64_t rounds)
{
	while (rounds-- > 0)
		syscall(SYS_getpid);
	return 0;
}

static int run_denied(uint64_t rounds)
{
	uintptr_t word = SYS_getpid;
	int rc;

	while (rounds-- > 0) {
		rc = modiso_gate_call(call_gate, &word, 1, NULL);
		if (rc != MODISO_ERR_FAULT)
			return bench_say(BENCH_FAILED,
					 "a system call was not stopped: %s",
					 modiso_error_name(rc));
	}
	return 0;
}

static const char way_trip[] = "round trip";

static const struct bench_row rows[] = {
	{"guard: thunk, 1 argument", way_trip, 0, 0, run_thunk, guard_begin,
	 guard_end},
	{ROW_GUARD_GETPID, way_trip, 0, 0, run_getpid, guard_begin, guard_end},
	{ROW_GUARD_DENIED, way_trip, BENCH_HEAVY, 0, run_denied, guard_begin,
	 guard_end},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

static int guard_open(void)
{
	return 0;
}

static void guard_close(void)
{
}

const struct bench_subject bench_guard = {
	.rows = rows,
	.open = guard_open,
	.close = guard_close,
};
