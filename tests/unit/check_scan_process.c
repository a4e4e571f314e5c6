/* SPDX-License-Identifier: MIT */
/*
 * check_scan_process - all that a process can execute, its own and another's.
 */
#include "support/proc.h"
#include "support/test.h"

#include <modiso.h>

#include <check.h>
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static const uint8_t bad[] = {0x90, 0x0f, 0x01, 0xef, 0xc3};

struct wanted {
	uint64_t address;
	uint32_t found, others, objects;
};

static int on_hit(const struct modiso_scan_hit *hit, void *arg)
{
	struct wanted *wanted = arg;

	ck_assert(hit->struct_size >= sizeof(*hit) && hit->file != NULL);
	if (hit->address == wanted->address) {
		ck_assert(hit->kind == MODISO_SCAN_WRPKRU);
		ck_assert(!strcmp(hit->file, "[anonymous]"));
		ck_assert(hit->length == 3 && hit->symbol == NULL);
		wanted->found++;
		return 0;
	}
	wanted->others++;
	wanted->objects += hit->file[0] == '/' && hit->section != NULL;
	return 0;
}

static void *make_bad(int prot)
{
	uint8_t *code = pages_map(1, PROT_READ | PROT_WRITE);

	memcpy(code, bad, sizeof(bad));
	ck_assert(!mprotect(code, 4096, prot));
	return code;
}

static void scan(uint32_t pid, void *code)
{
	struct modiso_scan_info info = MODISO_SCAN_INFO_INIT;
	struct wanted wanted = {.address = (uintptr_t)code + 1};

	ck_assert(modiso_scan_process(pid, MODISO_SCAN_PKRU, on_hit, &wanted,
				      &info) == MODISO_ERR_GADGET);
	ck_assert(wanted.found == 1);
	ck_assert(info.hit_count == wanted.found + wanted.others);
	ck_assert(info.segment_count > 2 && info.bytes > 100000);
	/* The dynamic linker's, at least. */
	ck_assert(wanted.objects > 0);
}

START_TEST(test_own)
{
	void *code = make_bad(PROT_READ | PROT_EXEC);

	scan(0, code);
	scan((uint32_t)getpid(), code);
	pages_unmap(code, 1);
}
END_TEST

/* What the process itself may not read as well. */
START_TEST(test_execute_only)
{
	void *code = make_bad(PROT_EXEC);

	scan(0, code);
	pages_unmap(code, 1);
}
END_TEST

START_TEST(test_writable)
{
	struct modiso_scan_info before = MODISO_SCAN_INFO_INIT, info = before;
	void *code;
	int result;

	result = modiso_scan_process(0, MODISO_SCAN_XRSTORS, on_hit,
				     &(struct wanted){0}, &before);
	ck_assert(result == 0 || result == MODISO_ERR_GADGET);
	code = make_bad(PROT_READ | PROT_WRITE | PROT_EXEC);
	result = modiso_scan_process(0, MODISO_SCAN_XRSTORS, on_hit,
				     &(struct wanted){0}, &info);
	ck_assert(result == 0 || result == MODISO_ERR_GADGET);
	ck_assert(info.writable_count == before.writable_count + 1);
	pages_unmap(code, 1);
}
END_TEST

START_TEST(test_another)
{
	void *code = make_bad(PROT_READ | PROT_EXEC);
	pid_t child = fork();

	if (child == 0)
		for (;;)
			pause();
	pages_unmap(code, 1);
	scan((uint32_t)child, code);
	kill(child, SIGKILL);
	ck_assert(waitpid(child, NULL, 0) == child);
	/* It is no more. */
	ck_assert(modiso_scan_process((uint32_t)child, MODISO_SCAN_PKRU, NULL,
				      NULL, NULL) == MODISO_ERR_OS);
	ck_assert(errno == ENOENT);
}
END_TEST

START_TEST(test_first)
{
	void *code = make_bad(PROT_READ | PROT_EXEC);

	errno = 77;
	ck_assert(modiso_scan_process(0, MODISO_SCAN_WRPKRU, NULL, NULL,
				      NULL) == MODISO_ERR_GADGET);
	ck_assert(strstr(modiso_last_error_text(), "wrpkru (0f 01 ef)"));
	ck_assert(errno == 77);
	ck_assert(modiso_scan_process(0, 0, NULL, NULL, NULL) ==
		  MODISO_ERR_INVAL);
	pages_unmap(code, 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("scan_process");
	TCase *tcase = tcase_create("unit");

	tcase_add_test(tcase, test_own);
	tcase_add_test(tcase, test_execute_only);
	tcase_add_test(tcase, test_writable);
	tcase_add_test(tcase, test_another);
	tcase_add_test(tcase, test_first);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ANYWHERE);
}
