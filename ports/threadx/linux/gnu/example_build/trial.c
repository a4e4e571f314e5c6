/* SPDX-License-Identifier: MIT */
/*
 * trial.c - an application of ThreadX that loads a module in every way there
 * is, has it do what modules may and may not do, and says what came of it.
 *
 *	trial MODULE.BIN
 */
#include "tx_api.h"
#include "txm_module.h"

#include "board_memory.h"
#include "trial.h"

#include <modiso.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define POOL     (16u << 20)
#define OBJECTS  (1u << 20)
#define PAGE     4096u
#define PATIENCE 2000 /* ticks of 10 ms */
#define WRITE	 TXM_MODULE_MANAGER_SHARED_ATTRIBUTE_WRITE

static TXM_MODULE_INSTANCE module, second;
static TX_QUEUE commands, answers;
static TX_THREAD control;
static TX_SEMAPHORE kernel_semaphore;
static UCHAR *pool, *objects, *image, *shared, *more;
static ULONG kernel_word = 0x11;
static struct modiso_region *kernel_region, *object_region;
static UCHAR *kernel_page;
static long image_size;
static unsigned passed, failed;

extern TXM_MODULE_MANAGER_MEMORY_FAULT_INFO
	_txm_module_manager_memory_fault_info;
static TX_THREAD *faulted_thread;
static TXM_MODULE_INSTANCE *faulted_module;
static unsigned faults;

#define CHECK(condition) check((condition) ? 1 : 0, #condition, __LINE__)

static int check(int true_, const char *text, int line)
{
	if (true_) {
		passed++;
	} else {
		failed++;
		printf("not so: %d: %s (%s)\n", line, text,
		       modiso_last_error_text());
	}
	return true_;
}

#define IS(a, b) is((ALIGN_TYPE)(a), (ALIGN_TYPE)(b), #a, __LINE__)

static int is(ALIGN_TYPE a, ALIGN_TYPE b, const char *text, int line)
{
	if (a == b) {
		passed++;
		return 1;
	}
	failed++;
	printf("not so: %d: %s is %#llx, not %#llx\n", line, text, a, b);
	return 0;
}

static VOID on_fault(TX_THREAD *thread, TXM_MODULE_INSTANCE *instance)
{
	faulted_thread = thread;
	faulted_module = instance;
	faults++;
}

/* --- one command, and its answer --- */

static MESSAGE answer;

static UINT ask(ULONG command, ALIGN_TYPE word)
{
	MESSAGE message = {.command = command};

	message_set(&message, word);
	answer = (MESSAGE){0};
	if (tx_queue_send(&commands, &message, PATIENCE) != TX_SUCCESS)
		return 0xdead;
	if (tx_queue_receive(&answers, &answer, PATIENCE) != TX_SUCCESS)
		return 0xdeae;
	return answer.status;
}

/* The worker of the module faults, and what is to be known is known. */
static void ask_fault(int line, ULONG command, ALIGN_TYPE word, uint32_t kind)
{
	const TXM_MODULE_MANAGER_MEMORY_FAULT_INFO *info =
		&_txm_module_manager_memory_fault_info;
	MESSAGE message = {.command = command};
	unsigned before = faults;
	ULONG i;

	message_set(&message, word);
	IS(tx_queue_send(&commands, &message, PATIENCE), TX_SUCCESS);
	for (i = 0; i < PATIENCE && faults == before; i++)
		tx_thread_sleep(1);
	if (!check(faults == before + 1, "a fault is told of once", line))
		return;
	check(faulted_module == &module, "of this module", line);
	check(info->txm_module_manager_memory_fault_info_thread_ptr ==
		      faulted_thread,
	      "of this thread", line);
	check(faulted_thread->tx_thread_state == TX_TERMINATED,
	      "which was terminated", line);
	check(info->txm_module_manager_memory_fault_info_record->kind == kind,
	      "for this reason", line);
	if (kind == MODISO_FAULT_ACCESS)
		check(info->txm_module_manager_memory_fault_info_address ==
			      (VOID *)word,
		      "at this address", line);
	check(tx_queue_receive(&answers, &answer, TX_NO_WAIT) == TX_QUEUE_EMPTY,
	      "and nothing else was done", line);
}

#define FAULTS(command, word, kind) ask_fault(__LINE__, command, word, kind)

