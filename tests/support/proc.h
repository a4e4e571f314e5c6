/* SPDX-License-Identifier: MIT */
/*
 * support/proc.h - what the kernel says about this process, and children in
 * which a test may die.
 */
#ifndef TESTS_SUPPORT_PROC_H
#define TESTS_SUPPORT_PROC_H

#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* One line of /proc/self/smaps, and of what follows it. */
struct proc_mapping {
	uintptr_t start, end;
	char perms[5];   /* "rw-p" */
	int pkey;        /* -1: the kernel does not say */
	char flags[128]; /* VmFlags, "rd wr mr ..." */
};

/* The mapping that holds @address; false: none does. */
bool proc_mapping(const void *address, struct proc_mapping *mapping);

/* The protection key of the page at @address, which must be mapped. */
int proc_key(const void *address);

/* Is any page of the process writable and executable now? */
bool proc_writable_code(void);

/* What must not grow. */
struct proc_usage {
	size_t mappings;
	size_t fds;
	size_t threads;
	size_t rss_kib; /* of no file; on Windows what is committed */
	size_t keys; /* in use, of 15 */
};
struct proc_usage proc_usage(void);
/* Two of these, for who asks often: the rest takes much longer. */
size_t proc_mappings(void);
size_t proc_fds(void);

/* A number of /proc/self/status: proc_status("VmData"), in KiB. */
unsigned long proc_status(const char *key);

/*
 * proc_must_not_grow - fail the test if more is in use than @before: at most
 * @mappings mappings and @rss_kib of memory may have come, and nothing else.
 * With MODISO_TEST_LONG in the environment it says what it found.
 */
#define proc_must_not_grow(before, mappings, rss_kib)                          \
	proc_must_not_grow_at((before), (mappings), (rss_kib), __FILE__,       \
			      __LINE__)
void proc_must_not_grow_at(const struct proc_usage *before, size_t mappings,
			   size_t rss_kib, const char *file, int line);

/* Does thread @tid of this process sleep in the kernel? Wait until it does. */
bool proc_is_asleep(pid_t tid);
void proc_wait_asleep(pid_t tid);
pid_t proc_gettid(void);

/*
 * The calling thread stays on the CPU that it is on, and so does @tid, when it
 * is not 0, and whatever they start. For two that take turns: on one CPU
 * neither has to wake another one up, and a tracer finds its thread stopped. On
 * two it comes while that one is on its way out, and then the kernel lets it
 * sleep for a tick.
 */
void proc_share_cpu(pid_t tid);

/*
 * A thread that must start, and one that must end; what it returned. Its stack
 * is of the usual size, whatever "ulimit -s" says: how many of them the C
 * library keeps goes by that.
 */
pthread_t thread_start(void *(*body)(void *arg), void *arg);
void *thread_join(pthread_t thread);

/* Does @address lie on the calling thread's own stack? */
bool thread_owns_stack(const void *address);

/*
 * child_status - run @body in a forked child, without core file.
 *
 * Returns the child's wait status; a child whose body returns exits with 0.
 */
int child_status(void (*body)(void *arg), void *arg);
/* As above; what it writes to standard error goes to @text, of @size. */
int child_output(void (*body)(void *arg), void *arg, char *text, size_t size);

/* Fail the test unless the status says so. */
#define must_exit(status, code)                                                \
	must_end_at((status), (code), 0, __FILE__, __LINE__)
#define must_die(status, signo)                                                \
	must_end_at((status), 0, (signo), __FILE__, __LINE__)
void must_end_at(int status, int code, int signo, const char *file, int line);

/* Anonymous private memory, @pages long. */
unsigned char *pages_map(size_t pages, int prot);
void pages_unmap(void *base, size_t pages);
/*
 * Shared pages of a file without a name, which file_cut() makes shorter and
 * closes. NULL: here none can become shorter that is mapped.
 */
unsigned char *pages_of_file(size_t pages, int *file);
void file_cut(int file, size_t pages);
/*
 * Does the system serve a fault on the stack of the code that has faulted? Then
 * one without a stack ends the process.
 */
bool faults_need_stack(void);
/* Where nothing is, and neither the kernel nor a sanitizer puts anything. */
unsigned char *pages_nowhere(void);

/* Is every one of @length bytes @value? */
bool all_bytes(const volatile void *base, unsigned char value, size_t length);

#endif /* TESTS_SUPPORT_PROC_H */
