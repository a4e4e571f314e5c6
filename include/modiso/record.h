/* SPDX-License-Identifier: MIT */
/*
 * modiso/record.h - what the flight recorder keeps, and the form of its file.
 *
 * The recorder keeps the last MODISO_RECORD_EVENTS calls of gates and services,
 * faults, key misses and waits of each thread. It is asked for when the library
 * is started: by MODISO_INIT_RECORD, by modiso_options.record_path, or by
 * record=1 or record_path=PATH in MODISO_OPTIONS; see modiso_init(). Gates and
 * services that are made while it is off have nothing of it in them. While it
 * is on, each call has up to 15 instructions more.
 *
 * Where a path was given the records are a file, PATH.PID, that is mapped
 * shared: what is written is the kernel's at once. So it is there when the
 * process was killed, whatever killed it, needs no core file, and can be read
 * while the process runs. modiso-trace(1) reads it. Memory and file are closed
 * to modules with protection keys; with page permissions they are as open as
 * the library's other records are. The file is as long as all threads need that
 * there can be, and takes as much of the disk as is used: 1 MiB, and 76 KiB for
 * each thread. Who makes it shorter meanwhile ends the process by SIGBUS.
 *
 * All numbers are those of the machine, and all reserved ones are 0.
 */
#ifndef MODISO_RECORD_H
#define MODISO_RECORD_H

#include <modiso/module.h>

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define MODISO_RECORD_MAGIC   "modiso record\n\0"
#define MODISO_RECORD_VERSION 1u
#define MODISO_RECORD_EVENTS  2048 /* of a thread; the oldest goes first */
#define MODISO_RECORD_DEPTH   64   /* calls that nest */
#define MODISO_RECORD_NAMES   8192

/* What has happened: the lower 5 bits of modiso_record_event.place. */
enum modiso_record_kind {
	MODISO_RECORD_CALL = 0,  /* of a gate or a service; it has returned */
	MODISO_RECORD_ENDED = 1, /* the same, ended by a fault or a jump */
	MODISO_RECORD_FAULT = 2, /* what: number << 8 | enum modiso_fault_kind;
				    end: the address */
	MODISO_RECORD_MISS = 3, /* the call of a gate that its module had no
				   protection key for: until it had one */
	MODISO_RECORD_WAIT = 4, /* for a protection key, or, with page
				   permissions, for other threads */
	MODISO_RECORD_THREAD = 5 /* what: the id of the thread whose ring this
				    is from here on; end: 1, of a fiber */
};

/*
 * Times are of the CPU's time stamp counter; modiso_record_file says how much
 * that is. An event is whole when its place is the one that it has in the ring:
 * n * 32 + kind for the nth one. Others are of the round before, or are being
 * written.
 */
struct modiso_record_event {
	uint64_t begin;
	/*
	 * Of a call, an ended one and a miss: the gate, by an address, or the
	 * number of a service, which is below 4096. Of a wait: the module, by a
	 * number that is not below. struct modiso_record_name has all three.
	 */
	uint64_t what;
	uint64_t end;
	uint64_t place;
};

/*
 * calls[n] is the call at nesting depth n that may be under way. It is under
 * way unless the ring has an event with the same begin, and so is the service
 * that its module calls. calls[n + 1] counts only where calls[n] is under way.
 */
struct modiso_record_call {
	uint64_t begin;
	uint64_t gate; /* 0: none */
	uint64_t service_begin; /* before begin: none */
	uint64_t service;
	uint64_t reserved[12];
};

/* Of a thread, or a fiber. */
struct modiso_record_ring {
	uint64_t next; /* bytes that were ever written: the next one's place */
	int32_t thread; /* gettid(2); 0: none yet */
	uint32_t reserved0;
	uint64_t reserved[510];
	struct modiso_record_call calls[MODISO_RECORD_DEPTH];
	struct modiso_record_event events[MODISO_RECORD_EVENTS];
};

enum modiso_record_named {
	MODISO_RECORD_MODULE = 1,
	MODISO_RECORD_GATE = 2,
	MODISO_RECORD_SERVICE = 3
};

/* Whose number it is, from a time on: the last entry before an event counts. */
struct modiso_record_name {
	uint64_t time;
	uint64_t what;
	uint64_t module_id; /* of a module, and of a gate's */
	uint64_t entry;     /* of a gate: its function */
	uint32_t kind;      /* enum modiso_record_named */
	uint32_t reserved;
	char name[56];      /* of a gate: its function's, as far as known */
	char module_name[MODISO_NAME_SIZE];
};

/* The beginning of the file. */
struct modiso_record_file {
	char magic[16]; /* MODISO_RECORD_MAGIC */
	uint32_t version;
	int32_t process; /* getpid(2) */
	uint32_t backend; /* enum modiso_backend */
	uint32_t names_count; /* that there are */
	uint32_t names_lost; /* that there was no room for */
	uint32_t rings_count; /* behind the last one that was ever used */
	uint64_t names_offset; /* bytes from the file's beginning */
	uint64_t rings_offset;
	uint64_t ring_size; /* bytes */
	/* Two moments, by the counter and in ns of CLOCK_MONOTONIC. */
	uint64_t first, first_ns;
	uint64_t last, last_ns;
	char program[256]; /* its name, as the kernel has it */
	uint8_t reserved[3744];
};

#ifdef __cplusplus
}
#endif

#endif /* MODISO_RECORD_H */
