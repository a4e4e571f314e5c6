/* SPDX-License-Identifier: MIT */
/*
 * trial_module.c - a ThreadX module that does what it is told.
 */
#ifndef TXM_MODULE
#	define TXM_MODULE
#endif
#include "txm_module.h"

#include "trial.h"

#define STACK 4096

static TX_QUEUE *commands, *answers;
static TX_THREAD *worker, *spinners[2];
static UCHAR stacks[3][STACK] __attribute__((aligned(16)));
static ULONG started_at = 41, cleared;
static volatile ULONG callbacks[4], spins[2], in_turn;

static ULONG double_it(ULONG word)
{
	return 2 * word;
}

static ULONG (*table[])(ULONG) = {double_it};

static VOID on_timer(ULONG id)
{
	callbacks[0] += id;
}

static VOID on_queue(TX_QUEUE *queue)
{
	(VOID) queue;
	callbacks[1]++;
}

static VOID on_semaphore(TX_SEMAPHORE *semaphore)
{
	(VOID) semaphore;
	callbacks[2]++;
}

static VOID on_events(TX_EVENT_FLAGS_GROUP *group)
{
	(VOID) group;
	callbacks[3]++;
}

/* How many came within a second, or @wanted. */
static ULONG wait_callbacks(unsigned which, ULONG wanted)
{
	unsigned i;

	for (i = 0; i < 1000 && callbacks[which] < wanted; i++)
		tx_thread_sleep(1);
	return callbacks[which];
}

static UINT timer(MESSAGE *message)
{
	TX_TIMER *timer;
	UINT status =
		txm_module_object_allocate((VOID **)&timer, sizeof(*timer));

	callbacks[0] = 0;
	if (status == TX_SUCCESS)
		status = tx_timer_create(timer, "timer", on_timer, 1, 1, 1,
					 TX_AUTO_ACTIVATE);
	if (status != TX_SUCCESS)
		return status;
	message_set(message, wait_callbacks(0, 3) >= 3);
	return tx_timer_deactivate(timer) | tx_timer_delete(timer);
}

static UINT notify(MESSAGE *message)
{
	static ULONG area[4];
	TX_QUEUE *queue;
	TX_SEMAPHORE *semaphore;
	TX_EVENT_FLAGS_GROUP *group;
	ULONG word = 7, seen = 0;
	UINT status;

	callbacks[1] = callbacks[2] = callbacks[3] = 0;
	status = txm_module_object_allocate((VOID **)&queue, sizeof(*queue)) |
		 txm_module_object_allocate((VOID **)&semaphore,
					    sizeof(*semaphore)) |
		 txm_module_object_allocate((VOID **)&group, sizeof(*group));
	if (status != TX_SUCCESS)
		return status;
	status = tx_queue_create(queue, "own queue", 1, area, sizeof(area)) |
		 tx_semaphore_create(semaphore, "own semaphore", 0) |
		 tx_event_flags_create(group, "own events") |
		 tx_queue_send_notify(queue, on_queue) |
		 tx_semaphore_put_notify(semaphore, on_semaphore) |
		 tx_event_flags_set_notify(group, on_events);
	if (status != TX_SUCCESS)
		return status;
	status = tx_queue_send(queue, &word, TX_NO_WAIT) |
		 tx_semaphore_put(semaphore) |
		 tx_event_flags_set(group, 4, TX_OR);
	word = 0;
	status |= tx_queue_receive(queue, &word, TX_NO_WAIT) |
		  tx_semaphore_get(semaphore, TX_NO_WAIT) |
		  tx_event_flags_get(group, 4, TX_OR_CLEAR, &seen, TX_NO_WAIT);
	message_set(message, wait_callbacks(1, 1) == 1 &&
				     wait_callbacks(2, 1) == 1 &&
				     wait_callbacks(3, 1) == 1 && word == 7 &&
				     seen == 4);
	status |= tx_queue_delete(queue) | tx_semaphore_delete(semaphore) |
		  tx_event_flags_delete(group);
	return status;
}

static VOID spin(ULONG which)
{
	for (;;)
		spins[which]++;
}

