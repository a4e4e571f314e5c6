/* SPDX-License-Identifier: MIT */
/*
 * contract_step_fault - a signal at each instruction of a call that ends in a
 * fault, from the fault to what the caller reads of it.
 */
#include "contract/step_scene.h"

/* --- faults --- */

static struct modiso_fault record;
static uint32_t want_kind;

static void verify_fault(void)
{
	must_eq(filtered, rounds);
	must_eq(landed, rounds);
	must_eq(record.kind, want_kind);
	must_eq(record.module, module);
	must_eq(record.depth, 1);
	if (want_kind == MODISO_FAULT_ACCESS)
		must_blame(&record, MODISO_WRITE,
			   scene_of_crime, hosts);
}

static void read_record(void)
{
	memset(&record, 0, sizeof(record));
	record.struct_size = sizeof(record);
	expect(MODISO_OK, modiso_fault_last(&record));
}

static void round_fault(void)
{
	round_call();
	read_record();
}

static void set_refused(void)
{
	set_listed();
	served = 0;
	expect(MODISO_OK, modiso_fault_notify(NULL, filter, land, NULL));
	entry = thunk_of((modiso_fn)call_listed, 2, 8, 0, 99);
	want = 99;
	want_kind = MODISO_FAULT_SERVICE;
	verify = verify_fault;
}

START_TEST(test_service_refused)
{
	step_each("refused service", set_refused, round_fault, _i, 100);
}
END_TEST

static void set_fault(void)
{
	set_service();
	expect(MODISO_OK, modiso_fault_notify(NULL, filter, land, NULL));
	entry = thunk_of((modiso_fn)commit_crime, 2, 8, 0, 99);
	want = 99;
	want_kind = MODISO_FAULT_ACCESS;
	verify = verify_fault;
}

START_TEST(test_fault)
{
	step_each("fault", set_fault, round_fault, _i, 120);
}
END_TEST

/* The signal is there when the fault is, and comes when that is dealt with. */
START_TEST(test_pending_at_fault)
{
	struct step_plan plan =
		plan_of("pending at a fault", set_fault, round_fault);

	variant = _i;
	step_at_faults(&plan, (unsigned)run_times(200, 20));
}
END_TEST

/* The code, and the sentence that belongs to it. */
static int code;
static char sentence[400];

static void round_code(void)
{
	const uintptr_t args[2] = {20, 22};
	uintptr_t untouched = 99;

	step_begin();
	code = modiso_gate_call(store_gate, args, 2, &untouched);
	snprintf(sentence, sizeof(sentence), "%s", modiso_last_error_text());
	step_end();
	result = untouched;
	seen = before.cpu;
	for (unsigned i = 0; i < 6; i++)
		seen.saved[i] = CPU_SAVED(i);
}

static void verify_code(void)
{
	must_eq(code, MODISO_ERR_FAULT);
	must(strstr(sentence, "0x14"));
}

static void set_code(void)
{
	set_scene();
	want = 99;
	verify = verify_code;
}

START_TEST(test_code)
{
	step_each("code of a fault", set_code, round_code, _i, 50);
}
END_TEST

/* --- nested --- */

static uintptr_t serve_nested(uintptr_t value)
{
	unsigned char *byte = region_bytes(hosts) + CRIME;
	const uintptr_t args[2] = {W(byte), 1};
	uintptr_t untouched = 7;

	value = enter(sum_gate, value, 1);
	value = enter(other_sum_gate, value, 1);
	must_eq(modiso_gate_call(other_store_gate, args, 2, &untouched),
		MODISO_ERR_FAULT);
	return value + untouched;
}

static void verify_nested(void)
{
	must_eq(filtered, rounds);
	must_eq(landed, rounds);
}

static void set_nested(void)
{
	set_scene();
	expect(MODISO_OK, modiso_fault_notify(NULL, filter, land, NULL));
	service = (uintptr_t(*)(uintptr_t))make_service("nest", serve_nested);
	/* What the handler calls is not that one. */
	listed = service;
	service = (uintptr_t(*)(uintptr_t))make_service("serve too", serve);
	entry = thunk_of((modiso_fn)call_listed, 2, 8, 0, 0);
	want = 20 + 2 + 7 + 22;
	verify = verify_nested;
}