static void stop(void)
{
	/* Its last word, if its stop thread was to run. */
	IS(txm_module_manager_stop(&module), TX_SUCCESS);
	IS(module.txm_module_instance_state, TXM_MODULE_STOPPED);
	if (IS(tx_queue_receive(&answers, &answer, TX_NO_WAIT), TX_SUCCESS))
		IS(answer.command, 0x570);
	tx_queue_flush(&commands);
	tx_queue_flush(&answers);
}

static void restart(void)
{
	stop();
	IS(txm_module_manager_start(&module), TX_SUCCESS);
	IS(ask(PING, 1), TX_SUCCESS);
	IS(message_word(&answer), 2);
}

/* --- a thread that is ended at a place where nobody could see it --- */

/*
 * The host's functions that a thread comes by on its way into its module, in a
 * request, and on its way out: with --wrap it is held in one of them until it
 * is told to end, and then goes on from there.
 */
static const struct place {
	const char *name;
	ULONG entry;
} places[] = {
	{"nowhere", SPINS},
	{"before the shell entry", SPINS},
	{"before it is known", SPINS},
	{"before it is attached", SPINS},
	{"attached", SPINS},
	{"on its way to the gate", SPINS},
	{"before a request", REQUESTS},
	{"behind a request", REQUESTS},
	{"behind the gate", FAULTS_AT_ONCE},
};

enum {
	NOWHERE,
	AT_SHELL,
	AT_RUN,
	AT_ATTACH,
	ATTACHED,
	AT_GATE,
	AT_REQUEST,
	BEHIND_REQUEST,
	BEHIND_GATE
};

extern TX_THREAD *_tx_thread_current_ptr;

static volatile unsigned place;
static struct held *held; /* in memory that the module is given */

static void come_by(unsigned where)
{
	TX_THREAD *const me = _tx_thread_current_ptr;

	if (place != where || me == TX_NULL || me->tx_thread_priority != 20)
		return;
	place = NOWHERE;
	held->there = 1;
	while (!me->tx_thread_module_ending)
		continue;
}

extern VOID __real__tx_thread_shell_entry(VOID);
extern VOID __real__txm_modiso_thread_run(ULONG id);
extern int __real_modiso_thread_self(struct modiso_thread **out);
extern int __real_modiso_gate_call(struct modiso_gate *gate,
				   const uintptr_t *args, unsigned count,
				   uintptr_t *result);
extern ALIGN_TYPE
__real__txm_module_manager_kernel_dispatch(ULONG request, ALIGN_TYPE param_0,
					   ALIGN_TYPE param_1,
					   ALIGN_TYPE param_2);

VOID __wrap__tx_thread_shell_entry(VOID)
{
	come_by(AT_SHELL);
	__real__tx_thread_shell_entry();
}

VOID __wrap__txm_modiso_thread_run(ULONG id)
{
	come_by(AT_RUN);
	__real__txm_modiso_thread_run(id);
}

int __wrap_modiso_thread_self(struct modiso_thread **out)
{
	int result;

	come_by(AT_ATTACH);
	result = __real_modiso_thread_self(out);
	come_by(ATTACHED);
	return result;
}

int __wrap_modiso_gate_call(struct modiso_gate *gate, const uintptr_t *args,
			    unsigned count, uintptr_t *value)
{
	int result;

	come_by(AT_GATE);
	result = __real_modiso_gate_call(gate, args, count, value);
	come_by(BEHIND_GATE);
	return result;
}

/* What a request may do, for some ticks: read what no module may read. */
static void read_on(void)
{
	const volatile UCHAR *bytes = kernel_page;
	struct timespec now, since;

	clock_gettime(CLOCK_MONOTONIC, &since);
	do {
		(void)bytes[0];
		clock_gettime(CLOCK_MONOTONIC, &now);
	} while ((now.tv_sec - since.tv_sec) * 1000000000 + now.tv_nsec -
			 since.tv_nsec <
		 50000000);
}

ALIGN_TYPE __wrap__txm_module_manager_kernel_dispatch(ULONG request,
						      ALIGN_TYPE param_0,
						      ALIGN_TYPE param_1,
						      ALIGN_TYPE param_2)
{
	unsigned before = place;
	ALIGN_TYPE result;

	come_by(AT_REQUEST);
	result = __real__txm_module_manager_kernel_dispatch(request, param_0,
							    param_1, param_2);
	come_by(BEHIND_REQUEST);
	if (before != place)
		read_on();
	return result;
}

