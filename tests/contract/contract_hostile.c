/* SPDX-License-Identifier: MIT */
/*
 * contract_hostile - lines of the hostile list (tests/hostile.map) that belong
 * to no single call of the library.
 */
#include "contract/hostile_scene.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"
#include "core/region.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Masked moves without a lane, and hints, are no accesses. */
MODULE_CODE static uintptr_t touch_nothing(uintptr_t address, uintptr_t avx)
{
	__asm__ volatile("prefetcht0 (%0)\n\tprefetchw (%0)"
			 :
			 : "r"(address)
			 : "memory");
	if (!avx)
		return 1;
	__asm__ volatile("vpxor %%xmm0, %%xmm0, %%xmm0\n\t"
			 "vpcmpeqd %%xmm1, %%xmm1, %%xmm1\n\t"
			 "vmaskmovps (%0), %%xmm0, %%xmm1\n\t"
			 "vmaskmovps %%xmm1, %%xmm0, (%0)\n\t"
			 "vptest %%xmm1, %%xmm1\n\t"
			 :
			 : "r"(address)
			 : "xmm0", "xmm1", "memory", "cc");
	return 2;
}

START_TEST(test_no_access)
{
	struct modiso_gate *gate;

	make_scene();
	gate = make_gate(module, touch_nothing);
	must_eq(enter(gate, W(region_bytes(foreign)), 0), 1);
	must_eq(enter(gate, W(region_bytes(hosts)), 0), 1);
	/* Emulation checks the lanes that it does not move. */
	if (cpu_has_avx() && !emulated()) {
		must_eq(enter(gate, W(region_bytes(foreign)), 1), 2);
		must_eq(enter(gate, W(region_bytes(hosts)), 1), 2);
	}
	must_eq(modiso_fault_count(), 0);
	must(all_bytes(region_bytes(foreign), 0x66, 2 * PAGE));
	must(all_bytes(region_bytes(hosts), 0x77, 2 * PAGE));
}
END_TEST

/* It is tried again, as rights may have changed meanwhile; not for ever. */
START_TEST(test_pages_taken_away)
{
	struct modiso_gate *load;
	unsigned char *bytes;
	int i;

	make_scene();
	load = make_gate(module, poke_load1);
	bytes = region_bytes(own);
	must_eq(enter(load, W(bytes)), 0x55);
	for (i = 0; i < 3; i++) {
		must(!mprotect(bytes, PAGE, PROT_NONE));
		must_blame(enter_fault(module, load, W(bytes)), MODISO_READ,
			   bytes, own);
		must(!mprotect(bytes, PAGE, PROT_READ | PROT_WRITE));
		must_eq(enter(load, W(bytes)), 0x55);
	}
}
END_TEST

/* A region made while its module's pages are closed is closed as well. */
START_TEST(test_made_while_closed)
{
	struct modiso_gate *load, *store;
	struct modiso_region *late;

	make_scene();
	load = make_gate(module, poke_load1);
	store = make_gate(module, poke_store1);
	must_eq(enter(load, W(region_bytes(own))), 0x55);
	late = make_region(other, PAGE, "late");
	must_blame(enter_fault(module, load, W(region_bytes(late))),
		   MODISO_READ, region_bytes(late), late);
	late = make_region(other, PAGE, "later");
	must_blame(enter_fault(module, store, W(region_bytes(late)), 1),
		   MODISO_WRITE, region_bytes(late), late);
	must(all_bytes(region_bytes(late), 0, PAGE));
}
END_TEST

MODULE_CODE static uintptr_t call_kernel(uintptr_t number, uintptr_t fd,
					 uintptr_t buffer, uintptr_t length)
{
	uintptr_t result;

	__asm__ volatile("syscall"
			 : "=a"(result)
			 : "a"(number), "D"(fd), "S"(buffer), "d"(length)
			 : "rcx", "r11", "memory");
	return result;
}

START_TEST(test_kernel_on_behalf)
{
	struct modiso_gate *gate;
	int ends[2];

	make_scene();
	must(!pipe2(ends, O_CLOEXEC | O_NONBLOCK));
	must_eq(write(ends[1], "12345678", 8), 8);
	gate = make_gate(module, call_kernel);
	must_eq(enter(gate, SYS_write, ends[1], W(region_bytes(hosts)), 8),
		-EFAULT);
	must_eq(enter(gate, SYS_write, ends[1], W(region_bytes(foreign)), 8),
		-EFAULT);
	must_eq(enter(gate, SYS_read, ends[0], W(region_bytes(hosts)), 4),
		-EFAULT);
	must_eq(enter(gate, SYS_read, ends[0], W(region_bytes(foreign)), 4),
		-EFAULT);
	must_eq(modiso_fault_count(), 0);
	must(all_bytes(region_bytes(foreign), 0x66, 2 * PAGE));
	must(all_bytes(region_bytes(hosts), 0x77, 2 * PAGE));
	/* Its own it can use. */
	must_eq(enter(gate, SYS_write, ends[1], W(region_bytes(own)), 8), 8);
	close(ends[0]);
	close(ends[1]);
}
END_TEST

