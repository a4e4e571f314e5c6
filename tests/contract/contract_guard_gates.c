/* SPDX-License-Identifier: MIT */
/*
 * contract_guard_gates - a guarded module that knows the gates, jumps into them
 * and takes away what a thread is known by: the host goes on, and no system
 * call gets through.
 */
#include "contract/guard_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include "arch/arch.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* By the way out of modules that are not guarded: the host goes on. */
START_TEST(test_wrong_way_out)
{
	struct modiso_gate *gate;
	uintptr_t exit = W(mdi_gate_pkey) + mdi_gate_families[0].exit;

	make_scene();
	gate = make_gate(module, poke_jump);
	for (int i = 0; i < 100; i++) {
		enter(gate, exit);
		must(getppid() > 0);
		must_be_guarded();
	}
}
END_TEST

/*
 * Each byte of it up to the last instruction, with a module's registers. Behind
 * that comes code that ends the process on Linux before 6.12.
 */
#define LAST_INSTRUCTION 8 /* jmpq *%gs:RO_RESUME */

START_TEST(test_jump_to_resume)
{
	struct modiso_gate *gate;

	make_scene();
	gate = make_gate(module, poke_jump);
	for (uintptr_t at = W(mdi_resume);
	     at <= W(mdi_resume_end) - LAST_INSTRUCTION; at++) {
		uintptr_t result = 0, args[] = {at};
		int code = modiso_gate_call(gate, args, 1, &result);

		must(code == MODISO_ERR_FAULT || code == MODISO_OK);
		must_be_guarded();
	}
	must(all_bytes(region_bytes(hosts), 0x77, PAGE));
}
END_TEST

/*
 * What the CPU can raise, in the four bytes where the jump to mdi_gate_bad()
 * says how far it is: no thread but one that has jumped there runs them.
 */
static const struct {
	const char *code; /* four bytes */
	int signo;
} faults[] = {
	{"\x0f\x0b\x90\x90", SIGILL}, /* ud2 */
	{"\x31\xc9\xf7\xf1", SIGFPE}, /* xor %ecx, %ecx; div %ecx */
	{"\xcc\x90\x90\x90", SIGTRAP},
	{"\x0f\x05\x90\x90", SIGSYS},
	{"\xf4\x90\x90\x90", SIGSEGV}, /* hlt */
	{"\xa0\x00\x00\x00", SIGSEGV}, /* the first bytes of a load */
};

static void write_code(void *to, const char *code)
{
	void *page = (void *)(W(to) & ~(PAGE - 1));

	must(!mprotect(page, 2 * PAGE, PROT_READ | PROT_WRITE | PROT_EXEC));
	memcpy(to, code, 4);
	must(!mprotect(page, 2 * PAGE, PROT_READ | PROT_EXEC));
}

START_TEST(test_fault_in_resume)
{
	const struct modiso_fault *fault;
	struct modiso_gate *gate;
	char *at, was[4];

	make_scene();
	gate = make_gate(module, poke_jump);
	/* jne, behind the first instruction, WRPKRU and the comparison */
	at = (char *)W(mdi_resume) + 9 + 3 + 9;
	must(!memcmp(at, "\x0f\x85", 2));
	at += 2;
	memcpy(was, at, sizeof(was));
	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++) {
		write_code(at, faults[i].code);
		fault = enter_fault(module, gate, W(at));
		must_eq(fault->signo, faults[i].signo);
		must(fault->pc - W(at) < sizeof(was));
		must_be_guarded();
	}
	write_code(at, was);
	must_be_guarded();
}
END_TEST

/* The selector itself. */
START_TEST(test_selector)
{
	struct modiso_gate *load, *store;
	unsigned char *selector;

	make_scene();
	must_be_guarded();
	load = make_gate(module, poke_load1);
	store = make_gate(module, poke_store1);
	selector = &mdi_thread_open_page(mdi_thread_self())->selector;
	must_eq(*selector, MDI_SELECTOR_ALLOW);
	must_eq(enter(load, W(selector)), MDI_SELECTOR_BLOCK);
	enter_fault(module, store, W(selector), MDI_SELECTOR_ALLOW);
	must_be_guarded();
}
END_TEST

/*
 * Loading a selector, which is no forbidden instruction, sets a base: with both
 * of them gone the thread is still known, whatever ends the code.
 */
MODULE_CODE static uintptr_t lose_bases(uintptr_t fs, uintptr_t gs,
					uintptr_t number)
{
	uintptr_t result;

	__asm__ volatile("movl %k1, %%fs\n\t"
			 "movl %k2, %%gs\n\t"
			 "testl %k3, %k3\n\t"
			 "jz 1f\n\t"
			 "syscall\n"
			 "1:\tud2"
			 : "=a"(result)
			 : "r"(fs), "r"(gs), "0"(number)
			 : "rcx", "r11", "memory");
	return result;
}

static const uintptr_t selectors[][2] = {
	{0x2b, 0}, {0, 0x2b}, {0x2b, 0x2b}, {0, 0}, {3, 0x2b},
};

START_TEST(test_lose_bases)
{
	struct modiso_gate *gate, *open;

	make_scene();
	gate = make_gate(module, lose_bases);
	open = make_gate(open_module, lose_bases);
	for (size_t i = 0; i < sizeof(selectors) / sizeof(*selectors); i++) {
		must_eq(enter_fault(open_module, open, selectors[i][0],
				    selectors[i][1], 0)
				->kind,
			MODISO_FAULT_ILLEGAL);
		for (uintptr_t number = 0; number < 2; number++) {
			must_eq(enter_fault(module, gate, selectors[i][0],
					    selectors[i][1],
					    number ? SYS_getpid : 0)->kind,
				number ? MODISO_FAULT_SYSCALL
				       : MODISO_FAULT_ILLEGAL);
			must_be_guarded();
		}
	}
}
END_TEST

static void lose_them(void *gate)
{
	(void)!modiso_gate_call(gate, WORDS(0x2b, 0x2b, 0), NULL);
}

/* What is known of the thread then can be read and forged: SECURITY. */
START_TEST(test_lose_bases_beside_readonly)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_READONLY,
		.syscalls = MODISO_SYSCALLS_NONE,
	};
	struct modiso_module *reader;
	struct modiso_gate *gate;

	make_scene();
	gate = make_gate(module, lose_bases);
	must_eq(child_status(lose_them, gate), 0);
	expect(MODISO_OK, modiso_module_create("reader", &options, &reader));
	must(WIFSIGNALED(child_status(lose_them, gate)));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("guard_gates");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (guard_missing(tcase))
		return suite;
	tcase_add_test(tcase, test_wrong_way_out);
	tcase_add_test(tcase, test_jump_to_resume);
	tcase_add_test(tcase, test_fault_in_resume);
	tcase_add_test(tcase, test_selector);
	tcase_add_test(tcase, test_lose_bases);
	tcase_add_test(tcase, test_lose_bases_beside_readonly);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
