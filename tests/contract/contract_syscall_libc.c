/* SPDX-License-Identifier: MIT */
/*
 * contract_syscall_libc - what the C library in a module asks for by its one
 * service: memory of its heap, text, what computes, and nothing else, unless
 * the host has said so. Pointers are the module's own or nobody's.
 */
#include "support/module_code.h"
#include "support/test.h"
#include "support/world.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define HEAP  ((size_t)64 * PAGE)
#define LIBC  MODISO_ARCH_LIBC
#define PLAIN (MAP_PRIVATE | MAP_ANONYMOUS)
#define AS_IS ((uintptr_t)0x4000000) /* MAP_UNINITIALIZED */

/* Modules know Linux's numbers on each system. */
#define NO_CALL (-38)

typedef intptr_t MODISO_CALL call_fn(uintptr_t, uintptr_t, uintptr_t, uintptr_t,
				     uintptr_t, uintptr_t);

static struct modiso_module *module;
static struct modiso_gate *gate, *touch;
static struct modiso_region *region;
static call_fn *service;

static struct {
	struct modiso_module *module;
	int stream, count;
	size_t length;
	char text[2048];
	void *arg;
} heard;

/* The number and three arguments; a fourth and fifth as memory has them. */
static MODULE_CODE uintptr_t call(uintptr_t number, uintptr_t a, uintptr_t b,
				  uintptr_t c)
{
	uintptr_t flags = number == SYS_mmap ? PLAIN | (c & AS_IS) : 0;

	return (uintptr_t)service(number, a, b, c & ~AS_IS, flags,
				  (uintptr_t)-1);
}

/* Are the bytes zeros? They are not afterwards. */
static MODULE_CODE uintptr_t fill(volatile unsigned char *bytes, size_t length)
{
	uintptr_t all_zero = 1;

	for (size_t i = 0; i < length; i++) {
		if (bytes[i] != 0)
			all_zero = 0;
		bytes[i] = 0xa5;
	}
	return all_zero;
}

static void scene(size_t heap)
{
	world_start();
	module = make_module("module");
	if (heap != 0)
		expect(MODISO_OK, modiso_heap_create(module, heap, NULL));
	service = (call_fn *)make_service("modiso_syscall",
					  modiso_syscall_function());
	gate = make_gate(module, call);
	touch = make_gate(module, fill);
	region = make_region(module, PAGE, "bytes");
}

static intptr_t ask(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c)
{
	return (intptr_t)enter(gate, number, a, b, c);
}

static uintptr_t map(size_t length)
{
	return (uintptr_t)ask(SYS_mmap, 0, length, PROT_READ | PROT_WRITE);
}

START_TEST(test_memory)
{
	struct modiso_heap_info info = MODISO_HEAP_INFO_INIT;
	uintptr_t first, second;

	scene(HEAP);
	first = map(3 * PAGE);
	must_eq(first % PAGE, 0);
	must_eq(enter(touch, first, 3 * PAGE), 1);
	/* A part of a page is a page. */
	second = map(5);
	must_eq(second % PAGE, 0);
	must_eq(enter(touch, second, PAGE), 1);
	expect(MODISO_OK, modiso_heap_get_info(module, &info));
	must(first >= W(info.base) && first + 3 * PAGE <= W(info.base) + HEAP);
	/* What was somebody's is zeros again. */
	must_eq(ask(SYS_munmap, first, 3 * PAGE, 0), 0);
	first = map(3 * PAGE);
	must_eq(enter(touch, first, 3 * PAGE), 1);
	must_eq(ask(SYS_munmap, first, 3 * PAGE, 0), 0);
	must_eq(ask(SYS_munmap, second, 5, 0), 0);
	second = map(PAGE + 5);
	must_eq(enter(touch, second, 2 * PAGE), 1);
	must_eq(ask(SYS_munmap, second, PAGE + 5, 0), 0);
	/* Who asks for it as it is does not pay for zeros. */
	second = (uintptr_t)ask(SYS_mmap, 0, 2 * PAGE,
				(PROT_READ | PROT_WRITE) | AS_IS);
	must_eq(second % PAGE, 0);
	must_eq(enter(touch, second, 2 * PAGE), 0);
	must_eq(ask(SYS_munmap, second, 2 * PAGE, 0), 0);
	expect(MODISO_OK, modiso_heap_get_info(module, &info));
	must_eq(info.blocks, 0);
}
END_TEST

