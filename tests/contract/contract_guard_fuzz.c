/* SPDX-License-Identifier: MIT */
/*
 * contract_guard_fuzz - a SEALED guarded module runs random bytes as code, as
 * far as the scanner lets them become code; and the same while a handler of the
 * host's interrupts it all the time. Whatever they do, the host's memory is as
 * it was, no system call is made, and the process goes on.
 *
 * MODISO_TEST_OPERATIONS in the environment says how many programs it is, and
 * has it told what became of them; MODISO_TEST_SEED the first one's number.
 */
#include "contract/guard_scene.h"
#include "fuzz/fuzz_guard.h"
#include "support/poke.h"
#include "support/proc.h"

#include "arch/arch.h"
#include "backend/backend.h"
#include "core/door.h"
#include "os/memory.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { BATCH = 256, ROOM = 512, FIRST_UNUSED = 500 };

static struct fuzz_targets targets;
static struct modiso_module *runner;
static struct modiso_region *data;

static void add_code(uintptr_t at)
{
	if (targets.code_count < sizeof(targets.code) / sizeof(uintptr_t))
		targets.code[targets.code_count++] = at;
}

/*
 * Each three bytes from @start on that write PKRU, and where those end. Where
 * the kernel writes a signal's frame with the rights of what it interrupts, a
 * module can take those to the signal stack from itself, and the kernel ends
 * the process (SECURITY): there not to the instruction itself.
 */
static void add_wrpkru(const void *start, const void *end)
{
	for (const char *at = start; at + 3 <= (const char *)end; at++)
		if (!memcmp(at, "\x0f\x01\xef", 3)) {
			if (mdi_open.state.signal_key == MDI_NO_KEY)
				add_code(W(at));
			add_code(W(at) + 3);
		}
}

static void find_targets(void)
{
	const void *places[8];
	size_t count = guard_places("libc.so", places, 8);

	for (size_t i = 0; i < count; i++)
		add_code(W(places[i]));
	add_code(W(pkey_set));
	add_code(W(mprotect));
	add_code(W(mdi_resume));
	add_code(W(mdi_block_base_set));
	if (mdi_open.state.signal_key == MDI_NO_KEY) /* as add_wrpkru() */
		add_code(mdi_arch_state.detours);
	add_code(W(mdi_door_open_thread));
	add_code(W(mdi_door_open_jump));
	add_wrpkru(__start_mdi_gate_text, __stop_mdi_gate_text);
	add_wrpkru(__start_mdi_entry_text, __stop_mdi_entry_text);
	targets.data[0] = W(region_bytes(hosts));
	targets.data[1] = W(region_bytes(data));
	targets.data[2] = W(region_bytes(own));
	targets.data[3] = W(mdi_thread_self());
	targets.data[4] = W(mdi_thread_open_page(mdi_thread_self()));
	targets.data[5] = W(&mdi_arch_state);
	targets.data[6] = W(__builtin_frame_address(0));
	/* Where the kernel's frames lie: the signal stack's top. */
	targets.data[7] = W(mdi_arch_state.altstacks) +
			  mdi_thread_self()->index * MDI_ALTSTACK_SIZE +
			  MDI_ALTSTACK_PART - 8192;
	targets.data_count = 8;
	targets.rights[0] = 0;
	targets.rights[1] = ~0u;
	targets.rights[2] = 0x55555554; /* a handler's */
	targets.rights[3] = (uint32_t)poke_rdpkru();
	targets.rights[4] = mdi_thread_open_page(mdi_thread_self())->rights;
	targets.rights_count = 5;
	targets.near_only = emulated();
}

/*
 * A call of a module's that comes through to the kernel mostly has a number
 * that is none: then the process is killed. The guard stops it before that.
 */
static void kill_unknown_calls(void)
{
	struct sock_filter code_of[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS,
			 offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, FIRST_UNUSED, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {4, code_of};

	must(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0));
	must(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program));
}

