/* SPDX-License-Identifier: MIT */
/*
 * contract_closed_memory - modiso_options.closed where the host runs one thread
 * at a time: the heap and other threads' stacks are out of reach of modules
 * that are READONLY or SEALED, whatever becomes of them meanwhile.
 */
#include "contract/closed_scene.h"
#include "support/poke.h"
#include "support/proc.h"

#include <malloc.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define ALL (MODISO_CLOSED_DATA | MODISO_CLOSED_HEAP | MODISO_CLOSED_STACKS)

/* READONLY and SEALED. */
#define LEVELS 2

static void make_scene(int which)
{
	make_closed_scene(ALL, MODISO_EXCLUSION_EXTERNAL,
			  which == 0 ? MODISO_CONFINE_READONLY
				     : MODISO_CONFINE_SEALED);
}

/* What the report says of the address; also of a report's line that is long. */
static void must_say(const struct modiso_fault *fault, const char *words)
{
	char *text = NULL;
	size_t size = 0;
	FILE *out = open_memstream(&text, &size);

	must(out != NULL);
	expect(MODISO_OK, modiso_fault_print(fault, out));
	must(fclose(out) == 0);
	if (strstr(text, words) == NULL)
		ck_abort_msg("no \"%s\" in:\n%s", words, text);
	free(text);
}

static void check_said(volatile unsigned char *byte, const char *words)
{
	must_say(check_closed(byte), words);
}

/* --- the heap --- */

#define SMALL ((size_t)60000) /* no mapping of its own */

/* Until the heap has become larger by so much; the blocks are a list. */
static void **grow(size_t much)
{
	char *end = sbrk(0);
	void **blocks = NULL;

	while ((char *)sbrk(0) < end + much) {
		void **block = malloc(SMALL);

		must(block != NULL && (char *)block < (char *)sbrk(0));
		*block = blocks;
		blocks = block;
	}
	return blocks;
}

static void give_back(void **blocks)
{
	while (blocks != NULL) {
		void **next = *blocks;

		free(blocks);
		blocks = next;
	}
}

START_TEST(test_heap)
{
	unsigned char *before = malloc(1000), *after;
	void **blocks;

	memset(before, 7, 1000);
	make_scene(_i);
	check_said(before + 17,
		   "17 bytes into a block of 1000 bytes of the heap");
	blocks = grow(4 * SMALL);
	after = (unsigned char *)blocks;
	check_said(after + SMALL - 1, "of the heap");
	check_said(before, "of the heap");
	give_back(blocks);
	free(before);
	stop();
}
END_TEST

/* The kernel has no pages there any more: that is nobody's failure. */
START_TEST(test_heap_shrinks)
{
	struct modiso_gate *gate;
	void **blocks;
	char *end;

	/* A sanitizer's heap is another one: then it ends here. */
	make_scene(_i);
	stop();
	blocks = grow(64 * SMALL);
	end = sbrk(0);
	make_scene(_i);
	gate = make_gate(module, module_add_one);
	must_eq(enter(gate, 1), 2);
	give_back(blocks);
	must((char *)sbrk(0) < end);
	must_eq(enter(gate, 2), 3);
	blocks = grow(64 * SMALL);
	must_eq(enter(gate, 3), 4);
	check_said((unsigned char *)blocks + 100, "of the heap");
	give_back(blocks);
	must_eq(enter(gate, 4), 5);
	stop();
}
END_TEST

/* Pages of it that are a module's are its own. */
START_TEST(test_heap_adopted)
{
	struct modiso_region *region = NULL;
	unsigned char *page = aligned_alloc(PAGE, 3 * PAGE);

	must(page != NULL);
	memset(page, 1, 3 * PAGE);
	make_scene(_i);
	expect(MODISO_OK, modiso_region_adopt(module, page + PAGE, PAGE, RW,
					      NULL, &region));
	enter(make_gate(module, poke_store1), W(page + PAGE), 8);
	must_eq(page[PAGE], 8);
	check_said(page + PAGE - 1, "1 bytes below region");
	check_said(page + 2 * PAGE, "0 bytes past the end of region");
	expect(MODISO_OK, modiso_region_destroy(region));
	check_said(page + PAGE, "of the heap");
	stop();
	free(page);
}
END_TEST

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

static void begin_other(size_t size)
{
	pthread_attr_t options;

	must(pipe(other.ask) == 0 && pipe(other.answer) == 0);
	must(pthread_attr_init(&options) == 0);
	if (size != 0)
		must(pthread_attr_setstacksize(&options, size) == 0);
	must(pthread_create(&other.thread, &options, wait_with_stack, NULL) ==
	     0);
	must(pthread_attr_destroy(&options) == 0);
	hear(other.answer[0]);
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

	make_scene(_i);
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

	make_scene(_i);
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

static void *poke_main(void *unused)
{
	check_said(main_byte, "the stack of the main thread");
	return unused;
}

/* And its own is there: module code may be given a pointer to it. */
START_TEST(test_main_stack)
{
	volatile unsigned char bytes[PAGE] = {5};
	struct modiso_gate *store;

	make_scene(_i);
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
	unsigned char *block = calloc(1, 64);

	make_scene(_i);
	begin_other(0);
	be_hostile(in_data);
	must_say(enter_fault(module, make_gate(module, poke_store1),
			     W(in_data)), "writable data of");
	be_hostile(block);
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
	unsigned char *page = aligned_alloc(PAGE, 3 * PAGE);

	must(page != NULL);
	memset(page, 1, 3 * PAGE);
	make_scene(_i);
	expect(MODISO_OK, modiso_region_adopt(module, page + PAGE, PAGE, RW,
					      NULL, &region));
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
	make_scene(which);
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

	make_scene(_i);
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

	make_scene(_i);
	gate = make_gate(module, module_add_one);
	must_eq(mallopt(M_MMAP_MAX, 0), 1);
	stack = aligned_alloc(PAGE, size);
	must(stack != NULL && stack < (char *)sbrk(0));
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

	tcase_add_loop_test(tcase, test_heap, 0, LEVELS);
	tcase_add_loop_test(tcase, test_heap_shrinks, 0, LEVELS);
	tcase_add_loop_test(tcase, test_heap_adopted, 0, LEVELS);
	tcase_add_loop_test(tcase, test_stack, 0, LEVELS);
	tcase_add_loop_test(tcase, test_stack_goes, 0, LEVELS);
	tcase_add_loop_test(tcase, test_main_stack, 0, LEVELS);
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
