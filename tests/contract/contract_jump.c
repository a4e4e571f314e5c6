/* SPDX-License-Identifier: MIT */
/*
 * contract_jump - module code jumps into the library: to each byte of the gates
 * and of the entries of signal handlers, with registers that it has chosen.
 * What was closed stays closed, and the host gets back what is the host's, or
 * the process ends.
 *
 * The strongest module that there is tries: a SEALED one, guarded and not; the
 * latter gets further where the library asks the kernel. With mprotect memory
 * in no region is open to it anyway, the library's own too; what is left there
 * is a jump by mistake.
 */
#include "support/poke.h"
#include "support/proc.h"
#include "support/world.h"

#include "arch/x86_64/frame.h"
#include "arch/x86_64/signal.h"
#include "backend/backend.h"
#include "os/memory.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static struct modiso_module *module;
static struct modiso_region *own, *hosts;
/* With the bases of FS and GS as they are; GS 0 before; both. */
enum { WITH_BASES, WITHOUT_GS, WITHOUT_BASES, BASES };
static struct modiso_gate *jump[BASES], *add;
static struct poke_registers *state; /* in the module's region */
static unsigned char *zeros;         /* a page of it: a context, too */
static uint64_t secret;

static volatile uintptr_t stale_frame; /* where a signal's frame has been */

/* All of it: a return address, the context, the siginfo, vector registers. */
static char genuine[12 * 1024];
static size_t genuine_size, genuine_vectors;

static void note_frame(int signo, siginfo_t *info, void *context)
{
	const char *frame = (char *)context - 8;
	const ucontext_t *uc = context;
	const char *vectors = (void *)uc->uc_mcontext.fpregs;

	(void)signo;
	(void)info;
	if (stale_frame)
		return;
	stale_frame = W(frame);
	genuine_vectors = (size_t)(vectors - frame);
	/* struct _fpx_sw_bytes: what lies there, the second magic included */
	genuine_size = genuine_vectors + *(const uint32_t *)(vectors + 468);
	if (genuine_size <= sizeof(genuine))
		memcpy(genuine, frame, genuine_size);
}

/* Code to jump into, and how far that has come: shared with the children. */
struct target {
	const char *name, *code;
	size_t size, at;
	unsigned variant, bases;
	unsigned long tries; /* of all code */
};
static struct target *target;

static bool guarded, strange;
static struct modiso_fiber *fiber; /* made before any thread has attached */

static void make_scene(void)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = on_pkey() ? MODISO_CONFINE_SEALED
					 : MODISO_CONFINE_GUARD,
		.syscalls = guarded ? MODISO_SYSCALLS_NONE
				    : MODISO_SYSCALLS_OPEN,
		/* Some bytes are a loop without end. */
		.time_limit_ms = 20,
	};
	struct sigaction action = {.sa_sigaction = note_frame,
				   .sa_flags = SA_SIGINFO};

	target = mmap(NULL, sizeof(*target), PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(target != MAP_FAILED);
	if (fiber == NULL)
		world_start();
	expect(MODISO_OK, modiso_module_create("jumper", &options, &module));
	own = make_region(module, 9 * PAGE, "own");
	hosts = make_region(NULL, PAGE, "hosts");
	memset(region_bytes(hosts), 0x5e, PAGE);
	memcpy(&secret, region_bytes(hosts), sizeof(secret));
	poke_secret = region_bytes(hosts);
	state = (void *)region_bytes(own);
	zeros = region_bytes(own) + PAGE;
	jump[WITH_BASES] = make_gate(module, poke_jump_with);
	jump[WITHOUT_GS] = make_gate(module, poke_jump_without_gs);
	jump[WITHOUT_BASES] = make_gate(module, poke_jump_without_bases);
	add = make_gate(module, module_add_one);
	must_eq(enter(add, 1), 2);
	must(!sigaction(SIGUSR1, &action, NULL));
	must(!raise(SIGUSR1));
	must(stale_frame && genuine_size <= sizeof(genuine));
}

