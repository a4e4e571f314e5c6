/* SPDX-License-Identifier: MIT */
/*
 * contract_guard_hostile - the lines of the hostile list (tests/hostile.map)
 * that are system calls: with arguments by which they would do harm, from
 * instructions of the module's own, of the C library and of this one.
 */
#include "contract/guard_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include "arch/arch.h"
#include "arch/x86_64/signal.h"

#include <fcntl.h>
#include <linux/audit.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#define RWX (PROT_READ | PROT_WRITE | PROT_EXEC)

/* Arguments that are known when the scene is there. */
enum special {
	HOST = 0x7001, /* a region of the host's */
	OWN,           /* the module's own page */
	GATE,          /* a page of the gates' code */
	SELECTOR_PAGE, /* the page that the kernel asks */
	SELF,          /* the process */
	PARENT,
	MEM,           /* "/proc/self/mem" */
	MEM_FD,        /* the same, opened by the host */
	VECTOR         /* a struct iovec of the host's region */
};

static const struct {
	const char *line;
	unsigned number;
	uintptr_t args[6];
} calls[] = {
	{"C14", SYS_rt_sigreturn, {0}},
	{"C15", SYS_rt_sigaction, {SIGSEGV, OWN, 0, 8}},
	{"C15", SYS_sigaltstack, {OWN, 0}},
	{"C15", SYS_rt_sigprocmask, {SIG_BLOCK, OWN, 0, 8}},
	{"C15", SYS_signalfd4, {(uintptr_t)-1, OWN, 8, 0}},
	{"C15", SYS_setitimer, {0, OWN, 0}},
	{"C15", SYS_timer_create, {0, 0, OWN}},
	{"D1", SYS_pkey_mprotect, {HOST, PAGE, 3, 0}},
	{"D2", SYS_mprotect, {HOST, PAGE, RWX}},
	{"D3", SYS_mprotect, {GATE, PAGE, RWX}},
	{"D4", SYS_mmap, {HOST, PAGE, 3, 0x32, (uintptr_t)-1, 0}},
	{"D4", SYS_munmap, {HOST, PAGE}},
	{"D5", SYS_mremap, {HOST, PAGE, PAGE, 3, OWN}},
	{"D6", SYS_madvise, {HOST, PAGE, MADV_DONTNEED}},
	{"D7", SYS_remap_file_pages, {HOST, PAGE, 0, 0, 0}},
	{"D8", SYS_openat, {(uintptr_t)AT_FDCWD, MEM, O_RDWR}},
	{"D8", SYS_shmat, {0, 0, 0}},
	{"D8", SYS_recvmsg, {0, OWN, 0}},
	{"D10", SYS_process_vm_readv, {SELF, OWN, 1, VECTOR, 1, 0}},
	{"D10", SYS_process_vm_writev, {SELF, OWN, 1, VECTOR, 1, 0}},
	{"D11", SYS_open, {MEM, O_RDWR}},
	{"D11", SYS_pread64, {MEM_FD, OWN, 8, HOST}},
	{"D11", SYS_pwrite64, {MEM_FD, OWN, 8, HOST}},
	{"D12", SYS_fork, {0}},
	{"D12", SYS_ptrace, {16, PARENT, 0, 0}},
	{"D13", SYS_io_uring_setup, {8, OWN}},
	{"D13", SYS_io_uring_enter, {3, 1, 1, 1, 0}},
	{"D13", SYS_io_uring_register, {3, 0, OWN, 1}},
	{"D14", SYS_userfaultfd, {0}},
	{"D14", SYS_ioctl, {3, 0xc028aa03, OWN}},
	{"D15", SYS_vmsplice, {1, OWN, 1, 0}},
	{"D15", SYS_io_submit, {0, 1, OWN}},
	{"D17", SYS_pkey_free, {1}},
	{"D17", SYS_pkey_alloc, {0, 0}},
	{"D18", SYS_clone, {0x10d00, OWN}},
	{"D18", SYS_clone3, {OWN, 88}},
	{"D18", SYS_vfork, {0}},
	{"D19", SYS_prctl, {59, 0, 0, 0, 0}},
	{"D19", SYS_prctl, {59, 1, 0, 0, OWN}},
	{"D19", SYS_seccomp, {1, 0, OWN}},
	{"D19", SYS_prctl, {38, 1, 0, 0, 0}},
	{"D19", SYS_prctl, {4, 1, 0, 0, 0}},
	{"D20", SYS_personality, {0x400000}},
	{"D21", SYS_arch_prctl, {0x1002, OWN}},
	{"D21", SYS_set_tid_address, {HOST}},
	{"D21", SYS_set_robust_list, {OWN, 24}},
	{"D21", SYS_rseq, {OWN, 32, 0, 0x53053053}},
	{"D22", SYS_execve, {MEM, 0, 0}},
	{"D22", SYS_exit_group, {3}},
	{"D22", SYS_exit, {3}},
	{"D22", SYS_kill, {SELF, SIGKILL}},
	{"D22", SYS_prlimit64, {0, 9, OWN, 0}},
	{"D22", SYS_close, {1}},
	{"D22", SYS_dup2, {0, 1}},
	{"D22", SYS_chdir, {MEM}},
	{"D22", SYS_umask, {0}},
	{"D24", SYS_mprotect, {SELECTOR_PAGE, PAGE, 3}},
	{"D24", SYS_munmap, {SELECTOR_PAGE, PAGE}},
	{"E7", SYS_mmap, {0, PAGE, RWX, 0x22, (uintptr_t)-1, 0}},
	{"F4", SYS_clone, {0x3d0f00, OWN}},
};
#define CALLS (sizeof(calls) / sizeof(calls[0]))

