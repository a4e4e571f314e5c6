/* SPDX-License-Identifier: MIT */
/*
 * trial.h - what the host and the module of a trial say to each other: one
 * message of four words through a queue, and one back.
 */
#ifndef TRIAL_H
#define TRIAL_H

enum {
	PING = 1, /* a word, and it is one more */
	COUNT,    /* a counter that began at 41 in .data, one in .bss */
	TABLE,    /* a call through a pointer in .data, relocated */
	STORE,    /* a byte to this address */
	LOAD,     /* a byte from this address */
	RUN,      /* code at this address */
	RECURSE,  /* until the stack is full */
	OWN_CODE, /* the address of a function, of data: for STORE and RUN */
	OWN_DATA,
	SLEEP,      /* ticks */
	TIMER,      /* a timer's callback, counted until three came */
	NOTIFY,     /* callbacks of a queue, a semaphore, event flags */
	SPIN,       /* two threads that never wait, for so many ticks */
	MUTEXES,    /* two threads at one mutex */
	POOLS,      /* a block pool and a byte pool in the module's memory */
	IN_USE,     /* memory of an object goes back while it is one */
	NO_POOL,    /* memory goes back to what is no pool */
	RECEIVE_TO, /* a request with this pointer as a buffer */
	OBJECT_AT,  /* a request with this pointer as an object */
	NO_OBJECT,  /* requests that would look into an object, without one */
	NAME_AT,    /* a request with this pointer as a string */
	NAMED_AT,   /* a new object with this pointer as its name */
	SEND_FROM,  /* a message from here, in front of the others */
	WORDS_AT,   /* a request with its further words here */
	REQUEST,    /* a request of this number */
	END_ONE,    /* a thread that spins, terminated and deleted */
	END_AT      /* a thread, ended where the host holds it: struct held */
};

/* A thread that is to be ended somewhere; of the host, read by the module. */
struct held {
	ULONG there; /* it is */
	ULONG entry; /* which function of the module it runs */
};

enum { SPINS, REQUESTS, FAULTS_AT_ONCE };

typedef struct {
	ULONG command, low, high, status;
} MESSAGE;

static inline ALIGN_TYPE message_word(const MESSAGE *message)
{
	return (ALIGN_TYPE)message->high << 32 | message->low;
}

static inline void message_set(MESSAGE *message, ALIGN_TYPE word)
{
	message->low = (ULONG)word;
	message->high = (ULONG)(word >> 32);
}

#endif /* TRIAL_H */
