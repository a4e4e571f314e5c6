/* SPDX-License-Identifier: MIT */
/*
 * bench_scan.c - looking for forbidden instructions in what compilers make:
 * 1 MiB of the C library's code, so 1.05 ms are a gigabyte each second; and
 * the same with nothing to be found.
 */
#include "bench.h"

#include <link.h>
#include <stdlib.h>
#include <string.h>

#define AMOUNT ((size_t)1 << 20)

static unsigned char *code, *clean;
static uint64_t hits;

/* The first object with enough code; that is the C library. */
static int take_code(struct dl_phdr_info *object, size_t size, void *arg)
{
	(void)size;
	(void)arg;
	for (unsigned i = 0; i < object->dlpi_phnum; i++) {
		const ElfW(Phdr) *program = &object->dlpi_phdr[i];

		if (program->p_type != PT_LOAD || !(program->p_flags & PF_X) ||
		    !(program->p_flags & PF_R) || program->p_memsz < AMOUNT)
			continue;
		memcpy(code,
		       (const void *)(object->dlpi_addr + program->p_vaddr),
		       AMOUNT);
		return 1;
	}
	return 0;
}

/* The copy has nops where a forbidden instruction was. */
static int blot(const struct modiso_scan_hit *hit, void *arg)
{
	(void)arg;
	memset(clean + hit->offset, 0x90, hit->length);
	return 0;
}

static int scan_open(void)
{
	int rc;

	code = malloc(AMOUNT);
	clean = malloc(AMOUNT);
	if (code == NULL || clean == NULL)
		return bench_say(BENCH_FAILED, "no memory");
	if (!dl_iterate_phdr(take_code, NULL))
		return bench_say(BENCH_FAILED, "no library has 1 MiB of code");
	memcpy(clean, code, AMOUNT);
	rc = modiso_scan_memory(code, AMOUNT, MODISO_SCAN_ALL, blot, NULL);
	return rc == MODISO_ERR_GADGET ? 0
				       : bench_check("modiso_scan_memory", rc);
}

static void scan_close(void)
{
	free(code);
	free(clean);
}

static int count(const struct modiso_scan_hit *hit, void *arg)
{
	(void)hit;
	++*(uint64_t *)arg;
	return 0;
}

static int run_scan(uint64_t rounds)
{
	int rc;

	while (rounds-- > 0) {
		rc = modiso_scan_memory(code, AMOUNT, MODISO_SCAN_ALL, count,
					&hits);
		if (rc != MODISO_ERR_GADGET)
			return bench_check("modiso_scan_memory", rc);
	}
	return 0;
}

static int run_clean(uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0)
		rc = modiso_scan_memory(clean, AMOUNT, MODISO_SCAN_ALL, count,
					&hits);
	return bench_check("modiso_scan_memory", rc);
}

static const struct bench_row rows[] = {
	{ "scan: 1 MiB of code", "one way", BENCH_HEAVY, 0, run_scan, NULL,
	  NULL },
	{ "scan: the same without hits", "one way", BENCH_HEAVY, 0, run_clean,
	  NULL, NULL },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_scan = {
	.rows = rows,
	.open = scan_open,
	.close = scan_close,
};
