/* SPDX-License-Identifier: MIT */
/*
 * contract_region_create - what can be a region, where it comes to lie, and
 * how it is found again.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>

static const struct {
	const char *name;
	size_t length;
	uint32_t access;
	struct modiso_region_options options;
} wrong_create[] = {
#define OPTIONS_OK                                                             \
	{                                                                      \
		.struct_size = sizeof(struct modiso_region_options)            \
	}
	{"length 0", 0, RW, OPTIONS_OK},
	{"length wraps", SIZE_MAX, RW, OPTIONS_OK},
	{"length wraps by one", SIZE_MAX - PAGE + 2, RW, OPTIONS_OK},
	{"no access", PAGE, 0, OPTIONS_OK},
	{"write only", PAGE, MODISO_WRITE, OPTIONS_OK},
	{"execute only", PAGE, MODISO_EXEC, OPTIONS_OK},
	{"executable", PAGE, RX, OPTIONS_OK},
	{"write and execute", PAGE, RW | MODISO_EXEC, OPTIONS_OK},
	{"unknown access", PAGE, RW | 8, OPTIONS_OK},
	{"size 0", PAGE, RW, {.struct_size = 0}},
	{"size 4", PAGE, RW, {.struct_size = 4}},
	{"flag",
	 PAGE,
	 RW,
	 {.struct_size = sizeof(struct modiso_region_options),
	  .flags = 1u << 2}},
	{"flags",
	 PAGE,
	 RW,
	 {.struct_size = sizeof(struct modiso_region_options),
	  .flags = 1u << 31}},
	{"becomes write only",
	 PAGE,
	 RW,
	 {.struct_size = sizeof(struct modiso_region_options),
	  .becomes = MODISO_WRITE}},
	{"becomes unknown",
	 PAGE,
	 RW,
	 {.struct_size = sizeof(struct modiso_region_options), .becomes = 8}},
};

#define WRONG_CREATE ((int)(sizeof(wrong_create) / sizeof(*wrong_create)))

START_TEST(test_wrong_create)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = UNTOUCHED;

	expect_code((errno = ERRNO_MARK,
		     modiso_region_create(module, wrong_create[_i].length,
					  wrong_create[_i].access,
					  &wrong_create[_i].options, &region)),
		    MODISO_ERR_INVAL, wrong_create[_i].name, __FILE__,
		    __LINE__);
	expect_code((errno = ERRNO_MARK,
		     modiso_region_create(NULL, wrong_create[_i].length,
					  wrong_create[_i].access,
					  &wrong_create[_i].options, &region)),
		    MODISO_ERR_INVAL, wrong_create[_i].name, __FILE__,
		    __LINE__);
	must_eq(region, UNTOUCHED);
	expect(MODISO_ERR_INVAL,
	       modiso_region_create(module, PAGE, RW, NULL, NULL));
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

/* The range of a module is as large as was asked for, and no larger. */
START_TEST(test_range_limit)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.range_size = 1 << 20,
	};
	struct modiso_region *region = NULL, *last = NULL;
	struct modiso_module *module;
	size_t count = 0;
	int code;

	world_start();
	expect(MODISO_OK, modiso_module_create("small", &options, &module));
	expect(MODISO_ERR_LIMIT,
	       modiso_region_create(module, (1 << 20) + 1, RW, NULL, &region));
	must_eq(region, NULL);
	for (;;) {
		errno = ERRNO_MARK;
		code = modiso_region_create(module, 4 * PAGE, RW, NULL,
					    &region);
		if (code)
			break;
		last = region;
		memset(region_bytes(region), 1, 4 * PAGE);
		must(++count <= (1 << 20) / (4 * PAGE));
	}
	expect_code(code, MODISO_ERR_LIMIT, "modiso_region_create", __FILE__,
		    __LINE__);
	must(strpbrk(modiso_last_error_text(), "0123456789"));
	must(count >= 8);
	/* What one gives back another can have, zeroed again. */
	expect(MODISO_OK, modiso_region_destroy(last));
	region = make_region(module, 4 * PAGE, "again");
	must(all_bytes(region_bytes(region), 0, 4 * PAGE));
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

/* Room for @more bytes of data beyond what the process has (a sanitizer: TB) */
static void limit_data(rlim_t more)
{
	rlim_t now = (rlim_t)proc_status("VmData") << 10;
	const struct rlimit limit = {now + more, now + more};

	must(!setrlimit(RLIMIT_DATA, &limit));
}

/* More memory than the kernel gives: its errno, and nothing half-made. */
START_TEST(test_kernel_refuses)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region = UNTOUCHED;
	struct proc_usage before = proc_usage();
	int i;

	limit_data(32 << 20);
	for (i = 0; i < 3; i++) {
		expect(MODISO_ERR_OS,
		       modiso_region_create(i ? module : NULL, 256 << 20, RW,
					    NULL, &region));
		must_eq(errno, ENOMEM);
		must_eq(region, UNTOUCHED);
	}
	proc_must_not_grow(&before, 0, 1024);
	/* What fits is still to be had. */
	region = make_region(module, PAGE, "small");
	must_allow(module, region_bytes(region));
	expect(MODISO_OK, modiso_module_destroy(module));
	world_stop();
}
END_TEST