/* No restartable sequences while modules can write the words, nor theirs. */
START_TEST(test_rseq)
{
	volatile struct rseq *words =
		(void *)((char *)__builtin_thread_pointer() + __rseq_offset);

	if (!__rseq_size || (int)words->cpu_id < 0)
		test_skip("rseq", "the C library has registered none");
	world_start();
	expect(MODISO_OK, modiso_thread_attach());
	must((int)words->cpu_id < 0);
	words->rseq_cs = 4096; /* as a module could */
	expect(MODISO_OK, modiso_thread_detach());
	must((int)words->cpu_id >= 0);
	must_eq(words->rseq_cs, 0);
	must_eq(sched_getcpu() >= 0, true);
}
END_TEST

static modiso_fn plain_thunk;
static unsigned service_mxcsr;

static void plain_service(void)
{
	service_mxcsr = __builtin_ia32_stmxcsr();
}

/* Round up, call a service: does it still round up? */
MODULE_CODE static uintptr_t round_up(modiso_fn thunk)
{
	unsigned short before, mine = 0xb7f, after;
	unsigned saved = __builtin_ia32_stmxcsr(), mxcsr;

	__asm__ volatile("fnstcw %0\n\tfldcw %1" : "=m"(before) : "m"(mine));
	__builtin_ia32_ldmxcsr(0x5f80);
	thunk();
	mxcsr = __builtin_ia32_stmxcsr();
	__asm__ volatile("fnstcw %0\n\tfldcw %1" : "=m"(after) : "m"(before));
	__builtin_ia32_ldmxcsr(saved);
	return (uintptr_t)after << 16 | (mxcsr & 0xffc0);
}

START_TEST(test_modes_kept)
{
	unsigned host = __builtin_ia32_stmxcsr() & 0xffc0;

	make_scene();
	plain_thunk = make_service("plain", plain_service);
	must_eq(enter(make_gate(module, round_up), W(plain_thunk)),
		0xb7ful << 16 | 0x5f80);
	must_eq(service_mxcsr & 0xffc0, host);
}
END_TEST

MODULE_CODE static uintptr_t where_stack(void)
{
	return W(__builtin_frame_address(0));
}

static struct modiso_gate *where_gate;

static uintptr_t where_below(void)
{
	return enter(where_gate, 0);
}

MODULE_CODE static uintptr_t call_thunk(uintptr_t (*thunk)(void))
{
	return thunk() + 0 * W(__builtin_frame_address(0));
}

/* The first stack of a module, and the next one: made in different ways. */
START_TEST(test_guard_page)
{
	const struct modiso_region *stack;
	struct modiso_gate *load;
	uintptr_t at, base;

	make_scene();
	load = make_gate(module, poke_load1);
	where_gate = make_gate(module, where_stack);
	at = _i == 0 ? where_below()
		     : enter(make_gate(module, call_thunk),
			     W(make_service("below", where_below)));
	stack = mdi_region_at(at);
	must(stack && stack->stack);
	base = stack->node.base;
	must_eq(enter_fault(module, load, base)->access, MODISO_READ);
	must_eq(enter_fault(module, load, base + PAGE - 1)->access,
		MODISO_READ);
	enter(load, base + PAGE);
}
END_TEST

static uint32_t attached, go;

static void *attach_and_wait(void *arg)
{
	expect(MODISO_OK, modiso_thread_attach());
	__atomic_fetch_add(&attached, 1, __ATOMIC_SEQ_CST);
	while (arg && !__atomic_load_n(&go, __ATOMIC_SEQ_CST))
		sched_yield();
	return NULL;
}

static void attach_two(void *arg)
{
	int i;

	(void)arg;
	for (i = 0; i < 2; i++)
		thread_join(thread_start(attach_and_wait, NULL));
}