static UINT start_spinner(unsigned which, VOID (*entry)(ULONG))
{
	UINT status = txm_module_object_allocate((VOID **)&spinners[which],
						 sizeof(TX_THREAD));

	return status ? status
		      : tx_thread_create(spinners[which], "spinner", entry,
					 which, stacks[1 + which], STACK, 20,
					 20, 1, TX_AUTO_START);
}

static UINT end_spinner(unsigned which)
{
	UINT status = tx_thread_terminate(spinners[which]);

	return status | tx_thread_delete(spinners[which]);
}

/* Both get on although neither ever waits. */
static UINT spin_both(MESSAGE *message)
{
	ULONG before[2], i;
	UINT status = start_spinner(0, spin) | start_spinner(1, spin);
	int on = 1;

	for (i = 0; i < 3; i++) {
		before[0] = spins[0];
		before[1] = spins[1];
		for (unsigned ticks = 0;
		     ticks < 3000 &&
		     (spins[0] == before[0] || spins[1] == before[1]);
		     ticks++)
			tx_thread_sleep(1);
		on &= spins[0] != before[0] && spins[1] != before[1];
	}
	message_set(message, on);
	return status | end_spinner(0) | end_spinner(1);
}

static VOID end_itself(ULONG which)
{
	(VOID) which;
	tx_thread_terminate(tx_thread_identify());
	for (;;)
		spins[0]++;
}

static UINT delete_spinner(MESSAGE *message)
{
	ULONG i;
	UINT status = TX_SUCCESS;

	for (i = 0; i < 20 && status == TX_SUCCESS; i++) {
		status = start_spinner(0, i % 5 == 4 ? end_itself : spin);
		tx_thread_sleep(i % 3);
		status |= end_spinner(0);
	}
	message_set(message, i);
	return status;
}

static VOID request_for_ever(ULONG which)
{
	(VOID) which;
	for (;;)
		tx_time_get();
}

static VOID fault(ULONG which)
{
	(VOID) which;
	*(volatile UCHAR *)8 = 0;
}

/* More urgent than all others, for about a millisecond of each tick. */
static VOID get_in_the_way(ULONG which)
{
	unsigned long long since;

	for (;;) {
		tx_thread_sleep(1);
		since = __builtin_ia32_rdtsc();
		while (__builtin_ia32_rdtsc() - since < 3000000)
			spins[which]++;
	}
}

/*
 * The answer: how far it got in the module, if the host held it at all; and
 * whether it runs when it is made anew.
 */
static UINT end_there(MESSAGE *message)
{
	static VOID (*const entries[])(ULONG) = {spin, request_for_ever, fault};
	const volatile struct held *held =
		(const volatile struct held *)message_word(message);
	ULONG i, before;
	UINT status, change;

	spins[0] = 0;
	status = start_spinner(0, entries[held->entry]) |
		 start_spinner(1, get_in_the_way);
	if (status == TX_SUCCESS)
		status = tx_thread_priority_change(spinners[1], 1, &change);
	for (i = 0; i < 3000 && !held->there && status == TX_SUCCESS; i++)
		tx_thread_sleep(1);
	if (status != TX_SUCCESS)
		return status;
	status = tx_thread_terminate(spinners[0]) |
		 tx_thread_reset(spinners[0]);
	before = held->there ? spins[0] : 99;
	status |= tx_thread_resume(spinners[0]);
	/* The others are ended before it is their turn. */
	for (i = 0; i < 3000 && spins[0] == before && held->entry == SPINS; i++)
		tx_thread_sleep(1);
	message_set(message,
		    (ALIGN_TYPE)before << 32 |
			    (held->entry != SPINS || spins[0] != before));
	return status | end_spinner(0) | end_spinner(1);
}

static TX_MUTEX *mutex;

static VOID take_turns(ULONG which)
{
	ULONG i;

	for (i = 0; i < 50; i++) {
		if (tx_mutex_get(mutex, TX_WAIT_FOREVER) != TX_SUCCESS)
			break;
		in_turn++;
		tx_thread_relinquish();
		spins[which] = in_turn;
		tx_mutex_put(mutex);
	}
	tx_thread_suspend(tx_thread_identify());
}