static int mem_fd;

static uintptr_t resolve(uintptr_t word)
{
	switch (word) {
	case HOST:
		return W(region_bytes(hosts));
	case OWN:
		return W(region_bytes(own)) + 1024;
	case GATE:
		return W(mdi_gate_pkey) & ~(PAGE - 1);
	case SELECTOR_PAGE:
		return W(mdi_thread_open_page(mdi_thread_self()));
	case SELF:
		return (uintptr_t)getpid();
	case PARENT:
		return (uintptr_t)getppid();
	case MEM:
		return W(region_bytes(own)) + 2048;
	case MEM_FD:
		return (uintptr_t)mem_fd;
	case VECTOR:
		return W(region_bytes(own)) + 3072;
	default:
		return word;
	}
}

/*
 * 0f 05 c3 in code of its own. It is not refused, for the guard stops it here
 * as in the host's code; where there is no guard it is, and so are other
 * instructions.
 */
static const void *own_code(void)
{
	struct modiso_region *code = make_region(module, PAGE, "code");
	struct modiso_region *other = make_region(module, PAGE, "other");
	const struct modiso_module_options sealed = {
		.struct_size = sizeof(sealed),
		.confinement = MODISO_CONFINE_SEALED,
	};
	struct modiso_module *unguarded;
	struct modiso_region *open;

	expect(MODISO_OK,
	       modiso_module_create("unguarded", &sealed, &unguarded));
	open = make_region(unguarded, PAGE, "open");
	memcpy(region_bytes(open), "\x0f\x05\xc3", 3);
	expect(MODISO_ERR_GADGET, modiso_region_protect(open, RX));
	memcpy(region_bytes(other), "\xcd\x80\x0f\x01\xef\xc3", 6);
	expect(MODISO_ERR_GADGET, modiso_region_protect(other, RX));
	memcpy(region_bytes(code), "\x0f\x05\xc3", 3);
	expect(MODISO_OK, modiso_region_protect(code, RX));
	return region_bytes(code);
}

static size_t find_places(const void **places, size_t room)
{
	size_t count = 0;

	places[count++] = guard_syscall;
	places[count++] = own_code();
	places[count++] = (const char *)(uintptr_t)mdi_signal_restorer + 7;
	must(guard_places("libc.so", &places[count], 1) == 1);
	count++;
	must(count <= room);
	return count;
}

static void make_hostile(void)
{
	const uintptr_t vector[2] = {W(region_bytes(hosts)), 8};

	memcpy(region_bytes(own) + 2048, "/proc/self/mem", 15);
	memcpy(region_bytes(own) + 3072, vector, sizeof(vector));
	mem_fd = open("/proc/self/mem", O_RDWR | O_CLOEXEC);
	must(mem_fd >= 0);
}

