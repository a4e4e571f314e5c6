/* SPDX-License-Identifier: MIT */
/*
 * contract_seal - the host's code is sealed: nobody changes its mappings, and
 * everything else goes on. It lasts as long as the process, so nothing of this
 * is for a test that has none of its own (CK_FORK=no).
 */
#include "contract/guard_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include "os/code.h"
#include "os/maps.h"
#include "os/objects.h"

#include <dlfcn.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static bool can_seal(void)
{
	return mdi_code_seal(NULL, 0) == 0;
}

/* --- what the kernel says to whoever wants it changed --- */

static void must_be_sealed(uintptr_t base)
{
	void *page = (void *)base;

	must(mprotect(page, PAGE, RW | PROT_EXEC) == -1 && errno == EPERM);
	must(mprotect(page, PAGE, PROT_READ) == -1 && errno == EPERM);
	must(munmap(page, PAGE) == -1 && errno == EPERM);
	must(mmap(page, PAGE, RW, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
		  0) == MAP_FAILED);
	must_eq(errno, EPERM);
	must(mremap(page, PAGE, 2 * PAGE, MREMAP_MAYMOVE) == MAP_FAILED);
	must_eq(errno, EPERM);
}

static unsigned found;

static bool visit(const struct mdi_mapping *map, const char *name, void *unused)
{
	struct mdi_object object;

	(void)unused;
	if (name[0] == '[' || map->write ||
	    !mdi_object_find(map->base, &object))
		return true;
	must_be_sealed(map->base);
	must_be_sealed(map->end - PAGE);
	found++;
	return true;
}

static void seal(void)
{
	must_eq(modiso_code_seal(), 0);
	found = 0;
	must(!mdi_maps_walk_code(0, visit, NULL));
	must(found >= 2); /* the program, the C library */
}

/* --- where it cannot be --- */

START_TEST(test_refused)
{
	struct modiso_module *plain;

	expect(MODISO_ERR_STATE, modiso_code_seal());
	world_start();
	expect(MODISO_ERR_NOTSUP, modiso_code_seal());
	must(strstr(modiso_last_error_text(), "mseal(2)"));
	must(strstr(modiso_last_error_text(), "6.10"));
	plain = make_module("plain");
	must_eq(enter(make_gate(plain, module_add_one), 1), 2);
}
END_TEST

/* --- where it is --- */

static struct modiso_region *make_code(struct modiso_module *owner)
{
	static const unsigned char code[] = {0x8d, 0x47, 0x02, 0xc3};
	struct modiso_region *region = make_region(owner, PAGE, "code");

	expect(MODISO_OK, modiso_window_open(region, RW));
	memcpy(region_bytes(region), code, sizeof(code));
	expect(MODISO_OK, modiso_window_close(region));
	expect(MODISO_OK, modiso_region_protect(region, RX));
	return region;
}

/* Modules come, run, change and go; the library ends and begins again. */
START_TEST(test_goes_on)
{
	struct modiso_module *plain;
	struct modiso_region *code, *secret;

	expect(MODISO_ERR_STATE, modiso_code_seal());
	for (int i = 0; i < 3; i++) {
		world_start();
		plain = make_module("plain");
		code = make_code(plain);
		seal();
		must_eq(enter(make_gate(plain, W(region_bytes(code))), 5), 7);
		expect(MODISO_OK, modiso_region_destroy(code));
		code = make_code(plain);
		seal();
		must_eq(enter(make_gate(plain, W(region_bytes(code))), 6), 8);
		secret = make_region(NULL, PAGE, "hosts");
		must_deny(plain, region_bytes(secret), secret);
		expect(MODISO_OK, modiso_module_destroy(plain));
		expect(MODISO_OK, modiso_region_destroy(secret));
		world_stop();
	}
}
END_TEST

MODULE_CODE static uintptr_t open_code(uintptr_t page)
{
	long result = SYS_mprotect;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "D"(page), "S"(PAGE), "d"(RW | PROT_EXEC)
			 : "rcx", "r11", "memory");
	return (uintptr_t)result;
}

/* A module that makes system calls can change none of it by mprotect(2). */
START_TEST(test_module)
{
	struct modiso_module *plain;
	struct modiso_gate *gate;
	uintptr_t page = W(abs) & ~(uintptr_t)(PAGE - 1);

	world_start();
	plain = make_module("plain");
	gate = make_gate(plain, open_code);
	seal();
	must_eq(enter(gate, page), (uintptr_t)-EPERM);
	must_eq(abs(-4), 4);
}
END_TEST

START_TEST(test_fork)
{
	pid_t pid;
	int status;

	world_start();
	seal();
	pid = fork();
	if (pid == 0) {
		must_be_sealed(W(abs) & ~(uintptr_t)(PAGE - 1));
		_exit(23);
	}
	must_eq(waitpid(pid, &status, 0), pid);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 23);
}
END_TEST

/* What comes later is sealed by the next call; what goes leaves its pages. */
START_TEST(test_loads)
{
	static const char *const names[] = {
		"libresolv.so.2", "libutil.so.1", "libanl.so.1",
		"libBrokenLocale.so.1",
	};
	struct modiso_module *plain;
	void *object = NULL;
	unsigned before;

	world_start();
	seal();
	before = found;
	for (size_t i = 0; object == NULL && i < 4; i++)
		if (dlopen(names[i], RTLD_NOW | RTLD_NOLOAD) == NULL)
			object = dlopen(names[i], RTLD_NOW);
	if (object == NULL)
		return;
	seal();
	must(found > before);
	for (int i = 0; i < 3; i++)
		(void)dlclose(object);
	plain = make_module("plain");
	must_eq(enter(make_gate(plain, module_add_one), 1), 2);
}
END_TEST

/* --- guarded modules, for which the host's code is changed --- */

static void must_have_no_rights(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	struct modiso_gate *gate = make_gate(module, poke_jump);
	uintptr_t at = W(pkey_set);

	must_eq(modiso_gate_call(gate, WORDS(at, 0, 0), NULL),
		MODISO_ERR_FAULT);
	must(!modiso_fault_last(&fault));
	must_eq(fault.module, module);
}

START_TEST(test_guarded)
{
	int key;

	make_scene();
	must_stop(SYS_getpid, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
	seal();
	must_stop(SYS_getpid, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
	must_have_no_rights();
	make_guarded("another");
	key = pkey_alloc(0, 0);
	must(key < 0 || !pkey_free(key));
	must(!pkey_set(1, pkey_get(1)));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	expect(MODISO_OK, modiso_module_destroy(open_module));
	expect(MODISO_ERR_BUSY, modiso_fini());
}
END_TEST

/* Too early: the sentence says what to do. */
START_TEST(test_too_early)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
		.syscalls = MODISO_SYSCALLS_NONE,
	};
	struct modiso_module *made = UNTOUCHED;

	world_start();
	seal();
	expect(MODISO_ERR_GADGET,
	       modiso_module_create("late", &options, &made));
	must(strstr(modiso_last_error_text(), "modiso_code_seal()"));
	must(made == UNTOUCHED);
	must_eq(enter(make_gate(make_module("plain"), module_add_one), 1), 2);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("seal");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (!can_seal()) {
		tcase_add_test(tcase, test_refused);
		return suite;
	}
	tcase_add_test(tcase, test_goes_on);
	tcase_add_test(tcase, test_module);
	tcase_add_test(tcase, test_fork);
	tcase_add_test(tcase, test_loads);
	if (guard_missing(tcase))
		return suite;
	tcase_add_test(tcase, test_guarded);
	tcase_add_test(tcase, test_too_early);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