/* A guarded READONLY module: from now on no token counts. */
static void make_reader(void)
{
	struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_READONLY,
		.syscalls = MODISO_SYSCALLS_NONE,
	};
	struct modiso_module *reader;

	expect(MODISO_OK, modiso_module_create("reader", &options, &reader));
	must(mdi_arch_state.tokens_read);
}

enum { LEAKED = 70, RIGHTS_LEFT, MOVED, BROKEN };

/*
 * It has returned from its own frame by rt_sigreturn(2), which it may call, and
 * was not let in, as an entry takes back an arrival before anything else.
 */
static bool called_itself(void)
{
	return target->variant == 5 && !guarded &&
	       mdi_arrival_at(state->word[7])->count == 1;
}

/* Whatever the jumps did: modules are modules. */
static void check_module(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	struct modiso_gate *load;
	uintptr_t result = 0;

	if (modiso_gate_call(add, WORDS(1), &result) || result != 2)
		_exit(BROKEN);
	if (modiso_gate_create(module, (modiso_fn)poke_load1, NULL, &load) ||
	    modiso_gate_call(load, WORDS(W(hosts)), NULL) !=
		    (on_pkey() ? MODISO_ERR_FAULT : MODISO_OK) ||
	    modiso_gate_call(load, WORDS(W(region_bytes(hosts))), NULL) !=
		    MODISO_ERR_FAULT ||
	    modiso_fault_last(&fault) || fault.module != module ||
	    modiso_gate_destroy(load))
		_exit(BROKEN);
}

/* And the host is the host. */
static void check_host(uintptr_t rights)
{
	if (poke_leaked || poke_leak == secret)
		_exit(called_itself() ? 0 : LEAKED);
	if (on_pkey() && poke_rdpkru() != rights)
		_exit(RIGHTS_LEFT);
	if (!all_bytes(region_bytes(hosts), 0x5e, PAGE))
		_exit(BROKEN);
}

/* Where a frame of the kernel's is copied to, as it is aligned. */
static uintptr_t own_frame(void)
{
	return W(region_bytes(own)) + 5 * PAGE + stale_frame % 64;
}

/* A return from it would go where the module likes, with the host's rights. */
static uintptr_t forge_frame(void)
{
	uintptr_t frame = own_frame();
	ucontext_t *context = (void *)(frame + 8);

	memcpy((void *)frame, genuine, genuine_size);
	context->uc_mcontext.fpregs = (void *)(frame + genuine_vectors);
	context->uc_mcontext.gregs[REG_RIP] = (greg_t)W(poke_jump_landed);
	context->uc_mcontext.gregs[REG_RSP] = (greg_t)(W(zeros) + PAGE);
	return frame;
}

static void note_arrivals(uint64_t count)
{
	for (size_t i = 0; i < MDI_ARRIVALS; i++)
		mdi_arrivals.of[i].count = count;
}

static void try_jump(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	uintptr_t rights = on_pkey() ? poke_rdpkru() : 0;

	/* As if threads were on their way into handlers at each place. */
	note_arrivals(state->word[7] == own_frame());
	if (modiso_gate_call(jump[target->bases], WORDS(W(state->word)),
			     NULL) == MODISO_ERR_FAULT &&
	    !modiso_fault_last(&fault) && fault.pc == W(poke_jump_landed) &&
	    (fault.registers[8] == W(zeros) || fault.registers[9] == W(zeros)))
		_exit(MOVED);
	check_host(rights);
}

