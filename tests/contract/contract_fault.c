/* SPDX-License-Identifier: MIT */
/*
 * contract_fault - whatever a module does ends its own call and nothing else;
 * the record says who, what and where, also in words.
 */
#include "support/world.h"
#include "support/json.h"
#include "support/poke.h"
#include "support/proc.h"

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include <unwind.h>

/* Indices into modiso_fault.registers. */
enum { RDI = 5, RSP = 7, RIP = 16 };

static struct modiso_module *module, *other;
static struct modiso_region *own, *foreign, *hosts;
static unsigned char *unmapped, *forbidden, *truncated;

/* Everything that the cases below may touch. */
static void make_scene(void)
{
	int fd = memfd_create("truncated", MFD_CLOEXEC);
	struct modiso_region *region;

	module = world_module();
	other = make_module("other");
	own = make_region(module, PAGE, "own");
	foreign = make_region(other, 5900, "foreign");
	hosts = make_region(NULL, 2 * PAGE, "host's");
	memset(region_bytes(foreign), 0x66, 2 * PAGE);
	memset(region_bytes(hosts), 0x77, 2 * PAGE);
	unmapped = pages_nowhere();
	forbidden = pages_map(1, PROT_NONE);
	must(fd >= 0 && !ftruncate(fd, 2 * PAGE));
	truncated =
		mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	must(truncated != MAP_FAILED);
	expect(MODISO_OK, modiso_region_adopt(module, truncated, 2 * PAGE, RW,
					      NULL, &region));
	must(!ftruncate(fd, PAGE));
	close(fd);
}

/* The scene after any of them: nothing has changed, and all works. */
static void check_scene(void)
{
	must(all_bytes(region_bytes(foreign), 0x66, 2 * PAGE));
	must(all_bytes(region_bytes(hosts), 0x77, 2 * PAGE));
	region_bytes(hosts)[0] = 0x77;
	region_bytes(foreign)[0] = 0x66;
	region_bytes(own)[0] ^= 1;
	must_eq(enter(make_gate(module, module_add_one), 1), 2);
	must_eq(enter(make_gate(other, module_add_one), 1), 2);
}

enum where {
	AT_NULL,
	AT_UNMAPPED,
	AT_FORBIDDEN,
	AT_NON_CANONICAL,
	AT_KERNEL,
	AT_OWN,
	AT_FOREIGN,
	AT_HOSTS,
	AT_TRUNCATED,
	AT_STACK_FAR,
	AT_RODATA,
	NOWHERE
};

static uintptr_t address_of(enum where where)
{
	switch (where) {
	case AT_UNMAPPED:
		return W(unmapped) + 24;
	case AT_FORBIDDEN:
		return W(forbidden) + 24;
	case AT_NON_CANONICAL:
		return (uintptr_t)1 << 62;
	case AT_KERNEL:
		return 0xffff880000001000ul;
	case AT_OWN:
		return W(region_bytes(own)) + 24;
	case AT_FOREIGN:
		return W(region_bytes(foreign)) + PAGE + 24;
	case AT_HOSTS:
		return W(region_bytes(hosts)) + PAGE + 24;
	case AT_TRUNCATED:
		return W(truncated) + PAGE + 24;
	case AT_STACK_FAR:
		return 1 << 20;
	case AT_RODATA:
		return W(poke_code42);
	default:
		return 0;
	}
}

#define CODE(entry) ((modiso_fn)(entry))

struct crime {
	const char *name;
	modiso_fn entry;
	enum where where;
	uint32_t kind;
	int signo;
	uint32_t access;
	const void *pc; /* NULL: the address itself, an execution */
	bool no_tcg;    /* emulation does not raise it */
};