static void end_at_places(void)
{
	unsigned i;

	for (i = NOWHERE + 1; i < sizeof(places) / sizeof(*places); i++) {
		*held = (struct held){.entry = places[i].entry};
		place = i;
		if (!IS(ask(END_AT, (ALIGN_TYPE)held), TX_SUCCESS) ||
		    !IS(message_word(&answer), 1))
			printf("  %s\n", places[i].name);
		IS(place, NOWHERE);
		IS(faults, 0);
	}
}

/* --- what a module that runs may do, and may not --- */

static void work(void)
{
	ULONG count;

	IS(ask(PING, 0x123456789aul), TX_SUCCESS);
	IS(message_word(&answer), 0x123456789bul);
	for (count = 1; count < 4; count++) {
		IS(ask(COUNT, 0), TX_SUCCESS);
		IS(message_word(&answer),
		   (ALIGN_TYPE)(41 + count) << 32 | count);
	}
	IS(ask(TABLE, 21), TX_SUCCESS);
	IS(message_word(&answer), 42);
	IS(ask(SLEEP, 3), TX_SUCCESS);
	IS(ask(TIMER, 0), TX_SUCCESS);
	IS(message_word(&answer), 1);
	IS(ask(NOTIFY, 0), TX_SUCCESS);
	IS(message_word(&answer), 1);
	IS(ask(MUTEXES, 0), TX_SUCCESS);
	IS(message_word(&answer), 100);
	IS(ask(POOLS, 0), TX_SUCCESS);
	IS(message_word(&answer), 1);
	IS(ask(SPIN, 0), TX_SUCCESS);
	IS(message_word(&answer), 1);
	IS(ask(END_ONE, 0), TX_SUCCESS);
	IS(message_word(&answer), 20);
	IS(faults, 0);
	end_at_places();
}

/* Refused thrice: to be made there, and used as two kinds. */
static void forged(ALIGN_TYPE object)
{
	const TXM_MODULE_MANAGER_REFUSAL_INFO *info =
		&_txm_module_manager_refusal_info;
	ULONG before = info->txm_module_manager_refusal_info_count;

	IS(ask(OBJECT_AT, object), TXM_MODULE_INVALID_MEMORY);
	IS(message_word(&answer),
	   TXM_MODULE_INVALID_MEMORY << 16 | TXM_MODULE_INVALID_MEMORY);
	IS(info->txm_module_manager_refusal_info_count, before + 3);
	IS(info->txm_module_manager_refusal_info_request,
	   TXM_THREAD_SUSPEND_CALL);
	IS(info->txm_module_manager_refusal_info_params[0], object);
}

static void hand_over(void)
{
	ALIGN_TYPE own;

	IS(ask(OWN_DATA, 0), TX_SUCCESS);
	own = message_word(&answer);
	/* Buffers: the kernel's, wrapped, nowhere, half out. */
	IS(ask(RECEIVE_TO, (ALIGN_TYPE)kernel_page), TXM_MODULE_INVALID_MEMORY);
	IS(ask(RECEIVE_TO, (ALIGN_TYPE)&kernel_semaphore),
	   TXM_MODULE_INVALID_MEMORY);
	IS(ask(RECEIVE_TO, (ALIGN_TYPE)-8), TXM_MODULE_INVALID_MEMORY);
	IS(ask(RECEIVE_TO, 0), TX_PTR_ERROR);
	IS(ask(RECEIVE_TO, own), TX_QUEUE_EMPTY);
	/* Objects: the module's own memory, the kernel's, none of a kind. */
	forged(own);
	forged((ALIGN_TYPE)kernel_page);
	forged((ALIGN_TYPE)module.txm_module_instance_data_start);
	forged((ALIGN_TYPE)objects + 8);
	forged((ALIGN_TYPE)faulted_thread + 8);
	forged((ALIGN_TYPE)module.txm_module_instance_object_list_head);
	forged(8);
	forged((ALIGN_TYPE)-8);
	forged((ALIGN_TYPE)1 << 63);
	/* Another kind's, and one that is there already. */
	forged((ALIGN_TYPE)&commands);
	IS(ask(OBJECT_AT, (ALIGN_TYPE)&kernel_semaphore),
	   TXM_MODULE_INVALID_MEMORY);
	IS(message_word(&answer), TXM_MODULE_INVALID_MEMORY);
	IS(kernel_semaphore.tx_semaphore_count, 2);
	IS(tx_semaphore_get(&kernel_semaphore, TX_NO_WAIT), TX_SUCCESS);
	IS(ask(OBJECT_AT, 0), TX_SEMAPHORE_ERROR);
	IS(ask(NO_OBJECT, 0), TXM_MODULE_INVALID_MEMORY);
	IS(ask(IN_USE, 0), TXM_MODULE_INVALID_MEMORY);
	IS(message_word(&answer), TXM_MODULE_INVALID_MEMORY);
	IS(ask(NO_POOL, 0), TXM_MODULE_INVALID_MEMORY);
	IS(message_word(&answer), TXM_MODULE_INVALID_MEMORY);
	/* Strings, and requests that there are not. */
	CHECK(ask(NAME_AT, (ALIGN_TYPE)kernel_page) != TX_SUCCESS);
	CHECK(ask(NAME_AT, 0) != TX_SUCCESS);
	IS(ask(REQUEST, 0x7fffffff), TX_NOT_AVAILABLE);
	IS(ask(REQUEST, 99), TX_NOT_AVAILABLE);
	IS(kernel_page[0], 0x11);
	IS(faults, 0);
}