START_TEST(test_memory_refused)
{
	struct modiso_heap_info info = MODISO_HEAP_INFO_INIT;
	uintptr_t block;

	scene(HEAP);
	block = map(PAGE);
	must_eq(map(HEAP), (uintptr_t)-ENOMEM);
	must_eq(map(SIZE_MAX), (uintptr_t)-ENOMEM);
	must_eq(map(0), (uintptr_t)NO_CALL);
	must_eq(ask(SYS_mmap, block, PAGE, PROT_READ), NO_CALL);
	must_eq(ask(SYS_mmap, 0, PAGE, PROT_READ | PROT_EXEC), NO_CALL);
	must_eq(ask(SYS_munmap, block + 16, PAGE, 0), -EINVAL);
	must_eq(ask(SYS_munmap, W(&info), PAGE, 0), -EINVAL);
	must_eq(ask(SYS_munmap, block, PAGE, 0), 0);
	must_eq(ask(SYS_munmap, block, PAGE, 0), -EINVAL);
	expect(MODISO_OK, modiso_heap_get_info(module, &info));
	must_eq(info.refused, 3);
}
END_TEST

START_TEST(test_no_heap)
{
	scene(0);
	must_eq(map(PAGE), (uintptr_t)-ENOMEM);
	must_eq(ask(SYS_munmap, W(region_bytes(region)), PAGE, 0), -EINVAL);
}
END_TEST

static void hear(struct modiso_module *from, int stream, const char *text,
		 size_t length, void *arg)
{
	heard.module = from;
	heard.stream = stream;
	heard.length = length;
	heard.arg = arg;
	heard.count++;
	memcpy(heard.text, text, length);
}

START_TEST(test_text)
{
	unsigned char *bytes;

	scene(0);
	bytes = region_bytes(region);
	memcpy(bytes, "a line\n", 7);
	/* Nobody hears it. */
	must_eq(ask(SYS_write, 1, W(bytes), 7), 7);
	expect(MODISO_OK, modiso_syscall_output(module, hear, &heard));
	must_eq(ask(SYS_write, 2, W(bytes), 7), 7);
	must_eq(heard.count, 1);
	must_eq(heard.stream, 2);
	must_eq(heard.length, 7);
	must(heard.module == module && heard.arg == &heard);
	must(!memcmp(heard.text, "a line\n", 7));
	must_eq(ask(SYS_write, 1, W(bytes), PAGE), 1024);
	must_eq(heard.length, 1024);
	must_eq(ask(SYS_write, 1, W(bytes), 0), 0);
	must_eq(heard.count, 2);
	/* Of nobody else's memory, and to nowhere else. */
	must_eq(ask(SYS_write, 1, W("secret"), 6), -EFAULT);
	must_eq(ask(SYS_write, 1, W(bytes) + PAGE - 1, 2), -EFAULT);
	must_eq(ask(SYS_write, 1, 0, 1), -EFAULT);
	must_eq(ask(SYS_write, 0, W(bytes), 7), NO_CALL);
	must_eq(ask(SYS_write, 3, W(bytes), 7), NO_CALL);
	must_eq(ask(SYS_write, (uintptr_t)1 << 32 | 1, W(bytes), 7), NO_CALL);
	must_eq(heard.count, 2);
	expect(MODISO_OK, modiso_syscall_output(module, NULL, NULL));
	must_eq(ask(SYS_write, 1, W(bytes), 7), 7);
	must_eq(heard.count, 2);
	expect(MODISO_ERR_INVAL, modiso_syscall_output(NULL, hear, NULL));
}
END_TEST

