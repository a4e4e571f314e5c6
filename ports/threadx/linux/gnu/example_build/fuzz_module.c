/* SPDX-License-Identifier: MIT */
/*
 * fuzz_module.c - a module with an input: frames that ask for registers of a
 * device. A thread of it waits for them in a queue. What is done with one frame
 * is a function, which a fuzzer calls instead: demo_module_fuzz().
 *
 * It has a mistake to be found: a frame that ends too early is believed.
 */
#ifndef TXM_MODULE
#define TXM_MODULE
#endif
#include "txm_module.h"

#define UNIT	  7
#define REGISTERS 64
#define WORDS	  16 /* of a message: length, frame */

/* A frame: unit, function, first register, how many, values. */
enum { READ = 3, WRITE = 16 };
enum { AT_UNIT, AT_FUNCTION, AT_FIRST, AT_COUNT, AT_VALUES };

static volatile UCHAR registers[REGISTERS], reply[REGISTERS];
static UCHAR stack[4096] __attribute__((aligned(16)));
static TX_MUTEX *mutex;
static TX_QUEUE *frames;
static ULONG messages[4 * WORDS];

static VOID read_registers(UINT first, UINT count)
{
	UINT i;

	for (i = 0; i < count; i++)
		reply[i] = registers[first + i];
}

/* Is there a value for each of them? Nobody asks. */
static VOID write_registers(const UCHAR *values, UINT first, UINT count)
{
	UINT i;

	for (i = 0; i < count; i++)
		registers[first + i] = values[i];
}

static VOID handle(const UCHAR *frame, ULONG length)
{
	UINT first, count;

	if (length < AT_VALUES || frame[AT_UNIT] != UNIT)
		return;
	first = frame[AT_FIRST];
	count = frame[AT_COUNT];
	if (first + count > REGISTERS)
		return;
	if (tx_mutex_get(mutex, TX_WAIT_FOREVER) != TX_SUCCESS)
		return;
	if (frame[AT_FUNCTION] == READ)
		read_registers(first, count);
	else if (frame[AT_FUNCTION] == WRITE)
		write_registers(&frame[AT_VALUES], first, count);
	tx_mutex_put(mutex);
}

VOID demo_module_fuzz(const UCHAR *input, ULONG length);
VOID demo_module_fuzz(const UCHAR *input, ULONG length)
{
	handle(input, length);
}

static VOID wait_for_frames(ULONG unused)
{
	ULONG message[WORDS];

	(VOID) unused;
	while (tx_queue_receive(frames, message, TX_WAIT_FOREVER) == TX_SUCCESS)
		handle((const UCHAR *)&message[1], message[0]);
}

static VOID *make(ULONG size)
{
	VOID *object = TX_NULL;

	(VOID) txm_module_object_allocate(&object, size);
	return object;
}

VOID demo_module_start(ULONG id);
VOID demo_module_start(ULONG id)
{
	TX_THREAD *thread = make(sizeof(*thread));

	(VOID) id;
	mutex = make(sizeof(*mutex));
	frames = make(sizeof(*frames));
	if (tx_mutex_create(mutex, "registers", TX_NO_INHERIT) == TX_SUCCESS &&
	    tx_queue_create(frames, "frames", WORDS, messages,
			    sizeof(messages)) == TX_SUCCESS)
		tx_thread_create(thread, "frames", wait_for_frames, 0, stack,
				 sizeof(stack), 10, 10, TX_NO_TIME_SLICE,
				 TX_AUTO_START);
}
