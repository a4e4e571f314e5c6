/* SPDX-License-Identifier: MIT */
/*
 * contract_image_pages - the pages of an image: each byte of a segment has its
 * rights and no others, up to its last, and code is never writable.
 */
#include "contract/image_maker.h"
#include "support/world.h"
#include "support/elf.h"
#include "support/inject.h"
#include "support/poke.h"
#include "support/proc.h"

#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

/* A frame that ends at @sp, and a store to it, or wherever else. */
MODULE_CODE static uintptr_t store_in_frame(uintptr_t sp, uintptr_t address)
{
	__asm__ volatile("mov %%rsp, %%rdx\n\t"
			 "mov %0, %%rsp\n\t"
			 "movb $1, (%1)\n\t"
			 "mov %%rdx, %%rsp"
			 :
			 : "r"(sp), "r"(address)
			 : "rdx", "memory");
	return 0;
}

static uint32_t kind_of(uintptr_t sp, uintptr_t address)
{
	return enter_fault(module, make_gate(module, store_in_frame), sp,
			   address)
		->kind;
}

/* Whichever of the two comes first, the guard page lies between them. */
START_TEST(stack_above)
{
	struct modiso_image *image;
	struct modiso_gate *local;
	uintptr_t sp, guard;
	struct modiso_region_info info = {.struct_size = sizeof(info)};
	size_t findings;
	int round;

	begin();
	local = make_gate(module, poke_local);
	if (_i)
		enter(local, 0);
	for (round = 0; round < 2; round++) {
		image = load();
		sp = enter(local, 0);
		expect(MODISO_OK, modiso_region_find((void *)sp, &info));
		guard = W(info.base);
		expect(MODISO_OK,
		       modiso_region_find((void *)(guard - 1), &info));
		must(info.access & MODISO_WRITE);
		must_eq(enter_fault(module, make_gate(module, poke_recurse), 0)
				->kind,
			MODISO_FAULT_STACK);
		must_eq(enter_fault(module, make_gate(module, poke_dig),
				    1 << 20)
				->kind,
			MODISO_FAULT_STACK);
		/* Frames that are larger than the page. */
		must_eq(kind_of(guard + 512, guard + 1024), MODISO_FAULT_STACK);
		must_eq(kind_of(guard - 512, guard), MODISO_FAULT_STACK);
		must_eq(kind_of(guard - 2 * PAGE, guard + PAGE - 1),
			MODISO_FAULT_STACK);
		/* What hits it from elsewhere is no overflow. */
		must(kind_of(sp, guard + 8) != MODISO_FAULT_STACK);
		expect(MODISO_OK, modiso_audit(NULL, 0, &findings));
		must_eq(findings, 0);
		expect(MODISO_OK, modiso_image_unload(image));
	}
	finish();
}
END_TEST

static void segments_refuse(void)
{
	struct modiso_image *image;

	image = load();
	/* Segments of it are not the host's to change one by one. */
	for (int i = ELF_CODE; i <= ELF_DATA; i++) {
		struct modiso_region_info info = {.struct_size = sizeof(info)};

		expect(MODISO_OK,
		       modiso_region_find(at(image, elf.program[i].p_vaddr),
					  &info));
		expect(MODISO_ERR_BUSY, modiso_region_destroy(info.region));
		expect(MODISO_ERR_BUSY,
		       modiso_region_protect(info.region, MODISO_READ));
	}
	expect(MODISO_OK, modiso_image_unload(image));
}

START_TEST(segments_stay)
{
	begin();
	segments_refuse();
	finish();
}
END_TEST

/*
 * A module of 5.9 KB once had its first page made accessible and no other, and
 * crashed when its table of services was connected.
 */
