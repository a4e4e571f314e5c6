/* SPDX-License-Identifier: MIT */
/*
 * contract_jump_pose - module code jumps into the library and poses as another
 * thread: by a block that is not its own and names it all the same, and by the
 * arrival of a thread that is on its way into a handler.
 */
#include "contract/jump_scene.h"

#include "backend/backend.h"

#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

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
	struct modiso_fiber *fiber; /* made before any thread has attached */

	guarded = true;
	started = true;
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

/* --- another thread of the module's, on its way into a handler --- */

static uintptr_t others_block;
static struct mdi_arrival *others_note;
static uint64_t *others_words; /* in a region of its module's */

/* In the module: it says that it is there, and waits for its end. */
MODULE_CODE static uintptr_t stay(volatile uint64_t *words)
{
	words[0] = 1;
	while (words[1] == 0)
		;
	return 0;
}

/* Guarded as well, and without a limit, whose signals would come there. */
static void *be_other(void *known)
{
	const struct modiso_module_options options = {
		.struct_size = sizeof(options),
		.confinement = MODISO_CONFINE_SEALED,
		.syscalls = MODISO_SYSCALLS_NONE,
	};
	struct modiso_module *stayer;

	expect(MODISO_OK, modiso_module_create("stayer", &options, &stayer));
	must_eq(enter(make_gate(stayer, module_add_one), 1), 2);
	stale_frame = 0;
	be_interrupted();
	others_block = W(mdi_thread_block(mdi_thread_self()));
	others_note = own_note();
	others_words = (void *)region_bytes(make_region(stayer, PAGE, "words"));
	__atomic_store_n((bool *)known, true, __ATOMIC_RELEASE);
	enter(make_gate(stayer, stay), W(others_words));
	return NULL;
}

/*
 * To the entry's last change of rights, on that thread's signal stack, with its
 * block where the interrupted code's GS base is kept.
 */
static void try_other(void *unused)
{
	const char *arrived = wrpkru_of((modiso_fn)mdi_async_pkey);
	pthread_t other;
	const struct modiso_fault *fault;
	bool known = false;

	(void)unused;
	limit_time();
	other = thread_start(be_other, &known);
	while (!__atomic_load_n(&known, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(others_words, __ATOMIC_ACQUIRE) == 0)
		sched_yield();
	forge_context();
	choose(1, wrpkru_of((modiso_fn)W(arrived + 1)));
	state->word[3] = 0;
	state->word[5] = SIGUSR1;
	state->word[7] = stale_frame;
	state->word[8] = stale_frame + 8;
	state->word[12] = others_block;
	note_arrivals(0);
	others_note->count = 1;
	fault = enter_fault(module, jump[WITH_BASES], W(state->word));
	/* By the entry's own check, and not by what it has come to behind. */
	must_eq(fault->kind, MODISO_FAULT_GATE);
	must_eq(others_note->count, 1);
	others_words[1] = 1;
	thread_join(other);
	_exit(0);
}

START_TEST(test_other_arrives)
{
	guarded = true;
	make_scene();
	must_eq(child_status(try_other, NULL), 0);
}
END_TEST

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

/* --- rights that neither the host nor a module has --- */

/* To a place with eax of its choice. */
__attribute__((naked)) static uintptr_t jump_to(void)
{
	__asm__("mov %esi, %eax\n\t"
		"xor %ecx, %ecx\n\t"
		"xor %edx, %edx\n\t"
		"jmp *%rdi");
}

/* The same, and it is trapped behind one instruction. */
__attribute__((naked)) static uintptr_t iretq_to(void)
{
	__asm__("mov %esi, %eax\n\t"
		"xor %ecx, %ecx\n\t"
		"xor %edx, %edx\n\t"
		"mov %rsp, %r8\n\t"
		"mov %ss, %r10d\n\t"
		"push %r10\n\t"
		"push %r8\n\t"
		"push $0x302\n\t"
		"mov %cs, %r10d\n\t"
		"push %r10\n\t"
		"push %rdi\n\t"
		"iretq");
}

static unsigned jump_to_each(const char *code, const char *end)
{
	/* None; key 0, as a handler begins; the same to read; the host's. */
	const uint32_t rights[] = {~0u, 0x55555554, ~1u, poke_rdpkru()};
	const size_t count = sizeof(rights) / sizeof(*rights);
	struct modiso_gate *jumps = make_gate(module, jump_to);
	struct modiso_gate *iretqs = make_gate(module, iretq_to);
	unsigned found = 0;

	for (; code + 3 < end; code++) {
		if (memcmp(code, "\x0f\x01\xef", 3) != 0)
			continue;
		/* The host's rights are those of the thread's own way out. */
		for (size_t i = 0; i + 1 < count; i++)
			enter_fault(module, jumps, W(code), rights[i]);
		/* QEMU's emulation reads the stack with the kernel's rights. */
		for (size_t i = 0; i < count && !emulated(); i++)
			enter_fault(module, iretqs, W(code), rights[i]);
		found++;
	}
	return found;
}

/* It is the module's fault, wherever that was, and the host goes on. */
START_TEST(test_nobodys_rights)
{
	guarded = _i;
	make_scene();
	/* There the kernel has no rights to the signal stack, and ends it. */
	if (mdi_open.state.signal_key != MDI_NO_KEY)
		return;
	must(jump_to_each(__start_mdi_entry_text, __stop_mdi_entry_text) >= 4);
	must(jump_to_each(__start_mdi_gate_text, __stop_mdi_gate_text) >= 20);
	check_module();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("jump_pose");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_fibers_block);
	tcase_add_test(tcase, test_somebody_arrives);
	tcase_add_test(tcase, test_other_arrives);
	tcase_add_test(tcase, test_fork_beside_arrival);
	tcase_add_loop_test(tcase, test_nobodys_rights, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_PKEY);
}
