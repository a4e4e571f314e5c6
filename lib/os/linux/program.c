/* SPDX-License-Identifier: MIT */
#include "os/program.h"

#include "base/error.h"
#include "os/maps.h"
#include "os/process.h"

#include <errno.h>
#include <link.h>
#include <malloc.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

static uintptr_t page_down(uintptr_t address)
{
	return address & ~((uintptr_t)MDI_PAGE_SIZE - 1);
}

static uintptr_t page_up(uintptr_t address)
{
	return page_down(address + MDI_PAGE_SIZE - 1);
}

/* The kernel's word: the C library's comes a moment later. */
uintptr_t mdi_heap_end(void)
{
	return page_up((uintptr_t)syscall(SYS_brk, 0));
}

/* Of /proc/self/stat, counted behind the name, which may hold anything. */
#define START_BRK (47 - 3)

static bool read_start(char *line, size_t size)
{
	FILE *file = fopen("/proc/self/stat", "re");
	bool read;

	if (file == NULL)
		return false;
	read = fgets(line, (int)size, file) != NULL;
	fclose(file);
	return read;
}

int mdi_heap_find(uintptr_t *base, uintptr_t *end)
{
	char line[2048];
	const char *field;
	size_t start = 0;

	if (!read_start(line, sizeof(line)))
		return mdi_fail_os("open", "/proc/self/stat, which says where "
					   "the heap begins");
	field = strrchr(line, ')');
	field = field != NULL ? strchr(field, ' ') : NULL;
	for (int i = 0; field != NULL && i < START_BRK; i++)
		field = strchr(field + 1, ' ');
	if (field == NULL || sscanf(field, "%zu", &start) != 1 || start == 0) {
		errno = ENOTSUP;
		return mdi_fail_os("read", "/proc/self/stat does not say where "
					   "the heap begins");
	}
	*base = page_up(start);
	*end = mdi_heap_end();
	return 0;
}

struct elsewhere {
	unsigned long heaps, blocks;
};

/* The words of malloc_info(3); what there is none of is not in them. */
static bool find_elsewhere(struct elsewhere *elsewhere)
{
	static const char heap[] = "<heap nr=", blocks[] =
		"<total type=\"mmap\" count=\"";
	char *text = NULL;
	const char *at;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);
	bool told = out != NULL && malloc_info(0, out) == 0;

	told = out != NULL && fclose(out) == 0 && told;
	for (at = told ? strstr(text, heap) : NULL; at != NULL;
	     at = strstr(at + 1, heap))
		elsewhere->heaps++;
	at = told ? strstr(text, blocks) : NULL;
	if (at != NULL)
		elsewhere->blocks = strtoul(at + strlen(blocks), NULL, 10);
	free(text);
	return told && elsewhere->heaps != 0;
}

/* More than any that has no mapping of its own unless it was told so. */
#define LARGE ((size_t)33 << 20)

static bool comes_from_heap(void)
{
	int saved = errno;
	char *volatile block = malloc(LARGE);
	uintptr_t base = 0, end = 0;
	bool there = block != NULL && mdi_heap_find(&base, &end) == 0 &&
		     (uintptr_t)block >= base &&
		     (uintptr_t)block + LARGE <= end;

	free(block);
	errno = saved;
	return there;
}

int mdi_heap_take_all(void)
{
	struct elsewhere elsewhere = { 0, 0 };

	if (!find_elsewhere(&elsewhere))
		return mdi_fail(MODISO_ERR_NOTSUP,
				"malloc_info(3) does not say where the heap "
				"is");
	if (elsewhere.heaps > 1 || elsewhere.blocks != 0)
		return mdi_fail(MODISO_ERR_NOTSUP,
				"malloc(3) has %lu blocks in mappings of their "
				"own and %lu threads' heaps, which would stay "
				"open: start the library before those are "
				"made, or the program with GLIBC_TUNABLES="
				"glibc.malloc.mmap_max=0:"
				"glibc.malloc.arena_max=1",
				elsewhere.blocks, elsewhere.heaps - 1);
	if (mallopt(M_MMAP_MAX, 0) == 1 && mallopt(M_ARENA_MAX, 1) == 1 &&
	    comes_from_heap())
		return 0;
	return mdi_fail(MODISO_ERR_NOTSUP,
			"malloc(3) does not take its blocks from the heap, "
			"what brk(2) gives: it is another one than the C "
			"library's, or the heap cannot grow");
}