START_TEST(test_fork_gives_back)
{
	struct modiso_options options = {.struct_size = sizeof(options),
					 .max_threads = 2};
	pthread_t thread;

	expect(MODISO_OK, modiso_init(&options));
	expect(MODISO_OK, modiso_thread_attach());
	thread = thread_start(attach_and_wait, &options);
	while (!__atomic_load_n(&attached, __ATOMIC_SEQ_CST))
		sched_yield();
	must_exit(child_status(attach_two, NULL), 0);
	__atomic_store_n(&go, 1, __ATOMIC_SEQ_CST);
	thread_join(thread);
}
END_TEST

/*
 * What the kernel sends to a thread that touches such a page, sent by the
 * module to itself: the kernel lets a process say that of its own.
 */
MODULE_CODE static uintptr_t poisoned(siginfo_t *info, uintptr_t process,
				      uintptr_t thread)
{
	uintptr_t result;

	__asm__ volatile("mov %[info], %%r10\n\tsyscall"
			 : "=a"(result)
			 : "a"((uintptr_t)SYS_rt_tgsigqueueinfo), "D"(process),
			   "S"(thread), "d"((uintptr_t)SIGBUS), [info] "r"(info)
			 : "rcx", "r10", "r11", "memory");
	return result;
}

static void poison(siginfo_t *info, int code, void *address)
{
	memset(info, 0, sizeof(*info));
	info->si_signo = SIGBUS;
	info->si_code = code;
	info->si_addr = address;
	info->si_addr_lsb = 12;
}

static siginfo_t told;

static void be_told(int signo, siginfo_t *info, void *context)
{
	(void)signo;
	(void)context;
	told = *info;
}

static void tell_of_poison(void)
{
	struct sigaction action;

	memset(&action, 0, sizeof(action));
	action.sa_sigaction = be_told;
	action.sa_flags = SA_SIGINFO | SA_ONSTACK;
	must(!sigaction(SIGBUS, &action, NULL));
}

START_TEST(test_poison)
{
	uintptr_t process = (uintptr_t)getpid();
	const struct modiso_fault *fault;
	struct modiso_gate *gate;
	unsigned char *bytes;
	siginfo_t *info;
	int i;

	make_scene();
	tell_of_poison();
	gate = make_gate(module, poisoned);
	bytes = region_bytes(own);
	info = (siginfo_t *)(void *)(bytes + 512);
	for (i = 0; i < 20; i++) {
		poison(info, BUS_MCEERR_AR, bytes + PAGE);
		fault = enter_fault(module, gate, W(info), process, process);
		must_eq(fault->kind, MODISO_FAULT_BUS);
		must_eq(fault->signo, SIGBUS);
		must_eq(fault->code, BUS_MCEERR_AR);
		must_eq(fault->address, bytes + PAGE);
		must_str(fault->region_name, "own");
	}
	must_eq(told.si_signo, 0);
	/* The host's own goes to the host. */
	poison(info, BUS_MCEERR_AR, region_bytes(hosts));
	must_eq(poisoned(info, process, process), 0);
	must_eq(told.si_code, BUS_MCEERR_AR);
	must_eq(told.si_addr, region_bytes(hosts));
	must_eq(modiso_fault_count(), 20);
}
END_TEST

/*
 * The kernel tells of such a page before anybody touches it: some thread of the
 * process, which may be in a module just then, and that has done nothing.
 */
START_TEST(test_poison_early)
{
	uintptr_t process = (uintptr_t)getpid();
	struct modiso_gate *gate;
	siginfo_t *info;

	make_scene();
	tell_of_poison();
	gate = make_gate(module, poisoned);
	info = (siginfo_t *)(void *)(region_bytes(own) + 512);
	poison(info, BUS_MCEERR_AO, region_bytes(hosts));
	must_eq(enter(gate, W(info), process, process), 0);
	must_eq(told.si_code, BUS_MCEERR_AO);
	must_eq(told.si_addr, region_bytes(hosts));
	must_eq(modiso_fault_count(), 0);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("hostile");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_no_access);
	tcase_add_test(tcase, test_pages_taken_away);
	tcase_add_test(tcase, test_made_while_closed);
	tcase_add_test(tcase, test_kernel_on_behalf);
	tcase_add_test(tcase, test_rseq);
	tcase_add_test(tcase, test_modes_kept);
	tcase_add_loop_test(tcase, test_guard_page, 0, 2);
	add_test_but_tsan(tcase, test_fork_gives_back,
			  "no threads in the child of a fork beside threads");
	tcase_add_test(tcase, test_poison);
	tcase_add_test(tcase, test_poison_early);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
