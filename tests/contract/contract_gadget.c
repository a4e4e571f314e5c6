/* SPDX-License-Identifier: MIT */
/*
 * contract_gadget - a SEALED guarded module jumps to the instructions of the
 * host's own code that give a thread all rights, with registers of its choice:
 * WRPKRU of the C library's pkey_set(), XRSTOR of the dynamic linker. And the
 * host, which uses them, goes on as before.
 */
#include "contract/guard_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include "arch/arch.h"

#include <dlfcn.h>
#include <link.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

/* --- what the host's code has, before it is taken away --- */

enum { PLACES = 32 };

struct places {
	const unsigned char *at[PLACES];
	size_t count;
};

static struct places wrpkru, xrstor;

static void note(struct places *places, const unsigned char *at)
{
	must(places->count < PLACES);
	places->at[places->count++] = at;
}

static void search(const unsigned char *bytes, size_t length)
{
	for (size_t i = 0; i + 2 < length; i++) {
		const unsigned char *at = bytes + i;

		if (mdi_is_own_code(W(at)) || at[0] != 0x0f)
			continue;
		if (at[1] == 0x01 && at[2] == 0xef)
			note(&wrpkru, at);
		if (at[1] == 0xae && at[2] < 0xc0 && (at[2] >> 3 & 7) == 5)
			note(&xrstor, at);
	}
}

static int visit(struct dl_phdr_info *info, size_t size, void *unused)
{
	(void)size;
	(void)unused;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *header = &info->dlpi_phdr[i];

		if (header->p_type == PT_LOAD && header->p_flags & PF_X)
			search((void *)(info->dlpi_addr + header->p_vaddr),
			       header->p_memsz);
	}
	return 0;
}

static void find_places(void)
{
	dl_iterate_phdr(visit, NULL);
}

/* --- the module --- */

/* Of the module's region: 8 pages. */
struct attack {
	uint64_t rax, rcx, rdx, rbx, rsp, target, rdi, rsi;
	uint64_t secret, leak; /* where to read, and what was read */
};

/*
 * gadget_jump - registers from @attack, and off. What comes back by a return,
 * or by a jump to any register that is not in it, reads the secret.
 */
uintptr_t gadget_jump(const struct attack *attack);

__asm__(".text\n"
	".globl gadget_jump\n"
	".type gadget_jump, @function\n"
	"gadget_jump:\n\t"
	"leaq 1f(%rip), %r11; movq %r11, %r8; movq %r11, %r9\n\t"
	"movq %r11, %r10; movq %r11, %r12; movq %r11, %r13\n\t"
	"movq 64(%rdi), %rbp; leaq 72(%rdi), %r14; movq 56(%rdi), %rsi\n\t"
	"movq 0(%rdi), %rax; movq 8(%rdi), %rcx; movq 16(%rdi), %rdx\n\t"
	"movq 24(%rdi), %rbx; movq 32(%rdi), %rsp; movq 40(%rdi), %r15\n\t"
	"movq 48(%rdi), %rdi; jmp *%r15\n"
	"1:\tmovq (%rbp), %rax; movq %rax, (%r14); ud2\n");

/* What its first instruction, a lea, names. */
static uintptr_t landing(void)
{
	int32_t far;

	memcpy(&far, (const char *)W(gadget_jump) + 3, sizeof(far));
	return W(gadget_jump) + 7 + (uintptr_t)(intptr_t)far;
}

static struct attack *attack;
static struct modiso_region *room;
static struct modiso_gate *jump;

static void make_attacker(void)
{
	uintptr_t *stack;

	find_places();
	make_scene();
	room = make_region(module, 8 * PAGE, "room");
	attack = (void *)region_bytes(room);
	stack = (void *)(region_bytes(room) + 2 * PAGE);
	for (size_t i = 0; i < PAGE / sizeof(*stack); i++)
		stack[i] = landing();
	jump = make_gate(module, gadget_jump);
}

/* A fault of the module's, and nothing that it should not have. */
static const struct modiso_fault *must_fail(uintptr_t target)
{
	const struct modiso_fault *fault;

	attack->target = target;
	attack->secret = W(region_bytes(hosts));
	fault = enter_fault(module, jump, W(attack));
	must_eq(attack->leak, 0);
	must(all_bytes(region_bytes(hosts), 0x77, PAGE));
	return fault;
}

static void want_rights(void)
{
	*attack = (struct attack){.rsp = W(region_bytes(room)) + 2 * PAGE};
}