START_TEST(test_preset)
{
	struct timespec now, before = {0};

	scene(0);
	must_eq(ask(SYS_clock_gettime, CLOCK_REALTIME, W(region_bytes(region)),
		    0),
		0);
	memcpy(&now, region_bytes(region), sizeof(now));
	must(now.tv_sec > 1000000000);
	must_eq(ask(SYS_clock_gettime, CLOCK_REALTIME, W(&before), 0),
		-EFAULT);
	must_eq(before.tv_sec, 0);
	must_eq(ask(SYS_getrandom, W(region_bytes(region)), 64, 0), 64);
	must_eq(ask(SYS_getpid, 0, 0, 0), getpid());
	must_eq(ask(SYS_openat, (uintptr_t)-100, W("/etc/passwd"), 0),
		NO_CALL);
	must_eq(ask(SYS_read, 0, W(region_bytes(region)), 1), NO_CALL);
	must_eq(ask(SYS_exit_group, 3, 0, 0), NO_CALL);
	must_eq(ask(SYS_mprotect, W(region_bytes(region)), PAGE, 7), NO_CALL);
	must_eq(ask(1024, 0, 0, 0), NO_CALL);
	must_eq(ask((uintptr_t)1 << 32 | SYS_getpid, 0, 0, 0), NO_CALL);
}
END_TEST

static intptr_t answer(const struct modiso_syscall *asked, void *arg)
{
	must_eq(asked->arch, LIBC);
	must_eq(asked->number, SYS_openat);
	must(asked->module == module && arg == &heard);
	return (intptr_t)(asked->args[0] + asked->args[1] + asked->args[2]);
}

START_TEST(test_rules)
{
	scene(0);
	expect(MODISO_OK, modiso_syscall_callback(module, LIBC, SYS_openat,
						  answer, &heard));
	must_eq(ask(SYS_openat, 1, 2, 4), 7);
	expect(MODISO_OK, modiso_syscall_set(module, LIBC, SYS_openat,
					     MODISO_SYSCALL_ERRNO, EACCES));
	must_eq(ask(SYS_openat, 1, 2, 4), -EACCES);
	expect(MODISO_OK, modiso_syscall_set(module, LIBC, SYS_getpid,
					     MODISO_SYSCALL_ERRNO, EPERM));
	must_eq(ask(SYS_getpid, 0, 0, 0), -EPERM);
	expect(MODISO_OK, modiso_syscall_set(module, LIBC, SYS_getuid,
					     MODISO_SYSCALL_ALLOW, 0));
	must_eq(ask(SYS_getuid, 0, 0, 0), getuid());
	/* Of a descriptor of the host's: no text. */
	expect(MODISO_OK, modiso_syscall_set(module, LIBC, SYS_write,
					     MODISO_SYSCALL_ALLOW, 0));
	must_eq(ask(SYS_write, 999, W(region_bytes(region)), 1), -EBADF);
	expect(MODISO_ERR_NOTSUP,
	       modiso_syscall_set(module, LIBC, SYS_getuid,
				  MODISO_SYSCALL_DENY, 0));
	expect(MODISO_ERR_NOTSUP, modiso_syscall_set(module, LIBC, SYS_getuid,
						     MODISO_SYSCALL_LOG, 0));
	expect(MODISO_ERR_NOTSUP,
	       modiso_syscall_set(module, LIBC, SYS_openat,
				  MODISO_SYSCALL_ALLOW, 0));
	expect(MODISO_ERR_INVAL, modiso_syscall_set(module, LIBC, 1024,
						    MODISO_SYSCALL_ERRNO, 1));
	expect(MODISO_ERR_INVAL,
	       modiso_syscall_set(module, LIBC, SYS_getpid | 0x40000000,
				  MODISO_SYSCALL_ERRNO, 1));
	/* The kernel is still asked as before. */
	expect(MODISO_ERR_STATE, modiso_syscall_set(module, 0, SYS_getpid,
						    MODISO_SYSCALL_ERRNO, 1));
}
END_TEST

START_TEST(test_host)
{
	scene(HEAP);
	/* Host code has no module's policy. */
	must_eq(service(SYS_getpid, 0, 0, 0, 0, 0), NO_CALL);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("syscall_libc");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_memory);
	tcase_add_test(tcase, test_memory_refused);
	tcase_add_test(tcase, test_no_heap);
	tcase_add_test(tcase, test_text);
	tcase_add_test(tcase, test_preset);
	tcase_add_test(tcase, test_rules);
	tcase_add_test(tcase, test_host);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
