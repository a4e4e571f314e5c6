/* SPDX-License-Identifier: MIT */
/*
 * bench_base.c - what the numbers are compared with: nothing of libmodiso.
 */
#include "bench.h"

#include "partner.h"

#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define PAGE       4096u
#define MANY_PAGES 16u
/* A module as bench_gate.c makes it: a stack of 64 KiB and a page of data. */
#define STACK_PAGES  16u
#define MODULE_PAGES (STACK_PAGES + 1)

static volatile char *one_page, *many_pages;

/*
 * Two modules laid out as is best for mprotect, one mapping whose used pages
 * are neighbours: stack, data. Two with a guard page in them: data, guard,
 * stack, three mappings to a call and a wider range to flush.
 */
static struct plain_module {
	volatile char *base;
	size_t length; /* bytes */
	volatile char *stack_top;
} modules[2], guarded_modules[2];
static volatile int *closed;
static sigjmp_buf home;
static int key = -1;

static int run_getpid(uint64_t rounds)
{
	while (rounds-- > 0)
		syscall(SYS_getpid);
	return 0;
}

static int fail_mprotect(void)
{
	return bench_say(BENCH_FAILED, "mprotect: %s", strerror(errno));
}

/* Close, open, and touch what was opened, as anybody would who opens it. */
static int mprotect_pairs(uint64_t rounds, volatile char *pages, unsigned count)
{
	void *base = (void *)(uintptr_t)pages;
	unsigned i;

	while (rounds-- > 0) {
		if (mprotect(base, count * PAGE, PROT_NONE) != 0 ||
		    mprotect(base, count * PAGE, PROT_READ | PROT_WRITE) != 0)
			return fail_mprotect();
		for (i = 0; i < count; i++)
			pages[i * PAGE] = 1;
	}
	return 0;
}

static int run_one_page(uint64_t rounds)
{
	return mprotect_pairs(rounds, one_page, 1);
}

static int run_many_pages(uint64_t rounds)
{
	return mprotect_pairs(rounds, many_pages, MANY_PAGES);
}

static int switch_to(const struct plain_module *pair, unsigned number)
{
	const struct plain_module *from = &pair[!number], *to = &pair[number];

	if (mprotect((void *)(uintptr_t)from->base, from->length, PROT_NONE) !=
		    0 ||
	    mprotect((void *)(uintptr_t)to->base, to->length,
		     PROT_READ | PROT_WRITE) != 0)
		return fail_mprotect();
	/* Where a call into it would push its return address. */
	to->stack_top[-8] = 1;
	return 0;
}

/* Two in each round: what two gate calls need at the very least. */
static int switch_to_both(const struct plain_module *pair, uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		rc = switch_to(pair, 0);
		if (rc == 0)
			rc = switch_to(pair, 1);
	}
	return rc;
}

static int run_switch(uint64_t rounds)
{
	return switch_to_both(modules, rounds);
}

static int run_switch_guarded(uint64_t rounds)
{
	return switch_to_both(guarded_modules, rounds);
}

static void leave(int signo)
{
	siglongjmp(home, signo);
}

static int recover_begin(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_handler = leave;
	/* Without the mask in the jump buffer nobody unblocks it again. */
	action.sa_flags = SA_NODEFER;
	if (sigaction(SIGSEGV, &action, NULL) != 0)
		return bench_say(BENCH_FAILED, "sigaction: %s",
				 strerror(errno));
	return 0;
}

static void recover_end(void)
{
	signal(SIGSEGV, SIG_DFL);
}

static int run_recover(uint64_t rounds)
{
	volatile uint64_t left = rounds;

	while (left-- > 0)
		if (sigsetjmp(home, 1) == 0)
			*closed = 1;
	return 0;
}

static int run_recover_no_mask(uint64_t rounds)
{
	volatile uint64_t left = rounds;

	while (left-- > 0)
		if (sigsetjmp(home, 0) == 0)
			*closed = 1;
	return 0;
}

static int pkey_begin(void)
{
	struct modiso_backend_info info = {.struct_size = sizeof(info)};

	if (modiso_backend_query(MODISO_BACKEND_PKEY, &info) != 0 ||
	    !info.usable)
		return bench_say(BENCH_ABSENT, "%s", info.reason);
	if (key == -1)
		key = pkey_alloc(0, 0);
	if (key == -1)
		return bench_say(BENCH_ABSENT, "pkey_alloc: %s",
				 strerror(errno));
	return 0;
}

static int run_pkey_set(uint64_t rounds)
{
	while (rounds-- > 0) {
		pkey_set(key, PKEY_DISABLE_ACCESS);
		pkey_set(key, 0);
	}
	return 0;
}

/* What a module that loses its key and one that gets it take at the least. */
static int run_keys(uint64_t rounds)
{
	unsigned i;

	while (rounds-- > 0)
		for (i = 0; i < 2; i++)
			if (pkey_mprotect((void *)(uintptr_t)modules[!i].base,
					  modules[!i].length,
					  PROT_READ | PROT_WRITE, 0) != 0 ||
			    pkey_mprotect((void *)(uintptr_t)modules[i].base,
					  modules[i].length,
					  PROT_READ | PROT_WRITE, key) != 0)
				return bench_say(BENCH_FAILED,
						 "pkey_mprotect: %s",
						 strerror(errno));
	return 0;
}

