/* SPDX-License-Identifier: MIT */
/*
 * contract_pitfalls - the published ways out of sandboxes that rest on
 * protection keys, each tried by a GUARD module, which makes system calls as it
 * likes. What stops them is said for each; and where nothing does without a
 * guard of system calls, that it gets through: SECURITY has both in a table,
 * and this test fails when a line of it is no longer true.
 */
#include "contract/raw_call.h"
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include "arch/cpu.h"
#include "core/module.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <ucontext.h>
#include <unistd.h>

#define SECRET 0x5ec7e7u

static struct modiso_module *module;
static struct modiso_region *hosts;
static volatile uint32_t *secret; /* where it is, which is no secret */

static uintptr_t outcome; /* what a module has found, where it cannot return */

static void make_scene(void)
{
	module = world_module();
	hosts = make_region(NULL, 2 * PAGE, "hosts");
	secret = (volatile uint32_t *)region_bytes(hosts);
	*secret = SECRET;
}

/* --- module code --- */

/* The kernel reads with the caller's rights. */
MODULE_CODE static uintptr_t by_write(uintptr_t pipe_in, uintptr_t pipe_out)
{
	uint32_t word = 0;

	if (CALL(SYS_write, pipe_in, secret, 4) == 4)
		CALL(SYS_read, pipe_out, &word, 4);
	return word;
}

/* It does not, where it reads for another process, which may be this one. */
MODULE_CODE static uintptr_t by_process_vm(uintptr_t pid)
{
	uint32_t word = 0;
	struct iovec to = {&word, 4}, from = {(void *)secret, 4};

	CALL(SYS_process_vm_readv, pid, &to, 1, &from, 1);
	return word;
}

MODULE_CODE static uintptr_t by_proc_mem(const char *path)
{
	uint32_t word = 0;
	long file = CALL(SYS_open, path, O_RDONLY);

	CALL(SYS_pread64, file, &word, 4, secret);
	CALL(SYS_close, file);
	return word;
}

/* To a key that it has: its own stack's, for one that has no other. */
MODULE_CODE static uintptr_t by_retagging(volatile uint32_t *bytes,
					  uintptr_t key)
{
	CALL(SYS_pkey_mprotect, bytes, PAGE, PROT_READ | PROT_WRITE, key);
	return *bytes;
}

/* A page keeps its key where it is moved to. */
MODULE_CODE static uintptr_t by_moving(uintptr_t unused)
{
	volatile uint32_t *to = (volatile uint32_t *)CALL(
		SYS_mremap, (uintptr_t)secret + PAGE, PAGE, PAGE,
		MREMAP_MAYMOVE);

	(void)unused;
	return *to;
}

MODULE_CODE static uintptr_t by_second_mapping(uintptr_t descriptor)
{
	const volatile uint32_t *again = (volatile uint32_t *)CALL(
		SYS_mmap, 0, PAGE, PROT_READ, MAP_SHARED, descriptor);

	return *again;
}

/* Its rights are those that the kernel starts every handler with. */
static volatile sig_atomic_t handler_came;
static uint32_t rights_offset;

MODULE_CODE static void give_rights(int signo, siginfo_t *info, void *context)
{
	char *xsave = (char *)((ucontext_t *)context)->uc_mcontext.fpregs;

	(void)signo;
	(void)info;
	handler_came = 1;
	memset(xsave + rights_offset, 0, 4); /* all rights, at its return */
}

struct raw_action {
	void (*handler)(int, siginfo_t *, void *);
	unsigned long flags;
	void (*restorer)(void);
	uint64_t mask;
};

__attribute__((naked)) static void go_back(void)
{
	__asm__("movl $15, %eax\n\tsyscall");
}

MODULE_CODE static uintptr_t by_sigreturn(uintptr_t tid)
{
	const struct raw_action action = {
		.handler = give_rights,
		.flags = SA_SIGINFO | SA_ONSTACK | 0x04000000,
		.restorer = go_back,
	};

	CALL(SYS_rt_sigaction, SIGUSR2, &action, 0, 8);
	CALL(SYS_tkill, tid, SIGUSR2);
	return *secret;
}