/* An empty area: what is asked for becomes as at first, PKRU 0. */
static void want_state(void)
{
	uintptr_t area = W(region_bytes(room)) + 4 * PAGE;

	*attack = (struct attack){
		.rax = 0x200,
		.rbx = W(region_bytes(room)) + 2 * PAGE,
		.rsp = area - 0x40,
	};
}

START_TEST(test_pkey_set)
{
	make_attacker();
	want_rights();
	attack->rdi = (uintptr_t)proc_key(region_bytes(hosts));
	must_fail(W(pkey_set));
}
END_TEST

START_TEST(test_wrpkru)
{
	make_attacker();
	want_rights();
	must(wrpkru.count > 0);
	for (size_t i = 0; i < wrpkru.count; i++) {
		must_fail(W(wrpkru.at[i]));
		must_fail(W(wrpkru.at[i]) + 1);
		must_fail(W(wrpkru.at[i]) + 2);
	}
}
END_TEST

START_TEST(test_xrstor)
{
	make_attacker();
	must(xrstor.count > 0);
	for (size_t i = 0; i < xrstor.count; i++) {
		want_state();
		must_fail(W(xrstor.at[i]));
		/* The compacted form, and all that there is. */
		want_state();
		attack->rax = UINT32_MAX;
		attack->rdx = UINT32_MAX;
		must_fail(W(xrstor.at[i]));
	}
}
END_TEST

/* Each byte of what was put in its place. */
START_TEST(test_detours)
{
	const struct modiso_fault *fault;
	uintptr_t base;

	make_attacker();
	base = mdi_arch_state.detours;
	if (xrstor.count == 0)
		return;
	must(base != 0);
	for (size_t at = 0; at < 64; at++) {
		want_state();
		must_fail(base + at);
		want_rights();
		must_fail(base + at);
	}
	want_state();
	fault = must_fail(base);
	must_eq(fault->kind, MODISO_FAULT_GATE);
	must(fault->pc > base && fault->pc < base + 32);
}
END_TEST

/* --- the host --- */

static unsigned bits_of(int key)
{
	return (unsigned)poke_rdpkru() >> 2 * key & 3;
}

static void use_key(int key)
{
	must(!pkey_set(key, PKEY_DISABLE_ACCESS));
	must_eq(bits_of(key), PKEY_DISABLE_ACCESS);
	must(!pkey_set(key, PKEY_DISABLE_WRITE));
	must_eq(bits_of(key), PKEY_DISABLE_WRITE);
	must(!pkey_set(key, 0));
	must_eq(bits_of(key), 0);
}

static void *use_key_there(void *key)
{
	use_key(*(int *)key);
	return NULL;
}

/* The program's own key, of which the library knows nothing. */
START_TEST(test_host_sets_rights)
{
	int key = pkey_alloc(0, 0);

	must(key > 0);
	make_scene();
	use_key(key);
	must(!pkey_set(key, PKEY_DISABLE_WRITE));
	must_stop(39, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
	must_eq(bits_of(key), PKEY_DISABLE_WRITE);
	/* A thread that the library has not seen. */
	thread_join(thread_start(use_key_there, &key));
	must(pkey_set(16, 0) == -1 && errno == EINVAL);
	must(!pkey_free(key));
}
END_TEST

/* Bound at their first call, with an argument in a vector register. */
START_TEST(test_host_binds)
{
	double (*volatile scale)(double, int);
	volatile double three = 3;
	int exponent = 0;

	make_scene();
	must(ldexp(three, 4) == 48 && frexp(three, &exponent) == 0.75);
	must_eq(exponent, 2);
	scale = (double (*)(double, int))dlsym(RTLD_DEFAULT, "scalbn");
	must(scale && scale(three, 1) == 6);
	must(difftime((time_t)three, 1) == 2);
}
END_TEST

/* In the library's next life all is as in the first. */
START_TEST(test_put_back)
{
	unsigned char bytes[2 * PLACES][8];
	size_t i, mappings = 0;

	find_places();
	for (i = 0; i < wrpkru.count; i++)
		memcpy(bytes[i], wrpkru.at[i], 8);
	for (i = 0; i < xrstor.count; i++)
		memcpy(bytes[PLACES + i], xrstor.at[i], 8);
	for (int life = 0; life < 5; life++) {
		make_scene();
		must_stop(39, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
		for (i = 0; i < wrpkru.count; i++)
			must(memcmp(bytes[i], wrpkru.at[i], 3));
		for (i = 0; i < xrstor.count; i++)
			must(memcmp(bytes[PLACES + i], xrstor.at[i], 3));
		expect(MODISO_OK, modiso_module_destroy(module));
		expect(MODISO_OK, modiso_module_destroy(open_module));
		expect(MODISO_OK, modiso_region_destroy(hosts));
		expect(MODISO_OK, modiso_fini());
		for (i = 0; i < wrpkru.count; i++)
			must(!memcmp(bytes[i], wrpkru.at[i], 8));
		for (i = 0; i < xrstor.count; i++)
			must(!memcmp(bytes[PLACES + i], xrstor.at[i], 8));
		if (life == 1)
			mappings = proc_usage().mappings;
		if (life > 1)
			must_eq(proc_usage().mappings, mappings);
	}
}
END_TEST

/* --- what cannot be taken away --- */

static struct modiso_module *try_guarded(int result)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
		.syscalls = MODISO_SYSCALLS_NONE,
	};
	struct modiso_module *made = UNTOUCHED;

	expect(result, modiso_module_create("tried", &options, &made));
	return made;
}