START_TEST(test_nested)
{
	step_each("nested", set_nested, round_call, _i, 140);
}
END_TEST

/* --- one call too deep --- */

static struct modiso_gate *deep_gate;
static uintptr_t (*volatile deepen)(uintptr_t);

MODULE_CODE static uintptr_t call_deepen(uintptr_t level)
{
	return deepen(level);
}

static void call_too_deep(void)
{
	const uintptr_t args[2] = {1, 2};
	uintptr_t untouched = 99;

	must_eq(modiso_gate_call(sum_gate, args, 2, &untouched),
		MODISO_ERR_LIMIT);
	must_eq(untouched, 99);
}

static uintptr_t go_deeper(uintptr_t level)
{
	if (level < MDI_DEPTH_MAX)
		return enter(deep_gate, level + 1);
	step_begin();
	code = cpu_call(&seen, entry, 20, 22, 3, 4) != 99;
	step_end();
	return level;
}

static void work_deep(void)
{
	/* Before the first round and after each there is room. */
	region_bytes(hosts)[BY_HANDLER]++;
	call_too_deep();
	must_eq(service(6), 7);
}

static void round_too_deep(void)
{
	result = enter(deep_gate, 1);
}

static void verify_too_deep(void)
{
	must_eq(code, 0);
}

static void set_too_deep(void)
{
	set_scene();
	work = work_deep;
	no_windows = true;
	deepen = (uintptr_t(*)(uintptr_t))make_service("deepen", go_deeper);
	deep_gate = make_gate(module, call_deepen);
	entry = thunk_of((modiso_fn)sum, 2, 8, 0, 99);
	want = MDI_DEPTH_MAX;
	verify = verify_too_deep;
}

START_TEST(test_too_deep)
{
	step_each("one too deep", set_too_deep, round_too_deep, _i, 20);
}
END_TEST

/* --- copies --- */

static unsigned char *file_pages;
static unsigned char copied[32];

static void round_copy(void)
{
	memset(copied, 0, sizeof(copied));
	step_begin();
	code = modiso_copy_in(module, copied, file_pages + PAGE - 16, 32);
	step_end();
	result = cpu_call(&seen, (modiso_fn)host_sum, 20, 22, 0, 0);
}

static void verify_copy(void)
{
	must_eq(code, MODISO_ERR_FAULT);
	must(all_bytes(copied, 0x66, 16));
	must(all_bytes(copied + 16, 0, 16));
}

static void set_copy(void)
{
	struct modiso_region *region;
	int file = memfd_create("file", MFD_CLOEXEC);

	set_scene();
	must(file >= 0 && !ftruncate(file, 2 * PAGE));
	file_pages = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED,
			  file, 0);
	must(file_pages != MAP_FAILED);
	memset(file_pages, 0x66, 2 * PAGE);
	expect(MODISO_OK, modiso_region_adopt(module, file_pages, 2 * PAGE, RW,
					      NULL, &region));
	must(!ftruncate(file, PAGE));
	want = 42;
	verify = verify_copy;
}

START_TEST(test_copy)
{
	step_each("copy", set_copy, round_copy, _i, 4);
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("step fault");
	TCase *tcase = tcase_create("contract");
	const int first = step_first();
	const bool all = step_all();


	tcase_add_loop_test(tcase, test_fault, first, VARIANTS);
	if (all) {
		tcase_add_loop_test(tcase, test_service_refused, first,
				    VARIANTS);
		tcase_add_loop_test(tcase, test_pending_at_fault, first,
				    VARIANTS);
		tcase_add_loop_test(tcase, test_code, first, VARIANTS);
		tcase_add_loop_test(tcase, test_nested, first, VARIANTS);
		tcase_add_loop_test(tcase, test_too_deep, first, VARIANTS);
		tcase_add_loop_test(tcase, test_copy, first, VARIANTS);
	}
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
