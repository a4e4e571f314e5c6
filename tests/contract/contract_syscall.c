/* SPDX-License-Identifier: MIT */
/*
 * contract_syscall - what becomes of single system calls of a guarded module:
 * errors, calls that are made for it, functions of the host's.
 */
#include "contract/guard_scene.h"
#include "support/elf.h"
#include "support/proc.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/futex.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define BYTES 8192 /* of the buffer that the module has */

static struct modiso_region *buffer;
static int ends[2];

static void set(uint32_t number, uint32_t action, int error)
{
	expect(MODISO_OK, modiso_syscall_set(module, AUDIT_ARCH_X86_64, number,
					     action, error));
}

static void scene(void)
{
	make_scene();
	buffer = make_region(module, BYTES, "buffer");
	must(!pipe(ends));
}

/* As the module sees it. */
static intptr_t ask(uintptr_t number, uintptr_t a, uintptr_t b, uintptr_t c,
		    uintptr_t d)
{
	const uintptr_t *args = guard_args(a, b, c, d, 0, 0);

	return (intptr_t)enter(call_gate, number, W(args), W(guard_syscall));
}

static uintptr_t at(size_t offset)
{
	return W(region_bytes(buffer)) + offset;
}

START_TEST(test_errno)
{
	uintptr_t *args;

	scene();
	set(SYS_getpid, MODISO_SYSCALL_ERRNO, EPERM);
	must_eq(ask(SYS_getpid, 0, 0, 0, 0), -EPERM);
	args = guard_args(0, 0, 0, 0, 0, 0);
	must_stop(SYS_getppid, args, guard_syscall);
	/* The same number in another table is another call. */
	must_stop(SYS_getpid | 0x40000000, args, guard_syscall);
	must_eq(enter_fault(module, call_gate, SYS_getpid, W(args),
			    W(guard_int80))
			->kind,
		MODISO_FAULT_SYSCALL);
	expect(MODISO_OK, modiso_syscall_set(module, AUDIT_ARCH_I386, 20,
					     MODISO_SYSCALL_ERRNO, ENOSYS));
	must_eq((int)enter(call_gate, 20, W(args), W(guard_int80)), -ENOSYS);
	set(SYS_getpid, MODISO_SYSCALL_DENY, 0);
	must_stop(SYS_getpid, args, guard_syscall);
	must_eq(getppid() > 0, 1);
}
END_TEST

/* Of no module's memory is anything read or written but its own. */
START_TEST(test_allowed_pointers)
{
	unsigned char *theirs, before[PAGE];

	scene();
	theirs = region_bytes(hosts);
	memcpy(before, theirs, PAGE);
	set(SYS_clock_gettime, MODISO_SYSCALL_ALLOW, 0);
	set(SYS_read, MODISO_SYSCALL_ALLOW, 0);
	set(SYS_write, MODISO_SYSCALL_ALLOW, 0);
	set(SYS_poll, MODISO_SYSCALL_ALLOW, 0);
	set(SYS_futex, MODISO_SYSCALL_ALLOW, 0);
	must_eq(ask(SYS_clock_gettime, CLOCK_MONOTONIC, W(theirs), 0, 0),
		-EFAULT);
	must_eq(ask(SYS_clock_gettime, CLOCK_MONOTONIC, W(before), 0, 0),
		-EFAULT);
	must_eq(ask(SYS_clock_gettime, CLOCK_MONOTONIC, at(BYTES - 8), 0, 0),
		-EFAULT);
	must_eq(ask(SYS_write, (uintptr_t)ends[1], W(theirs), 8, 0), -EFAULT);
	must_eq(ask(SYS_write, (uintptr_t)ends[1], at(BYTES - 8), 9, 0),
		-EFAULT);
	must_eq(ask(SYS_write, (uintptr_t)ends[1], at(0), 3, 0), 3);
	must_eq(ask(SYS_read, (uintptr_t)ends[0], W(theirs), 8, 0), -EFAULT);
	must_eq(ask(SYS_read, (uintptr_t)ends[0], W(module_add_one), 8, 0),
		-EFAULT);
	must_eq(ask(SYS_poll, W(theirs), 1, 0, 0), -EFAULT);
	must_eq(ask(SYS_poll, at(0), 100000, 0, 0), -EINVAL);
	must_eq(ask(SYS_futex, W(theirs), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1,
		    0),
		-EFAULT);
	must(!memcmp(before, theirs, PAGE));
	must_eq(ask(SYS_read, (uintptr_t)ends[0], at(0), 8, 0), 3);
}
END_TEST