static void break_out(void)
{
	ALIGN_TYPE code, data;

	FAULTS(STORE, (ALIGN_TYPE)kernel_page, MODISO_FAULT_ACCESS);
	IS(kernel_page[0], 0x11);
	restart();
	FAULTS(LOAD, (ALIGN_TYPE)kernel_page + PAGE - 1, MODISO_FAULT_ACCESS);
	restart();
	IS(ask(OWN_CODE, 0), TX_SUCCESS);
	code = message_word(&answer);
	FAULTS(STORE, code, MODISO_FAULT_ACCESS);
	restart();
	IS(ask(OWN_DATA, 0), TX_SUCCESS);
	data = message_word(&answer);
	FAULTS(RUN, data, MODISO_FAULT_ACCESS);
	restart();
	FAULTS(RECURSE, 0, MODISO_FAULT_STACK);
	restart();
	FAULTS(STORE, 8, MODISO_FAULT_UNMAPPED);
	restart();
	/* As at the beginning: data and bss are made anew. */
	IS(ask(COUNT, 0), TX_SUCCESS);
	IS(message_word(&answer), (ALIGN_TYPE)42 << 32 | 1);
	faults = 0;
}

/* Does the report of the last fault say this? */
static UINT report_says(const char *words)
{
	const struct modiso_fault *fault =
		_txm_module_manager_memory_fault_info
			.txm_module_manager_memory_fault_info_record;
	static char text[4096];
	FILE *stream = tmpfile();
	UINT says;

	if (stream == NULL)
		return TX_FALSE;
	says = modiso_fault_print(fault, stream) == 0;
	rewind(stream);
	text[fread(text, 1, sizeof(text) - 1, stream)] = 0;
	fclose(stream);
	return says && strstr(text, words) != NULL;
}

/*
 * Memory that is in no region: a variable of the application, one of the kernel,
 * and the heap, where that can be closed.
 */
static void break_into_kernel(void)
{
	VOID *heap;

	if (_txm_modiso_confinement == MODISO_CONFINE_GUARD)
		return; /* it is open */
	heap = malloc(64);
	FAULTS(STORE, (ALIGN_TYPE)&kernel_word, MODISO_FAULT_ACCESS);
	IS(kernel_word, 0x11);
	restart();
	FAULTS(LOAD, (ALIGN_TYPE)&kernel_word, MODISO_FAULT_ACCESS);
	restart();
	FAULTS(LOAD, (ALIGN_TYPE)&_tx_thread_current_ptr, MODISO_FAULT_ACCESS);
	CHECK(report_says("_tx_thread_current_ptr + 0 ("));
	restart();
	FAULTS(STORE, (ALIGN_TYPE)objects + OBJECTS - 8, MODISO_FAULT_ACCESS);
	restart();
	if (modiso_backend_current() == MODISO_BACKEND_PKEY) {
		FAULTS(STORE, (ALIGN_TYPE)heap, MODISO_FAULT_ACCESS);
		restart();
	}
	free(heap);
	faults = 0;
}