/* The registers that a module would choose; -1: there are no more. */
static bool choose(unsigned variant, const void *place)
{
	uint64_t *word = state->word;
	unsigned i;

	for (i = 0; i < 16; i++)
		word[i] = W(zeros);
	/* rax rbx rcx rdx rsi rdi rbp rsp: as WRPKRU wants them. */
	word[0] = 0;
	word[2] = 0;
	word[3] = 0;
	word[5] = SIGHUP;
	word[7] = 0;
	word[11] = W(place);
	switch (variant) {
	case 0:
		return true;
	case 1: /* the rights that the host has */
		word[0] = on_pkey() ? poke_rdpkru() : 0;
		return true;
	case 2: /* as if the kernel called a handler */
		word[3] = W(zeros) + 512;
		return true;
	case 3: /* the same, where the kernel writes its frames */
		word[7] = stale_frame;
		word[3] = stale_frame + 8;
		return true;
	case 5: /* the same on a stack of its own, and the frame is whole */
		word[7] = forge_frame();
		word[8] = word[7] + 8; /* where rdx waits for a WRPKRU */
		word[5] = SIGUSR1;
		return true;
	case 4: /* a fault that the library would have tried again */
		word[3] = W(zeros) + 512;
		word[5] = SIGSEGV;
		return true;
	default:
		return false;
	}
}

/* In the page of zeros: a fault of the host that goes away by itself. */
static void forge_context(void)
{
	ucontext_t *context = (void *)(zeros + 512);
	siginfo_t *info = (void *)zeros;
	char *area = (char *)zeros + 2048;

	memset(zeros, 0, PAGE);
	/* variants 0 to 3 find zeros here: no handler, no fault */
	info->si_signo = SIGSEGV;
	info->si_code = SEGV_PKUERR;
	info->si_addr = (void *)(W(zeros) + 2 * PAGE);
	context->uc_mcontext.fpregs = (void *)area;
	context->uc_mcontext.gregs[REG_TRAPNO] = 14;
	memset(area, 0x55, 3 * PAGE - 2048 - PAGE);
	*(uint32_t *)(void *)(area + 464) = 0x46505853; /* FP_XSTATE_MAGIC1 */
}

static const char *const verdicts[] = {
	[LEAKED - LEAKED] = "read what is closed",
	[RIGHTS_LEFT - LEAKED] = "left rights behind",
	[MOVED - LEAKED] = "has a segment base of its choice",
	[BROKEN - LEAKED] = "broke the library",
};

/* --- signal entries --- */

/*
 * In emulation not each byte, but the instructions that count, and those after
 * a change of rights: it is slow, and a far return, of which there are some
 * inside of other instructions, makes its kernel panic. Nor where each jump
 * ends the process, as nothing says whose thread it is.
 */
static bool worth_it(const char *code, size_t at)
{
	const unsigned char *byte = (const unsigned char *)code + at;
	bool nobodys = strange ||
		       (guarded && mdi_arch_state.tokens_read &&
			target->bases == WITHOUT_BASES);

	if ((!emulated() && !nobodys) || at == 0)
		return true;
	if (!memcmp(byte, "\x0f\x01\xef", 3) ||
	    (at >= 3 && !memcmp(byte - 3, "\x0f\x01\xef", 3)))
		return true;
	return byte[0] == 0xf3 && (byte[1] & 0xfe) == 0x48 && byte[2] == 0x0f &&
	       byte[3] == 0xae && byte[4] >= 0xd0 && byte[4] < 0xe0;
}

/* So that none goes round for ever: CPU time passes only as it runs. */
static void limit_time(void)
{
	setrlimit(RLIMIT_CPU, &(struct rlimit){60, 60});
}

/* A signal stack that the program has made by itself. */
static void use_strange_stack(void)
{
	static unsigned char room[65536] __attribute__((aligned(16)));
	const stack_t stack = {.ss_sp = room, .ss_size = sizeof(room)};

	must(!syscall(SYS_sigaltstack, &stack, NULL));
}

/* In a child: at each byte, until a jump ends it. */
static void try_jumps(void *unused)
{
	(void)unused;
	if (strange)
		use_strange_stack();
	limit_time();
	for (; target->at < target->size; target->at++) {
		if (!worth_it(target->code, target->at))
			continue;
		forge_context();
		if (target->variant != 4)
			memset(zeros, 0, 512);
		if (!choose(target->variant, target->code + target->at))
			_exit(BROKEN);
		try_jump();
		/* It costs more faults than a jump: after several of them. */
		if (++target->tries % 16 == 0)
			check_module();
	}
}