START_TEST(test_calls)
{
	const void *places[4];
	uintptr_t args[6], *given;
	size_t count, i, j;
	int key;

	make_scene();
	make_hostile();
	count = find_places(places, 4);
	must_stop(SYS_getpid, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
	key = proc_key(region_bytes(hosts));
	for (i = 0; i < CALLS; i++) {
		for (j = 0; j < 6; j++)
			args[j] = resolve(calls[i].args[j]);
		given = guard_args(args[0], args[1], args[2], args[3], args[4],
				   args[5]);
		for (j = 0; j < count; j++) {
			must_stop(calls[i].number, given, places[j]);
			/* x32: the same numbers with a bit. */
			must_stop(calls[i].number | 0x40000000u, given,
				  places[j]);
		}
		must(all_bytes(region_bytes(hosts), 0x77, PAGE));
		must_eq(proc_key(region_bytes(hosts)), key);
	}
	must(getppid() > 0);
}
END_TEST

/* Pages of the module's below 4 GiB. */
static unsigned char *low_page(void)
{
	struct modiso_region *region;
	void *page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);

	must(page != MAP_FAILED);
	expect(MODISO_OK, modiso_region_adopt(module, page, PAGE, RW, NULL,
					      &region));
	return page;
}

/*
 * SYSENTER: AMD's CPUs do not know it in 64-bit code. Intel's do, and the
 * kernel looks for the sixth argument where RBP points to, below 4 GiB. Where
 * it finds none it makes no call, and returns to where no code is.
 */
static void try_sysenter(void)
{
	const struct modiso_fault *fault =
		enter_fault(module, call_gate, SYS_getpid,
			    W(guard_args(0, 0, 0, 0, 0, 0)), W(guard_sysenter));

	must(fault->kind == MODISO_FAULT_ILLEGAL ||
	     fault->kind == MODISO_FAULT_UNMAPPED);
	fault = enter_fault(module, call_gate, SYS_getpid,
			    W(guard_args(0, 0, 0, 0, 0, W(low_page()))),
			    W(guard_sysenter));
	if (fault->kind == MODISO_FAULT_ILLEGAL)
		return;
	must_eq(fault->kind, MODISO_FAULT_SYSCALL);
	must_eq(fault->syscall_number, SYS_getpid);
	must_eq(fault->syscall_arch, AUDIT_ARCH_I386);
}

/* By the tables of 32-bit code: each number that there is. */
START_TEST(test_other_entries)
{
	const struct modiso_fault *fault;
	uintptr_t *args;

	make_scene();
	args = guard_args(0, 0, 0, 0, 0, 0);
	for (unsigned number = 0; number < 470; number++) {
		fault = enter_fault(module, call_gate, number, W(args),
				    W(guard_int80));
		must_eq(fault->kind, MODISO_FAULT_SYSCALL);
		must_eq(fault->syscall_number, number);
		must_eq(fault->syscall_arch, AUDIT_ARCH_I386);
	}
	try_sysenter();
}
END_TEST

/*
 * In 32-bit code, where a far jump leads: each way into the kernel that some
 * CPU has there. Others do not know it.
 */
static const unsigned char narrow[][2] = {
	{0xcd, 0x80}, /* int $0x80 */
	{0x0f, 0x05}, /* syscall */
	{0x0f, 0x34}, /* sysenter */
};
#define NARROW    (sizeof(narrow) / sizeof(*narrow))
#define NARROW_AT 12 /* behind the loads of registers */
#define USER32_CS 0x23

/* With a number, and a stack where the kernel looks for an argument. */
static void write_narrow(unsigned char *to, const unsigned char *entry,
			 const void *stack)
{
	const uint32_t low = (uint32_t)W(stack);

	memcpy(to, "\xb8\x14\0\0\0\xbc", 6); /* movl $20, %eax; movl */
	memcpy(to + 6, &low, sizeof(low));         /* $low, %esp */
	memcpy(to + 10, "\x89\xe5", 2);          /* movl %esp, %ebp */
	memcpy(to + NARROW_AT, entry, 2);
	memcpy(to + NARROW_AT + 2, "\x0f\x0b", 2); /* ud2 */
}

