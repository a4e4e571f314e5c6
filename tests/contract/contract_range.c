/* SPDX-License-Identifier: MIT */
/*
 * contract_range - what a host does with a pointer that a module handed it:
 * ask first, copy once, and survive what the module does to the bytes.
 */
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct modiso_module *module, *other;
static struct modiso_region *data, *constants, *program, *others, *hosts;

static void make_scene(void)
{
	module = world_module();
	other = make_module("other");
	data = make_region(module, 5900, "data");
	constants = make_region(module, PAGE, "constants");
	expect(MODISO_OK, modiso_region_protect(constants, MODISO_READ));
	program = make_region(module, PAGE, "program");
	expect(MODISO_OK, modiso_region_protect(program, RX));
	others = make_region(other, PAGE, "other's");
	hosts = make_region(NULL, PAGE, "host's");
}

/*
 * Pages of @owners in a row, each a region of its own, between one page at
 * either end that is in no region.
 */
static unsigned char *make_row(struct modiso_module *const *owners,
			       size_t count)
{
	unsigned char *pages =
		pages_map(count + 2, PROT_READ | PROT_WRITE) + PAGE;
	struct modiso_region *region;
	size_t i;

	for (i = 0; i < count; i++)
		expect(MODISO_OK,
		       modiso_region_adopt(owners[i], pages + i * PAGE, PAGE,
					   RW, NULL, &region));
	return pages;
}

static int check(const void *address, size_t length, uint32_t access)
{
	return modiso_range_check(module, address, length, access);
}