/*
 * As glibc has it: blocks side by side, 16 bytes in front of each, and in the
 * second half of these how far it is to the next one. The last word of a block
 * is the first of the next one's 16 bytes.
 */
#define HEAD  16
#define FLAGS ((size_t)7)
/* More blocks than that nobody waits for. */
#define BLOCKS 1000000

static size_t step_at(int memory, uintptr_t at, uintptr_t end)
{
	size_t step = 0;

	if (mdi_maps_read(memory, at + HEAD / 2, &step, sizeof(step)) != 0)
		return 0;
	step &= ~FLAGS;
	return step % HEAD == 0 && step >= 2 * (size_t)HEAD &&
			       step <= end - at ?
		       step :
		       0;
}

bool mdi_heap_block(uintptr_t address, uintptr_t *block, size_t *length)
{
	int memory = mdi_maps_open_memory(0), saved = errno;
	uintptr_t at, end;
	size_t step = 0, count = 0;

	if (memory < 0)
		return false;
	if (mdi_heap_find(&at, &end) == 0)
		while ((step = step_at(memory, at, end)) != 0 &&
		       address >= at + step + HEAD / 2 && ++count < BLOCKS)
			at += step;
	mdi_maps_close_memory(memory);
	errno = saved;
	if (step == 0 || address < at + HEAD / 2 ||
	    address >= at + step + HEAD / 2)
		return false;
	*block = at + HEAD;
	*length = step - HEAD / 2;
	return true;
}

/* --- stacks --- */

struct lowest {
	uintptr_t from, address;
};

static void consider(struct lowest *lowest, uintptr_t address)
{
	if (address >= lowest->from && address < lowest->address)
		lowest->address = address;
}

/* Of the calling thread. Those of objects that came later can lie elsewhere. */
static int look_at_variables(struct dl_phdr_info *info, size_t size, void *arg)
{
	if (size >= offsetof(struct dl_phdr_info, dlpi_tls_data) +
			    sizeof(info->dlpi_tls_data) &&
	    info->dlpi_tls_data != NULL)
		consider(arg, (uintptr_t)info->dlpi_tls_data);
	return 0;
}

/* The C library puts them, and its own record of the thread, on top. */
static uintptr_t below_variables(uintptr_t base, uintptr_t end)
{
	uintptr_t self = (uintptr_t)__builtin_thread_pointer();
	struct lowest lowest = { base, end };

	consider(&lowest, self);
	consider(&lowest, self + (uintptr_t)__rseq_offset);
	dl_iterate_phdr(look_at_variables, &lowest);
	return page_down(lowest.address);
}

static int ask_library(uintptr_t *base, uintptr_t *end)
{
	pthread_attr_t options;
	void *stack = NULL;
	size_t size = 0;
	int error = pthread_getattr_np(pthread_self(), &options);

	if (error == 0) {
		error = pthread_attr_getstack(&options, &stack, &size);
		pthread_attr_destroy(&options);
	}
	*base = (uintptr_t)stack;
	*end = (uintptr_t)stack + size;
	return error;
}

/* What the C library says of it may have guard pages in it, or not be there. */
int mdi_stack_find(uintptr_t *base, uintptr_t *end, bool *grows)
{
	struct mdi_mapping map;
	char name[256];
	int error = ask_library(base, end);

	if (error != 0 || !mdi_maps_name(*end - 1, &map, name, sizeof(name))) {
		errno = error != 0 ? error : ENOENT;
		return mdi_fail_os("pthread_getattr_np",
				   "where a thread's stack is, which modules "
				   "are not to reach");
	}
	*grows = strcmp(name, "[stack]") == 0;
	if (*base < map.base || *grows)
		*base = map.base;
	if (*grows)
		*end = map.end;
	*end = below_variables(*base, *end);
	return 0;
}

int mdi_stack_protect(uintptr_t base, uintptr_t end, bool grows, uint32_t prot)
{
	return mprotect((void *)base, end - base,
			(int)prot | (grows ? PROT_GROWSDOWN : 0));
}