START_TEST(test_narrow)
{
	const struct modiso_fault *fault;
	struct modiso_gate *gate;
	struct poke_far *to;
	unsigned char *code;
	unsigned stopped = 0;

	make_scene();
	gate = make_gate(module, poke_far);
	to = (struct poke_far *)(void *)low_page();
	code = low_page();
	for (size_t i = 0; i < NARROW; i++)
		write_narrow(code + 32 * i, narrow[i], to);
	must(!mprotect(code, PAGE, PROT_READ | PROT_EXEC));
	to->selector = USER32_CS;
	for (size_t i = 0; i < NARROW; i++) {
		to->offset = (uint32_t)W(code + 32 * i);
		fault = enter_fault(module, gate, W(to));
		if (fault->kind == MODISO_FAULT_ILLEGAL) {
			must_eq(fault->pc, to->offset + NARROW_AT);
			continue;
		}
		must_eq(fault->kind, MODISO_FAULT_SYSCALL);
		must_eq(fault->syscall_number, 20);
		must_eq(fault->syscall_arch, AUDIT_ARCH_I386);
		stopped++;
	}
	printf("# %u of %zu are entries here\n", stopped, NARROW);
	must(stopped > 0);
	must_stop(SYS_getpid, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
}
END_TEST

/*
 * The page of old: gettimeofday(), time() and getcpu(), which the kernel makes
 * for whoever jumps there, if it has the page. No guard is asked (SECURITY).
 */
#define VSYSCALL  0xffffffffff600000ul
#define TIME      (VSYSCALL + 0x400)
#define VSYSCALLS 3

/* By the module, with these arguments. */
static int call_page(uintptr_t at, uintptr_t a, uintptr_t b, uintptr_t *result)
{
	const uintptr_t *args = guard_args(a, b, 0, 0, 0, 0);

	return modiso_gate_call(call_gate, WORDS(0, W(args), at), result);
}

START_TEST(test_vsyscall)
{
	uintptr_t at, mine, host, result = 0;
	struct proc_mapping page;
	int want = proc_mapping((void *)VSYSCALL, &page) ? MODISO_OK
							 : MODISO_ERR_FAULT;

	make_scene();
	mine = W(region_bytes(own)) + 1024;
	host = W(region_bytes(hosts));
	printf("# the kernel has %s page\n", want == MODISO_OK ? "the" : "no");
	for (at = VSYSCALL; at < VSYSCALL + VSYSCALLS * 0x400; at += 0x400) {
		must_eq(call_page(at, 0, 0, &result), want);
		must_eq(call_page(at, mine, 0, &result), want);
		/* With the module's rights. */
		must_eq(call_page(at, host, 0, &result), MODISO_ERR_FAULT);
		must_eq(call_page(at, host + PAGE - 1, 0, &result),
			MODISO_ERR_FAULT);
		must_eq(call_page(at, mine, host, &result),
			want == MODISO_OK && at == TIME ? MODISO_OK
							   : MODISO_ERR_FAULT);
		must(all_bytes(region_bytes(hosts), 0x77, PAGE));
		/* And nothing but these three. */
		must_eq(call_page(at + 7, 0, 0, &result), MODISO_ERR_FAULT);
	}
	must_eq(call_page(at, 0, 0, &result), MODISO_ERR_FAULT);
	must_stop(SYS_getpid, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
}
END_TEST

/*
 * Each number from each instruction of the library itself, those among them
 * that are the middle of another one.
 */
#define PLACES 512

START_TEST(test_library)
{
	const void *places[PLACES];
	size_t count = guard_places("libmodiso", places, PLACES);
	unsigned step = emulated() ? 16 : 1;
	uintptr_t *args;

	/* Linked into the test: its own are some of them. */
	if (count == 0)
		count = guard_places(NULL, places, PLACES);
	printf("# %zu places\n", count);
	must(count > 5 && count < PLACES);
	make_scene();
	args = guard_args(0, 0, 0, 0, 0, 0);
	for (size_t i = 0; i < count; i++)
		for (unsigned number = i % step; number < 470; number += step)
			must_stop(number, args, places[i]);
	must(getppid() > 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("guard_hostile");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (guard_missing(tcase))
		return suite;
	tcase_add_test(tcase, test_calls);
	tcase_add_test(tcase, test_other_entries);
	tcase_add_test(tcase, test_narrow);
	tcase_add_test(tcase, test_vsyscall);
	tcase_add_test(tcase, test_library);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