static const struct crime crimes[] = {
#define ACCESS(entry, where, access)                                           \
	CODE(entry), where, MODISO_FAULT_ACCESS, SIGSEGV, access, entry, false
#define UNMAPPED(entry, where, access)                                         \
	CODE(entry), where, MODISO_FAULT_UNMAPPED, SIGSEGV, access, entry, false
	{"read foreign", ACCESS(poke_load1, AT_FOREIGN, MODISO_READ)},
	{"write foreign", ACCESS(poke_store1, AT_FOREIGN, MODISO_WRITE)},
	{"read host", ACCESS(poke_load8, AT_HOSTS, MODISO_READ)},
	{"write host", ACCESS(poke_store8, AT_HOSTS, MODISO_WRITE)},
	{"vector read", ACCESS(poke_load16, AT_HOSTS, MODISO_READ)},
	{"vector write", ACCESS(poke_store16, AT_HOSTS, MODISO_WRITE)},
	{"read forbidden", ACCESS(poke_load1, AT_FORBIDDEN, MODISO_READ)},
	{"write forbidden", ACCESS(poke_store1, AT_FORBIDDEN, MODISO_WRITE)},
	{"write constant", ACCESS(poke_store1, AT_RODATA, MODISO_WRITE)},
	{"read NULL", UNMAPPED(poke_load1, AT_NULL, MODISO_READ)},
	{"write NULL", UNMAPPED(poke_store1, AT_NULL, MODISO_WRITE)},
	{"read unmapped", UNMAPPED(poke_load1, AT_UNMAPPED, MODISO_READ)},
	{"write unmapped", UNMAPPED(poke_store8, AT_UNMAPPED, MODISO_WRITE)},
	{"read kernel", UNMAPPED(poke_load8, AT_KERNEL, MODISO_READ)},
	{"write kernel", UNMAPPED(poke_store8, AT_KERNEL, MODISO_WRITE)},
	{"exec NULL", CODE(poke_jump), AT_NULL, MODISO_FAULT_UNMAPPED, SIGSEGV,
	 MODISO_EXEC, NULL, false},
	{"exec unmapped", CODE(poke_jump), AT_UNMAPPED, MODISO_FAULT_UNMAPPED,
	 SIGSEGV, MODISO_EXEC, NULL, false},
	{"exec forbidden", CODE(poke_jump), AT_FORBIDDEN, MODISO_FAULT_ACCESS,
	 SIGSEGV, MODISO_EXEC, NULL, false},
	{"exec own data", CODE(poke_jump), AT_OWN, MODISO_FAULT_ACCESS, SIGSEGV,
	 MODISO_EXEC, NULL, false},
	{"exec foreign data", CODE(poke_jump), AT_FOREIGN, MODISO_FAULT_ACCESS,
	 SIGSEGV, MODISO_EXEC, NULL, false},
	{"exec host data", CODE(poke_jump), AT_HOSTS, MODISO_FAULT_ACCESS,
	 SIGSEGV, MODISO_EXEC, NULL, false},
	{"read non-canonical", CODE(poke_load1), AT_NON_CANONICAL,
	 MODISO_FAULT_PRIVILEGED, SIGSEGV, 0, poke_load1, false},
	{"write non-canonical", CODE(poke_store8), AT_NON_CANONICAL,
	 MODISO_FAULT_PRIVILEGED, SIGSEGV, 0, poke_store8, false},
	{"exec non-canonical", CODE(poke_jump), AT_NON_CANONICAL,
	 MODISO_FAULT_PRIVILEGED, SIGSEGV, 0, poke_jump, false},
	{"hlt", CODE(poke_hlt), NOWHERE, MODISO_FAULT_PRIVILEGED, SIGSEGV, 0,
	 poke_hlt, false},
	{"ud2", CODE(poke_ud2), NOWHERE, MODISO_FAULT_ILLEGAL, SIGILL, 0,
	 poke_ud2, false},
	{"int3", CODE(poke_int3), NOWHERE, MODISO_FAULT_TRAP, SIGTRAP, 0,
	 poke_int3, false},
	{"division by zero", CODE(poke_div0), NOWHERE, MODISO_FAULT_ARITHMETIC,
	 SIGFPE, 0, poke_div0_at, false},
	{"x87 division", CODE(poke_x87), NOWHERE, MODISO_FAULT_ARITHMETIC,
	 SIGFPE, 0, poke_x87_at, false},
	{"SSE division", CODE(poke_sse), NOWHERE, MODISO_FAULT_ARITHMETIC,
	 SIGFPE, 0, poke_sse_at, true},
	{"truncated file read", CODE(poke_load1), AT_TRUNCATED,
	 MODISO_FAULT_BUS, SIGBUS, MODISO_READ, poke_load1, false},
	{"truncated file write", CODE(poke_store1), AT_TRUNCATED,
	 MODISO_FAULT_BUS, SIGBUS, MODISO_WRITE, poke_store1, false},
	{"push to host", CODE(poke_wild_push), AT_HOSTS, MODISO_FAULT_ACCESS,
	 SIGSEGV, MODISO_WRITE, poke_wild_push_at, false},
	{"push to NULL", CODE(poke_wild_push), AT_UNMAPPED,
	 MODISO_FAULT_UNMAPPED, SIGSEGV, MODISO_WRITE, poke_wild_push_at,
	 false},
	{"ud2 on host stack", CODE(poke_wild_ud2), AT_HOSTS,
	 MODISO_FAULT_ILLEGAL, SIGILL, 0, poke_wild_ud2_at, false},
	{"ud2 without stack", CODE(poke_wild_ud2), AT_UNMAPPED,
	 MODISO_FAULT_ILLEGAL, SIGILL, 0, poke_wild_ud2_at, false},
	{"ud2 on non-canonical stack", CODE(poke_wild_ud2), AT_NON_CANONICAL,
	 MODISO_FAULT_ILLEGAL, SIGILL, 0, poke_wild_ud2_at, false},
	{"ud2 on kernel stack", CODE(poke_wild_ud2), AT_KERNEL,
	 MODISO_FAULT_ILLEGAL, SIGILL, 0, poke_wild_ud2_at, false},
};

