/* SPDX-License-Identifier: MIT */
/*
 * contract_jump - module code jumps into the library: to each byte of the gates
 * and of the entries of signal handlers, with registers that it has chosen.
 * What was closed stays closed, and the host gets back what is the host's, or
 * the process ends.
 */
#include "contract/jump_scene.h"

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

static bool strange; /* on a signal stack of the program's own */

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

/*
 * The frame of a signal is not for modules: where the kernel writes it with
 * their rights, it is elsewhere when a handler runs, which has noted it.
 */
START_TEST(test_frame_closed)
{
	const void *frame;
	struct modiso_gate *store;

	make_scene();
	frame = (const void *)stale_frame;
	store = make_gate(module, poke_store8);
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

	if (on_pkey()) {
		tcase_add_loop_test(tcase, test_into_gates, 0, 2);
		tcase_add_loop_test(tcase, test_into_handler, 0, 4);
		tcase_add_test(tcase, test_frame_closed);
		tcase_add_loop_test(tcase, test_into_strange_handler, 0, 2);
	} else {
		tcase_add_test(tcase, test_into_recovery);
	}
	tcase_add_test(tcase, test_strange_stack);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