MODULE_CODE static void read_there(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)info;
	(void)context;
	handler_came = 1;
	outcome = *secret;
}

/* In a handler of its own, which nobody tells from one of the host's. */
MODULE_CODE static uintptr_t by_handler(uintptr_t tid)
{
	const struct raw_action action = {
		.handler = read_there,
		.flags = SA_SIGINFO | SA_ONSTACK | 0x04000000,
		.restorer = go_back,
	};

	CALL(SYS_rt_sigaction, SIGUSR2, &action, 0, 8);
	CALL(SYS_tkill, tid, SIGUSR2);
	return outcome;
}

/* A copy of the process, which has another's rights over this one. */
MODULE_CODE static uintptr_t by_ptrace(uintptr_t pid)
{
	uint32_t word = 0;
	int ends[2], status;
	long child;

	CALL(SYS_pipe2, ends, 0);
	child = CALL(SYS_clone, SIGCHLD);
	if (child == 0) {
		uint64_t found = 0;

		CALL(SYS_ptrace, PTRACE_ATTACH, pid);
		CALL(SYS_wait4, pid, &status, __WALL, 0);
		CALL(SYS_ptrace, PTRACE_PEEKDATA, pid, secret, &found);
		CALL(SYS_ptrace, PTRACE_DETACH, pid);
		CALL(SYS_write, ends[1], &found, 4);
		CALL(SYS_exit_group, 0);
	}
	while (CALL(SYS_read, ends[0], &word, 4) == -EINTR)
		;
	while (CALL(SYS_wait4, child, &status, 0, 0) == -EINTR)
		;
	return word;
}

/* The host's own calls come to nothing from then on. */
MODULE_CODE static uintptr_t by_seccomp(uintptr_t unused)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_mprotect, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	const struct sock_fprog filter = {4, code};

	(void)unused;
	CALL(SYS_prctl, PR_SET_NO_NEW_PRIVS, 1);
	return (uintptr_t)CALL(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0,
			       &filter);
}

/*
 * --- rings, by which the kernel works without being called ---
 *
 * Of <linux/io_uring.h>, which may be older than the kernel.
 */
#define RING_POLLED  2u  /* IORING_SETUP_SQPOLL */
#define RING_BUFFERS 0   /* IORING_REGISTER_BUFFERS */
#define RING_WAKE    2   /* IORING_ENTER_SQ_WAKEUP */
#define RING_ENTRIES 0x10000000l /* IORING_OFF_SQES */
#define ENTRY_ASYNC  16u /* IOSQE_ASYNC: by a thread of the kernel's */
#define ENTRY_WRITE  23u /* IORING_OP_WRITE */

struct ring_options {
	uint32_t sq_entries, cq_entries, flags, cpu, idle_ms, features, wq_fd,
		unused[3];
	struct {
		uint32_t head, tail, mask, entries, flags, dropped, array,
			unused[3];
	} sq;
	struct {
		uint32_t head, tail, mask, entries, overflow, cqes, unused[4];
	} cq;
};

struct ring_entry {
	uint8_t op, flags;
	uint16_t priority;
	int32_t file;
	uint64_t offset, address;
	uint32_t length, unused[9];
};

struct ring_order {
	uint32_t flags, entry_flags;
	int to;
	long ring, registered; /* what the kernel said */
	int result;
};

