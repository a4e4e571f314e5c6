/* SPDX-License-Identifier: MIT */
/*
 * contract_closed_memory - modiso_options.closed where the host runs one thread
 * at a time: other threads' stacks, and the heap, are out of reach of modules
 * that are READONLY or SEALED; and what is not is told.
 */
#include "contract/closed_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- stacks of other threads --- */

static struct thread {
	size_t size; /* 0: as it comes */
	int ask[2], answer[2];
	volatile unsigned char *byte;
	long tid;
	pthread_t thread;
} other;

static void tell(int fd)
{
	must(write(fd, "", 1) == 1);
}

static void hear(int fd)
{
	char byte;

	must(read(fd, &byte, 1) == 1);
}

static void *wait_with_stack(void *unused)
{
	unsigned char bytes[4 * PAGE];

	memset(bytes, 3, sizeof(bytes));
	expect(MODISO_OK, modiso_thread_attach());
	other.byte = &bytes[PAGE];
	other.tid = gettid();
	tell(other.answer[1]);
	hear(other.ask[0]);
	must_eq(bytes[PAGE], 3);
	return unused;
}

static void begin_thread(void *(*body)(void *), size_t size)
{
	pthread_attr_t options;

	must(pipe(other.ask) == 0 && pipe(other.answer) == 0);
	must(pthread_attr_init(&options) == 0);
	if (size != 0)
		must(pthread_attr_setstacksize(&options, size) == 0);
	must(pthread_create(&other.thread, &options, body, NULL) == 0);
	must(pthread_attr_destroy(&options) == 0);
	hear(other.answer[0]);
}

static void begin_other(size_t size)
{
	begin_thread(wait_with_stack, size);
}

static void end_other(void)
{
	tell(other.ask[1]);
	thread_join(other.thread);
	for (int i = 0; i < 2; i++)
		must(close(other.ask[i]) == 0 && close(other.answer[i]) == 0);
}

START_TEST(test_stack)
{
	char words[64];

	make_all_closed(_i);
	begin_other(0);
	snprintf(words, sizeof(words), "the stack of thread %ld", other.tid);
	check_said(other.byte, words);
	end_other();
	stop();
}
END_TEST

/* So large that the C library does not keep it for the next thread. */
START_TEST(test_stack_goes)
{
	struct modiso_gate *gate;
	char words[64];

	make_all_closed(_i);
	gate = make_gate(module, module_add_one);
	for (uintptr_t i = 0; i < 10; i++) {
		begin_other((size_t)64 << 20);
		must_eq(enter(gate, i), i + 1);
		snprintf(words, sizeof(words), "the stack of thread %ld",
			 other.tid);
		check_said(other.byte, words);
		end_other();
		must_eq(enter(gate, i), i + 1);
	}
	stop();
}
END_TEST

static volatile unsigned char *main_byte;

/* One thread runs at a time: while it starts another one it hears no fault. */
static void *poke_main(void *unused)
{
	proc_wait_asleep(getpid());
	check_said(main_byte, "the stack of the main thread");
	return unused;
}

/* And its own is there: module code may be given a pointer to it. */
START_TEST(test_main_stack)
{
	volatile unsigned char bytes[PAGE] = {5};
	struct modiso_gate *store;

	make_all_closed(_i);
	store = make_gate(module, poke_store1);
	if (!on_pkey()) {
		enter(store, W(&bytes[9]), 4);
		must_eq(bytes[9], 4);
	}
	main_byte = bytes;
	thread_join(thread_start(poke_main, NULL));
	must_eq(bytes[0], 5);
	stop();
}
END_TEST

/* --- what stays open is told --- */

static struct modiso_audit_finding findings[64];

static size_t told;

static bool is_told(const volatile void *byte)
{
	size_t count = 0;

	expect(MODISO_OK, modiso_audit(findings, 64, &count));
	must(count <= 64);
	told = count;
	for (size_t i = 0; i < count; i++)
		must_eq((findings[i].base | findings[i].length) % PAGE, 0);
	for (size_t i = 0; i < count; i++)
		if (W(byte) - findings[i].base < findings[i].length) {
			must_eq(findings[i].kind, MODISO_AUDIT_OPEN);
			return true;
		}
	return false;
}

static void *wait_unattached(void *unused)
{
	unsigned char bytes[4 * PAGE];

	memset(bytes, 3, sizeof(bytes));
	other.byte = &bytes[PAGE];
	tell(other.answer[1]);
	hear(other.ask[0]);
	return unused;
}