static void check_size(size_t size)
{
	const struct elf_shape shape = {size, size, size, size};
	struct modiso_gate *call, *load1, *store1, *last;
	const struct elf_image *e = &elf;
	struct modiso_image *image;
	char *code, *rodata, *data;
	size_t data_length;

	begin_shape(&shape);
	/* The word that the import's relocation fills lies at the very end. */
	elf.rela[1].r_offset =
		e->program[ELF_DATA].p_vaddr + e->program[ELF_DATA].p_memsz - 8;
	image = load();
	code = at(image, e->program[ELF_CODE].p_vaddr);
	rodata = at(image, e->program[ELF_RODATA].p_vaddr);
	data = at(image, e->program[ELF_DATA].p_vaddr);
	data_length = e->program[ELF_DATA].p_memsz;
	store1 = gate_to(image, "store1");
	load1 = gate_to(image, "load1");
	call = gate_to(image, "call");
	must_eq(enter(call, size), size + 1);
	must_map_as(code, e->program[ELF_CODE].p_memsz, "r-x");
	must_map_as(rodata, size, "r--");
	must_map_as(data, data_length, "rw-");
	must_map_as(at(image, 0), e->program[ELF_META].p_memsz, "---");
	/* The last byte of each, by the module itself. */
	must_eq(enter(load1, W(code) + size - 1), 0xc3);
	last = make_gate_fn(module, (modiso_fn)(uintptr_t)(code + size - 1));
	(void)enter(last, 0);
	close_gate(last);
	enter(load1, W(rodata) + size - 1);
	enter(store1, W(data) + data_length - 1, 3);
	must_eq(enter(load1, W(data) + data_length - 1), 3);
	for (size_t i = 0; i < size; i += size - 1) {
		must_fault(store1, code + i, 0x90);
		must_fault(store1, rodata + i, 1);
	}
	must_eq(enter(load1, W(code) + size - 1), 0xc3);
	close_gate(call);
	close_gate(load1);
	close_gate(store1);
	expect(MODISO_OK, modiso_image_unload(image));
	elf_free(&elf);
}

START_TEST(page_boundaries)
{
	static const size_t sizes[] = {512,   4088,  4095,  4096,  4097,
				       5900,  8191,  8192,  8193,  12287,
				       12288, 12289, 65535, 65536, 65537};

	check_size(sizes[_i]);
	begin();
	finish();
}
END_TEST

/* What only a loader reads is not the module's. */
START_TEST(tables_left_out)
{
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	struct modiso_image *image;
	struct modiso_gate *load1;

	begin();
	image = load();
	load1 = gate_to(image, "load1");
	must_fault(load1, at(image, 0), 0);
	must_fault(load1, at(image, PAGE - 1), 0);
	must_eq(enter(load1, W(at(image, PAGE))), 0x48);
	expect(MODISO_OK, modiso_image_get_info(image, &info));
	must_eq(info.start, at(image, PAGE));
	must_eq(info.length, elf.program[ELF_DATA].p_vaddr);
	close_gate(load1);
	expect(MODISO_OK, modiso_image_unload(image));
	finish();
}
END_TEST

static void must_keep_tables(void)
{
	struct modiso_image_info info = {.struct_size = sizeof(info)};
	struct modiso_image *image = load();
	struct modiso_gate *load1 = gate_to(image, "load1");

	must_eq(enter(load1, W(at(image, 0))), 0x7f);
	must_fault(gate_to(image, "store1"), at(image, 0), 0);
	expect(MODISO_OK, modiso_image_get_info(image, &info));
	must_eq(info.start, at(image, 0));
	expect(MODISO_OK, modiso_module_destroy(module));
	module = make_module("module");
	elf_free(&elf);
	begin();
}

START_TEST(tables_kept)
{
	Elf64_Phdr *meta;

	begin();
	options.flags = MODISO_IMAGE_HEADERS;
	must_keep_tables();
	/* A relocation names it. */
	elf.rela[1].r_addend = 0;
	must_keep_tables();
	/* A symbol lies in it. */
	elf.symbol[ELF_CALL].st_value = sizeof(Elf64_Ehdr);
	must_keep_tables();
	/* One byte behind them. */
	meta = &elf.program[ELF_META];
	meta->p_memsz = ++meta->p_filesz;
	must_keep_tables();
	elf.program[ELF_META].p_memsz++;
	must_keep_tables();
	/* Something between them. */
	elf.header->e_phnum--;
	must_keep_tables();
	finish();
}
END_TEST