#define CRIMES ((int)(sizeof(crimes) / sizeof(*crimes)))

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
	bool push = crime->entry == CODE(poke_wild_push);

	must_eq(fault->kind, crime->kind);
	must_eq(fault->signo, crime->signo);
	must_eq(fault->access, crime->access);
	must_eq(fault->depth, 1);
	must_eq(fault->confinement, MODISO_CONFINE_GUARD);
	/*
	 * int3 is reported at its end: that is the next instruction. A jump
	 * out of the address space faults at the jump, or at its target.
	 */
	if (crime->entry == CODE(poke_int3))
		must(fault->pc - W(crime->pc) <= 1);
	else if (fault->pc != address || crime->where != AT_NON_CANONICAL)
		must_eq(fault->pc, crime->pc ? W(crime->pc) : address);
	must_eq(fault->registers[RSP], fault->sp);
	if (crime->entry == CODE(poke_wild_ud2) || push)
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

START_TEST(test_crime)
{
	const struct crime *crime = &crimes[_i];
	const struct modiso_fault *fault;
	struct modiso_gate *gate;
	uintptr_t address;
	int round;

	make_scene();
	gate = make_gate(module, crime->entry);
	address = address_of(crime->where);
	for (round = 0; round < 3; round++) {
		fault = enter_fault(module, gate, address);
		check_record(fault, crime, address);
		must_eq(fault->number, (uint64_t)round + 1);
		check_scene();
	}
	/* The same crime, by the other module. */
	fault = enter_fault(other, make_gate(other, crime->entry),
			    crime->where == AT_FOREIGN ? address_of(AT_HOSTS)
						       : address);
	must_eq(fault->number, 4);
	check_scene();
}
END_TEST

/* Below a stack that is not there: #SS, which Linux reports as SIGBUS. */
START_TEST(test_push_non_canonical)
{
	const struct modiso_fault *fault;

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
	must_eq(sigaltstack(NULL, &stack), 0);
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
	unsigned long i, n = times(100000, 10000);
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
	fault.struct_size = sizeof(fault) - 1;
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

/* --- nests --- */

enum { DEEPEST = 64 };

static struct modiso_gate *nest_gates[3], *nest_last;
static uintptr_t (*volatile nest_service)(uintptr_t levels);
static struct modiso_fault nest_fault;
static int nest_faults;

static uintptr_t nest_down(uintptr_t levels)
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
	nest_service = (uintptr_t(*)(uintptr_t))make_service("down", nest_down);
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

/* --- in words --- */

static char *printed(const struct modiso_fault *fault, bool json)
{
	char *text = NULL;
	size_t size = 0;
	FILE *stream = open_memstream(&text, &size);

	must(stream);
	if (json)
		expect(MODISO_OK, modiso_fault_print_json(fault, stream));
	else
		expect(MODISO_OK, modiso_fault_print(fault, stream));
	must(!fclose(stream));
	return text;
}

static void check_printed(const struct modiso_fault *fault)
{
	char *text = printed(fault, false), *json = printed(fault, true);
	char path[4096], number[32];
	ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);

	must(length > 0);
	path[length] = '\0';
	must(json_valid(json));
	must(strchr(json, '\n') == json + strlen(json) - 1);
	must(*json == '{');
	must(json_has(json, fault->module_name));
	must(json_has(json, modiso_fault_kind_name(fault->kind)));
	must(strstr(text, fault->module_name));
	if (fault->region_length) {
		must(json_has(json, fault->region_name));
		must(strstr(text, fault->region_name));
		must(json_has(json, fault->owner_name));
		must(strstr(text, fault->owner_name));
	}
	if (fault->address) {
		snprintf(number, sizeof(number), "%lx",
			 (unsigned long)fault->address);
		must(strstr(text, number));
	}
	/* The instruction, as file and offset. */
	if (fault->pc >= W(poke_load1) && fault->pc <= W(cpu_call)) {
		must(strstr(text, strrchr(path, '/') + 1));
		must(strstr(json, strrchr(path, '/') + 1));
	}
	free(text);
	free(json);
}