/* The host's guarded regions have a range as well: never a crash, a code. */
START_TEST(test_huge)
{
	struct modiso_region *region = UNTOUCHED;

	world_start();
	errno = ERRNO_MARK;
	if (modiso_region_create(NULL, (size_t)1 << 50, RW, NULL, &region) !=
	    MODISO_ERR_LIMIT)
		expect(MODISO_ERR_OS,
		       modiso_region_create(NULL, (size_t)1 << 50, RW, NULL,
					    &region));
	must_eq(region, UNTOUCHED);
	world_stop();
}
END_TEST

START_TEST(test_find)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_REGION_NODUMP,
		.name = "found",
	};
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	struct modiso_module *module = world_module();
	struct modiso_region *region;
	unsigned char *bytes;
	size_t i;

	expect(MODISO_OK,
	       modiso_region_create(module, 5900, RW, &options, &region));
	bytes = region_bytes(region);
	for (i = 0; i < 2 * PAGE; i += 1023) {
		memset(&info, 0xa5, sizeof(info));
		info.struct_size = sizeof(info);
		expect(MODISO_OK, modiso_region_find(bytes + i, &info));
		must_eq(info.region, region);
	}
	expect(MODISO_OK, modiso_region_find(bytes + 2 * PAGE - 1, &info));
	must_eq(info.struct_size, sizeof(info));
	must_eq(info.access, RW);
	must_eq(info.base, bytes);
	must_eq(info.length, 2 * PAGE);
	must_eq(info.owner, module);
	must_eq(info.region, region);
	must_eq(info.flags, MODISO_REGION_NODUMP);
	must_eq(info.adopted, 0);
	must_str(info.name, "found");
	expect(MODISO_ERR_NOENT, modiso_region_find(bytes - 1, &info));
	expect(MODISO_ERR_NOENT, modiso_region_find(bytes + 2 * PAGE, &info));
	expect(MODISO_ERR_NOENT, modiso_region_find(NULL, &info));
	expect(MODISO_ERR_NOENT, modiso_region_find((void *)-1, &info));
	expect(MODISO_ERR_NOENT, modiso_region_find(&info, &info));
	expect(MODISO_ERR_INVAL, modiso_region_find(bytes, NULL));
	expect(MODISO_ERR_INVAL, modiso_region_get_info(region, NULL));
	expect(MODISO_ERR_INVAL, modiso_region_get_info(NULL, &info));
	info.struct_size = 0;
	expect(MODISO_ERR_INVAL, modiso_region_find(bytes, &info));
	info.struct_size = sizeof(info) - 1;
	expect(MODISO_ERR_INVAL, modiso_region_get_info(region, &info));
}
END_TEST

/* A module's stack can be looked up, and nothing else be done with it. */
START_TEST(test_stack_stays)
{
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	struct modiso_module *module = world_module(), *other;
	struct modiso_gate *gate = make_gate(module, poke_local);

	other = make_module("other");
	expect(MODISO_OK, modiso_region_find((void *)enter(gate, 0), &info));
	must_eq(info.owner, module);
	expect(MODISO_ERR_BUSY, modiso_region_destroy(info.region));
	expect(MODISO_ERR_BUSY, modiso_region_protect(info.region, RX));
	expect(MODISO_ERR_BUSY,
	       modiso_region_protect(info.region, MODISO_READ));
	expect(MODISO_ERR_BUSY,
	       modiso_region_grant(info.region, other, MODISO_READ));
	must(strstr(modiso_last_error_text(), "stack"));
	enter(gate, 0);
}
END_TEST

/* Many regions, in no order: each address finds its own. */
START_TEST(test_find_many)
{
	enum { REGIONS = 400 };
	static struct modiso_region *regions[REGIONS];
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	struct modiso_module *modules[3];
	struct modiso_region *region;
	int i, j;

	world_start();
	modules[0] = NULL;
	modules[1] = make_module("one");
	modules[2] = make_module("two");
	for (i = 0; i < REGIONS; i++)
		regions[i] = make_region(modules[i % 3],
					 PAGE * (size_t)(i % 4 + 1), "many");
	for (i = 0; i < REGIONS; i += 2) {
		expect(MODISO_OK, modiso_region_destroy(regions[i]));
		regions[i] = NULL;
	}
	for (i = 0; i < REGIONS; i++) {
		region = regions[i];
		if (!region)
			continue;
		for (j = 0; j < 2; j++) {
			expect(MODISO_OK,
			       modiso_region_find(
				       region_bytes(region) +
					       (j ? modiso_region_length(
							    region) -
								1
						  : 0),
				       &info));
			must_eq(info.region, region);
			must_eq(info.owner, modules[i % 3]);
		}
	}
}
END_TEST

START_TEST(test_nodump)
{
	struct modiso_region_options options = {
		.struct_size = sizeof(options),
		.flags = MODISO_REGION_NODUMP,
	};
	struct modiso_module *module = world_module();
	struct modiso_region *region,
		*plain = make_region(module, PAGE, "dump");
	struct proc_mapping mapping;

	expect(MODISO_OK,
	       modiso_region_create(module, PAGE, RW, &options, &region));
	must(proc_mapping(region_bytes(region), &mapping));
	must(strstr(mapping.flags, "dd"));
	must(proc_mapping(region_bytes(plain), &mapping));
	must(!strstr(mapping.flags, "dd"));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("region_create");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_wrong_create, 0, WRONG_CREATE);
	tcase_add_test(tcase, test_range_limit);
	tcase_add_test(tcase, test_kernel_refuses);
	tcase_add_test(tcase, test_huge);
	tcase_add_test(tcase, test_find);
	tcase_add_test(tcase, test_stack_stays);
	tcase_add_test(tcase, test_find_many);
	tcase_add_test(tcase, test_nodump);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