/*
 * Nothing of a module has run when it is stopped: its stop thread, which is the
 * first one, has to find a C environment.
 */
static void stop_at_once(void)
{
	UINT before;
	unsigned i;

	IS(tx_thread_priority_change(&control, 0, &before), TX_SUCCESS);
	for (i = 0; i < 5; i++) {
		IS(txm_module_manager_in_place_load(&module, "at once", image),
		   TX_SUCCESS);
		IS(txm_module_manager_start(&module), TX_SUCCESS);
		IS(module.txm_module_instance_start_stop_thread
			   .tx_thread_run_count,
		   0);
		IS(txm_module_manager_stop(&module), TX_SUCCESS);
		IS(txm_module_manager_unload(&module), TX_SUCCESS);
	}
	IS(tx_thread_priority_change(&control, before, &before), TX_SUCCESS);
	IS(faults, 0);
	tx_queue_flush(&answers);
}

/* --- external memory --- */

static void external(void)
{
	unsigned i;

	/* Refused: none, no module, half a page, nobody's, a module's. */
	IS(txm_module_manager_external_memory_enable(NULL, shared, PAGE, 0),
	   TX_PTR_ERROR);
	IS(txm_module_manager_external_memory_enable(&second, shared, PAGE, 0),
	   TX_PTR_ERROR);
	IS(txm_module_manager_external_memory_enable(&module, shared + 16, PAGE,
						     0),
	   TXM_MODULE_ALIGNMENT_ERROR);
	IS(txm_module_manager_external_memory_enable(&module, shared, 0, 0),
	   TXM_MODULE_ALIGNMENT_ERROR);
	IS(txm_module_manager_external_memory_enable(&module, NULL, PAGE, 0),
	   TXM_MODULE_INVALID_MEMORY);
	IS(txm_module_manager_external_memory_enable(&module, kernel_page, PAGE,
						     0),
	   TXM_MODULE_INVALID_MEMORY);
	/* To write, and to read alone; filled before. */
	memset(shared, 0x22, 3 * PAGE);
	IS(txm_module_manager_external_memory_enable(&module, shared, 2 * PAGE,
						     WRITE),
	   TX_SUCCESS);
	/* Up to the end of the page, as on an MPU with blocks of that size. */
	IS(txm_module_manager_external_memory_enable(&module, shared + 2 * PAGE,
						     100, 0),
	   TX_SUCCESS);
	IS(txm_module_manager_external_memory_enable(&module, shared, PAGE, 0),
	   TXM_MODULE_INVALID_MEMORY);
	/* Eight in all. */
	for (i = 2; i < TXM_MODULE_SHARED_ENTRIES; i++)
		IS(txm_module_manager_external_memory_enable(
			   &module, more + (i - 2) * PAGE, PAGE, WRITE),
		   TX_SUCCESS);
	IS(txm_module_manager_external_memory_enable(
		   &module, more + (i - 2) * PAGE, PAGE, 0),
	   TX_NO_MEMORY);
	IS(txm_module_manager_start(&module), TX_SUCCESS);
	IS(txm_module_manager_external_memory_enable(&module, shared, PAGE, 0),
	   TX_START_ERROR);
	IS(ask(STORE, (ALIGN_TYPE)shared + 2 * PAGE - 1), TX_SUCCESS);
	IS(shared[2 * PAGE - 1], 0x66);
	IS(ask(LOAD, (ALIGN_TYPE)shared + 2 * PAGE), TX_SUCCESS);
	IS(message_word(&answer), 0x22);
	/* A buffer of a request may lie there, if it can be written. */
	IS(ask(RECEIVE_TO, (ALIGN_TYPE)shared), TX_QUEUE_EMPTY);
	IS(ask(RECEIVE_TO, (ALIGN_TYPE)shared + 2 * PAGE),
	   TXM_MODULE_INVALID_MEMORY);
	/* A name whose end is not the module's. */
	IS(ask(NAME_AT, (ALIGN_TYPE)shared + 3 * PAGE - 8),
	   TXM_MODULE_INVALID_MEMORY);
	IS(ask(NAME_AT, (ALIGN_TYPE)shared + 2 * PAGE - 1),
	   TXM_MODULE_INVALID_MEMORY);
	IS(ask(NAMED_AT, (ALIGN_TYPE)shared + 2 * PAGE - 1),
	   TXM_MODULE_INVALID_MEMORY);
	/* A message, and words of a request, that go on behind its memory. */
	memset(shared + 2 * PAGE - 16, 0, 16);
	IS(ask(SEND_FROM, (ALIGN_TYPE)shared + 2 * PAGE - 4),
	   TXM_MODULE_INVALID_MEMORY);
	IS(ask(WORDS_AT, (ALIGN_TYPE)shared + 2 * PAGE - 16),
	   TXM_MODULE_INVALID_MEMORY);
	/* The application may write what the module may only read. */
	shared[2 * PAGE] = 0x33;
	IS(ask(LOAD, (ALIGN_TYPE)shared + 2 * PAGE), TX_SUCCESS);
	IS(message_word(&answer), 0x33);
	FAULTS(STORE, (ALIGN_TYPE)shared + 2 * PAGE, MODISO_FAULT_ACCESS);
	IS(shared[2 * PAGE], 0x33);
	restart();
	/* Still there after a start anew. */
	IS(ask(STORE, (ALIGN_TYPE)shared), TX_SUCCESS);
	IS(shared[0], 0x66);
	faults = 0;
}