/* Or was killed by somebody else. */
static bool goes_round(int status)
{
	return WIFSIGNALED(status) &&
	       (WTERMSIG(status) == SIGKILL || WTERMSIG(status) == SIGXCPU);
}

static void must_hold(int status)
{
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : 0;

	if (code >= LEAKED && code <= BROKEN)
		ck_abort_msg("%s + %#lx, registers %u, bases %u: %s",
			     target->name, (unsigned long)target->at,
			     target->variant, target->bases,
			     verdicts[code - LEAKED]);
	if (code || goes_round(status))
		ck_abort_msg("%s + %#lx, registers %u, bases %u: status %#x",
			     target->name, (unsigned long)target->at,
			     target->variant, target->bases, (unsigned)status);
}

static void jump_with(const char *name, modiso_fn entry, size_t size,
		      unsigned variants, unsigned bases)
{
	for (unsigned variant = 0; variant < variants; variant++) {
		*target = (struct target){
			.name = name,
			.code = (const char *)W(entry),
			.size = size,
			.variant = variant,
			.bases = bases,
			.tries = target->tries,
		};
		for (; target->at < size; target->at++)
			must_hold(child_status(try_jumps, NULL));
	}
}

static void jump_into(const char *name, modiso_fn entry, size_t size,
		      unsigned variants)
{
	unsigned bases = strange ? WITHOUT_GS : WITH_BASES;

	for (; bases < (on_pkey() ? BASES : 1); bases++)
		jump_with(name, entry, size, variants, bases);
}

/* What the unwinder knows of a function: unwind.h has no word of it. */
struct bases {
	const void *text, *data, *function;
};
const void *_Unwind_Find_FDE(const void *pc, struct bases *bases);

/* All of its bytes, as its frame description entry says. */
static size_t size_of(modiso_fn function)
{
	struct bases bases;
	/* length, its CIE, where it begins, how far it goes */
	const uint32_t *entry = _Unwind_Find_FDE((void *)W(function), &bases);

	must(entry && W(bases.function) == W(function));
	return entry[3];
}

void mdi_signal_end(void);

static void jump_into_entries(unsigned variants)
{
	jump_into("async", (modiso_fn)mdi_async_pkey,
		  size_of((modiso_fn)mdi_async_pkey), variants);
	jump_into("fault", (modiso_fn)mdi_signal_pkey,
		  size_of((modiso_fn)mdi_signal_pkey), variants);
	jump_into("end", mdi_signal_end, size_of(mdi_signal_end), variants);
	must(target->tries > 20);
}

/* With tokens, and where there is a module that can read them: signal.S. */
START_TEST(test_into_handler)
{
	guarded = _i & 1;
	make_scene();
	if (_i & 2)
		make_reader();
	jump_into_entries(6);
}
END_TEST

/* --- gates --- */

void mdi_service_pkey(void);
void mdi_service_pkey_rec(void);
void mdi_rights_reload(void);
void mdi_gate_pkey_no_stack(void);
void mdi_gate_pkey_slow(void);

#define INTO(function) {#function, (modiso_fn)W(function)}