static void *map_code(const char *bytes, size_t length, int prot)
{
	void *code = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	must(code != MAP_FAILED);
	memcpy(code, bytes, length);
	must(!mprotect(code, PAGE, prot));
	return code;
}

static const struct {
	const char *bytes;
	size_t length;
	int prot;
	const char *says;
} refused[] = {
	{"\x0f\x01\xef\xc3", 4, PROT_READ | PROT_EXEC, "wrpkru (0f 01 ef)"},
	{"\xb8\x00\x0f\x01\xef\xc3", 6, PROT_READ | PROT_EXEC, "wrpkru"},
	{"\x0f\xae\x28\xc3", 4, PROT_READ | PROT_EXEC, "xrstor (0f ae 28)"},
	{"\xf3\x48\x0f\xae\xd8\xc3", 6, PROT_READ | PROT_EXEC, "wrgsbase"},
	{"\xf3\x0f\xae\xd0\xc3", 5, PROT_READ | PROT_EXEC, "wrfsbase"},
	{"\x0f\x01\xef\xc3", 4, PROT_READ | PROT_WRITE | PROT_EXEC, "writable"},
	{"\xc3", 1, PROT_EXEC, "cannot be read"},
};

START_TEST(test_refused)
{
	void *code;

	world_start();
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		code = map_code(refused[i].bytes, refused[i].length,
				refused[i].prot);
		must(try_guarded(MODISO_ERR_GADGET) == UNTOUCHED);
		must(strstr(modiso_last_error_text(), refused[i].says));
		must(!memcmp(code, refused[i].bytes, refused[i].length) ||
		     refused[i].prot == PROT_EXEC);
		must(!munmap(code, PAGE));
	}
	must(try_guarded(MODISO_OK) != NULL);
}
END_TEST

/* An object with such an instruction that comes later. */
START_TEST(test_loaded_later)
{
	static const char path[] = "modules/gadget-gcc.so";
	const unsigned char *escape;
	struct modiso_gate *gate;
	void *object;

	if (access(path, R_OK))
		return;
	make_attacker();
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	object = dlopen("./modules/gadget-gcc.so", RTLD_NOW);
	must(object != NULL);
	escape = dlsym(object, "escape");
	must(escape != NULL);
	/* The next that is made for a guarded module looks. */
	gate = make_gate(try_guarded(MODISO_OK), module_add_one);
	must_eq(enter(gate, 1), 2);
	want_rights();
	must_fail(W(escape));
	for (size_t i = 0; i + 2 < 32 && escape[i] != 0xc3; i++)
		must(memcmp(escape + i, "\x0f\x01\xef", 3));
	must(!dlclose(object));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("gadget");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (guard_missing(tcase))
		return suite;
	tcase_add_test(tcase, test_pkey_set);
	tcase_add_test(tcase, test_wrpkru);
	tcase_add_test(tcase, test_xrstor);
	tcase_add_test(tcase, test_detours);
	tcase_add_test(tcase, test_host_sets_rights);
	tcase_add_test(tcase, test_host_binds);
	tcase_add_test(tcase, test_put_back);
	tcase_add_test(tcase, test_refused);
	tcase_add_test(tcase, test_loaded_later);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