/* What the second module does is all wrong. */
static void second_faults(ULONG command, ALIGN_TYPE word)
{
	MESSAGE message = {.command = command};
	ULONG i;

	faults = 0;
	message_set(&message, word);
	IS(tx_queue_send(&commands, &message, PATIENCE), TX_SUCCESS);
	for (i = 0; i < PATIENCE && faults == 0; i++)
		tx_thread_sleep(1);
	IS(faults, 1);
	CHECK(faulted_module == &second);
	IS(txm_module_manager_stop(&second), TX_SUCCESS);
	tx_queue_flush(&answers);
	faults = 0;
}

/*
 * Another module, at the same time, may not touch any of that. What it is given
 * as well it has with rights of its own.
 */
static void two_modules(void)
{
	TXM_MODULE_INSTANCE *const one = &module;
	ALIGN_TYPE theirs;

	IS(ask(OWN_DATA, 0), TX_SUCCESS);
	theirs = message_word(&answer);
	IS(txm_module_manager_memory_load(&second, "second", image),
	   TX_SUCCESS);
	/* Not a part of it. */
	IS(txm_module_manager_external_memory_enable(&second, shared, PAGE, 0),
	   TXM_MODULE_INVALID_MEMORY);
	IS(txm_module_manager_external_memory_enable(&second, shared, 2 * PAGE,
						     0),
	   TX_SUCCESS);
	IS(txm_module_manager_stop(one), TX_SUCCESS);
	tx_queue_flush(&answers);
	IS(txm_module_manager_start(&second), TX_SUCCESS);
	IS(ask(PING, 5), TX_SUCCESS);
	IS(ask(LOAD, (ALIGN_TYPE)shared), TX_SUCCESS);
	IS(message_word(&answer), 0x66);
	second_faults(STORE, (ALIGN_TYPE)shared);
	IS(shared[0], 0x66);
	IS(txm_module_manager_start(&second), TX_SUCCESS);
	second_faults(STORE, theirs);
	IS(txm_module_manager_start(&second), TX_SUCCESS);
	second_faults(LOAD, (ALIGN_TYPE)shared + 2 * PAGE);
	IS(txm_module_manager_unload(&second), TX_SUCCESS);
}

/* Memory that was enabled before is none of a module that it is not for. */
static void not_enabled(void)
{
	IS(ask(STORE, (ALIGN_TYPE)held), TX_SUCCESS);
	FAULTS(STORE, (ALIGN_TYPE)shared, MODISO_FAULT_ACCESS);
	restart();
	faults = 0;
}

/* --- every way to load --- */

static UINT in_place(void)
{
	return txm_module_manager_in_place_load(&module, "in place", image);
}

static UINT from_memory(void)
{
	return txm_module_manager_memory_load(&module, "from memory", image);
}

static UINT absolute(void)
{
	return txm_module_manager_absolute_load(&module, "absolute", image);
}

#ifdef FX_FILEX_PRESENT
extern VOID _fx_ram_driver(FX_MEDIA *);

static FX_MEDIA disk;
static UCHAR disk_memory[512 * 2048], disk_buffer[512];

