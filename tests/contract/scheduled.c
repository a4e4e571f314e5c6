/* SPDX-License-Identifier: MIT */
#include "contract/scheduled.h"
#include "support/poke.h"

struct modiso_module *module, *other;
struct modiso_region *data, *others, *hosts;
struct modiso_gate *work_gate, *load, *other_gate, *other_load;
struct modiso_thread *task;

void start_external(void)
{
	struct modiso_options options = {
		.struct_size = sizeof(options),
		.exclusion = MODISO_EXCLUSION_EXTERNAL,
	};

	expect(MODISO_OK, modiso_init(&options));
}

uintptr_t (MODISO_CALL *volatile service)(uintptr_t);
atomic_ulong served;

/* Host code, with what only the host may touch. */
MODISO_CALL static uintptr_t serve(uintptr_t value)
{
	region_bytes(hosts)[1]++;
	served++;
	return value + 1;
}

MODULE_CODE static uintptr_t work(volatile unsigned char *bytes,
				  uintptr_t value)
{
	bytes[0]++;
	value = service(value);
	bytes[0]++;
	return value;
}

MODULE_CODE uintptr_t touch(volatile unsigned char *bytes)
{
	return ++bytes[1];
}

void make_parts(void)
{
	module = make_module("module");
	other = make_module("other");
	data = make_region(module, PAGE, "data");
	others = make_region(other, PAGE, "other's");
	hosts = make_region(NULL, PAGE, "host's");
	work_gate = make_gate(module, work);
	load = make_gate(module, poke_load1);
	other_gate = make_gate(other, touch);
	other_load = make_gate(other, poke_load1);
	service = (CALLED(uintptr_t, uintptr_t))make_service("serve", serve);
}

void make_scene(void)
{
	start_external();
	make_parts();
}

void (*while_frozen)(void);

unsigned others_rounds;

void run_other(void)
{
	unsigned char *byte = region_bytes(data);

	others_rounds++;
	region_bytes(hosts)[2]++;
	must_eq(enter(other_gate, W(region_bytes(others))),
		(unsigned char)others_rounds);
	must_blame(enter_fault(other, other_load, W(byte)), MODISO_READ, byte,
		   data);
}

unsigned long rounds;
unsigned char *others_byte;

int work_code, load_code;
uintptr_t work_value;
struct modiso_fault last;

unsigned long landings, abandoned;

void landing(void *arg)
{
	must(arg == &landings);
	/* Host rights, the host's stack, and the module can be entered. */
	region_bytes(hosts)[4]++;
	landings++;
}

unsigned long asked;
unsigned char found; /* the module's counter, when it was asked for */

void abandon_task(void)
{
	run_other();
	must_eq(modiso_thread_abandon(task, landing, &landings), 0);
	asked++;
	found = region_bytes(data)[0];
}

atomic_bool spinning;

MODULE_CODE uintptr_t spin(volatile atomic_bool *begun)
{
	atomic_store(begun, true);
	while (atomic_load(begun))
		__asm__ volatile("pause");
	return 0;
}

atomic_int ends, end_status;
atomic_uintptr_t end_result;
struct modiso_gate *entry_gate;
uintptr_t entry_arg;

void ended(int status, uintptr_t result, void *arg)
{
	must(arg == &ends);
	atomic_store(&end_status, status);
	atomic_store(&end_result, result);
	atomic_fetch_add(&ends, 1);
}

void *enter_for_good(void *unused)
{
	must_eq(modiso_thread_enter(entry_gate, WORDS(entry_arg), ended, &ends),
		0);
	ck_abort_msg("modiso_thread_enter() came back");
	return unused;
}