START_TEST(relro)
{
	struct modiso_gate *store1;
	struct modiso_image *image;
	char *data;

	{
		const struct elf_shape shape = {100, 200, 6000, 3000};

		begin_shape(&shape);
	}
	elf.program[ELF_RELRO] = elf.program[ELF_DATA];
	elf.program[ELF_RELRO].p_type = PT_GNU_RELRO;
	elf.program[ELF_RELRO].p_memsz = 4096;
	image = load();
	data = at(image, elf.program[ELF_DATA].p_vaddr);
	must_map_as(data, 4096, "r--");
	must_map_as(data + 4096, 9000 - 4096, "rw-");
	store1 = gate_to(image, "store1");
	must_fault(store1, data, 1);
	must_fault(store1, data + 4095, 1);
	enter(store1, W(data) + 4096, 1);
	must_eq(enter(gate_to(image, "call"), 1), 2);
	finish();
}
END_TEST

static void load_traced(void *arg)
{
	struct modiso_image *image;

	(void)arg;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	image = load();
	enter(gate_to(image, "call"), 1);
}

static void map_traced(void *arg)
{
	(void)arg;
	ptrace(PTRACE_TRACEME, 0, NULL, NULL);
	raise(SIGSTOP);
	(void)!mmap(NULL, PAGE, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
}

struct trace {
	unsigned stops, bad;
	unsigned new_code; /* executable mappings that came meanwhile, most */
};

static unsigned look(pid_t child, unsigned *bad)
{
	char path[64], line[512], perms[8];
	unsigned code = 0;
	FILE *maps;

	snprintf(path, sizeof(path), "/proc/%d/maps", (int)child);
	maps = fopen(path, "r");
	if (maps == NULL)
		return 0;
	while (fgets(line, sizeof(line), maps) != NULL) {
		if (sscanf(line, "%*x-%*x %7s", perms) != 1)
			continue;
		code += perms[2] == 'x';
		*bad += perms[1] == 'w' && perms[2] == 'x';
	}
	fclose(maps);
	return code;
}

/* Stop at the beginning and at the end of every system call. */
static struct trace watch(void (*body)(void *))
{
	struct trace trace = {0};
	unsigned before, code;
	pid_t child = fork();
	int status, deliver = 0;

	must(child >= 0);
	if (child == 0) {
		body(NULL);
		_exit(0);
	}
	must(waitpid(child, &status, 0) == child && WIFSTOPPED(status));
	ptrace(PTRACE_SETOPTIONS, child, NULL,
	       PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL);
	before = look(child, &trace.bad);
	for (;;) {
		ptrace(PTRACE_SYSCALL, child, NULL, (void *)(intptr_t)deliver);
		must(waitpid(child, &status, 0) == child);
		if (WIFEXITED(status) || WIFSIGNALED(status))
			break;
		deliver = WSTOPSIG(status) == (SIGTRAP | 0x80)
				  ? 0
				  : WSTOPSIG(status);
		trace.stops++;
		code = look(child, &trace.bad);
		if (code > before && code - before > trace.new_code)
			trace.new_code = code - before;
	}
	must_exit(status, 0);
	return trace;
}

START_TEST(never_writable_code)
{
	struct trace trace;

	begin();
	trace = watch(load_traced);
	must_eq(trace.bad, 0);
	must_eq(trace.new_code, 1);
	must(trace.stops >= 12);
	/* And this is how it would look. */
	trace = watch(map_traced);
	must(trace.bad != 0);
	finish();
}
END_TEST

MODULE_CODE static uintptr_t itself(uintptr_t value)
{
	return value;
}

/* Bytes that the scanner is given. */
static size_t looked_at;

/* Gates that are called while it looks; the first one of none: NULL. */
static struct modiso_gate *meanwhile[4];

/* Writes to what is looked at; NULL: nobody tries. */
static struct modiso_gate *writer;

/* Of code/executable.h, which has a name in common with image_maker.h. */
struct mdi_scan_place;
int __real_mdi_executable_scan(const struct modiso_module *owner,
			       const void *bytes, size_t length,
			       struct mdi_scan_place *place);
int __wrap_mdi_executable_scan(const struct modiso_module *owner,
			       const void *bytes, size_t length,
			       struct mdi_scan_place *place);

int __wrap_mdi_executable_scan(const struct modiso_module *owner,
			       const void *bytes, size_t length,
			       struct mdi_scan_place *place)
{
	looked_at += length;
	for (size_t i = 0; meanwhile[i] != NULL; i++)
		must_eq(enter(meanwhile[i], i), i);
	if (writer != NULL)
		must_eq(enter_fault(module, writer, W(bytes) + length - 1)
				->kind,
			MODISO_FAULT_ACCESS);
	return __real_mdi_executable_scan(owner, bytes, length, place);
}

/* Whatever comes behind the code: a page of it is scanned once, and all are. */
START_TEST(scanned_once)
{
	const struct elf_shape shape = {5 * PAGE - 1, 100, 100, 100};

	begin_shape(&shape);
	looked_at = 0;
	(void)load();
	must_eq(looked_at, 5 * PAGE);
	finish();
}
END_TEST

/* The module it is to belong to is GUARD, and memory in no region open to it */
START_TEST(closed_while_looked_at)
{
	begin();
	writer = make_gate(module, poke_store1);
	looked_at = 0;
	(void)load();
	must(looked_at != 0);
	writer = NULL;
	finish();
}
END_TEST

/*
 * Modules that run meanwhile have theirs opened and closed, and the host's
 * guarded memory as well: not what an image is built in, whatever lies around.
 */
START_TEST(built_among_others)
{
	struct modiso_module *others[2];
	struct modiso_region *hosts;

	begin();
	hosts = make_region(NULL, PAGE, "host's");
	/* The first one ends where data begins, others lie above of it. */
	for (int i = 0; i < 2; i++)
		(void)load();
	meanwhile[0] = make_gate(module, itself);
	for (int i = 0; i < 2; i++) {
		others[i] = make_module("other");
		meanwhile[1 + i] = make_gate(others[i], itself);
	}
	(void)load();
	meanwhile[0] = NULL;
	for (int i = 0; i < 2; i++)
		expect(MODISO_OK, modiso_module_destroy(others[i]));
	expect(MODISO_OK, modiso_region_destroy(hosts));
	finish();
}
END_TEST

/*
 * Calls that change memory: pages, filled at once; closed, to modules or for
 * writing, before the code is looked at; the code and the data as the module's.
 * What is left out is not mapped at all.
 */
START_TEST(few_calls)
{
	struct modiso_image *image;

	inject_start(false);
	begin();
	image = load();
	expect(MODISO_OK, modiso_image_unload(image));
	inject_arm(UINT32_MAX, 1);
	image = load();
	must_eq(inject_disarm(), 0);
	printf("# loading an image: %u calls\n", inject->seen);
	must(inject->seen >= 5 && inject->seen <= 6);
	finish();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("image_pages");
	TCase *tcase = tcase_create("image");

	tcase_add_loop_test(tcase, stack_above, 0, 2);
	tcase_add_test(tcase, segments_stay);
	tcase_add_loop_test(tcase, page_boundaries, 0, 15);
	tcase_add_test(tcase, tables_left_out);
	tcase_add_test(tcase, tables_kept);
	tcase_add_test(tcase, relro);
	tcase_add_test(tcase, never_writable_code);
	tcase_add_test(tcase, scanned_once);
	tcase_add_test(tcase, closed_while_looked_at);
	tcase_add_test(tcase, built_among_others);
	tcase_add_test(tcase, few_calls);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
