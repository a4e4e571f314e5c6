/* SPDX-License-Identifier: MIT */
/*
 * contract_fault - whatever a module does ends its own call and nothing else;
 * the record says who, what and where, also in words.
 */
#include "contract/crimes.h"
#include "support/world.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <unwind.h>

/* Indices into modiso_fault.registers. */
enum { RDI = 5, RSP = 7, RIP = 16 };

static const struct modiso_region *region_at(enum where where)
{
	switch (where) {
	case AT_OWN:
		return own;
	case AT_FOREIGN:
		return foreign;
	case AT_HOSTS:
		return hosts;
	default:
		return NULL;
	}
}

static void check_key(const struct modiso_fault *fault)
{
	struct proc_mapping page;

	if (!on_pkey()) {
		must_eq(fault->pkey, -1);
		return;
	}
	/* Keys do not stop execution: the CPU names none. */
	if (fault->access == MODISO_EXEC)
		return;
	must(proc_mapping((void *)fault->address, &page));
	must_eq(fault->pkey, page.pkey);
	must(page.pkey > 0);
	/* The rights at the fault are the module's: they deny the page. */
	must(fault->pkru >> 2 * page.pkey & 3);
}

/* All but the push, whose address is that of the slot that it fails to fill. */
static void check_record(const struct modiso_fault *fault,
			 const struct crime *crime, uintptr_t address)
{
	const struct modiso_region *region = region_at(crime->where);
	bool push = crime->entry == (modiso_fn)(poke_wild_push);

	must_eq(fault->kind, crime->kind);
	must_eq(fault->signo, crime->signo);
	must_eq(fault->access, crime->access);
	must_eq(fault->depth, 1);
	must_eq(fault->confinement, MODISO_CONFINE_GUARD);
	/*
	 * int3 is reported at its end: that is the next instruction. A jump
	 * out of the address space faults at the jump, or at its target.
	 */
	if (crime->entry == (modiso_fn)(poke_int3))
		must(fault->pc - W(crime->pc) <= 1);
	else if (fault->pc != address || crime->where != AT_NON_CANONICAL)
		must_eq(fault->pc, crime->pc ? W(crime->pc) : address);
	must_eq(fault->registers[RSP], fault->sp);
	if (crime->entry == (modiso_fn)(poke_wild_ud2) || push)
		must_eq(fault->sp, address);
	else if (crime->where != NOWHERE)
		must_eq(fault->registers[RDI], address);
	if (crime->access)
		must_eq(fault->address, push ? address - 8 : address);
	if (crime->kind == MODISO_FAULT_ACCESS) {
		must_blame(fault, crime->access, push ? address - 8 : address,
			   region);
		if (region && region != own)
			check_key(fault);
	}
	if (crime->kind == MODISO_FAULT_PRIVILEGED)
		must_eq(fault->address, 0);
}

static void skip_without_stack(void)
{
	if (faults_need_stack())
		test_skip("stack", "a fault without a stack ends the process");
}

static bool can_be_tried(const struct crime *crime)
{
	bool stack = crime->entry != (modiso_fn)poke_wild_ud2 &&
		     crime->entry != (modiso_fn)poke_wild_push;

	return (crime->where != AT_TRUNCATED || truncated != NULL) &&
	       (stack || !faults_need_stack()) &&
	       (!crime->no_tcg || !emulated());
}

static void commit(const struct crime *crime)
{
	struct modiso_gate *gate = make_gate(module, crime->entry);
	uintptr_t address = address_of(crime->where);
	const struct modiso_fault *fault;
	int round;

	for (round = 0; round < 3; round++) {
		fault = enter_fault(module, gate, address);
		check_record(fault, crime, address);
		must_eq(fault->number, modiso_fault_count());
		check_scene();
	}
	/* The same crime, by the other module. */
	enter_fault(other, make_gate(other, crime->entry),
		    crime->where == AT_FOREIGN ? address_of(AT_HOSTS)
					       : address);
	check_scene();
}

/* One after the other: each leaves nothing behind that the next one meets. */
START_TEST(test_crimes)
{
	make_scene();
	for (int i = 0; i < crime_count; i++) {
		printf("# %s\n", crimes[i].name);
		if (can_be_tried(&crimes[i]))
			commit(&crimes[i]);
	}
	fflush(stdout);
}
END_TEST

/* Palette 1 with one tile of 16 rows, 64 bytes each; and that tile. */
__attribute__((naked)) static uintptr_t use_tile(void)
{
	__asm__("sub $72, %rsp\n\t"
		"xor %eax, %eax\n\t"
		"1: movq $0, (%rsp,%rax,8)\n\t"
		"inc %eax\n\t"
		"cmp $8, %eax\n\t"
		"jne 1b\n\t"
		"movb $1, (%rsp)\n\t"
		"movb $64, 16(%rsp)\n\t"
		"movb $16, 48(%rsp)\n\t"
		"mov %rsp, %rax\n\t"
		".byte 0xc4, 0xe2, 0x78, 0x49, 0x00\n\t" /* ldtilecfg (%rax) */
		".byte 0xc4, 0xe2, 0x7b, 0x49, 0xc0\n\t" /* tilezero %tmm0 */
		"ud2");
}

