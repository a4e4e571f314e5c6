/* SPDX-License-Identifier: MIT */
/*
 * contract_far_gates - a module goes to 32-bit code by a far jump, and from
 * there to each WRPKRU of the library, whose next instruction means something
 * else there: with all rights in eax, a GS base of its own and what could come
 * after it prepared. For this the program lies below 4 GiB (-no-pie).
 */
#include "support/poke.h"
#include "support/world.h"

#include "arch/arch.h"
#include "arch/x86_64/signal.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>

#define USER32_CS 0x23

static const unsigned char wrpkru[] = {0x0f, 0x01, 0xef};

/* All below 4 GiB. */
struct low {
	struct poke_far to;
	volatile uint8_t stolen;
	uint8_t stack[1024];
};

enum { JUMP = 0, STEAL = 64 };

static struct modiso_gate *gate;
static struct low *low;
static unsigned char *code, *hosts, *zeros;

static unsigned char *low_pages(void)
{
	void *pages = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	must(pages != MAP_FAILED);
	return pages;
}

static void put32(unsigned char *at, uintptr_t value)
{
	uint32_t word = (uint32_t)value;

	must_eq(word, value);
	memcpy(at, &word, sizeof(word));
}

static void write_code(const unsigned char *target)
{
	/*
	 * mov $stack, %esp; mov $STEAL, %ebx; xor %eax, %eax; xor %ecx, %ecx;
	 * xor %edx, %edx; ljmp $USER32_CS, $target
	 */
	static const unsigned char jump[] = {
		0xbc, 0, 0, 0, 0, 0xbb, 0, 0, 0, 0, 0x31, 0xc0, 0x31,
		0xc9, 0x31, 0xd2, 0xea, 0, 0, 0, 0, USER32_CS, 0};
	/* movb hosts, %al; movb %al, stolen; ud2 */
	static const unsigned char steal[] = {0xa0, 0, 0, 0, 0, 0xa2,
					      0,    0, 0, 0, 0x0f, 0x0b};

	must(!mprotect(code, PAGE, PROT_READ | PROT_WRITE));
	memcpy(code + JUMP, jump, sizeof(jump));
	put32(code + JUMP + 1, W(low->stack + 512));
	put32(code + JUMP + 6, W(code + STEAL));
	put32(code + JUMP + 17, W(target));
	memcpy(code + STEAL, steal, sizeof(steal));
	put32(code + STEAL + 1, W(hosts));
	put32(code + STEAL + 6, W(&low->stolen));
	must(!mprotect(code, PAGE, PROT_READ | PROT_EXEC));
}

static void make_scene(void)
{
	struct modiso_module *module = world_module();
	struct modiso_region *region;

	gate = make_gate(module, poke_far_gs);
	low = (struct low *)(void *)low_pages();
	code = low_pages();
	zeros = low_pages();
	hosts = low_pages();
	hosts[0] = 0x77;
	expect(MODISO_OK,
	       modiso_region_adopt(NULL, hosts, PAGE, RW, NULL, &region));
}

static void try_jump(const unsigned char *target)
{
	write_code(target);
	low->to.offset = (uint32_t)W(code + JUMP);
	low->to.selector = USER32_CS;
	low->stolen = 0;
	expect(MODISO_ERR_FAULT,
	       modiso_gate_call(gate, WORDS(W(&low->to), W(zeros)), NULL));
	must_eq(low->stolen, 0);
}

static unsigned try_all(const unsigned char *at, const unsigned char *end)
{
	unsigned count = 0;

	for (; at + sizeof(wrpkru) <= end; at++)
		if (!memcmp(at, wrpkru, sizeof(wrpkru))) {
			try_jump(at);
			count++;
		}
	return count;
}

START_TEST(test_gates)
{
	if (W(__start_mdi_gate_text) >> 32 != 0)
		test_skip("-no-pie", "the program lies above 4 GiB");
	make_scene();
	must(try_all((const unsigned char *)__start_mdi_gate_text,
		     (const unsigned char *)__stop_mdi_gate_text) >= 8);
}
END_TEST

START_TEST(test_signal_entries)
{
	static void (*const entries[])(int, siginfo_t *, void *) = {
		mdi_signal_pkey, mdi_async_pkey};
	const unsigned char *entry = (const unsigned char *)W(entries[_i]);

	if (W(entry) >> 32 != 0)
		test_skip("-no-pie", "the program lies above 4 GiB");
	make_scene();
	must(try_all(entry, entry + 1024) >= 1);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("far_gates");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_gates);
	tcase_add_loop_test(tcase, test_signal_entries, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