/* The kernel is to write the secret into a pipe. */
MODULE_CODE static uintptr_t by_ring(struct ring_order *order)
{
	struct ring_options options = {.flags = order->flags, .idle_ms = 2000};
	struct iovec buffer = {(void *)secret, 4};
	volatile uint32_t *words;
	struct ring_entry *entry;

	order->ring = CALL(SYS_io_uring_setup, 4, &options);
	if (order->ring < 0)
		return 0;
	order->registered = CALL(SYS_io_uring_register, order->ring,
				 RING_BUFFERS, &buffer, 1);
	words = (volatile uint32_t *)CALL(SYS_mmap, 0, PAGE,
					  PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_POPULATE,
					  order->ring);
	entry = (struct ring_entry *)CALL(SYS_mmap, 0, PAGE,
					  PROT_READ | PROT_WRITE,
					  MAP_SHARED | MAP_POPULATE,
					  order->ring, RING_ENTRIES);
	entry->op = ENTRY_WRITE;
	entry->flags = (uint8_t)order->entry_flags;
	entry->file = order->to;
	entry->address = (uintptr_t)secret;
	entry->length = 4;
	entry->offset = UINT64_MAX;
	words[options.sq.array / 4] = 0;
	__atomic_store_n(&words[options.sq.tail / 4], 1, __ATOMIC_RELEASE);
	CALL(SYS_io_uring_enter, order->ring, 1, 0, RING_WAKE);
	while (__atomic_load_n(&words[options.cq.tail / 4],
			       __ATOMIC_ACQUIRE) == 0)
		CALL(SYS_sched_yield, 0);
	order->result = (int)words[options.cq.cqes / 4 + 2];
	CALL(SYS_close, order->ring);
	return 1;
}

/* --- the attempts --- */

static void must_see(uintptr_t found, bool through)
{
	if ((found == SECRET) != through)
		ck_abort_msg("it has found %#lx, which SECURITY says that it "
			     "%s", (unsigned long)found,
			     through ? "gets" : "does not");
}

START_TEST(test_kernel_reads)
{
	int ends[2];

	make_scene();
	must(!pipe(ends));
	must_see(enter(make_gate(module, by_write), (uintptr_t)ends[1],
		       (uintptr_t)ends[0]),
		 false);
}
END_TEST

START_TEST(test_process_vm)
{
	make_scene();
	must_see(enter(make_gate(module, by_process_vm), (uintptr_t)getpid()),
		 true);
}
END_TEST

START_TEST(test_proc_mem)
{
	make_scene();
	must_see(enter(make_gate(module, by_proc_mem), W("/proc/self/mem")),
		 true);
}
END_TEST

START_TEST(test_retagging)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
	};
	uint32_t rights;
	int key = 0;

	make_scene();
	must_see(enter(make_gate(module, by_retagging), W(secret), 0), true);
	/*
	 * A sealed one has no such instruction of its own, and jumps to the
	 * host's: here it runs the host's function.
	 */
	expect(MODISO_OK, modiso_module_create("sealed", &options, &module));
	enter_fault(module, make_gate(module, poke_ud2), 0);
	rights = module->domain.head.rights;
	while (key < 15 && (rights >> 2 * key & 3) != 0)
		key++;
	must_see(enter(make_gate(module, by_retagging), W(secret),
		       (uintptr_t)key),
		 true);
}
END_TEST

START_TEST(test_moving)
{
	const struct modiso_fault *fault;

	make_scene();
	secret[PAGE / 4] = SECRET;
	fault = enter_fault(module, make_gate(module, by_moving), 0);
	must_eq(fault->kind, MODISO_FAULT_ACCESS);
}
END_TEST

START_TEST(test_second_mapping)
{
	int descriptor = memfd_create("shared", MFD_CLOEXEC);
	struct modiso_region *shared;
	struct modiso_gate *gate;

	make_scene();
	must(descriptor >= 0 && !ftruncate(descriptor, (off_t)PAGE));
	expect(MODISO_OK,
	       modiso_region_map_shared(NULL, descriptor, 0, PAGE, RW, NULL,
					&shared));
	secret = (volatile uint32_t *)region_bytes(shared);
	*secret = SECRET;
	gate = make_gate(module, by_second_mapping);
	/* As long as the host keeps the descriptor, and no longer. */
	must_see(enter(gate, (uintptr_t)descriptor), true);
	close(descriptor);
	must_blame(enter_fault(module, make_gate(module, poke_load1),
			       W(secret)),
		   MODISO_READ, (const void *)secret, shared);
}
END_TEST

START_TEST(test_sigreturn)
{
	make_scene();
	rights_offset = mdi_cpu()->rights_offset;
	must_see(enter(make_gate(module, by_sigreturn), (uintptr_t)gettid()),
		 true);
	must(handler_came);
}
END_TEST