START_TEST(test_allowed)
{
	struct timespec *now, *rest;
	struct pollfd *one;
	char *bytes;

	scene();
	bytes = (char *)region_bytes(buffer);
	now = (void *)bytes;
	rest = now + 1;
	set(SYS_clock_gettime, MODISO_SYSCALL_ALLOW, 0);
	set(SYS_nanosleep, MODISO_SYSCALL_ALLOW, 0);
	set(SYS_read, MODISO_SYSCALL_ALLOW, 0);
	set(SYS_write, MODISO_SYSCALL_ALLOW, 0);
	set(SYS_poll, MODISO_SYSCALL_ALLOW, 0);
	set(SYS_gettid, MODISO_SYSCALL_ALLOW, 0);
	must_eq(ask(SYS_gettid, 0, 0, 0, 0), gettid());
	must_eq(ask(SYS_clock_gettime, CLOCK_MONOTONIC, W(now), 0, 0), 0);
	must(now->tv_sec > 0 || now->tv_nsec > 0);
	*now = (struct timespec){0, 1000};
	*rest = (struct timespec){77, 88};
	must_eq(ask(SYS_nanosleep, W(now), W(rest), 0, 0), 0);
	must(rest->tv_sec == 77 && rest->tv_nsec == 88);
	must_eq(ask(SYS_nanosleep, W(now), 0, 0, 0), 0);
	memset(bytes, 'm', BYTES);
	must_eq(ask(SYS_write, (uintptr_t)ends[1], at(0), BYTES, 0), 4096);
	memset(bytes, 0, BYTES);
	must_eq(ask(SYS_read, (uintptr_t)ends[0], at(1), 100, 0), 100);
	must(bytes[0] == 0 && bytes[1] == 'm' && bytes[100] == 'm' &&
	     bytes[101] == 0);
	one = (void *)(bytes + 256);
	*one = (struct pollfd){.fd = ends[0], .events = POLLIN};
	must_eq(ask(SYS_poll, W(one), 1, 1000, 0), 1);
	must_eq(one->revents, POLLIN);
	must_eq(ask(SYS_read, 12345, at(0), 1, 0), -EBADF);
}
END_TEST

/* Words of the module's own, waited for and woken. */
static void *wake_up(void *unused)
{
	(void)unused;
	while (ask(SYS_futex, at(4), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1,
		   W(hosts)) != 1)
		sched_yield();
	return NULL;
}

START_TEST(test_futex)
{
	struct modiso_gate *gate;
	pthread_t thread;
	uintptr_t *args;

	scene();
	set(SYS_futex, MODISO_SYSCALL_ALLOW, 0);
	must_eq(ask(SYS_futex, at(0), FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 1, 0),
		-EAGAIN);
	must_eq(ask(SYS_futex, at(0), FUTEX_WAKE | FUTEX_PRIVATE_FLAG, 1,
		    W(hosts)),
		0);
	must_eq(ask(SYS_futex, at(0), FUTEX_WAIT, 0, 0), -ENOSYS);
	must_eq(ask(SYS_futex, at(0), FUTEX_REQUEUE | FUTEX_PRIVATE_FLAG, 0,
		    0),
		-ENOSYS);
	gate = make_gate(module, guard_call);
	args = (uintptr_t *)region_bytes(buffer) + 64;
	args[0] = at(4);
	args[1] = FUTEX_WAIT | FUTEX_PRIVATE_FLAG;
	thread = thread_start(wake_up, NULL);
	must_eq(enter(gate, SYS_futex, W(args), W(guard_syscall)), 0);
	thread_join(thread);
}
END_TEST

/* The right to the buffer goes away while the call waits. */
static atomic_int reader;

static void *read_late(void *result)
{
	atomic_store(&reader, (int)gettid());
	*(intptr_t *)result = (intptr_t)enter(
		call_gate, SYS_read, W(region_bytes(own)), W(guard_syscall));
	return NULL;
}

