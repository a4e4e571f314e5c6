/* SPDX-License-Identifier: MIT */
/*
 * contract_image_mdwe - images where no memory may become executable
 * (PR_SET_MDWE, Linux 6.3): with protection keys as anywhere else, otherwise a
 * refusal that says why.
 */
#include "contract/image_maker.h"
#include "support/elf.h"
#include "support/proc.h"
#include "support/world.h"

#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>

#ifndef PR_SET_MDWE
#define PR_SET_MDWE 65
#endif

/* Older kernels have no such policy: there images are what they always were. */
static bool denied;

static void deny_code(void)
{
	char *page;

	denied = prctl(PR_SET_MDWE, 1, 0, 0, 0) == 0;
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(page != MAP_FAILED);
	must(!denied == !mprotect(page, PAGE, PROT_READ | PROT_EXEC));
	munmap(page, PAGE);
}

/* Is it so that an image can be loaded all the same? */
static bool begin_denied(void)
{
	deny_code();
	begin();
	return !denied || on_pkey();
}

static void must_work(struct modiso_image *image)
{
	const Elf64_Phdr *code = &elf.program[ELF_CODE];
	struct modiso_gate *call = gate_to(image, "call");
	size_t findings = 0;

	must_eq(enter(call, 6), 7);
	must_map_as(at(image, code->p_vaddr), code->p_memsz, "r-x");
	must_fault(gate_to(image, "store1"), at(image, code->p_vaddr), 1);
	must(!proc_writable_code());
	expect(MODISO_OK, modiso_audit(NULL, 0, &findings));
	must_eq(findings, 0);
}

START_TEST(loads)
{
	struct proc_usage before, after;
	struct modiso_image *image = NULL;

	if (!begin_denied()) {
		expect(MODISO_ERR_OS, load_code(&image));
		must(strstr(modiso_last_error_text(), "PR_SET_MDWE") != NULL);
		finish();
		return;
	}
	before = proc_usage();
	must_work(load());
	after = proc_usage();
	must_eq(after.fds, before.fds);
	finish();
}
END_TEST

/* What is refused is refused, and leaves no descriptor behind. */
START_TEST(scans)
{
	unsigned char *code;
	struct modiso_image *image = NULL;
	struct proc_usage before;
	bool can = begin_denied();

	code = elf.bytes + elf.program[ELF_CODE].p_offset;
	memcpy(code + elf.program[ELF_CODE].p_filesz - 3, "\x0f\x01\xef", 3);
	before = proc_usage();
	expect(MODISO_ERR_GADGET, load_code(&image));
	must_eq(proc_usage().fds, before.fds);
	must(!can || image == NULL);
	finish();
}
END_TEST

MODULE_CODE static uintptr_t next(uintptr_t value)
{
	return value + 1;
}

/* A key is taken away and given back: that changes no page's protection. */
START_TEST(many)
{
	struct modiso_module *other[20];
	struct modiso_gate *call;

	if (!begin_denied()) {
		finish();
		return;
	}
	call = gate_to(load(), "call");
	for (int i = 0; i < 20; i++) {
		other[i] = make_module("other");
		must_eq(enter(make_gate(other[i], next), 1), 2);
	}
	must_eq(enter(call, 6), 7);
	for (int i = 0; i < 20; i++)
		expect(MODISO_OK, modiso_module_destroy(other[i]));
	finish();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image_mdwe");
	TCase *tcase = tcase_create("image");

	tcase_add_test(tcase, loads);
	tcase_add_test(tcase, scans);
	tcase_add_test(tcase, many);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