/*
 * The kernel starts it with key 0 alone, as any handler that the library does
 * not stand in front of; and the fault handler gives those what they lack.
 */
START_TEST(test_handler)
{
	make_scene();
	must_see(enter(make_gate(module, by_handler), (uintptr_t)gettid()),
		 true);
	must(handler_came);
}
END_TEST

START_TEST(test_ptrace)
{
	uintptr_t found;

	make_scene();
	/* What a security module makes of it is another matter. */
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY);
	found = enter(make_gate(module, by_ptrace), (uintptr_t)getpid());
	if (found == 0)
		test_skip("ptrace", "the kernel refuses it");
	must_see(found, true);
}
END_TEST

START_TEST(test_seccomp)
{
	void *page = mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS,
			  -1, 0);
	int ends[2];

	make_scene();
	must(!pipe(ends));
	must_eq(enter(make_gate(module, by_seccomp), 0), 0);
	/* The call says that all is well, and nothing was done. */
	must(!mprotect(page, PAGE, PROT_NONE));
	must(write(ends[1], page, 1) == 1);
}
END_TEST

/*
 * A ring of the module's own. The kernel's threads that work for it have the
 * memory of the process, and no rights to keys but the first.
 */
static void try_ring(uint32_t flags, uint32_t entry_flags)
{
	struct ring_order order = {.flags = flags, .entry_flags = entry_flags};
	uint32_t word = 0;
	int ends[2];

	must(!pipe(ends));
	order.to = ends[1];
	make_scene();
	if (!enter(make_gate(module, by_ring), W(&order)))
		test_skip("ring", "the kernel makes none");
	must_eq((long)order.registered, -EFAULT);
	must_eq(order.result, -EFAULT);
	close(ends[1]);
	must_eq(read(ends[0], &word, 4), 0);
	must_see(word, false);
}

START_TEST(test_ring)
{
	try_ring(0, 0);
}
END_TEST

START_TEST(test_ring_async)
{
	try_ring(0, ENTRY_ASYNC);
}
END_TEST

START_TEST(test_ring_polled)
{
	try_ring(RING_POLLED, 0);
}
END_TEST

/* Bytes that are scanned are a copy, whoever shares those of the file. */
START_TEST(test_shared_code)
{
	static const unsigned char bad[] = {0x0f, 0x01, 0xef, 0xc3};
	const struct modiso_flat flat = {
		.struct_size = sizeof(flat),
		.code_size = 16,
	};
	struct modiso_image *image = NULL;
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	int descriptor = memfd_create("code", MFD_CLOEXEC);
	unsigned char *shared;

	make_scene();
	must(descriptor >= 0 && !ftruncate(descriptor, (off_t)PAGE));
	shared = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
		      descriptor, 0);
	must(shared != MAP_FAILED);
	memcpy(shared, poke_code42, 16);
	expect(MODISO_OK, modiso_image_prepare(module, shared, 16, &flat, NULL,
					       &image));
	expect(MODISO_OK, modiso_image_get_info(image, &info));
	memcpy(shared, bad, sizeof(bad));
	must(!memcmp(info.base, poke_code42, 16));
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("pitfalls");
	TCase *tcase = tcase_create("contract");

	if (on_pkey()) {
		tcase_add_test(tcase, test_kernel_reads);
		tcase_add_test(tcase, test_process_vm);
		tcase_add_test(tcase, test_proc_mem);
		tcase_add_test(tcase, test_retagging);
		tcase_add_test(tcase, test_moving);
		tcase_add_test(tcase, test_second_mapping);
		tcase_add_test(tcase, test_sigreturn);
		tcase_add_test(tcase, test_handler);
		tcase_add_test(tcase, test_ptrace);
		tcase_add_test(tcase, test_seccomp);
		tcase_add_test(tcase, test_ring);
		tcase_add_test(tcase, test_ring_async);
		tcase_add_test(tcase, test_ring_polled);
	}
	tcase_add_test(tcase, test_shared_code);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