START_TEST(test_told)
{
	struct modiso_region *region = NULL;
	volatile unsigned char byte = 0;
	/* Not far below the stack. */
	unsigned char *mapping =
		mmap((void *)((W(&byte) & ~(PAGE - 1)) - ((size_t)64 << 20)),
		     3 * PAGE, PROT_READ | PROT_WRITE,
		     MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	bool open = !on_pkey();
	size_t count;
	static unsigned char in_data;
	void *block = malloc(1);

	must(mapping != MAP_FAILED);
	make_all_closed(_i);
	must_eq(is_told(mapping), open);
	expect(MODISO_OK, modiso_region_adopt(module, mapping + PAGE, PAGE, RW,
					      NULL, &region));
	must_eq(is_told(mapping + PAGE - 1), open);
	must(!is_told(mapping + PAGE));
	must_eq(is_told(mapping + 2 * PAGE), open);
	expect(MODISO_OK, modiso_region_destroy(region));
	must(!is_told(&in_data));
	must(!is_told(block));
	must(!is_told(region_bytes(data)));
	must_eq(is_told(&byte), open);
	expect(MODISO_OK, modiso_thread_attach());
	must(!is_told(&byte));
	must_eq(is_told(mapping), open);
	count = told;
	begin_thread(wait_with_stack, 0);
	must(!is_told(other.byte));
	/* Its variables' pages, and nothing of the library's. */
	must(told <= count + 1);
	end_other();
	begin_thread(wait_unattached, 0);
	must_eq(is_told(other.byte), open);
	if (open)
		enter(make_gate(module, poke_store1), W(other.byte), 4);
	end_other();
	free(block);
	stop();
	must(munmap(mapping, 3 * PAGE) == 0);
}
END_TEST

/* --- whatever a module tries --- */

static unsigned char in_data[64];

static const struct modiso_fault *poke(modiso_fn function, uintptr_t a,
				       uintptr_t b, uintptr_t c)
{
	struct modiso_gate *gate = make_gate_fn(module, function);
	const struct modiso_fault *fault = enter_fault(module, gate, a, b, c);

	expect(MODISO_OK, modiso_gate_destroy(gate));
	return fault;
}

static void must_stop(modiso_fn function, volatile unsigned char *byte)
{
	must_blame(poke(function, W(byte), 0x55, 1), MODISO_WRITE, byte, NULL);
}

/* The 64 bytes from @bytes on are closed. */
static void be_hostile(volatile unsigned char *bytes)
{
	const struct modiso_fault *fault;
	unsigned char was[64];

	memcpy(was, (void *)bytes, sizeof(was));
	must_stop((modiso_fn)poke_store1, bytes);
	must_stop((modiso_fn)poke_store8, bytes + 3);
	must_stop((modiso_fn)poke_store16, bytes + 16);
	must_stop((modiso_fn)poke_cmpxchg, bytes + 8);
	fault = poke((modiso_fn)poke_copy, W(bytes), W(region_bytes(data)), 64);
	must_blame(fault, MODISO_WRITE, bytes, NULL);
	if (level == MODISO_CONFINE_SEALED) {
		fault = poke((modiso_fn)poke_copy, W(region_bytes(data)),
			     W(bytes), 64);
		must_blame(fault, MODISO_READ, bytes, NULL);
	}
	fault = poke((modiso_fn)poke_jump, W(bytes), 0, 0);
	must_blame(fault, MODISO_EXEC, bytes, NULL);
	/* With its stack there, also when a signal comes. */
	fault = poke((modiso_fn)poke_wild_push, W(bytes + 32), 0, 0);
	must_blame(fault, MODISO_WRITE, bytes + 24, NULL);
	fault = poke((modiso_fn)poke_wild_ud2, W(bytes + 32), 0, 0);
	must_eq(fault->kind, MODISO_FAULT_ILLEGAL);
	must_eq(fault->sp, W(bytes + 32));
	must(memcmp(was, (void *)bytes, sizeof(was)) == 0);
}

START_TEST(test_hostile)
{
	unsigned char *block = calloc(1, 64), *large;

	make_all_closed(_i);
	begin_other(0);
	be_hostile(in_data);
	must_say(enter_fault(module, make_gate(module, poke_store1),
			     W(in_data)), "writable data of");
	be_hostile(block);
	large = allocate((void *)LARGE);
	be_hostile(large + LARGE / 2);
	free(large);
	be_hostile(other.byte);
	end_other();
	free(block);
	stop();
}
END_TEST

/* One instruction, its own page and the heap's on both sides. */
START_TEST(test_straddle)
{
	struct modiso_region *region = NULL;
	unsigned char *page = adopt_middle(_i, &region);

	poke((modiso_fn)poke_store8, W(page + PAGE - 4), 0, 0);
	poke((modiso_fn)poke_store8, W(page + 2 * PAGE - 4), 0, 0);
	must_eq(page[PAGE - 1], 1);
	must_eq(page[2 * PAGE], 1);
	expect(MODISO_OK, modiso_region_destroy(region));
	stop();
	free(page);
}
END_TEST

/* --- in nobody's way --- */

static volatile unsigned char *heap_bytes;

/* A host thread that nobody schedules: a timer's. Its stack goes under it. */
static void *touch(void *attached)
{
	volatile unsigned char bytes[2 * PAGE] = {0};

	if (attached != NULL)
		expect(MODISO_OK, modiso_thread_attach());
	for (unsigned i = 0; i < 10; i++) {
		unsigned long before = atomic_load(&shared()->turns);

		while (atomic_load(&shared()->turns) == before)
			bytes[i]++;
		heap_bytes[i]++;
		free(malloc(SMALL + i));
	}
	atomic_store(&shared()->stop, true);
	return NULL;
}

static void beside(int which, void *attached)
{
	struct modiso_gate *gate;
	pthread_t thread;

	heap_bytes = calloc(100, 1);
	make_all_closed(which);
	gate = make_gate(module, turn);
	shared()->byte = heap_bytes;
	thread = thread_start(touch, attached);
	must_blame(enter_fault(module, gate, W(shared()), 3), MODISO_WRITE,
		   heap_bytes, NULL);
	thread_join(thread);
	for (int i = 0; i < 10; i++)
		must_eq(heap_bytes[i], 1);
	stop();
	free((void *)heap_bytes);
}

START_TEST(test_host_thread)
{
	beside(_i, NULL);
}
END_TEST

START_TEST(test_attached_thread)
{
	beside(_i, &other);
}
END_TEST

static uintptr_t serve(uintptr_t value)
{
	char *text = malloc(100);
	uintptr_t more;

	snprintf(text, 100, "%lu", (unsigned long)value);
	more = strtoul(text, NULL, 10) + 1;
	free(text);
	give_back(grow(SMALL));
	return more;
}

struct calls {
	uintptr_t (*service)(uintptr_t);
};

MODULE_CODE static uintptr_t call_often(struct calls *calls, uintptr_t value)
{
	for (int i = 0; i < 10; i++)
		value = calls->service(value);
	return value;
}

/* A service has all of it, and so has what a fork makes of the process. */
START_TEST(test_service)
{
	struct modiso_service *service = NULL;
	struct modiso_gate *gate;
	struct calls *calls;
	int status = 0;
	pid_t child;

	make_all_closed(_i);
	begin_other(0);
	expect(MODISO_OK, modiso_service_create("serve", (modiso_fn)serve, NULL,
						&service));
	gate = make_gate(module, call_often);
	calls = (struct calls *)(void *)region_bytes(data);
	calls->service = (uintptr_t(*)(uintptr_t))modiso_service_thunk(service);
	must_eq(enter(gate, W(calls), 5), 15);
	child = fork();
	if (child == 0) {
		unsigned char *block = malloc(50);

		must_eq(enter(gate, W(calls), 6), 16);
		check_said(block, "of the heap");
		_exit(7);
	}
	must(child > 0 && waitpid(child, &status, 0) == child);
	must(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	must_eq(enter(gate, W(calls), 7), 17);
	end_other();
	expect(MODISO_OK, modiso_service_destroy(service));
	stop();
}
END_TEST

static void *call_on_heap(void *gate)
{
	uintptr_t args[] = {1}, result = 0;

	return (void *)(intptr_t)modiso_gate_call(gate, args, 1, &result);
}

/* Its own stack, and what the C library keeps there, would be gone. */
START_TEST(test_stack_in_heap)
{
	size_t size = 256 * 1024;
	struct modiso_gate *gate;
	pthread_attr_t options;
	pthread_t thread;
	char *stack;
	void *code;

	make_all_closed(_i);
	gate = make_gate(module, module_add_one);
	stack = aligned_alloc(PAGE, size);
	must(stack != NULL && (on_pkey() || stack < (char *)sbrk(0)));
	must(pthread_attr_init(&options) == 0);
	must(pthread_attr_setstack(&options, stack, size) == 0);
	must(pthread_create(&thread, &options, call_on_heap, gate) == 0);
	must(pthread_join(thread, &code) == 0);
	must_eq((intptr_t)code, on_pkey() ? MODISO_OK : MODISO_ERR_STATE);
	must_eq(enter(gate, 1), 2);
	free(stack);
	stop();
}
END_TEST

static Suite *make_suite(void)
{
	Suite *suite = suite_create("closed_memory");
	TCase *tcase = tcase_create("contract");

	tcase_add_loop_test(tcase, test_stack, 0, LEVELS);
	tcase_add_loop_test(tcase, test_stack_goes, 0, LEVELS);
	tcase_add_loop_test(tcase, test_main_stack, 0, LEVELS);
	tcase_add_loop_test(tcase, test_told, 0, LEVELS);
	tcase_add_loop_test(tcase, test_hostile, 0, LEVELS);
	tcase_add_loop_test(tcase, test_straddle, 0, LEVELS);
	tcase_add_loop_test(tcase, test_host_thread, 0, LEVELS);
	tcase_add_loop_test(tcase, test_attached_thread, 0, LEVELS);
	tcase_add_loop_test(tcase, test_service, 0, LEVELS);
	tcase_add_loop_test(tcase, test_stack_in_heap, 0, LEVELS);
	suite_add_tcase(suite, tcase);
	return suite;
}

int main(void)
{
	return test_main(make_suite, TEST_ON_BACKEND);
}