static UINT mutexes(MESSAGE *message)
{
	UINT status =
		txm_module_object_allocate((VOID **)&mutex, sizeof(*mutex));

	in_turn = 0;
	if (status == TX_SUCCESS)
		status = tx_mutex_create(mutex, "mutex", TX_NO_INHERIT);
	if (status == TX_SUCCESS)
		status = start_spinner(0, take_turns) |
			 start_spinner(1, take_turns);
	for (unsigned i = 0; i < 3000 && in_turn < 100; i++)
		tx_thread_sleep(1);
	tx_thread_sleep(2);
	message_set(message, in_turn);
	status |= end_spinner(0) | end_spinner(1) | tx_mutex_delete(mutex);
	return status;
}

static UINT pools(MESSAGE *message)
{
	static UCHAR area[4096] __attribute__((aligned(16)));
	TX_BLOCK_POOL *blocks;
	TX_BYTE_POOL *bytes;
	UCHAR *one = TX_NULL, *other = TX_NULL;
	UINT status =
		txm_module_object_allocate((VOID **)&blocks, sizeof(*blocks)) |
		txm_module_object_allocate((VOID **)&bytes, sizeof(*bytes));

	if (status == TX_SUCCESS)
		status =
			tx_block_pool_create(blocks, "blocks", 64, area, 1024) |
			tx_byte_pool_create(bytes, "bytes", area + 1024, 3072);
	if (status == TX_SUCCESS)
		status = tx_block_allocate(blocks, (VOID **)&one, TX_NO_WAIT) |
			 tx_byte_allocate(bytes, (VOID **)&other, 100,
					  TX_NO_WAIT);
	if (status != TX_SUCCESS)
		return status;
	one[63] = other[99] = 1;
	message_set(message, one >= area && one < area + 1024 &&
				     other >= area + 1024 &&
				     other < area + 4096);
	status = tx_block_release(one) | tx_byte_release(other) |
		 tx_block_pool_delete(blocks) | tx_byte_pool_delete(bytes);
	return status;
}

/* What the module writes in front of the memory says whose it is. */
static UINT give_back_to(VOID *pool, UINT (*release)(VOID *))
{
	static VOID *memory[4];

	memory[0] = memory;
	memory[1] = pool;
	return release(&memory[2]);
}

static UINT no_pool(MESSAGE *message)
{
	static TX_BLOCK_POOL blocks = {.tx_block_pool_id = 0x424c4f43};
	static TX_BYTE_POOL bytes = {.tx_byte_pool_id = 0x42595445};

	message_set(message, give_back_to(&bytes, _txe_byte_release));
	return give_back_to(&blocks, _txe_block_release);
}

static UINT in_use(MESSAGE *message)
{
	TX_SEMAPHORE *semaphore;
	VOID *unused;
	UINT status = txm_module_object_allocate((VOID **)&semaphore,
						 sizeof(*semaphore)) |
		      txm_module_object_allocate(&unused, 64);

	if (status != TX_SUCCESS ||
	    tx_semaphore_create(semaphore, "in use", 0) != TX_SUCCESS)
		return TX_NO_MEMORY;
	message_set(message,
		    txm_module_object_deallocate((UCHAR *)unused + 8));
	status = txm_module_object_deallocate(semaphore);
	if (txm_module_object_deallocate(unused) != TX_SUCCESS ||
	    tx_semaphore_delete(semaphore) != TX_SUCCESS)
		return TX_DELETE_ERROR;
	return status;
}

static ULONG recurse(ULONG depth)
{
	volatile UCHAR hole[256];

	hole[0] = (UCHAR)depth;
	return depth == 0 ? 0 : recurse(depth + 1) + hole[0];
}