/*
 * Where there are tiles, and the program has not asked the kernel for them, it
 * is the kernel that says so, and notes no exception of the CPU's.
 */
START_TEST(test_tiles)
{
	make_scene();
	must_eq(enter_fault(module, make_gate(module, use_tile))->kind,
		MODISO_FAULT_ILLEGAL);
	check_scene();
}
END_TEST

/* Below a stack that is not there: #SS, which Linux reports as SIGBUS. */
START_TEST(test_push_non_canonical)
{
	const struct modiso_fault *fault;

	skip_without_stack();
	make_scene();
	fault = enter_fault(module, make_gate(module, poke_wild_push),
			    (uintptr_t)1 << 62);
	must_eq(fault->pc, poke_wild_push_at);
	must_eq(fault->signo, emulated() ? SIGSEGV : SIGBUS);
	check_scene();
}
END_TEST

START_TEST(test_stack_overflow)
{
	const struct modiso_fault *fault;
	struct modiso_gate *gate;
	uintptr_t local;
	int round;

	make_scene();
	local = enter(make_gate(module, poke_local), 0);
	gate = make_gate(module, poke_recurse);
	for (round = 0; round < 3; round++) {
		fault = enter_fault(module, gate, 1);
		must_eq(fault->kind, MODISO_FAULT_STACK);
		must_eq(fault->access, MODISO_WRITE);
		must(fault->pc >= W(poke_recurse) &&
		     fault->pc < W(poke_recurse_end));
		/* 64 KiB unless something else was asked for. */
		must(local - fault->address >= 65536 - PAGE);
		must(local - fault->address <= 65536 + PAGE);
		check_scene();
	}
	fault = enter_fault(module, make_gate(module, poke_dig), 1 << 20);
	must_eq(fault->kind, MODISO_FAULT_STACK);
	check_scene();
}
END_TEST

/* A frame so large that it jumps over any guard page. */
START_TEST(test_big_frame)
{
	static const size_t sizes[] = {65536 + 4096, 65536 + 8192, 1 << 18,
				       1 << 20,      1 << 22,      1 << 24};
	const struct modiso_fault *fault;
	struct modiso_module *bare;

	skip_without_stack();
	make_scene();
	/* A module without regions: what is its own could not be told apart. */
	bare = make_module("bare");
	fault = enter_fault(bare, make_gate(bare, poke_drop), sizes[_i]);
	must(fault->kind == MODISO_FAULT_STACK ||
	     fault->kind == MODISO_FAULT_UNMAPPED ||
	     fault->kind == MODISO_FAULT_ACCESS);
	must_eq(fault->pc, poke_drop_at);
	check_scene();
}
END_TEST

/* A stack pointer into the alternate signal stack, where the record is made. */
START_TEST(test_stack_on_signal_stack)
{
	struct modiso_gate *ud2, *push;
	stack_t stack;
	size_t offset;

	make_scene();
	ud2 = make_gate(module, poke_wild_ud2);
	push = make_gate(module, poke_wild_push);
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	must_eq(syscall(SYS_sigaltstack, NULL, &stack), 0);
	must(!(stack.ss_flags & SS_DISABLE) && stack.ss_size);
	for (offset = 0; offset <= stack.ss_size; offset += 256) {
		enter_fault(module, ud2, W(stack.ss_sp) + offset);
		enter_fault(module, push,
			    W(stack.ss_sp) + stack.ss_size - offset);
	}
	check_scene();
}
END_TEST

/* Fault after fault: nothing is used up, nothing is lost. */
START_TEST(test_many_faults)
{
	unsigned long i, n = run_times(100000, 10000);
	const struct modiso_fault *fault;
	struct modiso_gate *gates[4];
	struct proc_usage before;
	uint64_t first;

	make_scene();
	gates[0] = make_gate(module, poke_load1);
	gates[1] = make_gate(module, poke_store1);
	gates[2] = make_gate(other, poke_ud2);
	gates[3] = make_gate(other, poke_recurse);
	for (i = 0; i < 8; i++)
		enter_fault(i % 4 < 2 ? module : other, gates[i % 4],
			    W(region_bytes(hosts)));
	before = proc_usage();
	first = modiso_fault_count();
	for (i = 0; i < n; i++) {
		fault = enter_fault(i % 4 < 2 ? module : other, gates[i % 4],
				    W(region_bytes(hosts)) + i % PAGE);
		must_eq(fault->number, first + i + 1);
	}
	must_eq(modiso_fault_count(), first + n);
	proc_must_not_grow(&before, 0, 256);
	check_scene();
}
END_TEST

static struct modiso_gate *thread_gates[4];

static void *fault_in(void *faulty)
{
	struct modiso_gate **gates = thread_gates + (faulty == module ? 0 : 2);
	unsigned long n = run_times(25000, 1000);

	for (unsigned long i = 0; i < n; i++)
		enter_fault(faulty, gates[i % 2],
			    W(region_bytes(hosts)) + i % PAGE);
	must_eq(modiso_fault_count(), n);
	return NULL;
}