/* Ordinary again, for the rows that close and open them. */
static void keys_end(void)
{
	int i;

	for (i = 0; i < 2; i++)
		pkey_mprotect((void *)(uintptr_t)modules[i].base,
			      modules[i].length, PROT_READ | PROT_WRITE, 0);
}

/*
 * @count pages whose neighbours are of another kind: the kernel then never
 * joins them with anything when they are closed, nor splits them when they are
 * opened. That would cost more than the change itself.
 */
static void *map(size_t count, int access)
{
	char *base = mmap(NULL, (count + 2) * PAGE, PROT_NONE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (base == MAP_FAILED)
		return NULL;
	base = mmap(base + PAGE, count * PAGE, access,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	return base == MAP_FAILED ? NULL : base;
}

static int make_module(struct plain_module *module, bool guard)
{
	size_t pages = MODULE_PAGES + (guard ? 1 : 0);
	char *base = map(pages, PROT_READ | PROT_WRITE);

	if (base == NULL ||
	    (guard &&
	     mmap(base + PAGE, PAGE, PROT_READ | PROT_WRITE,
		  MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == MAP_FAILED))
		return bench_say(BENCH_FAILED, "mmap: %s", strerror(errno));
	module->base = base;
	module->length = pages * PAGE;
	module->stack_top = base + (guard ? pages : STACK_PAGES) * PAGE;
	/* What is in use: the page of data, the first one of the stack. */
	base[(guard ? 0 : STACK_PAGES) * PAGE] = 1;
	module->stack_top[-8] = 1;
	return 0;
}

static int base_open(void)
{
	int i, rc = 0;

	one_page = map(1, PROT_READ | PROT_WRITE);
	many_pages = map(MANY_PAGES, PROT_READ | PROT_WRITE);
	closed = map(1, PROT_NONE);
	if (one_page == NULL || many_pages == NULL || closed == NULL)
		return bench_say(BENCH_FAILED, "mmap: %s", strerror(errno));
	for (i = 0; i < 2 && rc == 0; i++) {
		rc = make_module(&modules[i], false);
		if (rc == 0)
			rc = make_module(&guarded_modules[i], true);
	}
	return rc == 0 ? partner_open() : rc;
}

static const char way_one[] = "one way";
static const char way_trip[] = "round trip";

static const struct bench_row rows[] = {
	{"empty loop, 1 argument loaded", way_one, 0, 0, bench_run_empty,
	 NULL, NULL},
	{ROW_PLAIN, way_trip, BENCH_QUICK, 0, bench_run_plain, NULL, NULL},
	{ROW_GETPID, way_trip, BENCH_QUICK, 0, run_getpid, NULL, NULL},
	{"pkey_set pair of the C library", way_trip, 0, 0, run_pkey_set,
	 pkey_begin, NULL},
	{ROW_KEYS, way_one, BENCH_HEAVY, 2, run_keys, pkey_begin, keys_end},
	{ROW_MPROTECT, way_trip, BENCH_QUICK | BENCH_HEAVY, 0, run_one_page,
	 NULL, NULL},
	{"mprotect pair, 16 pages", way_trip, BENCH_HEAVY, 0, run_many_pages,
	 NULL, NULL},
	{"mprotect pair, 1 page, other CPU busy", way_trip, BENCH_TIMED, 0,
	 run_one_page, bench_busy_begin, bench_busy_end},
	{ROW_SWITCH, way_one, BENCH_QUICK | BENCH_HEAVY, 2, run_switch, NULL,
	 NULL},
	{ROW_SWITCH_GUARD, way_one, BENCH_HEAVY, 2, run_switch_guarded, NULL,
	 NULL},
	{ROW_SWITCH_BUSY, way_one, BENCH_TIMED, 2, run_switch, bench_busy_begin,
	 bench_busy_end},
	{ROW_RECOVER, way_trip, BENCH_QUICK | BENCH_HEAVY, 0, run_recover,
	 recover_begin, recover_end},
	{"the same, signal mask not saved", way_trip, BENCH_HEAVY, 0,
	 run_recover_no_mask, recover_begin, recover_end},
	{ROW_PIPE, way_trip, BENCH_QUICK | BENCH_TIMED, 0, partner_run_pipe,
	 partner_same_cpu, NULL},
	{"pipe to a process on the other CPU", way_trip, BENCH_TIMED, 0,
	 partner_run_pipe, partner_other_cpu, NULL},
	{"futex to a process on the same CPU", way_trip,
	 BENCH_QUICK | BENCH_TIMED, 0,
	 partner_run_futex, partner_same_cpu, NULL},
	{"futex to a process on the other CPU", way_trip, BENCH_TIMED, 0,
	 partner_run_futex, partner_other_cpu, NULL},
	{NULL, NULL, 0, 0, NULL, NULL, NULL},
};

const struct bench_subject bench_base = {
	.rows = rows,
	.open = base_open,
	.close = partner_close,
};