START_TEST(test_print)
{
	int i;

	make_scene();
	for (i = 0; i < CRIMES; i++) {
		if (crimes[i].no_tcg && emulated())
			continue;
		check_printed(enter_fault(module,
					  make_gate(module, crimes[i].entry),
					  address_of(crimes[i].where)));
	}
}
END_TEST

/* Names that would end a string, a line or the JSON. */
START_TEST(test_print_odd_names)
{
	static const char *const names[] = {
		"\"quoted\"", "back\\slash", "new\nline", "\x01\x1f\x7f",
		"tab\t",      "}]\":{",      "%s%n%d",    "</script>",
	};
	const struct modiso_fault *fault;
	struct modiso_region *region;
	char *json;
	size_t i;

	world_start();
	for (i = 0; i < sizeof(names) / sizeof(*names); i++) {
		module = make_module(names[i]);
		region = make_region(NULL, PAGE, names[i]);
		fault = enter_fault(module, make_gate(module, poke_load1),
				    W(region_bytes(region)));
		must_str(fault->module_name, names[i]);
		must_str(fault->region_name, names[i]);
		json = printed(fault, true);
		must(json_valid(json));
		must(json_has(json, names[i]));
		must(strchr(json, '\n') == json + strlen(json) - 1);
		free(json);
		expect(MODISO_OK, modiso_region_destroy(region));
		expect(MODISO_OK, modiso_module_destroy(module));
	}
}
END_TEST

/* --- the host's frames --- */

MODULE_CODE static uintptr_t write_there(uintptr_t address)
{
	*(volatile char *)address = 1;
	return 0;
}

static uintptr_t (*write_thunk)(uintptr_t);
static struct modiso_gate *write_gate;
static char *host_report;

static void print_host_frames(const struct modiso_fault *fault, void *arg)
{
	size_t size = 0;
	FILE *stream = open_memstream(&host_report, &size);

	(void)arg;
	must(stream);
	expect(MODISO_OK, modiso_fault_print(fault, stream));
	must(!fclose(stream));
}

static void print_last(void)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};

	expect(MODISO_OK, modiso_fault_last(&fault));
	print_host_frames(&fault, NULL);
}

/* Not the last thing that a function does: it stays on the stack. */
#define STAY __asm__ volatile("" ::: "memory")

/* A frame of its own, under the function's own name. */
#ifdef __clang__
#	define NAMED_FRAME __attribute__((noinline))
#else
#	define NAMED_FRAME __attribute__((noinline, noclone))
#endif

NAMED_FRAME static void by_gate(bool printing)
{
	uintptr_t args[1] = {0};

	expect(MODISO_ERR_FAULT, modiso_gate_call(write_gate, args, 1, NULL));
	if (printing)
		print_last();
	STAY;
}

NAMED_FRAME static void by_thunk(bool printing)
{
	write_thunk(0);
	expect(MODISO_ERR_FAULT, modiso_gate_status());
	if (printing)
		print_last();
	STAY;
}

NAMED_FRAME static void outer_frame(void (*how)(bool printing), bool printing)
{
	how(printing);
	STAY;
}

