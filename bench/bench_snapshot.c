/* SPDX-License-Identifier: MIT */
/*
 * bench_snapshot.c - a module of 64 MiB is brought back after some of its pages
 * were written, beside a copy of all of it; and one of 64 KiB, where the copy
 * is the faster one from a few pages on.
 *
 * A round writes the pages and restores them: the page faults of the writes are
 * part of what a snapshot costs.
 */
#include "bench.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGE  ((size_t)4096)
#define SIZE  ((size_t)64 << 20)
#define PAGES (SIZE / PAGE)
/* Prime to the number of pages: the ones written are all over the place. */
#define STRIDE ((size_t)5471)

#define SMALL_PAGES 16

static struct modiso_module *module, *small;
static unsigned char *bytes, *copy, *raw, *small_bytes;
static unsigned char kept[SMALL_PAGES * PAGE];
static size_t at;

static int make_one(size_t size, struct modiso_module **out,
		    unsigned char **base)
{
	struct modiso_region *region;
	int rc;

	if (*out != NULL)
		return 0;
	rc = bench_check("modiso_module_create",
			 modiso_module_create("snapshot", NULL, out));
	if (rc == 0)
		rc = bench_check("modiso_region_create",
				 modiso_region_create(
					 *out, size,
					 MODISO_READ | MODISO_WRITE, NULL,
					 &region));
	if (rc != 0)
		return rc;
	*base = modiso_region_base(region);
	memset(*base, 0x5a, size);
	return bench_check("modiso_snapshot_take", modiso_snapshot_take(*out));
}

/* Made when a row is run: it takes 128 MiB, and 192 with the copy. */
static int make_module(void)
{
	return make_one(SIZE, &module, &bytes);
}

static int make_small(void)
{
	memset(kept, 0x5a, sizeof(kept));
	return make_one(SMALL_PAGES * PAGE, &small, &small_bytes);
}

static int make_copy(void)
{
	int rc = make_module();

	if (rc == 0 && copy == NULL) {
		copy = malloc(SIZE);
		if (copy == NULL)
			return bench_say(BENCH_FAILED, "no memory");
		memset(copy, 0x5a, SIZE);
	}
	return rc;
}

static int run_pages(uint64_t rounds, unsigned pages)
{
	int rc = 0;
	unsigned i;

	while (rounds-- > 0 && rc == 0) {
		for (i = 0; i < pages; i++) {
			bytes[at * PAGE]++;
			at = (at + STRIDE) % PAGES;
		}
		rc = modiso_snapshot_restore(module);
	}
	return bench_check("modiso_snapshot_restore", rc);
}

static int run_1(uint64_t rounds)
{
	return run_pages(rounds, 1);
}

static int run_10(uint64_t rounds)
{
	return run_pages(rounds, 10);
}

static int run_100(uint64_t rounds)
{
	return run_pages(rounds, 100);
}

static int run_1000(uint64_t rounds)
{
	return run_pages(rounds, 1000);
}

static int run_small(uint64_t rounds, unsigned pages)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		for (unsigned i = 0; i < pages; i++)
			small_bytes[i * PAGE]++;
		rc = modiso_snapshot_restore(small);
	}
	return bench_check("modiso_snapshot_restore", rc);
}

static int run_small_1(uint64_t rounds)
{
	return run_small(rounds, 1);
}

static int run_small_all(uint64_t rounds)
{
	return run_small(rounds, SMALL_PAGES);
}

/* What a host does that has kept a copy, and brings back all of it. */
static int run_small_copy(uint64_t rounds)
{
	int rc = 0;

	while (rounds-- > 0 && rc == 0) {
		for (unsigned i = 0; i < SMALL_PAGES; i++)
			small_bytes[i * PAGE]++;
		rc = modiso_copy_out(small, small_bytes, kept, sizeof(kept));
	}
	return bench_check("modiso_copy_out", rc);
}

static int run_copy(uint64_t rounds)
{
	while (rounds-- > 0) {
		memcpy(bytes, copy, SIZE);
		__asm__ volatile("" ::: "memory");
	}
	return 0;
}

/*
 * The same by hand, with nothing of libmodiso: private pages of a memfd that
 * are written and dropped. This is the kernel's part, which nothing avoids that
 * lets it find what was written.
 */
static int make_raw(void)
{
	int fd, bad;

	if (raw != NULL)
		return 0;
	fd = memfd_create("bench", MFD_CLOEXEC);
	if (fd < 0)
		return bench_say(BENCH_FAILED, "memfd_create: %s",
				 strerror(errno));
	bad = ftruncate(fd, SIZE);
	raw = bad ? MAP_FAILED :
		    mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (raw != MAP_FAILED) {
		memset(raw, 0x5a, SIZE);
		munmap(raw, SIZE);
		raw = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd,
			   0);
	}
	close(fd);
	if (raw != MAP_FAILED)
		return 0;
	raw = NULL;
	return bench_say(BENCH_FAILED, "mmap: %s", strerror(errno));
}

static int run_raw(uint64_t rounds)
{
	while (rounds-- > 0) {
		for (unsigned i = 0; i < 1000; i++) {
			raw[at * PAGE]++;
			at = (at + STRIDE) % PAGES;
		}
		if (madvise(raw, SIZE, MADV_DONTNEED) != 0)
			return bench_say(BENCH_FAILED, "madvise: %s",
					 strerror(errno));
	}
	return 0;
}

static int snapshot_open(void)
{
	return 0;
}

static void snapshot_close(void)
{
	if (module != NULL)
		bench_check("modiso_module_destroy",
			    modiso_module_destroy(module));
	if (small != NULL)
		bench_check("modiso_module_destroy",
			    modiso_module_destroy(small));
	free(copy);
}

static const char way[] = "one way";

static const struct bench_row rows[] = {
	{ "snapshot: write, restore 1 of 16384", way, BENCH_HEAVY, 0,
	  run_1, make_module, NULL },
	{ "snapshot: write, restore 10 of 16384", way, BENCH_HEAVY,
	  0, run_10, make_module, NULL },
	{ "snapshot: write, restore 100 of 16384", way,
	  BENCH_HEAVY, 0, run_100, make_module, NULL },
	{ ROW_RESTORE, way,
	  BENCH_HEAVY, 0, run_1000, make_module, NULL },
	{ "snapshot: write, restore 1 of 16", way, BENCH_HEAVY, 0, run_small_1,
	  make_small, NULL },
	{ "snapshot: write, restore all 16", way, BENCH_HEAVY, 0, run_small_all,
	  make_small, NULL },
	{ "snapshot: modiso_copy_out of all 16 instead", way, BENCH_HEAVY, 0,
	  run_small_copy, make_small, NULL },
	{ "snapshot: memcpy of all 16384 instead", way,
	  BENCH_HEAVY | BENCH_TIMED, 0, run_copy, make_copy,
	  NULL },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

const struct bench_subject bench_snapshot = {
	.rows = rows,
	.open = snapshot_open,
	.close = snapshot_close,
};

static const struct bench_row raw_rows[] = {
	{ ROW_RESTORE_RAW, way, BENCH_HEAVY, 0, run_raw, make_raw,
	  NULL },
	{ NULL, NULL, 0, 0, NULL, NULL, NULL },
};

static void raw_close(void)
{
	if (raw != NULL)
		munmap(raw, SIZE);
}

const struct bench_subject bench_touch = {
	.rows = raw_rows,
	.open = snapshot_open,
	.close = raw_close,
};
