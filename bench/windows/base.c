/* SPDX-License-Identifier: MIT */
/*
 * base.c - what the numbers are compared with: nothing of libmodiso.
 */
#include "../bench.h"

#include <windows.h>

#define PAGE 4096u
/* A module as bench_gate.c makes it: a stack of 64 KiB and a page of data. */
#define STACK_PAGES  16u
#define MODULE_PAGES (STACK_PAGES + 1)

static volatile char *one_page, *modules[2], *closed;
static void *handler;

static int fail(const char *call)
{
	return bench_say(BENCH_FAILED, "%s: error %lu", call, GetLastError());
}

static bool protect(volatile char *pages, unsigned count, DWORD how)
{
	DWORD was;

	return VirtualProtect((void *)(uintptr_t)pages, count * PAGE, how,
			      &was);
}

/* Close, open, and touch what was opened, as anybody would who opens it. */
static int run_one_page(uint64_t rounds)
{
	while (rounds-- > 0) {
		if (!protect(one_page, 1, PAGE_NOACCESS) ||
		    !protect(one_page, 1, PAGE_READWRITE))
			return fail("VirtualProtect");
		one_page[0] = 1;
	}
	return 0;
}

static int switch_to(unsigned number)
{
	if (!protect(modules[!number], MODULE_PAGES, PAGE_NOACCESS) ||
	    !protect(modules[number], MODULE_PAGES, PAGE_READWRITE))
		return fail("VirtualProtect");
	/* Where a call into it would push its return address. */
	modules[number][STACK_PAGES * PAGE - 8] = 1;
	return 0;
}

/* Two in each round: what two gate calls need at the very least. */
static int run_switch(uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = switch_to(0);
		if (rc == 0)
			rc = switch_to(1);
	}
	return rc;
}

/* The least that a program does to go on: elsewhere, in the same function. */
extern const char bench_stray[], bench_home[];

static LONG CALLBACK go_home(EXCEPTION_POINTERS *pointers)
{
	if (pointers->ContextRecord->Rip != (uintptr_t)bench_stray)
		return EXCEPTION_CONTINUE_SEARCH;
	pointers->ContextRecord->Rip = (uintptr_t)bench_home;
	return EXCEPTION_CONTINUE_EXECUTION;
}

static int recover_begin(void)
{
	handler = AddVectoredExceptionHandler(1, go_home);
	return handler != NULL ? 0 : fail("AddVectoredExceptionHandler");
}

static void recover_end(void)
{
	RemoveVectoredExceptionHandler(handler);
}

static __attribute__((noinline)) void stray(volatile char *to)
{
	__asm__ volatile(".globl bench_stray, bench_home\n"
			 "bench_stray: movb $1, (%0)\n"
			 "bench_home:"
			 : : "r"(to) : "memory");
}

static int run_recover(uint64_t rounds)
{
	while (rounds-- > 0)
		stray(closed);
	return 0;
}

static volatile char *map(unsigned count, DWORD how)
{
	return VirtualAlloc(NULL, count * PAGE, MEM_RESERVE | MEM_COMMIT, how);
}

static int base_open(void)
{
	one_page = map(1, PAGE_READWRITE);
	closed = map(1, PAGE_NOACCESS);
	for (int i = 0; i < 2; i++)
		modules[i] = map(MODULE_PAGES, PAGE_READWRITE);
	if (one_page == NULL || closed == NULL || modules[0] == NULL ||
	    modules[1] == NULL)
		return fail("VirtualAlloc");
	for (int i = 0; i < 2; i++) {
		modules[i][STACK_PAGES * PAGE] = 1;
		modules[i][STACK_PAGES * PAGE - 8] = 1;
	}
	return 0;
}

static const char way_one[] = "one way";
static const char way_trip[] = "round trip";

/* By the names that they have on Linux, so that ratios are the same ones. */
static const struct bench_row rows[] = {
	{"empty loop, 1 argument loaded", way_one, 0, 0, bench_run_empty,
	 NULL, NULL},
	{ROW_PLAIN, way_trip, BENCH_QUICK, 0, bench_run_plain, NULL, NULL},
	{ROW_MPROTECT, way_trip, BENCH_QUICK | BENCH_HEAVY, 0, run_one_page,
	 NULL, NULL},
	{ROW_SWITCH, way_one, BENCH_QUICK | BENCH_HEAVY, 2, run_switch, NULL,
	 NULL},
	{ROW_RECOVER, way_trip, BENCH_QUICK | BENCH_HEAVY, 0, run_recover,
	 recover_begin, recover_end},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_base = {
	.rows = rows,
	.open = base_open,
};