/* The function that a frame of the report is in; NULL: there is no such. */
static void *frame_function(unsigned number)
{
	const char *line = strstr(host_report, "  called by  0x");

	for (; line != NULL && number > 0; number--) {
		line = strchr(line, '\n');
		if (line == NULL || strncmp(line, "\n             0x", 16) != 0)
			return NULL;
		line++;
	}
	if (line == NULL)
		return NULL;
	return _Unwind_FindEnclosingFunction(
		(char *)strtoul(line + 13, NULL, 16) - 1);
}

static void must_be_called_by(void (*how)(bool printing), bool all)
{
	must_eq(frame_function(0), how);
	if (all)
		must_eq(frame_function(1), outer_frame);
	else
		must_eq(frame_function(1), NULL);
	free(host_report);
}

static void *print_elsewhere(void *fault)
{
	print_host_frames(fault, NULL);
	return NULL;
}

START_TEST(test_host_frames)
{
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	pthread_t thread;
	modiso_fn thunk;

	make_scene();
	write_gate = make_gate(module, write_there);
	expect(MODISO_OK, modiso_gate_thunk(write_gate, &thunk));
	write_thunk = (uintptr_t(*)(uintptr_t))thunk;
	/* As long as the caller is there, all of them. */
	outer_frame(by_gate, true);
	must_be_called_by(by_gate, true);
	outer_frame(by_thunk, true);
	must_be_called_by(by_thunk, true);
	/* Later, and on another thread, what the record has. */
	outer_frame(by_gate, false);
	print_last();
	must_be_called_by(by_gate, false);
	expect(MODISO_OK, modiso_fault_last(&fault));
	must_eq(pthread_create(&thread, NULL, print_elsewhere, &fault), 0);
	must_eq(pthread_join(thread, NULL), 0);
	must_be_called_by(by_gate, false);
	/* In the landing, below the call. */
	expect(MODISO_OK,
	       modiso_fault_notify(module, NULL, print_host_frames, NULL));
	outer_frame(by_thunk, false);
	must_be_called_by(by_thunk, true);
	check_scene();
}
END_TEST

START_TEST(test_print_errors)
{
	struct modiso_fault none = {.struct_size = sizeof(none)};
	struct modiso_fault fault = {.struct_size = sizeof(fault)};
	FILE *full = fopen("/dev/full", "we"), *null = fopen("/dev/null", "we");

	must(full && null);
	setvbuf(full, NULL, _IONBF, 0);
	make_scene();
	fault = *enter_fault(module, make_gate(module, poke_ud2), 0);
	expect(MODISO_ERR_INVAL, modiso_fault_print(NULL, null));
	expect(MODISO_ERR_INVAL, modiso_fault_print(&fault, NULL));
	expect(MODISO_ERR_INVAL, modiso_fault_print(&none, null));
	expect(MODISO_ERR_INVAL, modiso_fault_print_json(NULL, null));
	expect(MODISO_ERR_INVAL, modiso_fault_print_json(&fault, NULL));
	expect(MODISO_ERR_INVAL, modiso_fault_print_json(&none, null));
	expect(MODISO_ERR_OS, modiso_fault_print(&fault, full));
	clearerr(full);
	expect(MODISO_ERR_OS, modiso_fault_print_json(&fault, full));
	must_eq(errno, ENOSPC);
	fclose(full);
	fclose(null);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("fault");
	TCase *tcase = tcase_create("contract");
	int i;

	tcase_set_timeout(tcase, 60);
	for (i = 0; i < CRIMES; i++)
		if (!crimes[i].no_tcg || !emulated())
			tcase_add_loop_test(tcase, test_crime, i, i + 1);
	tcase_add_test(tcase, test_push_non_canonical);
	tcase_add_test(tcase, test_stack_overflow);
	tcase_add_loop_test(tcase, test_big_frame, 0, 6);
	tcase_add_test(tcase, test_stack_on_signal_stack);
	tcase_add_test(tcase, test_many_faults);
	tcase_add_test(tcase, test_last_and_count);
	tcase_add_test(tcase, test_kind_names);
	tcase_add_loop_test(tcase, test_fault_at_each_level, 0, 2);
	tcase_add_test(tcase, test_print);
	tcase_add_test(tcase, test_print_odd_names);
	tcase_add_test(tcase, test_print_errors);
	tcase_add_test(tcase, test_host_frames);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