static void make_runner(void)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
		.syscalls = MODISO_SYSCALLS_NONE,
		.time_limit_ms = 20,
	};

	make_scene();
	expect(MODISO_OK, modiso_module_create("runner", &options, &runner));
	data = make_region(runner, 4 * PAGE, "data");
	enter(make_gate(module, module_add_one), 1);
	find_targets();
	kill_unknown_calls();
}

/* Shared with the children that run programs. */
static struct progress {
	unsigned long begun, counts[32], ran, refused, interrupted;
} *progress;

/* What enters the kernel is the guard's to stop. */
#define FORBIDDEN (MODISO_SCAN_ALL & ~(uint32_t)MODISO_SCAN_KERNEL)

/*
 * Programs side by side, with traps between them. Those that the scanner
 * refuses are not there: their places hold nothing but traps.
 */
static struct modiso_region *make_batch(uint64_t seed)
{
	struct modiso_region *code = make_region(runner, BATCH * ROOM, "code");
	uint8_t *to = region_bytes(code);

	memset(to, 0xcc, BATCH * ROOM);
	for (unsigned i = 0; i < BATCH; i++, to += ROOM) {
		fuzz_guard_program(seed + i, &targets, to, ROOM - 16);
		if (modiso_scan_memory(to, ROOM, FORBIDDEN, NULL, NULL)) {
			memset(to, 0xcc, ROOM);
			progress->refused++;
		}
	}
	expect(MODISO_OK, modiso_region_protect(code, RX));
	return code;
}

static uintptr_t host_rights;

static void must_be_whole(uint64_t seed)
{
	volatile uintptr_t mark = 0x1234567890abcdef;

	if (!all_bytes(region_bytes(hosts), 0x77, PAGE))
		ck_abort_msg("program %#llx wrote the host's memory",
			     (unsigned long long)seed);
	if (poke_rdpkru() != host_rights)
		ck_abort_msg("program %#llx left rights behind",
			     (unsigned long long)seed);
	must(mark == 0x1234567890abcdef);
}

static void run_one(struct modiso_gate *gate, const uint8_t *at, uint64_t seed)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	int result = modiso_gate_call(gate, WORDS(W(at), targets.data[0]),
				      NULL);

	must(result == MODISO_OK || result == MODISO_ERR_FAULT);
	if (result == MODISO_ERR_FAULT) {
		expect(MODISO_OK, modiso_fault_last(&fault));
		if (fault.module != runner)
			ck_abort_msg("program %llu: module \"%s\" is blamed, "
				     "kind %u at %#zx, sp %#zx, rights %#x",
				     (unsigned long long)seed,
				     fault.module_name, fault.kind,
				     (size_t)fault.pc, (size_t)fault.sp,
				     fault.pkru);
		progress->counts[fault.kind % 32]++;
	}
	progress->ran++;
	must_be_whole(seed);
}

static void run_batch(struct modiso_gate *gate, uint64_t seed)
{
	struct modiso_region *code = make_batch(seed);
	const uint8_t *at = region_bytes(code);

	for (unsigned i = 0; i < BATCH; i++, at += ROOM)
		if (at[0] != 0xcc)
			run_one(gate, at, seed + i);
	expect(MODISO_OK, modiso_region_destroy(code));
	must(getppid() > 0);
}

static void print_counts(void)
{
	printf("# %lu programs ran, %lu were refused\n", progress->ran,
	       progress->refused);
	for (unsigned kind = 0; kind < 32; kind++)
		if (progress->counts[kind])
			printf("# %s: %lu\n", modiso_fault_kind_name(kind),
			       progress->counts[kind]);
}

static uint64_t first_seed;
static unsigned long programs;

static atomic_int runner_tid;