/* On four threads, in two modules. */
START_TEST(test_many_faults_on_threads)
{
	pthread_t threads[4];

	make_scene();
	thread_gates[0] = make_gate(module, poke_load1);
	thread_gates[1] = make_gate(module, poke_store1);
	thread_gates[2] = make_gate(other, poke_div0);
	thread_gates[3] = make_gate(other, poke_recurse);
	for (int i = 0; i < 4; i++)
		threads[i] = thread_start(fault_in, i % 2 ? module : other);
	for (int i = 0; i < 4; i++)
		thread_join(threads[i]);
	check_scene();
}
END_TEST

START_TEST(test_last_and_count)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	make_scene();
	must_eq(modiso_fault_count(), 0);
	expect(MODISO_ERR_NOENT, modiso_fault_last(&fault));
	expect(MODISO_ERR_INVAL, modiso_fault_last(NULL));
	enter_fault(module, make_gate(module, poke_ud2), 0);
	fault.struct_size = 0;
	expect(MODISO_ERR_INVAL, modiso_fault_last(&fault));
	fault.struct_size = offsetof(struct modiso_fault, below) - 1;
	expect(MODISO_ERR_INVAL, modiso_fault_last(&fault));
	fault.struct_size = sizeof(fault);
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(fault.number, 1);
	/* It outlives the module. */
	expect(MODISO_OK, modiso_module_destroy(module));
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_str(fault.module_name, "module");
	must_eq(modiso_fault_count(), 1);
}
END_TEST

START_TEST(test_kind_names)
{
	uint32_t kind, earlier;

	must_str(modiso_fault_kind_name(MODISO_FAULT_ACCESS), "access");
	must_str(modiso_fault_kind_name(MODISO_FAULT_STACK), "stack");
	for (kind = 0; kind <= MODISO_FAULT_GATE; kind++) {
		must(*modiso_fault_kind_name(kind));
		for (earlier = 0; earlier < kind; earlier++)
			must(strcmp(modiso_fault_kind_name(kind),
				    modiso_fault_kind_name(earlier)));
	}
	must(*modiso_fault_kind_name(MODISO_FAULT_GATE + 1));
	must(*modiso_fault_kind_name((uint32_t)-1));
}
END_TEST

enum { DEEPEST = 64 };

static struct modiso_gate *nest_gates[3], *nest_last;
static uintptr_t (MODISO_CALL *volatile nest_service)(uintptr_t levels);
static struct modiso_fault nest_fault;
static int nest_faults;

MODISO_CALL static uintptr_t nest_down(uintptr_t levels)
{
	struct modiso_gate *gate = levels ? nest_gates[levels % 3] : nest_last;
	uintptr_t result = 0;
	int code = modiso_gate_call(gate, WORDS(levels), &result);

	if (code == MODISO_ERR_FAULT) {
		nest_faults++;
		nest_fault.struct_size = sizeof(nest_fault);
		(void)!modiso_fault_last(&nest_fault);
		return 1;
	}
	return code ? 100000 : result + 1;
}

MODULE_CODE static uintptr_t nest_entry(uintptr_t levels)
{
	return nest_service(levels - 1);
}

START_TEST(test_fault_at_each_level)
{
	struct modiso_module *modules[3];
	uintptr_t depth;
	int i;

	make_scene();
	nest_service = (CALLED(uintptr_t, uintptr_t))make_service("down",
								 nest_down);
	for (i = 0; i < 3; i++) {
		modules[i] = make_module(i == 2 ? "two" : i ? "one" : "zero");
		nest_gates[i] = make_gate(modules[i], nest_entry);
	}
	for (depth = 1; depth <= DEEPEST; depth++) {
		nest_faults = 0;
		nest_last = make_gate(modules[depth % 3],
				      _i ? poke_recurse : poke_ud2);
		must_eq(nest_down(depth - 1), depth);
		must_eq(nest_faults, 1);
		must_eq(nest_fault.depth, depth);
		must_eq(nest_fault.module, modules[depth % 3]);
		must_eq(modiso_fault_count(), depth);
		must_eq(modiso_module_caller(), NULL);
	}
	check_scene();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fault");
	TCase *tcase = tcase_create("contract");

	tcase_add_test(tcase, test_crimes);
	tcase_add_test(tcase, test_tiles);
	tcase_add_test(tcase, test_push_non_canonical);
	tcase_add_test(tcase, test_stack_overflow);
	tcase_add_loop_test(tcase, test_big_frame, 0, 6);
	tcase_add_test(tcase, test_stack_on_signal_stack);
	tcase_add_test(tcase, test_many_faults);
	tcase_add_test(tcase, test_many_faults_on_threads);
	tcase_add_test(tcase, test_last_and_count);
	tcase_add_test(tcase, test_kind_names);
	tcase_add_loop_test(tcase, test_fault_at_each_level, 0, 2);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