START_TEST(test_gone_meanwhile)
{
	struct modiso_region *lent;
	intptr_t result = 0;
	pthread_t thread;

	scene();
	lent = make_region(NULL, BYTES, "lent");
	expect(MODISO_OK, modiso_region_grant(lent, module,
					      MODISO_READ | MODISO_WRITE));
	set(SYS_read, MODISO_SYSCALL_ALLOW, 0);
	guard_args((uintptr_t)ends[0], W(region_bytes(lent)), 8, 0, 0, 0);
	thread = thread_start(read_late, &result);
	while (!atomic_load(&reader))
		sched_yield();
	proc_wait_asleep(atomic_load(&reader));
	/* It is inside all the time; what it was lent is taken back. */
	expect(MODISO_ERR_BUSY, modiso_region_destroy(buffer));
	expect(MODISO_OK, modiso_region_revoke(lent, module));
	must(write(ends[1], "12345678", 8) == 8);
	thread_join(thread);
	must_eq(result, -EFAULT);
	must(region_bytes(lent)[0] == 0);
}
END_TEST

static struct modiso_module *make_preset(uint32_t syscalls)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
		.syscalls = syscalls,
	};
	struct modiso_module *made = NULL;

	expect(MODISO_OK, modiso_module_create("preset", &options, &made));
	return made;
}