static UINT serve(MESSAGE *message)
{
	ALIGN_TYPE word = message_word(message);
	UINT status;
	VOID *object;

	switch (message->command) {
	case PING:
		message_set(message, word + 1);
		return TX_SUCCESS;
	case COUNT:
		message_set(message,
			    (ALIGN_TYPE)++started_at << 32 | ++cleared);
		return TX_SUCCESS;
	case TABLE:
		message_set(message, table[0]((ULONG)word));
		return TX_SUCCESS;
	case STORE:
		*(volatile UCHAR *)word = 0x66;
		return TX_SUCCESS;
	case LOAD:
		message_set(message, *(volatile UCHAR *)word);
		return TX_SUCCESS;
	case RUN:
		((VOID(*)(VOID))word)();
		return TX_SUCCESS;
	case RECURSE:
		message_set(message, recurse(1));
		return TX_SUCCESS;
	case OWN_CODE:
		message_set(message, (ALIGN_TYPE)&recurse);
		return TX_SUCCESS;
	case OWN_DATA:
		message_set(message, (ALIGN_TYPE)&started_at);
		return TX_SUCCESS;
	case SLEEP:
		return tx_thread_sleep((ULONG)word);
	case TIMER:
		return timer(message);
	case NOTIFY:
		return notify(message);
	case SPIN:
		return spin_both(message);
	case MUTEXES:
		return mutexes(message);
	case POOLS:
		return pools(message);
	case IN_USE:
		return in_use(message);
	case NO_POOL:
		return no_pool(message);
	case END_ONE:
		return delete_spinner(message);
	case END_AT:
		return end_there(message);
	case RECEIVE_TO:
		return tx_queue_receive(commands, (VOID *)word, TX_NO_WAIT);
	case OBJECT_AT:
		status = tx_semaphore_create((TX_SEMAPHORE *)word, "forged", 0);
		if (status != TXM_MODULE_INVALID_MEMORY)
			return status;
		/* Nor can it be used. */
		message_set(message,
			    tx_semaphore_put((TX_SEMAPHORE *)word) << 16 |
				    tx_thread_suspend((TX_THREAD *)word));
		return status;
	case NO_OBJECT:
		return tx_queue_send(NULL, &object, TX_NO_WAIT) |
		       tx_queue_front_send(NULL, &object, TX_NO_WAIT) |
		       tx_queue_receive(NULL, &object, TX_NO_WAIT) |
		       (UINT)_txm_module_kernel_call_dispatcher(
			       TXM_THREAD_SYSTEM_SUSPEND_CALL, 0, 0, 0);
	case NAME_AT:
		return txm_module_object_pointer_get(TXM_QUEUE_OBJECT,
						     (CHAR *)word, &object);
	case NAMED_AT:
		status = txm_module_object_allocate(&object,
						    sizeof(TX_SEMAPHORE));
		if (status == TX_SUCCESS)
			status = tx_semaphore_create(object, (CHAR *)word, 0);
		return status;
	case SEND_FROM:
		return tx_queue_front_send(answers, (VOID *)word, TX_NO_WAIT);
	case WORDS_AT:
		status = txm_module_object_allocate(&object,
						    sizeof(TX_BLOCK_POOL));
		return status != TX_SUCCESS ?
			       status :
			       (UINT)_txm_module_kernel_call_dispatcher(
				       TXM_BLOCK_POOL_CREATE_CALL,
				       (ALIGN_TYPE)object, 0, word);
	case REQUEST:
		return (UINT)_txm_module_kernel_call_dispatcher((ULONG)word, 0,
								0, 0);
	default:
		return TX_FEATURE_NOT_ENABLED;
	}
}

static VOID work(ULONG input)
{
	MESSAGE message;

	(VOID) input;
	while (tx_queue_receive(commands, &message, TX_WAIT_FOREVER) ==
	       TX_SUCCESS) {
		message.status = serve(&message);
		tx_queue_send(answers, &message, TX_WAIT_FOREVER);
	}
}

VOID demo_module_start(ULONG id)
{
	(VOID) id;
	if (txm_module_object_pointer_get(TXM_QUEUE_OBJECT, "commands",
					  (VOID **)&commands) == TX_SUCCESS &&
	    txm_module_object_pointer_get(TXM_QUEUE_OBJECT, "answers",
					  (VOID **)&answers) == TX_SUCCESS &&
	    txm_module_object_allocate((VOID **)&worker, sizeof(*worker)) ==
		    TX_SUCCESS)
		tx_thread_create(worker, "worker", work, 0, stacks[0], STACK,
				 15, 15, TX_NO_TIME_SLICE, TX_AUTO_START);
}

VOID demo_module_stop(ULONG id)
{
	MESSAGE message = {.command = 0x570};

	(VOID) id;
	tx_queue_send(answers, &message, TX_NO_WAIT);
}
