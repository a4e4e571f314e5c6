/* SPDX-License-Identifier: MIT */
/*
 * contract_sizes - programs that were built for another version: each structure
 * that crosses the border is taken with the size that it had in the first one,
 * and with a size that a later one may have.
 */
#include "support/poke.h"
#include "support/world.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define LATER 96 /* bytes that a later version has in addition */

static struct modiso_module *module;
static struct modiso_region *region;
static struct modiso_image *image;
static FILE *nowhere;

/* --- options: taken, and what came of them ended again --- */

static char said[256]; /* before the world began again */

static int init(const void *options)
{
	int code;

	world_stop();
	code = modiso_init(options);
	snprintf(said, sizeof(said), "%s", modiso_last_error_text());
	if (code == MODISO_OK)
		expect(MODISO_OK, modiso_fini());
	world_start();
	return code;
}

static int module_create(const void *options)
{
	struct modiso_module *made;
	int code = modiso_module_create("made", options, &made);

	if (code == MODISO_OK)
		expect(MODISO_OK, modiso_module_destroy(made));
	return code;
}

static int region_create(const void *options)
{
	struct modiso_region *made;
	int code = modiso_region_create(module, PAGE, RW, options, &made);

	if (code == MODISO_OK)
		expect(MODISO_OK, modiso_region_destroy(made));
	return code;
}

static int heap_create(const void *options)
{
	int code = modiso_heap_create(module, 16 * PAGE, options);

	if (code == MODISO_OK)
		expect(MODISO_OK, modiso_heap_destroy(module));
	return code;
}

static int gate_create(const void *options)
{
	struct modiso_gate *made;
	int code = modiso_gate_create(module, (modiso_fn)poke_load1, options,
				      &made);

	if (code == MODISO_OK)
		expect(MODISO_OK, modiso_gate_destroy(made));
	return code;
}

static int service_create(const void *options)
{
	struct modiso_service *made;
	int code = modiso_service_create("made", (modiso_fn)getpid, options,
					 &made);

	if (code == MODISO_OK)
		expect(MODISO_OK, modiso_service_destroy(made));
	return code;
}

static int prepare(const void *flat, const void *options)
{
	struct modiso_image *made;
	int code = modiso_image_prepare(module, poke_code42, 16, flat, options,
					&made);

	if (code == MODISO_OK)
		expect(MODISO_OK, modiso_image_unload(made));
	return code;
}

static int image_options(const void *options)
{
	struct modiso_flat flat = {
		.struct_size = sizeof(flat),
		.code_size = 16,
	};

	return prepare(&flat, options);
}

static int flat_layout(const void *flat)
{
	return prepare(flat, NULL);
}

static const struct taken {
	const char *name;
	uint32_t first; /* bytes in version 0.1 */
	uint32_t now;
	int (*call)(const void *options);
} taken[] = {
	{"options", 32, sizeof(struct modiso_options), init},
	{"module_options", 40, sizeof(struct modiso_module_options),
	 module_create},
	{"region_options", 24, sizeof(struct modiso_region_options),
	 region_create},
	{"region_options of a heap", 24, sizeof(struct modiso_region_options),
	 heap_create},
	{"gate_options", 24, sizeof(struct modiso_gate_options), gate_create},
	{"service_options", 8, sizeof(struct modiso_service_options),
	 service_create},
	{"image_options", 40, sizeof(struct modiso_image_options),
	 image_options},
	{"flat", 72, sizeof(struct modiso_flat), flat_layout},
};
#define TAKEN (sizeof(taken) / sizeof(*taken))

/* --- answers --- */

static int backend_info(void *info)
{
	return modiso_backend_query(MODISO_BACKEND_MPROTECT, info);
}

static int region_info_of(void *info)
{
	return modiso_region_get_info(region, info);
}

static int region_found(void *info)
{
	return modiso_region_find(region_bytes(region), info);
}

static int image_info(void *info)
{
	return modiso_image_get_info(image, info);
}

static int heap_info(void *info)
{
	return modiso_heap_get_info(module, info);
}

static int scan_info(void *info)
{
	return modiso_scan_file("/proc/self/exe", MODISO_SCAN_SYSENTER, NULL,
				NULL, info) == MODISO_ERR_INVAL
		       ? MODISO_ERR_INVAL
		       : MODISO_OK;
}

/* The record can be printed as well, whatever its size. */
static int fault_last(void *fault)
{
	int code = modiso_fault_last(fault);

	if (code != MODISO_OK)
		return code;
	expect(MODISO_OK, modiso_fault_print(fault, nowhere));
	expect(MODISO_OK, modiso_fault_print_json(fault, nowhere));
	return code;
}