START_TEST(test_compute)
{
	static const uint32_t not[] = {SYS_read,  SYS_write, SYS_mmap,
				       SYS_clone, SYS_prctl, SYS_close};

	scene();
	module = make_preset(MODISO_SYSCALLS_COMPUTE);
	own = make_region(module, PAGE, "own too");
	buffer = make_region(module, BYTES, "buffer too");
	call_gate = make_gate(module, guard_call);
	must_eq(ask(SYS_getrandom, at(0), 16, 0, 0), 16);
	must_eq(ask(SYS_clock_gettime, CLOCK_REALTIME, at(0), 0, 0), 0);
	must_eq(ask(SYS_sched_yield, 0, 0, 0, 0), 0);
	for (size_t i = 0; i < sizeof(not) / sizeof(*not); i++)
		must_stop(not[i], guard_args(0, 0, 0, 0, 0, 0),
			  guard_syscall);
	set(SYS_getrandom, MODISO_SYSCALL_DENY, 0);
	must_stop(SYS_getrandom, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
}
END_TEST

/* Once for each instruction; no more is done than could be allowed. */
START_TEST(test_log)
{
	char text[4096] = "";
	uint32_t number;
	FILE *out;

	scene();
	module = make_preset(MODISO_SYSCALLS_LOG);
	own = make_region(module, PAGE, "own too");
	buffer = make_region(module, BYTES, "buffer too");
	call_gate = make_gate(module, guard_call);
	for (int i = 0; i < 3; i++)
		must_eq(ask(SYS_getppid, 0, 0, 0, 0), getppid());
	must_eq(ask(SYS_munmap, at(0), PAGE, 0, 0), -ENOSYS);
	must_eq(ask(SYS_write, 1, W(region_bytes(hosts)), 1, 0), -EFAULT);
	must_eq(ask(SYS_getppid | 0x40000000, 0, 0, 0, 0), -ENOSYS);
	set(SYS_getpid, MODISO_SYSCALL_DENY, 0);
	must_stop(SYS_getpid, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
	out = fmemopen(text, sizeof(text), "w");
	expect(MODISO_OK, modiso_syscall_print(module, out));
	expect(MODISO_ERR_INVAL, modiso_syscall_print(module, NULL));
	fclose(out);
	must(strstr(text, "\n3 system call 110 of x86-64"));
	must(strstr(text, "\n1 system call 11 of x86-64"));
	must(strstr(text, " = ENOSYS"));
	must(strstr(text, " = EFAULT"));
	must(!strstr(text, "call 39"));
	if (modiso_syscall_number(0, "getppid", &number) ==
	    MODISO_ERR_NOTSUP)
		return;
	must(strstr(text, "of x86-64, munmap (0x"));
}
END_TEST

/* A function of an image's is called what the image says, whatever that is. */
START_TEST(test_log_names)
{
	static const unsigned char code[] = {0xb8, SYS_getppid, 0, 0, 0,
					     0x0f, 0x05,	0xc3};
	const struct elf_shape shape = {100, 200, 600, 300};
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	struct modiso_image_options options = {
		.struct_size = sizeof(options),
		.name = "t\x1b[2J.so",
		.export_count = 1,
	};
	struct modiso_export export = {.name = "import"};
	struct modiso_service *service;
	struct modiso_image *image;
	struct elf_image elf;
	Elf64_Sym *symbol;
	char text[4096] = "";
	FILE *out;

	scene();
	module = make_preset(MODISO_SYSCALLS_LOG);
	elf_make(&elf, &shape);
	symbol = &elf.symbol[ELF_IDENTITY];
	symbol->st_value = elf.program[ELF_CODE].p_vaddr + 64;
	symbol->st_size = sizeof(code);
	memcpy(elf.bytes + symbol->st_value, code, sizeof(code));
	memcpy(elf.strings + symbol->st_name, "i\x1b[2J\n\"\xff", 8);
	expect(MODISO_OK, modiso_service_create("import", (modiso_fn)getppid,
						NULL, &service));
	export.service = service;
	options.exports = &export;
	expect(MODISO_OK, modiso_image_load_memory(module, elf.bytes,
						   elf.length, &options,
						   &image));
	expect(MODISO_OK, modiso_image_get_info(image, &info));
	must_eq(enter(make_gate(module, W(info.base) + symbol->st_value), 0),
		getppid());
	out = fmemopen(text, sizeof(text), "w");
	expect(MODISO_OK, modiso_syscall_print(module, out));
	fclose(out);
	must(strstr(text, " in i?[2J?\\\"? at t?[2J.so"));
	must(!strchr(text, '\x1b'));
	elf_free(&elf);
}
END_TEST

START_TEST(test_names)
{
	uint32_t number = 7;

	scene();
	expect(MODISO_ERR_INVAL, modiso_syscall_number(0, NULL, &number));
	expect(MODISO_ERR_INVAL, modiso_syscall_number(0, "read", NULL));
	expect(MODISO_ERR_INVAL, modiso_syscall_number(3, "read", &number));
	must_eq(number, 7);
	if (modiso_syscall_number(0, "read", &number) == MODISO_ERR_NOTSUP)
		return;
	must_eq(number, SYS_read);
	expect(MODISO_OK, modiso_syscall_number(AUDIT_ARCH_I386, "getpid",
						&number));
	must_eq(number, 20);
	expect(MODISO_ERR_NOENT, modiso_syscall_number(0, "socketcall",
						       &number));
	expect(MODISO_ERR_NOENT, modiso_syscall_number(0, "", &number));
	must_eq(number, 20);
}
END_TEST

/* --- functions of the host's --- */

static struct modiso_gate *other_gate;
static unsigned long called;

static intptr_t answer(const struct modiso_syscall *call, void *arg)
{
	sigset_t mask;

	called++;
	must(arg == &called);
	must_eq(call->number, 1000);
	must_eq(call->arch, AUDIT_ARCH_X86_64);
	must(call->module == module && modiso_module_caller() == module);
	for (unsigned i = 0; i < 6; i++)
		must_eq(call->args[i], i + 11);
	must_eq(call->pc, W(guard_syscall) + 2);
	must(!sigprocmask(SIG_BLOCK, NULL, &mask));
	must(!sigismember(&mask, SIGUSR1) && !sigismember(&mask, SIGSYS));
	region_bytes(hosts)[0]++;
	must(getppid() > 0);
	must_eq(enter(other_gate, called), called + 1);
	expect(MODISO_ERR_BUSY, modiso_syscall_set(module, 0, 5, 0, 0));
	must(strstr(modiso_last_error_text(), "is inside module guarded"));
	return 4242;
}

START_TEST(test_callback)
{
	unsigned long n = run_times(2000, 100);
	uintptr_t *args;

	scene();
	other_gate = make_gate(open_module, module_add_one);
	expect(MODISO_OK,
	       modiso_syscall_callback(module, 0, 1000, answer, &called));
	args = guard_args(11, 12, 13, 14, 15, 16);
	for (unsigned long i = 0; i < n; i++)
		must_eq(enter(call_gate, 1000, W(args), W(guard_syscall)),
			4242);
	must_eq(called, n);
	must_stop(1001, args, guard_syscall);
}
END_TEST

/* The module calls, the function calls it again, and so on. */
static intptr_t deeper(const struct modiso_syscall *call, void *unused)
{
	const uintptr_t *args = (uintptr_t *)region_bytes(own);
	uintptr_t value = 0, words[] = {1000, W(args), W(guard_syscall)};
	int result;

	(void)call;
	(void)unused;
	called++;
	result = modiso_gate_call(call_gate, words, 3, &value);
	return result == 0 ? (intptr_t)value + 1 : result;
}

START_TEST(test_callback_nested)
{
	intptr_t result;

	scene();
	expect(MODISO_OK,
	       modiso_syscall_callback(module, 0, 1000, deeper, NULL));
	result = ask(1000, 0, 0, 0, 0);
	must(called >= 3);
	must_eq(result, MODISO_ERR_LIMIT + (intptr_t)called - 1);
	must_stop(SYS_getpid, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
}
END_TEST

/*
 * syscall_keeps - like guard_work, with a system call in the middle that
 * changes rax, rcx and r11 alone.
 */
uintptr_t syscall_keeps(uintptr_t rounds);
__asm__(".text\n"
	".globl syscall_keeps\n"
	".type syscall_keeps, @function\n"
	"syscall_keeps:\n\t"
	"pushq %rbx; pushq %rbp; pushq %r12; pushq %r13; pushq %r14\n\t"
	"pushq %r15; movq %rdi, %rbx\n"
	"1: movl $0x1111, %edi; movl $0x2222, %esi; movl $0x3333, %edx\n\t"
	"movl $0x4444, %r8d; movl $0x5555, %r9d; movl $0x6666, %r10d\n\t"
	"movl $0x7777, %ebp; movl $0x8888, %r12d; movl $0x9999, %r13d\n\t"
	"movl $0xaaaa, %r14d; movl $0xbbbb, %r15d\n\t"
	"movq %rdi, %xmm3; movq %r15, %xmm15; movl $1000, %eax; stc\n\t"
	"movq $0x1234, -128(%rsp)\n\t" /* the red zone */
	"syscall\n\t"
	"jnc 8f; cmpq $-22, %rax; jne 8f\n\t"
	"cmpq $0x1234, -128(%rsp); jne 8f\n\t"
	"movq %xmm3, %rax; cmpq $0x1111, %rax; jne 8f\n\t"
	"movq %xmm15, %rax; cmpq $0xbbbb, %rax; jne 8f\n\t"
	"cmpq $0x1111, %rdi; jne 8f; cmpq $0x2222, %rsi; jne 8f\n\t"
	"cmpq $0x3333, %rdx; jne 8f; cmpq $0x4444, %r8; jne 8f\n\t"
	"cmpq $0x5555, %r9; jne 8f; cmpq $0x6666, %r10; jne 8f\n\t"
	"cmpq $0x7777, %rbp; jne 8f; cmpq $0x8888, %r12; jne 8f\n\t"
	"cmpq $0x9999, %r13; jne 8f; cmpq $0xaaaa, %r14; jne 8f\n\t"
	"cmpq $0xbbbb, %r15; jne 8f; decq %rbx; jnz 1b\n\t"
	"xorl %eax, %eax; jmp 9f\n"
	"8: movq %rbx, %rax\n"
	"9: popq %r15; popq %r14; popq %r13; popq %r12\n\t"
	"popq %rbp; popq %rbx\n\t"
	"ret\n");

static intptr_t invalid(const struct modiso_syscall *call, void *unused)
{
	(void)call;
	(void)unused;
	called++;
	return -EINVAL;
}

static void count_alarm(int signo)
{
	(void)signo;
	region_bytes(hosts)[1]++;
}

/* With signals that come all the time. */
START_TEST(test_keeps_registers)
{
	const struct itimerval often = {{0, 300}, {0, 300}};
	struct sigaction action = {.sa_handler = count_alarm,
				   .sa_flags = SA_RESTART};
	unsigned long n = run_times(5000, 200);
	struct modiso_gate *keeps;

	scene();
	keeps = make_gate(module, syscall_keeps);
	set(1000, MODISO_SYSCALL_ERRNO, EINVAL);
	must_eq(enter(keeps, n), 0);
	expect(MODISO_OK,
	       modiso_syscall_callback(module, 0, 1000, invalid, NULL));
	must_eq(enter(keeps, n), 0);
	must(!sigaction(SIGALRM, &action, NULL));
	must(!setitimer(ITIMER_REAL, &often, NULL));
	must_eq(enter(keeps, n), 0);
	must_eq(called, 2 * n);
}
END_TEST

/* --- what is refused --- */

START_TEST(test_refused_rules)
{
	static const struct {
		uint32_t number;
		const char *why;
	} never[] = {
		{SYS_clone, "services"},    {SYS_fork, "services"},
		{SYS_mmap, "address"},	    {SYS_mprotect, "address"},
		{SYS_rt_sigreturn, "thread"}, {SYS_openat, "/proc/self/mem"},
		{SYS_ioctl, "pointers"},
	};

	scene();
	expect(MODISO_ERR_INVAL, modiso_syscall_set(NULL, 0, 1, 0, 0));
	expect(MODISO_ERR_INVAL, modiso_syscall_set(module, 7, 1, 0, 0));
	expect(MODISO_ERR_INVAL, modiso_syscall_set(module, 0, 1024, 0, 0));
	expect(MODISO_ERR_INVAL, modiso_syscall_set(module, 0, UINT32_MAX, 0,
						    0));
	expect(MODISO_ERR_INVAL,
	       modiso_syscall_set(module, AUDIT_ARCH_I386, 1 | 0x40000000, 0,
				  0));
	expect(MODISO_ERR_INVAL,
	       modiso_syscall_set(module, 0, 1, MODISO_SYSCALL_LOG + 1, 0));
	expect(MODISO_ERR_INVAL, modiso_syscall_set(module, 0, 1, 0, 1));
	expect(MODISO_ERR_INVAL,
	       modiso_syscall_set(module, 0, 1, MODISO_SYSCALL_ERRNO, 0));
	expect(MODISO_ERR_INVAL,
	       modiso_syscall_set(module, 0, 1, MODISO_SYSCALL_ERRNO, 4096));
	expect(MODISO_ERR_INVAL,
	       modiso_syscall_callback(module, 0, 1, NULL, NULL));
	expect(MODISO_ERR_STATE,
	       modiso_syscall_set(open_module, 0, 1, 0, 0));
	for (size_t i = 0; i < sizeof(never) / sizeof(*never); i++) {
		expect(MODISO_ERR_NOTSUP,
		       modiso_syscall_set(module, 0, never[i].number,
					  MODISO_SYSCALL_ALLOW, 0));
		must(strstr(modiso_last_error_text(), never[i].why));
	}
	/* Each number there is can be allowed, or is refused with a reason. */
	for (uint32_t number = 0; number < 1024; number++) {
		int code = modiso_syscall_set(module, 0, number,
					      MODISO_SYSCALL_ALLOW, 0);

		must(code == 0 || code == MODISO_ERR_NOTSUP);
		must(code == 0 || strstr(modiso_last_error_text(),
					 "cannot be allowed: "));
	}
	expect(MODISO_ERR_NOTSUP,
	       modiso_syscall_set(module, AUDIT_ARCH_I386, 20,
				  MODISO_SYSCALL_ALLOW, 0));
	expect(MODISO_ERR_NOTSUP,
	       modiso_syscall_set(module, 0, SYS_getpid | 0x40000000,
				  MODISO_SYSCALL_ALLOW, 0));
	must_stop(SYS_mmap, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("syscall");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (guard_missing(tcase))
		return suite;
	tcase_add_test(tcase, test_errno);
	tcase_add_test(tcase, test_allowed_pointers);
	tcase_add_test(tcase, test_allowed);
	tcase_add_test(tcase, test_futex);
	tcase_add_test(tcase, test_gone_meanwhile);
	tcase_add_test(tcase, test_compute);
	tcase_add_test(tcase, test_log);
	tcase_add_test(tcase, test_log_names);
	tcase_add_test(tcase, test_names);
	tcase_add_test(tcase, test_callback);
	tcase_add_test(tcase, test_callback_nested);
	tcase_add_test(tcase, test_keeps_registers);
	tcase_add_test(tcase, test_refused_rules);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