/* Those that have not begun. */
static void *run_programs(void *done)
{
	struct modiso_gate *gate;
	struct proc_usage before;

	atomic_store(&runner_tid, proc_gettid());
	make_runner();
	gate = make_gate(runner, poke_jump);
	enter(make_gate(module, module_add_one), 1);
	host_rights = poke_rdpkru();
	run_batch(gate, first_seed + progress->begun);
	before = proc_usage();
	while ((progress->begun += BATCH) < programs) {
		run_batch(gate, first_seed + progress->begun);
		test_gets_on(progress->ran);
	}
	proc_must_not_grow(&before, 2, 512);
	must_stop(SYS_getpid, guard_args(0, 0, 0, 0, 0, 0), guard_syscall);
	*(bool *)done = true;
	return NULL;
}

/*
 * QEMU's emulation does a far return with the kernel's rights, and some program
 * finds one inside of another instruction: the kernel in it "oopses". That is
 * to end the thread, and not the machine, and is not the program's doing. With
 * a module's rights the kernel cannot tell who waits for the thread, so that is
 * looked for now and then.
 */
static bool is_there(int tid)
{
	return tid == 0 || syscall(SYS_tgkill, getpid(), tid, 0) == 0;
}

/* A handler of the host's interrupts the programs as often as it can. */
static bool storm;

static void interrupt(int signo)
{
	(void)signo;
	progress->interrupted++;
}

static void run_in_child(void *unused)
{
	pthread_t thread;
	bool done = false;
	struct timespec next;

	(void)unused;
	must(signal(SIGUSR1, interrupt) != SIG_ERR);
	thread = thread_start(run_programs, &done);
	do {
		if (storm && atomic_load(&runner_tid) != 0)
			syscall(SYS_tgkill, getpid(), atomic_load(&runner_tid),
				SIGUSR1);
		clock_gettime(CLOCK_REALTIME, &next);
		next.tv_sec += storm ? 0 : 1;
	} while (pthread_timedjoin_np(thread, NULL, &next) == ETIMEDOUT &&
		 is_there(atomic_load(&runner_tid)));
	must(done);
}

static void set_panic_on_oops(const char *value)
{
	FILE *file = fopen("/proc/sys/kernel/panic_on_oops", "w");

	must(file != NULL && fputs(value, file) >= 0 && fclose(file) == 0);
}

static unsigned long count_oopses(void)
{
	FILE *file = fopen("/sys/kernel/oops_count", "r");
	unsigned long count;

	must(file != NULL && fscanf(file, "%lu", &count) == 1);
	fclose(file);
	return count;
}

static bool end_by_emulation(unsigned long *oopses)
{
	unsigned long before = *oopses;

	if (!emulated())
		return false;
	*oopses = count_oopses();
	return *oopses != before;
}

START_TEST(test_noise)
{
	const char *from = getenv("MODISO_TEST_SEED");
	unsigned long asked = run_asked("MODISO_TEST_OPERATIONS"), oopses = 0;
	int status;

	storm = _i;
	first_seed = from ? strtoull(from, NULL, 0) : 1;
	programs = asked ? asked : run_times(64 * BATCH, 4 * BATCH);
	progress = mmap(NULL, sizeof(*progress), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(progress != MAP_FAILED);
	if (emulated()) {
		set_panic_on_oops("0");
		oopses = count_oopses();
	}
	while ((status = child_status(run_in_child, NULL)) != 0 &&
	       end_by_emulation(&oopses))
		progress->begun += BATCH;
	if (emulated())
		set_panic_on_oops("1");
	must_eq(status, 0);
	if (asked)
		print_counts();
	must(progress->ran > programs / 2 &&
	     progress->counts[MODISO_FAULT_SYSCALL] > 0 &&
	     (progress->interrupted > 0) == storm);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("guard_fuzz");
	TCase *tcase = tcase_create("contract");

	suite_add_tcase(suite, tcase);
	if (guard_missing(tcase))
		return suite;
	tcase_add_loop_test(tcase, test_noise, 0, 2);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