START_TEST(test_check)
{
	const unsigned char *bytes;

	make_scene();
	bytes = region_bytes(data);
	expect(MODISO_OK, check(bytes, 1, MODISO_READ));
	expect(MODISO_OK, check(bytes, 2 * PAGE, RW));
	expect(MODISO_OK, check(bytes + 2 * PAGE - 1, 1, RW));
	expect(MODISO_ERR_ACCESS, check(bytes, 1, RX));
	bytes = region_bytes(constants);
	expect(MODISO_OK, check(bytes, PAGE, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(bytes, 1, RW));
	expect(MODISO_ERR_ACCESS, check(bytes, 1, RX));
	bytes = region_bytes(program);
	expect(MODISO_OK, check(bytes, PAGE, MODISO_READ));
	expect(MODISO_OK, check(bytes, PAGE, RX));
	expect(MODISO_ERR_ACCESS, check(bytes, 1, RW));
	expect(MODISO_ERR_ACCESS, check(region_bytes(others), 1, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(region_bytes(hosts), 1, MODISO_READ));
	/* Open to the module, but nobody's region: not what it was given. */
	expect(MODISO_ERR_ACCESS, check(&bytes, 1, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(NULL, 1, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(poke_load1, 1, MODISO_READ));
	/* A region with nobody's pages on both sides. */
	bytes = make_row((struct modiso_module *[]){module}, 1);
	expect(MODISO_OK, check(bytes, PAGE, RW));
	expect(MODISO_ERR_ACCESS, check(bytes + PAGE - 1, 2, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(bytes - 1, 1, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(bytes - 1, 2, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(bytes, PAGE + 1, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(bytes + PAGE, 1, MODISO_READ));
}
END_TEST

START_TEST(test_check_wraps)
{
	const unsigned char *bytes;
	const void *last = (const void *)UINTPTR_MAX;

	make_scene();
	bytes = region_bytes(data);
	expect(MODISO_ERR_ACCESS, check(bytes, SIZE_MAX, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(bytes + 1, SIZE_MAX, MODISO_READ));
	expect(MODISO_ERR_ACCESS,
	       check(bytes + 16, (size_t)0 - W(bytes), MODISO_READ));
	/* Round the world and back into the region. */
	expect(MODISO_ERR_ACCESS, check(bytes + 16, (size_t)-8, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(bytes, (size_t)1 << 63, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(last, 1, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(last, 2, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(NULL, SIZE_MAX, MODISO_READ));
}
END_TEST

START_TEST(test_check_nothing)
{
	make_scene();
	expect(MODISO_OK, check(NULL, 0, MODISO_READ));
	expect(MODISO_OK, check((const void *)UINTPTR_MAX, 0, RW));
	expect(MODISO_OK, check(region_bytes(others), 0, RX));
}
END_TEST

START_TEST(test_wrong_arguments)
{
	static const uint32_t wrong[] = {0,
					 MODISO_WRITE,
					 MODISO_EXEC,
					 MODISO_WRITE | MODISO_EXEC,
					 RW | MODISO_EXEC,
					 8,
					 RW | 8};
	char text[8] = "text";
	unsigned char *bytes;
	size_t i, length = 99;

	make_scene();
	bytes = region_bytes(data);
	for (i = 0; i < sizeof(wrong) / sizeof(*wrong); i++)
		expect(MODISO_ERR_INVAL, check(bytes, 1, wrong[i]));
	expect(MODISO_ERR_INVAL,
	       modiso_range_check(NULL, bytes, 1, MODISO_READ));
	expect(MODISO_ERR_INVAL, modiso_copy_in(NULL, text, bytes, 1));
	expect(MODISO_ERR_INVAL, modiso_copy_in(module, NULL, bytes, 1));
	expect(MODISO_ERR_INVAL, modiso_copy_out(NULL, bytes, text, 1));
	expect(MODISO_ERR_INVAL, modiso_copy_out(module, bytes, NULL, 1));
	expect(MODISO_OK, modiso_copy_in(module, NULL, bytes, 0));
	expect(MODISO_OK, modiso_copy_out(module, bytes, NULL, 0));
	expect(MODISO_OK, modiso_copy_in(module, text, NULL, 0));
	expect(MODISO_ERR_INVAL,
	       modiso_strnlen(NULL, (char *)bytes, 1, &length));
	expect(MODISO_ERR_INVAL,
	       modiso_strnlen(module, (char *)bytes, 1, NULL));
	expect(MODISO_ERR_INVAL,
	       modiso_strnlen(module, (char *)bytes, 0, &length));
	must_eq(length, 99);
}
END_TEST

/* From one region of the module into the next, and no further. */
START_TEST(test_across)
{
	struct modiso_module *owners[4];
	char buffer[3 * 4096];
	unsigned char *row;
	size_t length;

	make_scene();
	owners[0] = owners[1] = module;
	owners[2] = other;
	owners[3] = module;
	row = make_row(owners, 4);
	memset(row, 'a', 4 * PAGE);
	expect(MODISO_OK, check(row, 2 * PAGE, RW));
	expect(MODISO_OK, check(row + PAGE - 1, 2, RW));
	expect(MODISO_ERR_ACCESS, check(row, 2 * PAGE + 1, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(row + PAGE, 3 * PAGE, MODISO_READ));
	expect(MODISO_ERR_ACCESS, check(row + 3 * PAGE - 1, 2, MODISO_READ));
	expect(MODISO_OK, check(row + 3 * PAGE, PAGE, RW));
	expect(MODISO_OK,
	       modiso_copy_in(module, buffer, row + 1, 2 * PAGE - 1));
	expect(MODISO_ERR_ACCESS,
	       modiso_copy_in(module, buffer, row + 1, 2 * PAGE));
	expect(MODISO_ERR_ACCESS,
	       modiso_copy_out(module, row + 1, buffer, 2 * PAGE));
	/* The string runs to the border and over it. */
	expect(MODISO_ERR_ACCESS,
	       modiso_strnlen(module, (char *)row + 5, 4 * PAGE, &length));
	row[2 * PAGE - 1] = 0;
	expect(MODISO_OK,
	       modiso_strnlen(module, (char *)row + 5, 4 * PAGE, &length));
	must_eq(length, 2 * PAGE - 6);
	/* One that stops before it asks no more. */
	expect(MODISO_OK,
	       modiso_strnlen(module, (char *)row + 5, SIZE_MAX, &length));
	row[2 * PAGE - 1] = 'a';
	expect(MODISO_ERR_LIMIT,
	       modiso_strnlen(module, (char *)row, 2 * PAGE, &length));
	expect(MODISO_ERR_LIMIT,
	       modiso_strnlen(module, (char *)row, 1, &length));
	expect(MODISO_ERR_ACCESS,
	       modiso_strnlen(module, (char *)row + 2 * PAGE, 1, &length));
	expect(MODISO_ERR_ACCESS, modiso_strnlen(module, NULL, PAGE, &length));
	expect(MODISO_ERR_ACCESS,
	       modiso_strnlen(module, (char *)UINTPTR_MAX, PAGE, &length));
}
END_TEST

START_TEST(test_copies)
{
	static const size_t lengths[] = {1,   2,    3,    7,    8,    9,
					 15,  16,   17,   63,   64,   65,
					 255, 4095, 4096, 4097, 5000, 8192};
	static unsigned char from[8192], to[8192 + 16];
	unsigned char *bytes;
	size_t i, j;

	make_scene();
	bytes = region_bytes(data);
	for (i = 0; i < sizeof(from); i++)
		from[i] = (unsigned char)(i * 7 + i / 256);
	for (i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		memset(bytes, 0xee, 2 * PAGE);
		memset(to, 0xdd, sizeof(to));
		expect(MODISO_OK,
		       modiso_copy_out(module, bytes, from, lengths[i]));
		must(!memcmp(bytes, from, lengths[i]));
		must(all_bytes(bytes + lengths[i], 0xee,
			       2 * PAGE - lengths[i]));
		expect(MODISO_OK,
		       modiso_copy_in(module, to + 3, bytes, lengths[i]));
		must(!memcmp(to + 3, from, lengths[i]));
		must(all_bytes(to, 0xdd, 3));
		must(all_bytes(to + 3 + lengths[i], 0xdd,
			       sizeof(to) - 3 - lengths[i]));
	}
	/* What is refused is not begun. */
	memset(to, 0xdd, sizeof(to));
	bytes = make_row((struct modiso_module *[]){module}, 1);
	expect(MODISO_ERR_ACCESS, modiso_copy_in(module, to, bytes, PAGE + 1));
	expect(MODISO_ERR_ACCESS, modiso_copy_in(module, to, bytes - 1, PAGE));
	expect(MODISO_ERR_ACCESS,
	       modiso_copy_in(module, to, region_bytes(others), 8));
	expect(MODISO_ERR_ACCESS,
	       modiso_copy_in(module, to, region_bytes(hosts), 8));
	expect(MODISO_ERR_ACCESS, modiso_copy_in(module, to, from, 8));
	must(all_bytes(to, 0xdd, sizeof(to)));
	memset(region_bytes(others), 0x12, PAGE);
	memset(region_bytes(hosts), 0x12, PAGE);
	expect(MODISO_ERR_ACCESS,
	       modiso_copy_out(module, region_bytes(others), from, 8));
	expect(MODISO_ERR_ACCESS,
	       modiso_copy_out(module, region_bytes(hosts), from, 8));
	expect(MODISO_ERR_ACCESS,
	       modiso_copy_out(module, region_bytes(constants), from, 8));
	expect(MODISO_ERR_ACCESS,
	       modiso_copy_out(module, region_bytes(program), from, 8));
	expect(MODISO_ERR_ACCESS, modiso_copy_out(module, to, from, 8));
	must(all_bytes(region_bytes(others), 0x12, PAGE));
	must(all_bytes(region_bytes(hosts), 0x12, PAGE));
	must(all_bytes(to, 0xdd, sizeof(to)));
	for (j = 0; j < PAGE; j += 333)
		expect(MODISO_OK,
		       modiso_copy_in(module, to, region_bytes(constants) + j,
				      1));
}
END_TEST

/* A pointer to the module's own stack is as good as one to its region. */
static uintptr_t (MODISO_CALL *volatile service)(char *text, uintptr_t far);
static int stack_codes[5];
static char stack_text[16];

MODISO_CALL static uintptr_t use_stack(char *text, uintptr_t far)
{
	size_t length = 0;

	stack_codes[0] = modiso_range_check(module, text, 16, RW);
	stack_codes[1] = modiso_copy_in(module, stack_text, text, 16);
	stack_codes[2] = modiso_strnlen(module, text, 16, &length);
	stack_codes[3] = modiso_copy_out(module, text, "reply", 6);
	stack_codes[4] = modiso_range_check(module, text - far, 1, MODISO_READ);
	return length;
}

MODULE_CODE static uintptr_t on_stack(void)
{
	char text[16] = "request";
	uintptr_t length = service(text, 65536);

	return text[0] == 'r' && text[3] == 'l' && text[5] == 0 ? length : 0;
}

static void *enters_too(void *gate)
{
	must_eq(enter(gate, 0), 7);
	return NULL;
}

START_TEST(test_stack)
{
	const unsigned char *bytes;
	struct modiso_gate *gate;
	pthread_t thread;
	int i;

	make_scene();
	service = (CALLED(uintptr_t, char *, uintptr_t))
		make_service("s", use_stack);
	gate = make_gate(module, on_stack);
	must_eq(enter(gate, 0), 7);
	must_str(stack_text, "request");
	for (i = 0; i < 4; i++)
		must_eq(stack_codes[i], MODISO_OK);
	/* Below its 64 KiB is the guard page, and none of it. */
	must_eq(stack_codes[4], MODISO_ERR_ACCESS);
	must(strstr(modiso_last_error_text(), "guard page of a stack of "));
	/* Another thread's is the end of the region in front of it, too. */
	bytes = region_bytes(make_region(module, PAGE, "below"));
	must_eq(pthread_create(&thread, NULL, enters_too, gate), 0);
	must_eq(pthread_join(thread, NULL), 0);
	expect(MODISO_ERR_ACCESS, check(bytes + PAGE - 1, 2, MODISO_READ));
	must(strstr(modiso_last_error_text(), "byte 1 of 2 at "));
	must(strstr(modiso_last_error_text(), "guard page of a stack of "));
	must(strstr(modiso_last_error_text(), ", 0 bytes past the end of its "
					      "region below"));
}
END_TEST

START_TEST(test_destroyed_region)
{
	struct modiso_region *region;
	unsigned char *bytes;
	size_t length;
	char byte;

	make_scene();
	region = make_region(module, PAGE, "gone");
	bytes = region_bytes(region);
	expect(MODISO_OK, check(bytes, PAGE, RW));
	expect(MODISO_OK, modiso_region_destroy(region));
	expect(MODISO_ERR_ACCESS, check(bytes, 1, MODISO_READ));
	expect(MODISO_ERR_ACCESS, modiso_copy_in(module, &byte, bytes, 1));
	expect(MODISO_ERR_ACCESS,
	       modiso_strnlen(module, (char *)bytes, 1, &length));
}
END_TEST

/* --- bytes that go away --- */

static unsigned char *file_pages;
static int file = -1;

static void adopt_file(size_t pages)
{
	struct modiso_region *region;

	file = memfd_create("file", MFD_CLOEXEC);
	must(file >= 0 && !ftruncate(file, (off_t)(pages * PAGE)));
	file_pages = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE,
			  MAP_SHARED, file, 0);
	must(file_pages != MAP_FAILED);
	memset(file_pages, 'x', pages * PAGE);
	expect(MODISO_OK, modiso_region_adopt(module, file_pages, pages * PAGE,
					      RW, NULL, &region));
}

START_TEST(test_truncated)
{
	static char buffer[4 * 4096];
	size_t length;

	make_scene();
	adopt_file(4);
	must(!ftruncate(file, 2 * PAGE));
	expect(MODISO_OK, modiso_copy_in(module, buffer, file_pages, 2 * PAGE));
	expect(MODISO_ERR_FAULT,
	       modiso_copy_in(module, buffer, file_pages + 1, 2 * PAGE));
	expect(MODISO_ERR_FAULT,
	       modiso_copy_in(module, buffer, file_pages + 2 * PAGE, 1));
	expect(MODISO_ERR_FAULT,
	       modiso_copy_out(module, file_pages + 1, buffer, 2 * PAGE));
	expect(MODISO_ERR_FAULT,
	       modiso_strnlen(module, (char *)file_pages + PAGE, 2 * PAGE,
			      &length));
	expect(MODISO_OK,
	       modiso_copy_out(module, file_pages, buffer, 2 * PAGE));
	/* No module's fault was it. */
	must_eq(modiso_fault_count(), 0);
}
END_TEST

START_TEST(test_unmapped)
{
	unsigned char *pages = pages_map(3, PROT_READ | PROT_WRITE);
	struct modiso_region *region;
	char buffer[4096];
	size_t length;

	make_scene();
	memset(pages, 'x', 3 * PAGE);
	expect(MODISO_OK,
	       modiso_region_adopt(module, pages, 3 * PAGE, RW, NULL, &region));
	/* Against the rules, but no reason to crash. */
	pages_unmap(pages + PAGE, 1);
	expect(MODISO_OK, modiso_copy_in(module, buffer, pages, PAGE));
	expect(MODISO_ERR_FAULT,
	       modiso_copy_in(module, buffer, pages + 1, PAGE));
	expect(MODISO_ERR_FAULT,
	       modiso_copy_out(module, pages + PAGE, buffer, 1));
	expect(MODISO_ERR_FAULT,
	       modiso_strnlen(module, (char *)pages + 7, PAGE, &length));
	expect(MODISO_OK,
	       modiso_copy_out(module, pages + 2 * PAGE, buffer, PAGE));
}
END_TEST

static atomic_bool shrinking_done;

static void *shrink_and_grow(void *unused)
{
	while (!atomic_load(&shrinking_done))
		if (ftruncate(file, PAGE) || ftruncate(file, 16 * PAGE))
			break;
	return unused;
}

/* Another thread takes the bytes away and gives them back all the while. */
START_TEST(test_race)
{
	static char buffer[16 * 4096];
	unsigned long faults = 0, copies = 0, n = run_times(3000, 100), i;
	pthread_t thread;
	size_t length;
	int code;

	make_scene();
	adopt_file(16);
	thread = thread_start(shrink_and_grow, NULL);
	for (i = 0; i < n || !faults || !copies; i++) {
		if (i % 3 == 0)
			code = modiso_copy_in(module, buffer, file_pages,
					      sizeof(buffer));
		else if (i % 3 == 1)
			code = modiso_copy_out(module, file_pages, buffer,
					       sizeof(buffer));
		else
			code = modiso_strnlen(module, (char *)file_pages,
					      sizeof(buffer), &length);
		if (code == MODISO_ERR_FAULT)
			faults++;
		else if (code == MODISO_OK || code == MODISO_ERR_LIMIT)
			copies++;
		else
			ck_abort_msg("copy: %s", modiso_error_name(code));
	}
	atomic_store(&shrinking_done, true);
	thread_join(thread);
	must_eq(modiso_fault_count(), 0);
}
END_TEST

/* The host's side is the caller's word. */
static void copy_to_null(void *bytes)
{
	(void)!modiso_copy_in(module, (void *)64, bytes, 8);
}

static void copy_from_null(void *bytes)
{
	(void)!modiso_copy_out(module, bytes, (void *)64, 8);
}

START_TEST(test_host_side_faults)
{
	make_scene();
	must_die(child_status(copy_to_null, region_bytes(data)), SIGSEGV);
	must_die(child_status(copy_from_null, region_bytes(data)), SIGSEGV);
}
END_TEST

/* Guarded host memory is a fine place to copy from and to. */
START_TEST(test_guarded_host_side)
{
	unsigned char *bytes;
	int i;

	make_scene();
	bytes = region_bytes(hosts);
	for (i = 0; i < 3; i++) {
		memset(bytes, 'h', PAGE);
		must_eq(enter(make_gate(module, poke_load1),
			      W(region_bytes(data))),
			i ? 'h' : 0);
		expect(MODISO_OK, modiso_copy_out(module, region_bytes(data),
						  bytes, PAGE));
		memset(bytes, 0, PAGE);
		expect(MODISO_OK,
		       modiso_copy_in(module, bytes, region_bytes(data), PAGE));
		must(all_bytes(bytes, 'h', PAGE));
	}
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("range");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_check);
	tcase_add_test(tcase, test_check_wraps);
	tcase_add_test(tcase, test_check_nothing);
	tcase_add_test(tcase, test_wrong_arguments);
	tcase_add_test(tcase, test_across);
	tcase_add_test(tcase, test_copies);
	tcase_add_test(tcase, test_stack);
	tcase_add_test(tcase, test_destroyed_region);
	tcase_add_test(tcase, test_truncated);
	tcase_add_test(tcase, test_unmapped);
	tcase_add_test(tcase, test_race);
	tcase_add_test(tcase, test_host_side_faults);
	tcase_add_test(tcase, test_guarded_host_side);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