static const struct {
	const char *name;
	modiso_fn entry;
} with_keys[] = {
	INTO(mdi_gate_pkey),
	INTO(mdi_gate_pkey_six),
	INTO(mdi_gate_pkey_many),
	INTO(mdi_gate_pkey_scrub_many),
	INTO(mdi_gate_pkey_scrub_2),
	INTO(mdi_gate_pkey_scrub_1),
	INTO(mdi_gate_guard),
	INTO(mdi_gate_guard_six),
	INTO(mdi_gate_guard_scrub_1),
	INTO(mdi_gate_pkey_rec),
	INTO(mdi_gate_guard_rec_six),
	INTO(mdi_gate_pkey_tls),
	INTO(mdi_gate_guard_tls_six),
	INTO(mdi_gate_pkey_no_stack),
	INTO(mdi_gate_pkey_own),
	INTO(mdi_gate_pkey_slow),
	INTO(mdi_service_pkey),
	INTO(mdi_service_pkey_rec),
	INTO(mdi_rights_reload),
	INTO(mdi_resume),
	INTO(mdi_block_base_set),
	INTO(mdi_gate_recover),
	INTO(mdi_gate_overflow),
};

START_TEST(test_into_gates)
{
	size_t i;

	guarded = _i;
	make_scene();
	for (i = 0; i < sizeof(with_keys) / sizeof(*with_keys); i++)
		jump_into(with_keys[i].name, with_keys[i].entry,
			  size_of(with_keys[i].entry), 3);
	must(target->tries > 20);
}
END_TEST

/* --- blocks that name the thread, and are not its own --- */

/* The only instruction of its kind there. */
static const void *wrpkru_of(modiso_fn function)
{
	const unsigned char *at = (const unsigned char *)W(function);

	while (memcmp(at, "\x0f\x01\xef", 3) != 0)
		at++;
	return at;
}

/* Host rights are asked for by the block that a null selector leads to. */
static void try_block(void)
{
	choose(1, wrpkru_of((modiso_fn)mdi_rights_reload));
	note_arrivals(0);
	enter_fault(module, jump[WITHOUT_GS], W(state->word));
	must(!poke_leaked);
	check_host(state->word[0]);
}

/*
 * What a thread has run as a fiber names its FS base, and frames there that say
 * that host code runs.
 */
START_TEST(test_fibers_block)
{
	guarded = true;
	world_start();
	expect(MODISO_OK, modiso_fiber_create(&fiber));
	make_scene();
	for (int i = 0; i < 2; i++) {
		expect(MODISO_OK, modiso_fiber_switch(fiber));
		expect(MODISO_OK, modiso_fiber_switch(NULL));
		try_block();
	}
	expect(MODISO_OK, modiso_fiber_destroy(fiber));
	try_block();
}
END_TEST

/* --- another thread that is on its way into a handler --- */

static volatile bool attacked;

/* What a signal interrupts here goes on here: once. */
static void be_interrupted(void)
{
	long tid = syscall(SYS_gettid);

	__asm__ volatile("syscall"
			 : "+a"((long){SYS_tkill})
			 : "D"(tid), "S"((long)SIGUSR1)
			 : "rcx", "r11", "memory");
	if (attacked)
		_exit(MOVED);
}

static void try_arrival(void *unused)
{
	const char *arrived = wrpkru_of((modiso_fn)mdi_async_pkey);
	uintptr_t elsewhere;

	(void)unused;
	limit_time();
	/* Where the frame was there is that of host code again. */
	be_interrupted();
	forge_context();
	choose(3, arrived - 9);
	state->word[5] = SIGUSR1;
	/* A thread on a stack of the host's, with the same last bits. */
	elsewhere = stale_frame + ((uintptr_t)MDI_THREADS_MAX
				   << MDI_ALTSTACK_SHIFT);
	note_arrivals(0);
	mdi_arrival_at(elsewhere)->count = 1;
	attacked = true;
	enter_fault(module, jump[WITH_BASES], W(state->word));
	_exit(0);
}

/*
 * It must not count for this one, which would go back by the frame of a signal
 * that is over, to what that has interrupted: host code, with its rights.
 */
START_TEST(test_somebody_arrives)
{
	guarded = true;
	make_scene();
	must_eq(child_status(try_arrival, NULL), 0);
}
END_TEST

static struct mdi_arrival *own_note(void)
{
	const struct mdi_thread *thread = mdi_thread_self();