static void make_disk(void)
{
	static FX_FILE file;

	fx_system_initialize();
	IS(fx_media_format(&disk, _fx_ram_driver, disk_memory, disk_buffer,
			   sizeof(disk_buffer), "RAM", 1, 32, 0, 2048, 512, 8,
			   1, 1),
	   FX_SUCCESS);
	IS(fx_media_open(&disk, "RAM", _fx_ram_driver, disk_memory, disk_buffer,
			 sizeof(disk_buffer)),
	   FX_SUCCESS);
	IS(fx_file_create(&disk, "MODULE.BIN"), FX_SUCCESS);
	IS(fx_file_open(&disk, &file, "MODULE.BIN", FX_OPEN_FOR_WRITE),
	   FX_SUCCESS);
	IS(fx_file_write(&file, image, (ULONG)image_size), FX_SUCCESS);
	IS(fx_file_close(&file), FX_SUCCESS);
	/* Its code is cut off. */
	IS(fx_file_create(&disk, "SHORT.BIN"), FX_SUCCESS);
	IS(fx_file_open(&disk, &file, "SHORT.BIN", FX_OPEN_FOR_WRITE),
	   FX_SUCCESS);
	IS(fx_file_write(&file, image, 300), FX_SUCCESS);
	IS(fx_file_close(&file), FX_SUCCESS);
	IS(fx_media_flush(&disk), FX_SUCCESS);
}

static UINT from_file(void)
{
	return txm_module_manager_file_load(&module, "from a file", &disk,
					    "MODULE.BIN");
}

static void bad_files(void)
{
	IS(txm_module_manager_file_load(&module, "none", &disk, "NONE.BIN"),
	   FX_NOT_FOUND);
	IS(txm_module_manager_file_load(&module, "short", &disk, "SHORT.BIN"),
	   TXM_MODULE_FILEX_INVALID_BYTES_READ);
}
#endif

static const struct way {
	const char *name;
	UINT (*load)(void);
} ways[] = {
	{"in place", in_place},
	{"from memory", from_memory},
#ifdef FX_FILEX_PRESENT
	{"from a file", from_file},
#endif
};

static ULONG free_bytes(void)
{
	ULONG available = 0;

	tx_byte_pool_info_get(&_txm_module_manager_byte_pool, TX_NULL,
			      &available, TX_NULL, TX_NULL, TX_NULL, TX_NULL);
	return available;
}

static void try_way(const struct way *way)
{
	unsigned before = failed;
	ULONG available = free_bytes();

	IS(way->load(), TX_SUCCESS);
	/* file_load clears the instance before it looks at it. */
	if (way->load == in_place || way->load == from_memory)
		IS(way->load(), TXM_MODULE_ALREADY_LOADED);
	IS(txm_module_manager_external_memory_enable(&module, held, 8, WRITE),
	   TX_SUCCESS);
	IS(txm_module_manager_start(&module), TX_SUCCESS);
	work();
	hand_over();
	break_out();
	break_into_kernel();
	stop();
	IS(txm_module_manager_unload(&module), TX_SUCCESS);
	IS(free_bytes(), available);
	/* Loaded again, stopped while its threads run, ... */
	IS(way->load(), TX_SUCCESS);
	external();
	two_modules();
	IS(txm_module_manager_unload(&module), TX_SUCCESS);
	IS(way->load(), TX_SUCCESS);
	IS(txm_module_manager_external_memory_enable(&module, held, 8, WRITE),
	   TX_SUCCESS);
	IS(txm_module_manager_start(&module), TX_SUCCESS);
	not_enabled();
	IS(txm_module_manager_stop(&module), TX_SUCCESS);
	tx_queue_flush(&answers);
	IS(txm_module_manager_unload(&module), TX_SUCCESS);
	IS(free_bytes(), available);
	printf("%s: %s, %u checks so far\n", way->name,
	       failed == before ? "all is so" : "not as it should be", passed);
}