static const struct given {
	const char *name;
	uint32_t first, now;
	int (*call)(void *info);
} given[] = {
	{"backend_info", 288, sizeof(struct modiso_backend_info), backend_info},
	{"region_info", 88, sizeof(struct modiso_region_info), region_info_of},
	{"region_info of an address", 88, sizeof(struct modiso_region_info),
	 region_found},
	{"image_info", 80, sizeof(struct modiso_image_info), image_info},
	{"heap_info", 56, sizeof(struct modiso_heap_info), heap_info},
	{"scan_info", 32, sizeof(struct modiso_scan_info), scan_info},
	{"fault", 400, sizeof(struct modiso_fault), fault_last},
};
#define GIVEN (sizeof(given) / sizeof(*given))

/* --- cases --- */

/* A structure of @size bytes, and nothing mapped behind its last word. */
static unsigned char *structure(unsigned char *pages, uint32_t size)
{
	unsigned char *at = pages + PAGE - (size + 7) / 8 * 8;

	memset(at, 0, size);
	memcpy(at, &size, sizeof(size));
	return at;
}

static unsigned char *fenced_page(void)
{
	unsigned char *pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE,
				    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(pages != MAP_FAILED && !mprotect(pages + PAGE, PAGE, PROT_NONE));
	return pages;
}

static void begin(void)
{
	struct modiso_flat flat = {
		.struct_size = sizeof(flat),
		.code_size = 16,
	};

	module = world_module();
	region = make_region(module, PAGE, "region");
	expect(MODISO_OK, modiso_image_prepare(module, poke_code42, 16, &flat,
					       NULL, &image));
	enter_fault(module, make_gate(module, poke_ud2), 0);
	nowhere = fopen("/dev/null", "w");
	must(nowhere != NULL);
}

/* A flat image without code is none. */
static void fill(const struct taken *type, unsigned char *at)
{
	struct modiso_flat flat = {.code_size = 16};

	if (type->call == flat_layout)
		memcpy(at + 4, (unsigned char *)&flat + 4, type->first - 4);
}

START_TEST(test_taken)
{
	const struct taken *type = &taken[_i];
	unsigned char *pages = fenced_page(), *at;
	uint32_t later = type->now + LATER;

	begin();
	if (type->call == init)
		expect(MODISO_OK, modiso_module_destroy(module));
	for (uint32_t size = 4; size < type->first; size += 4) {
		at = structure(pages, size);
		expect(MODISO_ERR_INVAL, type->call(at));
		must(strstr(type->call == init ? said
					       : modiso_last_error_text(),
			    "struct_size") != NULL);
	}
	/* As a program of 0.1 hands it over, and each one since then. */
	must(type->now >= type->first);
	for (uint32_t size = type->first; size <= type->now; size += 4) {
		at = structure(pages, size);
		fill(type, at);
		expect(MODISO_OK, type->call(at));
	}
	at = structure(pages, later);
	fill(type, at);
	expect(MODISO_OK, type->call(at));
	for (uint32_t i = type->now; i < later; i++) {
		at[i] = 1;
		expect(MODISO_ERR_INVAL, type->call(at));
		at[i] = 0;
	}
}
END_TEST

static void compare(const struct given *type, const unsigned char *at,
		    const unsigned char *whole, uint32_t size)
{
	uint32_t known = size < type->now ? size : type->now, left;

	memcpy(&left, at, sizeof(left));
	must_eq(left, size);
	/* A backend's free keys may change; all else is what it was. */
	must(!memcmp(at + 4, whole + 4, known - 4));
	for (uint32_t i = known; i < size; i++)
		must_eq(at[i], 0);
}

START_TEST(test_given)
{
	const struct given *type = &given[_i];
	unsigned char *pages = fenced_page(), *at, whole[PAGE];

	begin();
	if (type->call == heap_info)
		expect(MODISO_OK, modiso_heap_create(module, 16 * PAGE, NULL));
	at = structure(pages, type->now);
	expect(MODISO_OK, type->call(at));
	memcpy(whole, at, type->now);
	for (uint32_t size = 4; size < type->first; size += 4) {
		at = structure(pages, size);
		expect(MODISO_ERR_INVAL, type->call(at));
		for (uint32_t i = 4; i < size; i++)
			must_eq(at[i], 0);
	}
	must(type->now >= type->first);
	for (uint32_t size = type->first; size <= type->now + LATER;
	     size += 4) {
		at = structure(pages, size);
		memset(at + 4, 0xaa, size - 4);
		expect(MODISO_OK, type->call(at));
		compare(type, at, whole, size);
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("sizes");
	TCase *tcase = tcase_create("sizes");

	tcase_add_loop_test(tcase, test_taken, 0, TAKEN);
	tcase_add_loop_test(tcase, test_given, 0, GIVEN);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