	return mdi_arrival_at(W(mdi_arch_state.altstacks) +
			      thread->host->index * MDI_ALTSTACK_SIZE);
}

/* It says where its arrivals are noted. */
static void *call_once(void *unused)
{
	(void)unused;
	must_eq(enter(add, 1), 2);
	return own_note();
}

static void in_child(void *parents)
{
	struct mdi_arrival *note = thread_join(thread_start(call_once, NULL));

	must_eq(note, parents);
	must_eq(note->count, 0);
	_exit(0);
}

static void *fork_beside(void *parents)
{
	must_eq(child_status(in_child, parents), 0);
	return NULL;
}

/* In the child it never gets there, and another thread has its stack. */
START_TEST(test_fork_beside_arrival)
{
	make_scene();
	own_note()->count = 1;
	thread_join(thread_start(fork_beside, own_note()));
}
END_TEST

/*
 * The frame of a signal is not for modules where the kernel can write it by
 * itself; where it cannot, their rights are what it is written with.
 */
START_TEST(test_frame_closed)
{
	const void *frame;
	struct modiso_gate *store;

	make_scene();
	frame = (const void *)stale_frame;
	store = make_gate(module, poke_store8);
	if (mdi_open.state.signal_key != MDI_NO_KEY) {
		enter(store, W(frame), 0);
		return;
	}
	must_blame(enter_fault(module, store, W(frame), 0), MODISO_WRITE, frame,
		   NULL);
	must_blame(enter_fault(module, make_gate(module, poke_load8), W(frame)),
		   MODISO_READ, frame, NULL);
}
END_TEST

static void fault_with(void *bases)
{
	limit_time();
	use_strange_stack();
	choose(0, (void *)W(poke_ud2));
	must_eq(enter_fault(module, jump[W(bases)], W(state->word))->kind,
		MODISO_FAULT_ILLEGAL);
}

/*
 * On a stack of the program's own, where the kernel can write there: without GS
 * it is still known whose the thread is; one that has lost FS as well could be
 * another one, and its fault is not served: the process ends.
 */
START_TEST(test_strange_stack)
{
	make_scene();
	if (mdi_open.state.signal_key != MDI_NO_KEY)
		return;
	must_eq(child_status(fault_with, (void *)W(WITH_BASES)), 0);
	must_eq(child_status(fault_with, (void *)W(WITHOUT_GS)), 0);
	/* Else the base is the kernel's to know. */
	if (mdi_arch_state.fsgsbase)
		must_die(child_status(fault_with, (void *)W(WITHOUT_BASES)),
			 SIGSEGV);
}
END_TEST

/* Nor does a jump into a handler get on there. */
START_TEST(test_into_strange_handler)
{
	guarded = _i;
	strange = true;
	make_scene();
	jump_into_entries(3);
}
END_TEST

/* Without keys: where a call that failed goes on, with a block of its own. */
START_TEST(test_into_recovery)
{
	make_scene();
	jump_into("recover", (modiso_fn)mdi_gate_recover, 1, 1);
	jump_into("overflow", (modiso_fn)mdi_gate_overflow, 1, 1);
	must_eq(target->tries, 2);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("jump");
	TCase *tcase = tcase_create("contract");
	TCase *blocks = tcase_create("blocks");

	if (on_pkey()) {
		tcase_add_loop_test(tcase, test_into_gates, 0, 2);
		tcase_add_test(blocks, test_fibers_block);
		tcase_add_test(blocks, test_somebody_arrives);
		tcase_add_test(blocks, test_fork_beside_arrival);
		tcase_add_loop_test(tcase, test_into_handler, 0, 4);
		tcase_add_test(tcase, test_frame_closed);
		tcase_add_loop_test(tcase, test_into_strange_handler, 0, 2);
	} else {
		tcase_add_test(tcase, test_into_recovery);
	}
	tcase_add_test(tcase, test_strange_stack);
	suite_add_tcase(suite, tcase);
	suite_add_tcase(suite, blocks);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