/* What is refused leaves nothing behind. */
static void bad_images(void)
{
	ULONG *words = (ULONG *)image, was, available = free_bytes();
	static const struct {
		unsigned word;
		ULONG value;
		UINT status;
	} bad[] = {
		{0, 0x4D4F4400, TXM_MODULE_INVALID},
		{5, 0x02000000, TXM_MODULE_INVALID_PROPERTIES},
		{5, 0x02000001, TXM_MODULE_INVALID_PROPERTIES},
		{5, 0x020000ff, TXM_MODULE_INVALID_PROPERTIES},
		{6, 0, TXM_MODULE_INVALID},
		{6, 0x7fffffff, TX_NO_MEMORY},
		{7, 0x7fffffff, TX_NO_MEMORY},
		{14, 0, TXM_MODULE_INVALID},
		{16, 0x7ffffff0, TX_NO_MEMORY},
		{17, 16, TX_NO_MEMORY},
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		was = words[bad[i].word];
		words[bad[i].word] = bad[i].value;
		if (!IS(in_place(), bad[i].status))
			printf("  word %u\n", bad[i].word);
		words[bad[i].word] = was;
		IS(free_bytes(), available);
	}
	IS(txm_module_manager_unload(&module), TX_PTR_ERROR);
	IS(txm_module_manager_start(&module), TX_PTR_ERROR);
	IS(txm_module_manager_stop(&module), TX_PTR_ERROR);
	IS(txm_module_manager_in_place_load(&module, "odd", image + 2),
	   TXM_MODULE_ALIGNMENT_ERROR);
}

static VOID control_entry(ULONG input)
{
	unsigned i, rounds;

	(VOID) input;
	IS(txm_module_manager_initialize(pool, POOL), TX_SUCCESS);
	IS(txm_module_manager_object_pool_create(objects, OBJECTS),
	   TX_SUCCESS);
	/* With mprotect it would be open: it is not in the program's data. */
	IS(modiso_region_adopt(NULL, objects, OBJECTS,
			       MODISO_READ | MODISO_WRITE, NULL,
			       &object_region),
	   0);
	IS(txm_module_manager_memory_fault_notify(on_fault), TX_SUCCESS);
	IS(tx_queue_create(&commands, "commands", TX_4_ULONG,
			   board_memory(NULL, PAGE), PAGE),
	   TX_SUCCESS);
	IS(tx_queue_create(&answers, "answers", TX_4_ULONG,
			   board_memory(NULL, PAGE), PAGE),
	   TX_SUCCESS);
	IS(tx_semaphore_create(&kernel_semaphore, "kernel's", 1), TX_SUCCESS);
	IS(modiso_region_create(NULL, PAGE, MODISO_READ | MODISO_WRITE, NULL,
				&kernel_region),
	   0);
	kernel_page = modiso_region_base(kernel_region);
	memset(kernel_page, 0x11, PAGE);
	bad_images();
#ifdef FX_FILEX_PRESENT
	make_disk();
	bad_files();
#endif
	rounds = getenv("TRIAL_ROUNDS") ? atoi(getenv("TRIAL_ROUNDS")) : 1;
	/* For a module linked to an address of its own: loaded, never run. */
	IS(absolute(), TX_SUCCESS);
	IS(txm_module_manager_start(&module), TX_PRIORITY_ERROR);
	IS(txm_module_manager_unload(&module), TX_SUCCESS);
	while (rounds-- > 0)
		for (i = 0; i < sizeof(ways) / sizeof(*ways); i++)
			try_way(&ways[i]);
	stop_at_once();
	printf("%s: %u of %u checks passed\n",
	       modiso_backend_current() == MODISO_BACKEND_PKEY ? "pkey"
							       : "mprotect",
	       passed, passed + failed);
	fflush(stdout);
	_exit(failed != 0);
}

VOID tx_application_define(VOID *unused)
{
	static UCHAR stack[8192];

	(VOID) unused;
	tx_thread_create(&control, "control", control_entry, 0, stack,
			 sizeof(stack), 10, 10, TX_NO_TIME_SLICE,
			 TX_AUTO_START);
}

int main(int argc, char **argv)
{
	FILE *file = argc == 2 ? fopen(argv[1], "rb") : NULL;

	setvbuf(stdout, NULL, _IONBF, 0);
	if (file == NULL) {
		fprintf(stderr, "usage: trial MODULE.BIN\n");
		return 2;
	}
	pool = board_memory(NULL, POOL);
	objects = board_memory(NULL, OBJECTS);
	shared = board_memory(NULL, 3 * PAGE);
	held = board_memory(NULL, PAGE);
	more = board_memory(NULL, 16 * PAGE);
	image = board_memory(NULL, 1u << 20);
	image_size = (long)fread(image, 1, 1u << 20, file);
	fclose(file);
	_txm_modiso_fault_report = TX_FALSE; /* they are what is tried */
	tx_kernel_enter();
	return 1;
}
